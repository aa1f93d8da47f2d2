/* Convolutions of a population, one replica after the other. Called from convolution.py.
 *
 * A convolution ties three arrays together: large images x (B, H, W, C), small images y (B, h, w, K) and kernels
 * k (K, C, side, side), by the sum T of x[b, s i + u - p, s j + v - p, c] y[b, i, j, f] k[f, c, u, v]. Each of the three
 * is made as the derivative of T by it, of the two others: y is the convolution, x the transposed one, and the kernels
 * are their own gradient. All arrays are float32, images have their channels last. */
#include <stdlib.h>
#include <string.h>

#include "convolution.h"

/* What is made of images that are taken, large or small ones (`part`): images of the other kind, with kernels; a gradient
 * of kernels, with images of the other kind; or both. What is not there, or not wanted, is null. */
typedef struct {
  int part;
  const float *taken;
  const float *outputs; /* as `taken`: where these are not above 0, what is taken is multiplied by outputs_slope */
  float *sums; /* (R, channels): of what is taken, over images and positions */
  const float *others;
  float *gradient; /* (R, K, C, side, side): of taken and others */
  const float *kernels; /* `stride` apart */
  float *made; /* of taken and kernels, with a bias (channels), `bias_stride` apart, and the activation */
  const float *bias;
  size_t stride, bias_stride;
  float outputs_slope, slope; /* of an activation: z for z > 0 and slope * z below */
} Task;

/* Images of a kind; `margin` is that of the room they are worked on in. */
typedef struct {
  int height, width, channels, margin;
} Frame;

static Frame frame(const Shape *s, int part) {
  return part == LARGE ? (Frame){s->height, s->width, s->channels, s->padding} : (Frame){s->rows, s->cols, s->features, 0};
}

static size_t line_of(Frame f) { return (size_t)f.width * f.channels; }
static size_t image_of(Frame f) { return f.height * line_of(f); }
static size_t step_of(Frame f) { return line_of(f) + 2 * (size_t)f.margin * f.channels; }
static size_t room_of(Frame f) { return (f.height + 2 * (size_t)f.margin) * step_of(f); }
static size_t begin_of(Frame f) { return f.margin * (step_of(f) + f.channels); }

/* An image into its room, and its lines added up in `sums` (line) if there are such. */
static void take(Frame f, const float *restrict image, const float *restrict outputs, float slope, float *restrict room,
                 float *restrict sums) {
  size_t line = line_of(f);
  room += begin_of(f);
  for (int y = 0; y < f.height; y++, image += line, room += step_of(f)) {
    if (outputs) {
      for (size_t k = 0; k < line; k++) room[k] = outputs[k] > 0 ? image[k] : slope * image[k];
      outputs += line;
    } else {
      memcpy(room, image, sizeof(float) * line);
    }
    if (sums)
      for (size_t k = 0; k < line; k++) sums[k] += room[k];
  }
}

/* An image out of its room, with a bias (line) added, and the activation. */
static void give(Frame f, const float *restrict room, const float *restrict bias, float slope, float *restrict image) {
  size_t line = line_of(f);
  room += begin_of(f);
  for (int y = 0; y < f.height; y++, image += line, room += step_of(f))
    for (size_t k = 0; k < line; k++) {
      float z = room[k] + bias[k];
      image[k] = z > 0 ? z : slope * z;
    }
}

void multiply_part(Part part, int rows, int seen, int features, float *large, float *small, float *kernel) {
  if (part == SMALL) {
    Product p = {rows, features, seen, large, seen, 1, kernel, small, NULL, 0};
    multiply(&p, KEEP);
  } else if (part == LARGE) {
    Product p = {rows, seen, features, small, features, 1, kernel, large, NULL, 0};
    multiply(&p, KEEP);
  } else {
    Product p = {seen, features, rows, large, 1, seen, small, kernel, kernel, 0};
    multiply(&p, ADD);
  }
}

/* Room for what a replica needs. */
typedef struct {
  float *large, *small, *kernels, *gradient; /* rows and matrices of the way */
  float *taken, *other, *made; /* an image each, of the part taken, and of the other twice */
  float *sums, *bias; /* a line of the part taken, and of the other */
} Room;

static size_t rounded(size_t count) { return (count + LANES - 1) / LANES * LANES; }

static Room divided(const Way *way, Frame taken, Frame other, float *memory, size_t *size) {
  Room room;
  struct { float **part; size_t count; } parts[] = {
      {&room.large, way->together * way->large}, {&room.small, way->together * way->small},
      {&room.kernels, way->kernels}, {&room.gradient, way->kernels},
      {&room.taken, room_of(taken)}, {&room.other, room_of(other)}, {&room.made, room_of(other)},
      {&room.sums, line_of(taken)}, {&room.bias, line_of(other)},
  };
  *size = 0;
  for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
    *parts[k].part = memory ? memory + *size : NULL;
    *size += rounded(parts[k].count);
  }
  return room;
}

static void begin(const Shape *s, const Way *way, const Task *t, int r, Room room) {
  Frame other = frame(s, t->part == LARGE ? SMALL : LARGE);
  const float *bias = t->bias ? t->bias + r * t->bias_stride : NULL;
  for (size_t k = 0; k < line_of(other); k++) room.bias[k] = bias ? bias[k % other.channels] : 0;
  memset(room.sums, 0, sizeof(float) * line_of(frame(s, t->part)));
  if (t->made) way->pack(s, t->kernels + r * t->stride, room.kernels, t->part == SMALL);
  if (t->gradient) memset(room.gradient, 0, sizeof(float) * way->kernels);
}

static void finish(const Shape *s, const Way *way, const Task *t, int r, Room room) {
  Frame taken = frame(s, t->part);
  if (t->gradient)
    way->unpack(s, room.gradient, t->gradient + (size_t)r * s->features * s->channels * s->side * s->side);
  for (int c = 0; c < taken.channels && t->sums; c++) {
    float *sum = t->sums + (size_t)r * taken.channels + c;
    *sum = 0;
    for (size_t k = c; k < line_of(taken); k += taken.channels) *sum += room.sums[k];
  }
}

/* What the n-th image of a part is worked on in: the room, or its rows where they are the same. */
static float *place(const Way *way, Part part, float *rows, float *room, int n) {
  return part == SMALL && way->keeps ? rows + n * way->small : room;
}

static void of_replica(const Shape *s, const Way *way, const Task *t, int r, Room room) {
  Part part = t->part, other = part == LARGE ? SMALL : LARGE;
  Frame of_taken = frame(s, part), of_other = frame(s, other);
  size_t size = image_of(of_taken), other_size = image_of(of_other);
  float *rows = part == LARGE ? room.large : room.small, *other_rows = part == LARGE ? room.small : room.large;
  begin(s, way, t, r, room);
  for (int b = 0; b < s->batch; b += way->together) {
    int images = b + way->together > s->batch ? s->batch - b : way->together;
    size_t first = (size_t)r * s->batch + b;
    for (int n = 0; n < images; n++) {
      size_t at = (first + n) * size;
      float *image = place(way, part, rows, room.taken, n);
      take(of_taken, t->taken + at, t->outputs ? t->outputs + at : NULL, t->outputs_slope, image,
           t->sums ? room.sums : NULL);
      if (image == room.taken) way->spread(s, part, image, rows, n, images);
    }
    for (int n = 0; n < images && t->gradient; n++) {
      float *image = place(way, other, other_rows, room.other, n);
      take(of_other, t->others + (first + n) * other_size, NULL, 1, image, NULL);
      if (image == room.other) way->spread(s, other, image, other_rows, n, images);
    }
    if (t->gradient) way->multiply(s, KERNELS, images, room.large, room.small, room.gradient);
    if (t->made) way->multiply(s, other, images, room.large, room.small, room.kernels);
    for (int n = 0; n < images && t->made; n++) {
      float *image = place(way, other, other_rows, room.made, n);
      if (other == LARGE) memset(image, 0, sizeof(float) * room_of(of_other));
      if (image == room.made) way->gather(s, other, other_rows, image, n, images);
      give(of_other, image, room.bias, t->slope, t->made + (first + n) * other_size);
    }
  }
  finish(s, way, t, r, room);
}

/* Do the task for the replicas `from` to `to`. Returns 1 when there is no memory. */
int convolve(int from, int to, const Shape *s, const Task *task) {
  Way way = halves(s) ? halving(s) : unfolding(s);
  Frame taken = frame(s, task->part), other = frame(s, task->part == LARGE ? SMALL : LARGE);
  size_t size;
  divided(&way, taken, other, NULL, &size);
  float *memory = aligned_alloc(4 * LANES, sizeof(float) * size);
  if (!memory) return 1;
  memset(memory, 0, sizeof(float) * size); /* the margins */
  Room room = divided(&way, taken, other, memory, &size);
  for (int r = from; r < to; r++) of_replica(s, &way, task, r, room);
  free(memory);
  return 0;
}
