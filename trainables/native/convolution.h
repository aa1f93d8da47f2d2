/* What convolutions share, whatever they are computed by: see convolution.c. */
#include <stddef.h>

#include "products.h"

/* Large images (batch, height, width, channels), small ones (batch, rows, cols, features), and kernels
 * (features, channels, side, side). */
typedef struct {
  int batch, height, width, channels, rows, cols, features, side, stride, padding;
} Shape;

/* Which of the three is made of the two others. */
typedef enum { LARGE, SMALL, KERNELS } Part;

/* A way to make any of the three by products of matrices: of what images of either kind are spread into, and of what
 * kernels are packed into. Large images come with a margin as wide as the padding. */
typedef struct {
  int together; /* images that are worked on at once, so that they stay in the second cache */
  size_t large, small, kernels; /* numbers that an image of either kind, and kernels, become */
  /* Kernels (K, C, side, side) to matrices, `turned` as large images are made of; and matrices to kernels. */
  void (*pack)(const Shape *, const float *kernels, float *matrices, int turned);
  void (*unpack)(const Shape *, const float *matrices, float *kernels);
  /* An image of a part to rows of matrices, as the n-th of so many, and back: what meets in a large image is added to it.
   * Where a way `keeps` small images they are rows as they are. */
  int keeps;
  void (*spread)(const Shape *, Part, const float *image, float *rows, int n, int images);
  void (*gather)(const Shape *, Part, const float *rows, float *image, int n, int images);
  /* Makes the rows of one part, or adds to the matrices of kernels, of the two others. */
  void (*multiply)(const Shape *, Part, int images, float *large, float *small, float *matrices);
} Way;

/* By the definition (unfolding.c), and with fewer products (halving.c), which is for `halves`. */
Way unfolding(const Shape *s);
Way halving(const Shape *s);
int halves(const Shape *s);

/* One product of matrices: large (rows, seen), small (rows, features), and a kernel (seen, features), or
 * (features, seen) where it makes large ones. */
void multiply_part(Part part, int rows, int seen, int features, float *large, float *small, float *kernel);

/* to += from */
INLINE void add(float *restrict to, const float *restrict from, int count) {
  int k = 0;
  for (; k + LANES <= count; k += LANES) *(Floats *)(to + k) += *(const Floats *)(from + k);
  for (; k < count; k++) to[k] += from[k];
}
