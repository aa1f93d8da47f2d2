/* Products of small matrices, in tiles that stay in registers. Plain C with GCC's vector extensions, which Clang knows,
 * too. All arrays are float32 and row-major. */
#include <stddef.h>

#ifdef __AVX512F__
#define LANES 16
#define ROWS 12 /* of a tile of products: 24 of 32 registers hold its sums */
#else
#define LANES 8
#define ROWS 6
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int Ints __attribute__((vector_size(4 * LANES), aligned(4)));

/* What becomes of a product's entries before they are stored: kept, a bias added (and an activation applied),
 * multiplied by the slope of an activation, told by the sign of its output, or added to an array. */
typedef enum { KEEP, BIAS, BIAS_RELU, BIAS_LEAKY, SLOPE, ADD } Ending;

/* Whether what an ending takes besides is laid out as the product; otherwise it is one row for all. */
#define FULL(ending) ((ending) == SLOPE || (ending) == ADD)

INLINE Floats chosen(Ints where, Floats yes, Floats no) { return (Floats)((where & (Ints)yes) | (~where & (Ints)no)); }

INLINE Floats ended(Floats z, Ending ending, Floats extra, float slope) {
  if (ending == KEEP) return z;
  if (ending == SLOPE) return chosen(extra > 0, z, slope * z);
  z += extra;
  if (ending == BIAS_RELU) return (Floats)(~(z < 0) & (Ints)z); /* keeps NaN, as torch does */
  return ending == BIAS_LEAKY ? chosen(z > 0, z, slope * z) : z;
}

INLINE float ended_one(float z, Ending ending, float extra, float slope) {
  if (ending == KEEP) return z;
  if (ending == SLOPE) return extra > 0 ? z : slope * z;
  z += extra;
  if (ending == BIAS_RELU) return z < 0 ? 0 : z;
  return ending == BIAS_LEAKY && !(z > 0) ? slope * z : z;
}

/* c (rows, cols) = a b, where a's entry (r, k) is a[r * row_step + k * step] and b is (depth, cols). `extra` is a bias
 * (cols) or, for SLOPE and ADD, laid out as c; it may be c. */
typedef struct {
  int rows, cols, depth;
  const float *a;
  size_t row_step, step;
  const float *b;
  float *c;
  const float *extra;
  float slope;
} Product;

INLINE void tile(const Product *p, Ending ending, int row, int col, const int rows, const int vectors) {
  Floats sum[ROWS][2]; /* unrolled, so that it lies in registers */
#pragma GCC unroll 12
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) sum[m][v] = (Floats){0};
  const float *a = p->a + row * p->row_step, *b = p->b + col;
  for (int k = 0; k < p->depth; k++, a += p->step, b += p->cols) {
    Floats right[2];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) right[v] = *(const Floats *)(b + v * LANES);
#pragma GCC unroll 12
    for (int m = 0; m < rows; m++) {
      float left = a[m * p->row_step];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) sum[m][v] += left * right[v];
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
      size_t at = (size_t)(row + m) * p->cols + col + v * LANES;
      Floats extra = {0};
      if (ending != KEEP) extra = *(const Floats *)(p->extra + (FULL(ending) ? at : (size_t)(col + v * LANES)));
      *(Floats *)(p->c + at) = ended(sum[m][v], ending, extra, p->slope);
    }
}

INLINE void columns(const Product *p, Ending ending, int col, const int vectors) {
  int row = 0;
  for (; row + ROWS <= p->rows; row += ROWS) tile(p, ending, row, col, ROWS, vectors);
  for (; row + 4 <= p->rows; row += 4) tile(p, ending, row, col, 4, vectors);
  for (; row + 2 <= p->rows; row += 2) tile(p, ending, row, col, 2, vectors);
  for (; row < p->rows; row++) tile(p, ending, row, col, 1, vectors);
}

INLINE void narrow(const Product *p, Ending ending, int col) {
  for (int row = 0; row < p->rows; row++)
    for (int c = col; c < p->cols; c++) {
      float sum = 0;
      for (int k = 0; k < p->depth; k++) sum += p->a[row * p->row_step + k * p->step] * p->b[(size_t)k * p->cols + c];
      size_t at = (size_t)row * p->cols + c;
      float extra = ending == KEEP ? 0 : p->extra[FULL(ending) ? at : (size_t)c];
      p->c[at] = ended_one(sum, ending, extra, p->slope);
    }
}

INLINE void multiply_ending(const Product *p, Ending ending) {
  int col = 0;
  for (; col + 2 * LANES <= p->cols; col += 2 * LANES) columns(p, ending, col, 2);
  for (; col + LANES <= p->cols; col += LANES) columns(p, ending, col, 1);
  if (col == p->cols) return;
  if (col == 0 || ending == ADD)
    narrow(p, ending, col);
  else
    columns(p, ending, p->cols - LANES, 1); /* overlaps the last ones, which come out the same */
}

static void multiply(const Product *p, Ending ending) {
  switch (ending) {
    case KEEP: multiply_ending(p, KEEP); break;
    case BIAS: multiply_ending(p, BIAS); break;
    case BIAS_RELU: multiply_ending(p, BIAS_RELU); break;
    case BIAS_LEAKY: multiply_ending(p, BIAS_LEAKY); break;
    case SLOPE: multiply_ending(p, SLOPE); break;
    case ADD: multiply_ending(p, ADD);
  }
}
