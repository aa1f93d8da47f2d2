/* Batch normalisation of a population and the activation after it, one replica after the other. Called from
 * normalization.py. Activations x (n, C) have their features last; n is samples times positions. After normalisation,
 * gain and shift comes the activation z for z > 0 and slope * z below. All arrays are float32; `from` and `to` are the
 * range of replicas to work on. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define TOGETHER 64 /* rows whose sums are taken in single precision */

/* Adds sums over rows [first, last) of whatever ONE, ANOTHER are to the totals. */
#define SUMS(first, last, ONE, ANOTHER)                                       \
  do {                                                                        \
    for (int c = 0; c < features; c++) part[c] = other[c] = 0;                \
    for (int line = first; line < last; line++) {                             \
      size_t at = (size_t)line * features;                                    \
      for (int c = 0; c < features; c++) part[c] += ONE, other[c] += ANOTHER; \
    }                                                                         \
    for (int c = 0; c < features; c++) total[c] += part[c], more[c] += other[c]; \
  } while (0)

/* y (R, n, C) of x, with `mean` and `scale` (R, C): 1 over the standard deviation, its square enlarged by `epsilon`.
 * Returns 1 when there is no memory. */
int normalise(int from, int to, int n, int features, const float *x, const float *gain, const float *shift,
              float epsilon, float slope, float *y, float *mean, float *scale) {
  double *total = malloc(features * (2 * sizeof(double) + 2 * sizeof(float))), *more = total + features;
  if (!total) return 1;
  float *restrict part = (float *)(more + features), *restrict other = part + features;
  for (int r = from; r < to; r++) {
    const float *restrict in = x + (size_t)r * n * features;
    float *restrict out = y + (size_t)r * n * features;
    const float *g = gain + (size_t)r * features, *b = shift + (size_t)r * features;
    float *m = mean + (size_t)r * features, *inverse = scale + (size_t)r * features;
    for (int c = 0; c < features; c++) total[c] = more[c] = 0;
    /* Less the first row, so that no digits are lost where the mean is large. */
    for (int row = 0; row < n; row += TOGETHER) {
      int end = row + TOGETHER < n ? row + TOGETHER : n;
      SUMS(row, end, in[at + c] - in[c], (in[at + c] - in[c]) * (in[at + c] - in[c]));
    }
    for (int c = 0; c < features; c++) {
      double apart = total[c] / n, variance = more[c] / n - apart * apart;
      m[c] = (float)(in[c] + apart);
      inverse[c] = (float)(1 / sqrt((variance < 0 ? 0 : variance) + epsilon));
      part[c] = inverse[c] * g[c], other[c] = b[c];
    }
    for (int row = 0; row < n; row++) {
      size_t at = (size_t)row * features;
      for (int c = 0; c < features; c++) {
        float z = (in[at + c] - m[c]) * part[c] + other[c];
        out[at + c] = z > 0 ? z : slope * z;
      }
    }
  }
  free(total);
  return 0;
}

/* The gradients dx (R, n, C), of_gain and of_shift (R, C) of the sum of y times dy. Returns 1 when there is no memory. */
int normalise_backward(int from, int to, int n, int features, const float *x, const float *y, const float *dy,
                       const float *gain, const float *mean, const float *scale, float slope, float *dx,
                       float *of_gain, float *of_shift) {
  double *total = malloc(features * (2 * sizeof(double) + 2 * sizeof(float))), *more = total + features;
  if (!total) return 1;
  float *restrict part = (float *)(more + features), *restrict other = part + features;
  for (int r = from; r < to; r++) {
    const float *restrict in = x + (size_t)r * n * features, *restrict out = y + (size_t)r * n * features;
    const float *restrict up = dy + (size_t)r * n * features, *g = gain + (size_t)r * features;
    const float *m = mean + (size_t)r * features, *inverse = scale + (size_t)r * features;
    float *restrict down = dx + (size_t)r * n * features;
    for (int c = 0; c < features; c++) total[c] = more[c] = 0;
    for (int row = 0; row < n; row += TOGETHER) {
      int end = row + TOGETHER < n ? row + TOGETHER : n;
      SUMS(row, end, (out[at + c] > 0 ? 1 : slope) * up[at + c],
           (out[at + c] > 0 ? 1 : slope) * up[at + c] * (in[at + c] - m[c]));
    }
    for (int c = 0; c < features; c++) {
      of_shift[(size_t)r * features + c] = (float)total[c];
      of_gain[(size_t)r * features + c] = (float)(more[c] * inverse[c]);
      part[c] = (float)(total[c] / n), other[c] = (float)(more[c] * inverse[c] * inverse[c] / n);
    }
    for (int row = 0; row < n; row++) {
      size_t at = (size_t)row * features;
      for (int c = 0; c < features; c++) {
        float signal = (out[at + c] > 0 ? 1 : slope) * up[at + c];
        down[at + c] = g[c] * inverse[c] * (signal - part[c] - (in[at + c] - m[c]) * other[c]);
      }
    }
  }
  free(total);
  return 0;
}
