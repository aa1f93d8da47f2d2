/* Convolutions by 4x4 kernels of stride 2 and padding 1, with 9 products where the definition has 16 (Winograd 1980).
 *
 * Along an axis such a convolution is the sum of two by kernels of two taps, a and b: one of the pixels with even, one of
 * those with odd numbers. Two neighbouring outputs, of three such pixels, need three products and not four:
 *
 *     d0 a + d1 b = (d0 - d1) a + d1 (a + b),     d1 a + d2 b = d1 (a + b) + (d2 - d1) b.
 *
 * So there are products of three kinds, with a, a + b and b; the last output of an odd side takes one with a and one with
 * b. Along both axes there are nine kinds, each a product of two matrices: of what is made of images (rows for pairs of
 * outputs, columns for parities and channels), and of what is made of kernels (rows for these, columns for features).
 * All else is sums and differences, and gradients are the same maps turned round. */
#include <stdlib.h>
#include <string.h>

#include "convolution.h"

#define KINDS 3
#define PAIRS (KINDS * KINDS)
#define NONE -1
#define ROOM 150000 /* numbers made of images that are worked on together, so that they stay in the second cache */

/* The sum, or difference, of two places along an axis: the number-th of a kind. */
typedef struct {
  int kind, number, first, second;
} Term;

/* The terms of an axis: how many of each kind, and of the kinds before it. */
typedef struct {
  int terms, count[KINDS], before[KINDS];
  Term *term;
} Axis;

/* What is made of images: places are pixels of one of `parities` (2 of large images, 1 of small ones). */
typedef struct {
  Axis rows, cols;
  int height, width, channels, parities;
  float sign; /* of a term's second place */
  float *line; /* room for one */
} Map;

static void append(Axis *axis, int kind, int first, int second) {
  axis->term[axis->terms++] = (Term){kind, axis->count[kind]++, first, second};
}

/* Terms of pixels (`parities` 2) that so many outputs need; or (1) of outputs, the way from products to outputs turned
 * round. */
static Axis axis(int outputs, int parities, Term *room) {
  Axis made = {0, {0}, {0}, room};
  for (int k = 0; k + 1 < outputs; k += 2) {
    append(&made, 0, k, parities == 2 ? k + 1 : NONE);
    append(&made, 1, parities == 2 ? k + 1 : k, parities == 2 ? NONE : k + 1);
    append(&made, 2, parities == 2 ? k + 2 : k + 1, parities == 2 ? k + 1 : NONE);
  }
  if (outputs % 2) {
    append(&made, 0, outputs - 1, NONE);
    append(&made, 2, parities == 2 ? outputs : outputs - 1, NONE);
  }
  for (int kind = 1; kind < KINDS; kind++) made.before[kind] = made.before[kind - 1] + made.count[kind - 1];
  return made;
}

/* Where a place of a parity lies in an image of that side; NONE beyond its edge. */
INLINE int place(int index, int parity, int parities, int side) {
  int at = parities * index + parity - (parities - 1);
  return index == NONE || at < 0 || at >= side ? NONE : at;
}

/* Where a row of the matrix of two terms' kinds begins, for the n-th of so many images. */
INLINE float *row_of(const Map *m, float *matrices, const Term *y, const Term *x, int n, int images) {
  int high = m->rows.count[y->kind], wide = m->cols.count[x->kind];
  int before = m->rows.before[y->kind] * m->cols.terms + high * m->cols.before[x->kind];
  size_t row = (size_t)before * images + (n * high + y->number) * wide + x->number;
  return matrices + row * m->parities * m->parities * m->channels;
}

INLINE void combine(float *restrict to, const float *first, const float *second, float sign, int count) {
  int k = 0;
  if (first && second) {
    for (; k + LANES <= count; k += LANES)
      *(Floats *)(to + k) = *(const Floats *)(first + k) + sign * *(const Floats *)(second + k);
    for (; k < count; k++) to[k] = first[k] + sign * second[k];
  } else if (first || second) {
    const float *one = first ? first : second, times = first ? 1 : sign;
    for (; k + LANES <= count; k += LANES) *(Floats *)(to + k) = times * *(const Floats *)(one + k);
    for (; k < count; k++) to[k] = times * one[k];
  } else {
    memset(to, 0, sizeof(float) * count);
  }
}

static const float *line_at(const float *lines, int index, int length) {
  return index == NONE ? NULL : lines + (size_t)index * length;
}

/* Rows of matrices, of the n-th of so many images. The parities of a place are neighbours in a line with margins. */
static void spread(const Map *m, const float *image, float *matrices, int n, int images) {
  int parities = m->parities, step = parities * m->channels, length = m->width * m->channels;
  float *line = m->line + (parities - 1) * m->channels;
  for (const Term *y = m->rows.term; y < m->rows.term + m->rows.terms; y++)
    for (int a = 0; a < parities; a++) {
      const float *top = line_at(image, place(y->first, a, parities, m->height), length);
      const float *bottom = line_at(image, place(y->second, a, parities, m->height), length);
      combine(line, top, bottom, m->sign, length);
      for (const Term *x = m->cols.term; x < m->cols.term + m->cols.terms; x++)
        combine(row_of(m, matrices, y, x, n, images) + a * step, m->line + x->first * step,
                line_at(m->line, x->second, step), m->sign, step);
    }
}

/* Adds to an image what `spread` turned round makes of rows. */
static void gather(const Map *m, float *matrices, float *image, int n, int images) {
  int parities = m->parities, step = parities * m->channels, length = m->width * m->channels;
  int margin = (parities - 1) * m->channels;
  for (const Term *y = m->rows.term; y < m->rows.term + m->rows.terms; y++)
    for (int a = 0; a < parities; a++) {
      int top = place(y->first, a, parities, m->height), bottom = place(y->second, a, parities, m->height);
      memset(m->line, 0, sizeof(float) * (length + 2 * margin));
      for (const Term *x = m->cols.term; x < m->cols.term + m->cols.terms; x++) {
        const float *row = row_of(m, matrices, y, x, n, images) + a * step;
        add(m->line + x->first * step, row, 1, step);
        if (x->second != NONE) add(m->line + x->second * step, row, m->sign, step);
      }
      if (top != NONE) add(image + (size_t)top * length, m->line + margin, 1, length);
      if (bottom != NONE) add(image + (size_t)bottom * length, m->line + margin, m->sign, length);
    }
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

/* The first lane of a block; the last block overlaps the one before, and comes out the same there. */
INLINE int lane_of(const Order *o, int block) { return block + LANES > o->lanes ? o->lanes - LANES : block; }

/* Kernels (K, C, 4, 4) to nine matrices (4 C, K) of sums of taps, or, `turned`, (K, 4 C). */
static void pack(const Shape *s, const float *kernels, float *matrices, int turned) {
  Order o = order(s, turned);
  for (int other = 0; other < o.others; other++)
    for (int block = 0; block < o.lanes; block += LANES) {
      const float *kernel = kernels + other * o.other_apart + lane_of(&o, block) * o.apart;
      float *matrix = matrices + other * o.row + lane_of(&o, block), taps[16][LANES];
      for (int l = 0; l < LANES; l++)
        for (int tap = 0; tap < 16; tap++) taps[tap][l] = kernel[l * o.apart + tap];
      for (int p = 0; p < 4; p++) {
        const Floats *k = (const Floats *)taps[4 * (p / 2) + p % 2];
        Floats one = k[0], right = k[2], below = k[8], across = k[10];
        Floats sums[PAIRS] = {one, one + right, right, one + below, one + right + below + across, right + across,
                              below, below + across, across};
        for (int pair = 0; pair < PAIRS; pair++) *(Floats *)(matrix + pair * o.whole + p * o.parity) = sums[pair];
      }
    }
}

/* The gradient of kernels, from that of the matrices (4 C, K). */
static void unpack(const Shape *s, const float *matrices, float *kernels) {
  Order o = order(s, 0);
  for (int other = 0; other < o.others; other++)
    for (int block = 0; block < o.lanes; block += LANES) {
      float *kernel = kernels + other * o.other_apart + lane_of(&o, block) * o.apart, taps[16][LANES];
      const float *matrix = matrices + other * o.row + lane_of(&o, block);
      for (int p = 0; p < 4; p++) {
        Floats v[PAIRS], *k = (Floats *)taps[4 * (p / 2) + p % 2];
        for (int pair = 0; pair < PAIRS; pair++) v[pair] = *(const Floats *)(matrix + pair * o.whole + p * o.parity);
        k[0] = v[0] + v[1] + v[3] + v[4], k[2] = v[1] + v[2] + v[4] + v[5];
        k[8] = v[3] + v[4] + v[6] + v[7], k[10] = v[4] + v[5] + v[7] + v[8];
      }
      for (int l = 0; l < LANES; l++)
        for (int tap = 0; tap < 16; tap++) kernel[l * o.apart + tap] = taps[tap][l];
    }
}

/* Both maps, matrices of kernels and of images, and how many images are worked on together. */
typedef struct {
  Map large, small;
  float *kernels, *seen, *made;
  int images;
  void *memory;
} Work;

static int begin(Work *w, const Shape *s) {
  int high = 3 * (s->rows / 2) + 2, wide = 3 * (s->cols / 2) + 2, both = 4 * s->channels + s->features;
  size_t line = ((size_t)s->width + 2) * s->channels, other = (size_t)s->cols * s->features, rows = (size_t)high * wide;
  w->images = ROOM / (rows * both) < 1 ? 1 : ROOM / (rows * both);
  if (w->images > s->batch) w->images = s->batch;
  size_t numbers = line + other + (size_t)PAIRS * 4 * s->channels * s->features + w->images * rows * both;
  Term *terms = w->memory = malloc(sizeof(Term) * 2 * (high + wide) + sizeof(float) * numbers);
  if (!terms) return 1;
  float *floats = (float *)(terms + 2 * (high + wide));
  w->large = (Map){axis(s->rows, 2, terms), axis(s->cols, 2, terms + high), s->height, s->width, s->channels, 2, -1,
                   floats};
  terms += high + wide;
  w->small = (Map){axis(s->rows, 1, terms), axis(s->cols, 1, terms + high), s->rows, s->cols, s->features, 1, 1,
                   floats + line};
  w->kernels = floats + line + other;
  w->seen = w->kernels + (size_t)PAIRS * 4 * s->channels * s->features;
  w->made = w->seen + w->images * rows * 4 * s->channels;
  memset(floats, 0, sizeof(float) * line); /* the margins */
  return 0;
}

int halves(const Shape *s) {
  return s->side == 4 && s->stride == 2 && s->padding == 1 && s->height == 2 * s->rows && s->width == 2 * s->cols &&
         s->channels >= LANES && s->features >= LANES;
}

/* The nine products of so many images: of rows `seen` (4 C) and `made` (K), and kernels. */
static void multiply_all(const Work *w, const Shape *s, int images, Part part) {
  int cols = 4 * s->channels, features = s->features;
  float *seen = w->seen, *made = w->made, *kernels = w->kernels;
  for (int pair = 0; pair < PAIRS; pair++) {
    int rows = images * w->large.rows.count[pair / KINDS] * w->large.cols.count[pair % KINDS];
    Product p = part == SMALL   ? (Product){rows, features, cols, seen, cols, 1, kernels, made, NULL, 0}
                : part == LARGE ? (Product){rows, cols, features, made, features, 1, kernels, seen, NULL, 0}
                                : (Product){cols, features, rows, seen, 1, cols, made, kernels, kernels, 0};
    multiply(&p, part == KERNELS ? ADD : KEEP);
    seen += (size_t)rows * cols, made += (size_t)rows * features, kernels += (size_t)cols * features;
  }
}

int halving(Part part, int from, int to, const Shape *s, float *x, float *y, float *kernels, size_t stride,
            const float *bias, size_t bias_stride, float slope) {
  size_t large = (size_t)s->height * s->width * s->channels, small = (size_t)s->rows * s->cols * s->features;
  Work w;
  if (begin(&w, s)) return 1;
  for (int r = from; r < to; r++) {
    if (part == KERNELS)
      memset(w.kernels, 0, sizeof(float) * PAIRS * 4 * s->channels * s->features);
    else
      pack(s, kernels + r * stride, w.kernels, part == LARGE);
    for (int b = 0; b < s->batch; b += w.images) {
      int images = b + w.images > s->batch ? s->batch - b : w.images;
      float *xs = x + ((size_t)r * s->batch + b) * large, *ys = y + ((size_t)r * s->batch + b) * small;
      for (int n = 0; n < images && part != LARGE; n++) spread(&w.large, xs + n * large, w.seen, n, images);
      for (int n = 0; n < images && part != SMALL; n++) spread(&w.small, ys + n * small, w.made, n, images);
      multiply_all(&w, s, images, part);
      if (part == KERNELS) continue;
      const Map *map = part == LARGE ? &w.large : &w.small;
      size_t size = part == LARGE ? large : small;
      for (int n = 0; n < images; n++) {
        float *image = (part == LARGE ? xs : ys) + n * size;
        fill(image, size, bias ? bias + r * bias_stride : NULL, map->channels);
        gather(map, part == LARGE ? w.seen : w.made, image, n, images);
        activate(image, size, slope);
      }
    }
    if (part == KERNELS) unpack(s, w.kernels, kernels + r * stride);
  }
  free(w.memory);
  return 0;
}
