/* Convolutions by their definition: large images become rows of what each position of small ones sees, so that all three
 * products of convolution.c are products of matrices. */
#include <string.h>

#include "convolution.h"

#define POSITIONS 192 /* that are worked on together */

/* What a kernel of four sees of one channel's line, and half of that. */
typedef float Four __attribute__((vector_size(16), aligned(4)));
typedef float Two __attribute__((vector_size(8), aligned(4)));

static size_t line(const Shape *s) { return ((size_t)s->width + 2 * s->padding) * s->channels; }

/* Rows (h w, side side C) of a large image; small ones are rows (h w, K) already. */
static void spread(const Shape *s, Part part, const float *image, float *rows, int n, int images) {
  (void)part, (void)images;
  int whole = s->side * s->channels;
  float *row = rows + (size_t)n * s->rows * s->cols * s->side * whole;
  for (int i = 0; i < s->rows; i++)
    for (int j = 0; j < s->cols; j++)
      for (int u = 0; u < s->side; u++, row += whole) {
        const float *seen = image + (i * s->stride + u) * line(s) + j * s->stride * s->channels;
        if (whole == 4)
          *(Four *)row = *(const Four *)seen;
        else
          memcpy(row, seen, sizeof(float) * whole);
      }
}

static void gather(const Shape *s, Part part, const float *rows, float *image, int n, int images) {
  (void)part, (void)images;
  size_t positions = (size_t)s->rows * s->cols, seen = (size_t)s->side * s->side * s->channels;
  int piece = (s->side % s->stride ? 1 : s->stride) * s->channels; /* pieces of neighbouring positions do not overlap */
  for (int i = 0; i < s->rows; i++)
    for (int u = 0; u < s->side; u++)
      for (int v = 0; v < s->side * s->channels; v += piece) {
        const float *row = rows + (n * positions + (size_t)i * s->cols) * seen + (size_t)u * s->side * s->channels + v;
        float *to = image + (i * s->stride + u) * line(s) + v;
        for (int j = 0; j < s->cols; j++, row += seen, to += s->stride * s->channels)
          if (piece == 2)
            *(Two *)to += *(const Two *)row;
          else
            add(to, row, piece);
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

static void multiply_images(const Shape *s, Part part, int images, float *large, float *small, float *kernels) {
  multiply_part(part, images * s->rows * s->cols, s->side * s->side * s->channels, s->features, large, small, kernels);
}

Way unfolding(const Shape *s) {
  size_t positions = (size_t)s->rows * s->cols, seen = (size_t)s->side * s->side * s->channels;
  int together = positions < POSITIONS ? (int)(POSITIONS / positions) : 1;
  return (Way){together, positions * seen, positions * s->features, seen * s->features, pack, unpack, 1, spread,
               gather, multiply_images};
}
