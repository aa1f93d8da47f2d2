/* Convolutions by 4x4 kernels of stride 2 and padding 1, with 4 products where the definition has 6 (Winograd 1980).
 *
 * Along an axis such a convolution is the sum of two by kernels of two taps, a and b: one of the pixels with even, one of
 * those with odd numbers. Three neighbouring outputs, of four such pixels, need four products and not six:
 *
 *     A = (d0 - d2) a, P = (d1 + d2) (a + b) / 2, M = (d2 - d1) (a - b) / 2, B = (d3 - d1) b:
 *     d0 a + d1 b = A + P + M, d1 a + d2 b = P - M, d2 a + d3 b = P + M + B,
 *
 * and two, of three pixels, need three: A = (d0 - d1) a, P = 2 d1 (a + b) / 2, B = (d2 - d1) b make A + P and P + B. An
 * axis is cut into tiles of three outputs, and one or two of two at its end. Along both axes there are sixteen kinds of
 * products, each a product of two matrices: of what is made of images (rows for tiles, columns for parities and channels),
 * and of what is made of kernels (rows for these, columns for features). All else is sums and differences, and gradients
 * are the same maps turned round. */
#include <string.h>

#include "convolution.h"

#define KINDS 4
#define PAIRS (KINDS * KINDS)
#define ROOM 120000 /* numbers made of images that are worked on together */

/* Tiles along an axis: `triples` of three outputs, then those of two. */
typedef struct {
  int tiles, triples;
} Axis;

static Axis axis(int outputs) {
  int triples = outputs % 3 == 1 ? outputs / 3 - 1 : outputs / 3;
  return (Axis){triples + (outputs - 3 * triples) / 2, triples};
}

/* Tiles that have a product of a kind: M is of triples alone. */
INLINE int count(Axis a, int kind) { return kind == 2 ? a.triples : a.tiles; }

INLINE int outputs_before(Axis a, int tile) { return tile < a.triples ? 3 * tile : a.triples + 2 * tile; }

/* From pixels to what is multiplied, or from products to outputs, and the two turned round. */
typedef enum { PIXELS, OUTPUTS, PIXELS_TURNED, OUTPUTS_TURNED } Map;

/* One tile along an axis, in place. */
INLINE void mapped(Map map, int outputs, Floats *v0, Floats *v1, Floats *v2, Floats *v3) {
  Floats a = *v0, b = *v1, c = *v2, d = *v3;
  if (map == PIXELS && outputs == 3)
    *v0 = a - c, *v1 = b + c, *v2 = c - b, *v3 = d - b;
  else if (map == PIXELS)
    *v0 = a - b, *v1 = b + b, *v3 = c - b;
  else if (map == PIXELS_TURNED && outputs == 3)
    *v1 = b - c - d, *v2 = b + c - a;
  else if (map == PIXELS_TURNED)
    *v1 = b + b - a - d, *v2 = d;
  else if (map == OUTPUTS && outputs == 3)
    *v0 = a + b + c, *v1 = b - c, *v2 = b + c + d;
  else if (map == OUTPUTS)
    *v0 = a + b, *v1 = b + d;
  else if (outputs == 3)
    *v1 = a + b + c, *v2 = a - b + c, *v3 = c;
  else
    *v1 = a + b, *v3 = b;
}

/* Where a tile's numbers lie, of as many channels as a vector has lanes: in the image, `down` and `right` apart; among
 * rows, by kinds. */
typedef struct {
  float *image, *rows[PAIRS];
  size_t down, right;
} Tile;

INLINE void transform(Map map, int high, int wide, const Tile *t, size_t offset, size_t row_offset) {
  int turned = map == PIXELS_TURNED || map == OUTPUTS, more = map == PIXELS || map == PIXELS_TURNED;
  Floats v[KINDS][KINDS];
#pragma GCC unroll 4
  for (int i = 0; i < KINDS; i++)
#pragma GCC unroll 4
    for (int j = 0; j < KINDS; j++) {
      int there = turned ? (high == 3 || i != 2) && (wide == 3 || j != 2) : i < high + more && j < wide + more;
      if (!there)
        v[i][j] = (Floats){0};
      else
        v[i][j] = *(const Floats *)(turned ? t->rows[KINDS * i + j] + row_offset
                                           : t->image + i * t->down + j * t->right + offset);
    }
#pragma GCC unroll 4
  for (int j = 0; j < KINDS; j++) mapped(map, high, &v[0][j], &v[1][j], &v[2][j], &v[3][j]);
#pragma GCC unroll 4
  for (int i = 0; i < KINDS; i++) mapped(map, wide, &v[i][0], &v[i][1], &v[i][2], &v[i][3]);
#pragma GCC unroll 4
  for (int i = 0; i < KINDS; i++)
#pragma GCC unroll 4
    for (int j = 0; j < KINDS; j++) {
      Floats *pixel = (Floats *)(t->image + i * t->down + j * t->right + offset);
      if (!turned && (high == 3 || i != 2) && (wide == 3 || j != 2))
        *(Floats *)(t->rows[KINDS * i + j] + row_offset) = v[i][j];
      else if (turned && i < high + more && j < wide + more)
        *pixel = map == OUTPUTS ? v[i][j] : *pixel + v[i][j];
    }
}

/* All channels of a tile; large images have a number of every parity. */
INLINE void transform_all(Map map, int high, int wide, const Shape *s, const Tile *t) {
  if (map == OUTPUTS || map == OUTPUTS_TURNED) {
    for (int c = 0; c < s->features; c += LANES) transform(map, high, wide, t, c, c);
    return;
  }
  size_t down = (s->width + 2) * (size_t)s->channels;
  for (int parity = 0; parity < 4; parity++) {
    size_t pixel = parity / 2 * down + parity % 2 * s->channels;
    for (int c = 0; c < s->channels; c += LANES) transform(map, high, wide, t, pixel + c, parity * s->channels + c);
  }
}

/* The n-th of so many images to rows, or rows to what is added to it. */
INLINE void transform_image(Map map, const Shape *s, float *image, float *rows, int n, int images) {
  int large = map == PIXELS || map == PIXELS_TURNED, step = large ? 2 : 1;
  size_t columns = large ? 4 * s->channels : s->features, right = step * (size_t)(large ? s->channels : s->features);
  size_t down = large ? 2 * (s->width + 2) * (size_t)s->channels : s->cols * (size_t)s->features;
  Axis ys = axis(s->rows), xs = axis(s->cols);
  float *matrices[PAIRS], *next = rows;
  for (int pair = 0; pair < PAIRS; pair++) {
    int rows_of_one = count(ys, pair / KINDS) * count(xs, pair % KINDS);
    matrices[pair] = next + n * rows_of_one * columns;
    next += images * rows_of_one * columns;
  }
  for (int y = 0; y < ys.tiles; y++)
    for (int x = 0; x < xs.tiles; x++) {
      Tile t = {image + outputs_before(ys, y) * down + outputs_before(xs, x) * right, {0}, down, right};
      for (int pair = 0; pair < PAIRS; pair++)
        t.rows[pair] = matrices[pair] + (y * count(xs, pair % KINDS) + x) * columns;
      if (y < ys.triples && x < xs.triples)
        transform_all(map, 3, 3, s, &t);
      else if (y < ys.triples)
        transform_all(map, 3, 2, s, &t);
      else if (x < xs.triples)
        transform_all(map, 2, 3, s, &t);
      else
        transform_all(map, 2, 2, s, &t);
    }
}

static void spread(const Shape *s, Part part, const float *image, float *rows, int n, int images) {
  if (part == LARGE)
    transform_image(PIXELS, s, (float *)image, rows, n, images);
  else
    transform_image(OUTPUTS_TURNED, s, (float *)image, rows, n, images);
}

static void gather(const Shape *s, Part part, const float *rows, float *image, int n, int images) {
  if (part == LARGE)
    transform_image(PIXELS_TURNED, s, image, (float *)rows, n, images);
  else
    transform_image(OUTPUTS, s, image, (float *)rows, n, images);
}

/* In which order kernels are read, as many at a time as a vector has lanes: those of neighbouring features, or channels,
 * lie `apart`. In the matrices the next of the others is a `row` further on, the next parity `parity`, and the next
 * matrix `whole`. */
typedef struct {
  int lanes, others;
  size_t apart, other_apart, row, parity, whole;
} Order;

static Order order(const Shape *s, int turned) {
  size_t features = s->features, channels = s->channels, whole = 4 * channels * features;
  return turned ? (Order){channels, features, 16, 16 * channels, 4 * channels, channels, whole}
                : (Order){features, channels, 16 * channels, 16, features, channels * features, whole};
}

/* Kernels (K, C, 4, 4) to matrices (4 C, K) of sums of taps, or, `turned`, (K, 4 C); those without rows are left out. */
static void pack(const Shape *s, const float *kernels, float *matrices, int turned) {
  Order o = order(s, turned);
  Axis ys = axis(s->rows), xs = axis(s->cols);
  for (int other = 0; other < o.others; other++)
    for (int block = 0; block < o.lanes; block += LANES) {
      const float *kernel = kernels + other * o.other_apart + block * o.apart;
      float *matrix = matrices + other * o.row + block, taps[16][LANES];
      for (int l = 0; l < LANES; l++)
        for (int tap = 0; tap < 16; tap++) taps[tap][l] = kernel[l * o.apart + tap];
      for (int p = 0; p < 4; p++) {
        const Floats *k = (const Floats *)taps[4 * (p / 2) + p % 2];
        Floats a[KINDS] = {k[0], (k[0] + k[8]) / 2, (k[0] - k[8]) / 2, k[8]};
        Floats b[KINDS] = {k[2], (k[2] + k[10]) / 2, (k[2] - k[10]) / 2, k[10]};
        for (int kind = 0; kind < KINDS; kind++) {
          Floats all[KINDS] = {a[kind], (a[kind] + b[kind]) / 2, (a[kind] - b[kind]) / 2, b[kind]};
          for (int i = 0; i < KINDS; i++)
            if (count(ys, kind) && count(xs, i))
              *(Floats *)(matrix + (KINDS * kind + i) * o.whole + p * o.parity) = all[i];
        }
      }
    }
}

/* The gradient of kernels, from that of the matrices (4 C, K). */
static void unpack(const Shape *s, const float *matrices, float *kernels) {
  Order o = order(s, 0);
  Axis ys = axis(s->rows), xs = axis(s->cols);
  for (int other = 0; other < o.others; other++)
    for (int block = 0; block < o.lanes; block += LANES) {
      float *kernel = kernels + other * o.other_apart + block * o.apart, taps[16][LANES];
      const float *matrix = matrices + other * o.row + block;
      for (int p = 0; p < 4; p++) {
        Floats a[KINDS], b[KINDS], *k = (Floats *)taps[4 * (p / 2) + p % 2];
        for (int kind = 0; kind < KINDS; kind++) {
          Floats all[KINDS] = {0};
          for (int i = 0; i < KINDS; i++)
            if (count(ys, kind) && count(xs, i))
              all[i] = *(const Floats *)(matrix + (KINDS * kind + i) * o.whole + p * o.parity);
          a[kind] = all[0] + (all[1] + all[2]) / 2, b[kind] = all[3] + (all[1] - all[2]) / 2;
        }
        k[0] = a[0] + (a[1] + a[2]) / 2, k[8] = a[3] + (a[1] - a[2]) / 2;
        k[2] = b[0] + (b[1] + b[2]) / 2, k[10] = b[3] + (b[1] - b[2]) / 2;
      }
      for (int l = 0; l < LANES; l++)
        for (int tap = 0; tap < 16; tap++) kernel[l * o.apart + tap] = taps[tap][l];
    }
}

static void multiply_kinds(const Shape *s, Part part, int images, float *large, float *small, float *kernels) {
  Axis ys = axis(s->rows), xs = axis(s->cols);
  int seen = 4 * s->channels, features = s->features;
  for (int pair = 0; pair < PAIRS; pair++) {
    int rows = images * count(ys, pair / KINDS) * count(xs, pair % KINDS);
    if (rows) multiply_part(part, rows, seen, features, large, small, kernels);
    large += (size_t)rows * seen, small += (size_t)rows * features, kernels += (size_t)seen * features;
  }
}

int halves(const Shape *s) {
  return s->side == 4 && s->stride == 2 && s->padding == 1 && s->height == 2 * s->rows && s->width == 2 * s->cols &&
         s->rows > 1 && s->cols > 1 && s->channels % LANES == 0 && s->features % LANES == 0;
}

Way halving(const Shape *s) {
  Axis ys = axis(s->rows), xs = axis(s->cols);
  size_t rows = (size_t)(3 * ys.tiles + ys.triples) * (3 * xs.tiles + xs.triples), seen = 4 * s->channels;
  int together = (int)(ROOM / (rows * (seen + s->features)) + 3) / 4 * 4; /* tiles of products are of four rows */
  if (together > s->batch) together = s->batch;
  return (Way){together, rows * seen, rows * s->features, PAIRS * seen * s->features, pack, unpack, 0, spread,
               gather, multiply_kinds};
}
