/* Convolutions of a population, one replica after the other. Called from convolution.py.
 *
 * A convolution ties three arrays together: large images x (B, H, W, C), small images y (B, h, w, K) and kernels
 * k (K, C, side, side), by the sum T of x[b, s i + u - p, s j + v - p, c] y[b, i, j, f] k[f, c, u, v]. Each function
 * below gives the derivative of T by one of them, from the other two: y is the convolution, x the transposed one.
 * A few images at a time, x is spread into rows of what each position of y sees, so that all three are products. All
 * arrays are float32, images have their channels last; `from` and `to` are the range of replicas to work on. */
#include <stdlib.h>
#include <string.h>

#include "products.h"

typedef struct {
  int batch, height, width, channels, rows, cols, features, side, stride, padding;
} Shape;

#define POSITIONS 192 /* of y that are worked on together, so that what they see stays in the second cache */

static int seen(const Shape *s) { return s->side * s->side * s->channels; }

static int together(const Shape *s) {
  int images = POSITIONS / (s->rows * s->cols);
  return images < 1 ? 1 : images > s->batch ? s->batch : images;
}

/* Goes over the runs of neighbouring numbers that a row of `spread` shares with its image: RUN is what happens to
 * `count` numbers at `apart` and at `image`, and MISSING what happens to those beyond the image's edge. */
#define OVER_RUNS(s, RUN, MISSING)                                                                     \
  for (int i = 0; i < (s)->rows; i++)                                                                  \
    for (int j = 0; j < (s)->cols; j++)                                                                \
      for (int u = 0; u < (s)->side; u++, apart += (s)->side * (s)->channels) {                        \
        int line = i * (s)->stride + u - (s)->padding, first = j * (s)->stride - (s)->padding;         \
        int skip = first < 0 ? -first : 0, over = first + (s)->side - (s)->width;                      \
        int count = ((s)->side - skip - (over > 0 ? over : 0)) * (s)->channels;                        \
        size_t before = (size_t)skip * (s)->channels;                                                  \
        if (line < 0 || line >= (s)->height || count <= 0) count = 0, before = 0;                      \
        size_t at = ((size_t)line * (s)->width + first) * (s)->channels + before;                      \
        MISSING;                                                                                       \
        if (count) RUN;                                                                                \
      }

/* Rows (h w, side side C) of what each position sees; zeros beyond the edge. */
static void spread(const Shape *s, const float *image, float *apart) {
  size_t whole = (size_t)s->side * s->channels;
  OVER_RUNS(s, memcpy(apart + before, image + at, sizeof(float) * count),
            if ((size_t)count < whole) memset(apart, 0, sizeof(float) * whole));
}

INLINE void add(float *restrict to, const float *restrict from, int count) {
  for (int k = 0; k < count; k++) to[k] += from[k];
}

/* Adds rows to the image that they were spread from. */
static void gather(const Shape *s, const float *apart, float *image) {
  OVER_RUNS(s, add(image + at, apart + before, count), );
}

/* Kernels (K, C, side side) to rows (side side C, K) or, `turned`, (K, side side C). */
static void pack(const Shape *s, const float *kernel, float *packed, int turned) {
  int area = s->side * s->side, size = seen(s), features = s->features;
  for (int f = 0; f < features; f++)
    for (int c = 0; c < s->channels; c++)
      for (int u = 0; u < area; u++) {
        int row = u * s->channels + c;
        float value = kernel[((size_t)f * s->channels + c) * area + u];
        packed[turned ? (size_t)f * size + row : (size_t)row * features + f] = value;
      }
}

static void unpack(const Shape *s, const float *packed, float *kernel) {
  int area = s->side * s->side;
  for (int f = 0; f < s->features; f++)
    for (int c = 0; c < s->channels; c++)
      for (int u = 0; u < area; u++)
        kernel[((size_t)f * s->channels + c) * area + u] = packed[((size_t)u * s->channels + c) * s->features + f];
}

/* Room for the kernels packed and for `together` images spread. */
static float *room(const Shape *s) {
  size_t positions = (size_t)together(s) * s->rows * s->cols;
  return malloc(sizeof(float) * seen(s) * (s->features + positions));
}

/* y (R, B, h, w, K) of x and kernels, which lie `stride` apart, plus bias (K), `bias_stride` apart, if there is one;
 * then the activation z for z > 0 and slope * z below. Returns 1 when there is no memory. */
int convolve(int from, int to, const Shape *s, const float *x, const float *kernels, size_t stride, const float *bias,
             size_t bias_stride, float slope, float *y) {
  int positions = s->rows * s->cols, size = seen(s), most = together(s);
  size_t image = (size_t)s->height * s->width * s->channels;
  float *packed = room(s), *apart = packed + (size_t)size * s->features;
  if (!packed) return 1;
  for (int r = from; r < to; r++) {
    pack(s, kernels + r * stride, packed, 0);
    for (int b = 0; b < s->batch; b += most) {
      int images = b + most > s->batch ? s->batch - b : most;
      size_t first = (size_t)r * s->batch + b;
      for (int n = 0; n < images; n++) spread(s, x + (first + n) * image, apart + (size_t)n * positions * size);
      Product p = {images * positions, s->features, size, apart, size, 1, packed, y + first * positions * s->features,
                   bias ? bias + r * bias_stride : NULL, slope};
      multiply(&p, !bias ? KEEP : slope == 1 ? BIAS : slope == 0 ? BIAS_RELU : BIAS_LEAKY);
    }
  }
  free(packed);
  return 0;
}

/* x (R, B, H, W, C) of y and kernels, with bias (C) and slope. */
int convolve_transposed(int from, int to, const Shape *s, const float *y, const float *kernels, size_t stride,
                        const float *bias, size_t bias_stride, float slope, float *x) {
  int positions = s->rows * s->cols, size = seen(s), most = together(s);
  size_t image = (size_t)s->height * s->width * s->channels;
  float *packed = room(s), *apart = packed + (size_t)size * s->features;
  if (!packed) return 1;
  for (int r = from; r < to; r++) {
    pack(s, kernels + r * stride, packed, 1);
    for (int b = 0; b < s->batch; b += most) {
      int images = b + most > s->batch ? s->batch - b : most;
      size_t first = (size_t)r * s->batch + b;
      Product p = {images * positions, size, s->features, y + first * positions * s->features, s->features, 1, packed,
                   apart, NULL, 0};
      multiply(&p, KEEP);
      for (int n = 0; n < images; n++) {
        float *made = x + (first + n) * image;
        if (!bias)
          memset(made, 0, sizeof(float) * image);
        else
          for (size_t k = 0; k < image; k += s->channels)
            for (int c = 0; c < s->channels; c++) made[k + c] = bias[r * bias_stride + c];
        gather(s, apart + (size_t)n * positions * size, made);
        if (slope != 1)
          for (size_t k = 0; k < image; k++) made[k] = made[k] < 0 ? slope * made[k] : made[k];
      }
    }
  }
  free(packed);
  return 0;
}

/* Kernels (R, K, C, side, side) of x and y: the gradient of kernels. */
int convolve_kernels(int from, int to, const Shape *s, const float *x, const float *y, float *kernels) {
  int positions = s->rows * s->cols, size = seen(s), most = together(s);
  size_t image = (size_t)s->height * s->width * s->channels;
  float *packed = room(s), *apart = packed + (size_t)size * s->features;
  if (!packed) return 1;
  for (int r = from; r < to; r++) {
    memset(packed, 0, sizeof(float) * size * s->features);
    for (int b = 0; b < s->batch; b += most) {
      int images = b + most > s->batch ? s->batch - b : most;
      size_t first = (size_t)r * s->batch + b;
      for (int n = 0; n < images; n++) spread(s, x + (first + n) * image, apart + (size_t)n * positions * size);
      Product p = {size, s->features, images * positions, apart, 1, size, y + first * positions * s->features, packed,
                   packed, 0};
      multiply(&p, ADD);
    }
    unpack(s, packed, kernels + (size_t)r * size * s->features);
  }
  free(packed);
  return 0;
}
