/* Convolutions of a population, one replica after the other. Called from convolution.py.
 *
 * A convolution ties three arrays together: large images x (B, H, W, C), small images y (B, h, w, K) and kernels
 * k (K, C, side, side), by the sum T of x[b, s i + u - p, s j + v - p, c] y[b, i, j, f] k[f, c, u, v]. Each of the three
 * is made as the derivative of T by it, of the two others: y is the convolution, x the transposed one, and the kernels
 * are their own gradient. A few images at a time, x is spread into rows of what each position of y sees, so that all three
 * are products. All arrays are float32, images have their channels last. */
#include <stdlib.h>
#include <string.h>

#include "convolution.h"

#define POSITIONS 192 /* of y that are worked on together, so that what they see stays in the second cache */

typedef float Four __attribute__((vector_size(16), aligned(4))); /* what a kernel of four sees of one channel's line */

/* The neighbouring numbers that a kernel's line u at a position (i, j) shares with the image: so many, `at` in the image
 * and `before` in the kernel's line. */
typedef struct {
  int count, before;
  size_t at;
} Run;

INLINE Run run(const Shape *s, int i, int j, int u) {
  int line = i * s->stride + u - s->padding, first = j * s->stride - s->padding;
  int left = first < 0 ? -first : 0, right = first + s->side > s->width ? first + s->side - s->width : 0;
  int count = (s->side - left - right) * s->channels;
  if (line < 0 || line >= s->height || count <= 0) return (Run){0, 0, 0};
  return (Run){count, left * s->channels, ((size_t)line * s->width + first + left) * s->channels};
}

/* Rows (h w, side side C) of what each position sees; zeros beyond the edge. */
static void spread(const Shape *s, const float *image, float *row) {
  int whole = s->side * s->channels;
  for (int i = 0; i < s->rows; i++)
    for (int j = 0; j < s->cols; j++)
      for (int u = 0; u < s->side; u++, row += whole) {
        Run shared = run(s, i, j, u);
        if (shared.count == 4 && whole == 4) {
          *(Four *)row = *(const Four *)(image + shared.at);
          continue;
        }
        if (shared.count < whole) memset(row, 0, sizeof(float) * whole);
        memcpy(row + shared.before, image + shared.at, sizeof(float) * shared.count);
      }
}

/* Adds rows to the image that they were spread from. */
static void gather(const Shape *s, const float *row, float *image) {
  int whole = s->side * s->channels;
  for (int i = 0; i < s->rows; i++)
    for (int j = 0; j < s->cols; j++)
      for (int u = 0; u < s->side; u++, row += whole) {
        Run shared = run(s, i, j, u);
        if (shared.count == 4)
          *(Four *)(image + shared.at) += *(const Four *)(row + shared.before);
        else
          add(image + shared.at, row + shared.before, 1, shared.count);
      }
}

/* Kernels (K, C, side side) to rows (side side C, K) or, `turned`, (K, side side C). */
static void pack(const Shape *s, const float *kernel, float *packed, int turned) {
  int area = s->side * s->side, size = area * s->channels, features = s->features;
  for (int f = 0; f < features; f++)
    for (int c = 0; c < s->channels; c++)
      for (int u = 0; u < area; u++) {
        int row = u * s->channels + c;
        packed[turned ? (size_t)f * size + row : (size_t)row * features + f] = *kernel++;
      }
}

static void unpack(const Shape *s, const float *packed, float *kernel) {
  int area = s->side * s->side;
  for (int f = 0; f < s->features; f++)
    for (int c = 0; c < s->channels; c++)
      for (int u = 0; u < area; u++) *kernel++ = packed[((size_t)u * s->channels + c) * s->features + f];
}

/* Make one `part` of x (R, B, H, W, C), y (R, B, h, w, K) and kernels (R, K, C, side, side), which lie `stride` apart,
 * of the two others, for the replicas `from` to `to`. To images is added the bias (channels or features), `bias_stride`
 * apart, if there is one; then comes the activation z for z > 0 and slope * z below. Returns 1 when there is no memory. */
int convolve(int part, int from, int to, const Shape *s, float *x, float *y, float *kernels, size_t stride,
             const float *bias, size_t bias_stride, float slope) {
  if (halves(s)) return halving(part, from, to, s, x, y, kernels, stride, bias, bias_stride, slope);
  int positions = s->rows * s->cols, seen = s->side * s->side * s->channels, features = s->features;
  int together = positions < POSITIONS ? POSITIONS / positions : 1;
  size_t large = (size_t)s->height * s->width * s->channels, small = (size_t)positions * features;
  float *packed = malloc(sizeof(float) * seen * (features + (size_t)together * positions));
  float *rows = packed + (size_t)seen * features;
  if (!packed) return 1;
  for (int r = from; r < to; r++) {
    const float *added = bias ? bias + r * bias_stride : NULL;
    if (part == KERNELS)
      memset(packed, 0, sizeof(float) * seen * features);
    else
      pack(s, kernels + r * stride, packed, part == LARGE);
    for (int b = 0; b < s->batch; b += together) {
      int images = b + together > s->batch ? s->batch - b : together, count = images * positions;
      float *xs = x + ((size_t)r * s->batch + b) * large, *ys = y + ((size_t)r * s->batch + b) * small;
      for (int n = 0; n < images && part != LARGE; n++) spread(s, xs + n * large, rows + (size_t)n * positions * seen);
      if (part == SMALL) {
        Product p = {count, features, seen, rows, seen, 1, packed, ys, added, slope};
        multiply(&p, !added ? KEEP : slope == 1 ? BIAS : slope == 0 ? BIAS_RELU : BIAS_LEAKY);
      } else if (part == KERNELS) {
        Product p = {seen, features, count, rows, 1, seen, ys, packed, packed, 0};
        multiply(&p, ADD);
      } else {
        Product p = {count, seen, features, ys, features, 1, packed, rows, NULL, 0};
        multiply(&p, KEEP);
        for (int n = 0; n < images; n++) {
          fill(xs + n * large, large, added, s->channels);
          gather(s, rows + (size_t)n * positions * seen, xs + n * large);
          activate(xs + n * large, large, slope);
        }
      }
    }
    if (part == KERNELS) unpack(s, packed, kernels + r * stride);
  }
  free(packed);
  return 0;
}
