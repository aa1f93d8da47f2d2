/* What kernels of dense layers have in common, for kernels.c and second_order.c. */
#include "chains.h"
#include "products.h"

/* y (n, out) = x (n, in) t' + b for few outputs; t is (out, in), b may be null. */
INLINE void few(const float *x, const float *t, const float *b, float *y, int n, int in, int out) {
  for (int r = 0; r < n; r++)
    for (int k = 0; k < out; k++) {
      const float *row = x + (size_t)r * in, *column = t + (size_t)k * in;
      Floats sums = {0};
      int j = 0;
      for (; j + LANES <= in; j += LANES) sums += *(const Floats *)(row + j) * *(const Floats *)(column + j);
      float sum = b ? b[k] : 0;
      for (; j < in; j++) sum += row[j] * column[j];
      for (int q = 0; q < LANES; q++) sum += sums[q];
      y[(size_t)r * out + k] = sum;
    }
}

/* t (cols, rows) is w (rows, cols) turned, in squares of a cache line's side: written column by column, rows of 128 numbers
 * and their multiples drive each other from the cache, and it takes longer than the product it is made for. */
INLINE void transpose(const float *w, float *t, int rows, int cols) {
  enum { SIDE = 16 };
  for (int top = 0; top < rows; top += SIDE)
    for (int left = 0; left < cols; left += SIDE) {
      int bottom = top + SIDE < rows ? top + SIDE : rows, right = left + SIDE < cols ? left + SIDE : cols;
      for (int c = left; c < right; c++)
        for (int r = top; r < bottom; r++) t[(size_t)c * rows + r] = w[(size_t)r * cols + c];
    }
}

/* dw (in, out) = inputs' signal, or dw + inputs' signal, over n samples. `spare` has room for dw where out < LANES. */
INLINE void weight_gradient(const float *inputs, const float *signal, float *dw, int add, int n, int in, int out,
                            float *spare) {
  if (out < LANES) {
    Product p = {out, in, n, signal, 1, out, inputs, spare, NULL, 0};
    multiply(&p, KEEP);
    for (int i = 0; i < in; i++)
      for (int k = 0; k < out; k++) dw[(size_t)i * out + k] = (add ? dw[(size_t)i * out + k] : 0) + spare[(size_t)k * in + i];
  } else {
    Product p = {in, out, n, inputs, 1, in, signal, dw, dw, 0};
    multiply(&p, add ? ADD : KEEP);
  }
}

INLINE size_t layer_size(const Chain *chain, int l) { return ((size_t)chain->width[l] + 1) * chain->width[l + 1]; }

INLINE int widest(const Chain *chain) {
  int most = 0;
  for (int l = 0; l <= chain->layers; l++) most = chain->width[l] > most ? chain->width[l] : most;
  return most;
}
