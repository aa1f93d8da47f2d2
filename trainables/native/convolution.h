/* What convolutions share, whatever they are computed by: see convolution.c. */
#include <stddef.h>

#include "products.h"

/* Large images (batch, height, width, channels), small ones (batch, rows, cols, features), and kernels
 * (features, channels, side, side). */
typedef struct {
  int batch, height, width, channels, rows, cols, features, side, stride, padding;
} Shape;

/* An image (size) that is `bias` (channels) everywhere, or 0 without one. */
INLINE void fill(float *image, size_t size, const float *bias, int channels) {
  for (size_t k = 0; k < size; k += channels)
    for (int c = 0; c < channels; c++) image[k + c] = bias ? bias[c] : 0;
}

/* The activation z for z > 0 and slope * z below. */
INLINE void activate(float *image, size_t size, float slope) {
  if (slope != 1)
    for (size_t k = 0; k < size; k++) image[k] = image[k] > 0 ? image[k] : slope * image[k];
}

/* to += sign * from */
INLINE void add(float *restrict to, const float *restrict from, float sign, int count) {
  int k = 0;
  for (; k + LANES <= count; k += LANES) *(Floats *)(to + k) += sign * *(const Floats *)(from + k);
  for (; k < count; k++) to[k] += sign * from[k];
}

/* Which of the three is made of the two others. */
typedef enum { LARGE, SMALL, KERNELS } Part;

/* Of halving.c: what `convolve` does, and for which shapes. */
int halves(const Shape *s);
int halving(Part part, int from, int to, const Shape *s, float *x, float *y, float *kernels, size_t stride,
            const float *bias, size_t bias_stride, float slope);
