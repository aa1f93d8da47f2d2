/* What the two players of an adversarial game descend, and along which gradient: everything between a batch and the
 * gradient of a replica's weights at once, so that it stays in the cache. Called from game.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"

#define INLINE static inline __attribute__((always_inline))

#define PIECE 64 /* samples that a formula is evaluated for at once */
#define LONGEST 32 /* operations of a formula, as formulas.py has it */

/* Operations, in the order of formulas.py's. */
#define EACH(one)                                                                                                        \
  one(NUMBER) one(ADD) one(SUBTRACT) one(MULTIPLY) one(DIVIDE) one(SMALLER) one(LARGER) one(AT_MOST) one(AT_LEAST)        \
  one(POWER) one(NEGATIVE) one(ABSOLUTE) one(SIGN) one(RELU) one(RECIPROCAL) one(EXP) one(EXPM1) one(LOG) one(LOG1P) one(SQRT)  \
  one(TANH) one(ATAN) one(SIGMOID) one(LOG_SIGMOID) one(SIN) one(COS) one(COSH) one(SINH) one(ERF)
#define NAME(operation) operation,
typedef enum { EACH(NAME) } Operation;

/* An elementwise function: value 0 is its argument, and the others come of values before them and of a number. */
typedef struct {
  int count;
  const int *operation, *left, *right;
  const float *number;
} Formula;

/* One operation's value for x and y, and its derivatives dx and dy by both, those of torch where there are several. */
INLINE float applied(Operation operation, float x, float y, float number, float *dx, float *dy) {
  float z;
  *dx = *dy = 0;
  switch (operation) {
    case NUMBER: return number;
    case ADD: *dx = *dy = 1; return x + y;
    case SUBTRACT: *dx = 1, *dy = -1; return x - y;
    case MULTIPLY: *dx = y, *dy = x; return x * y;
    case DIVIDE: z = x / y, *dx = 1 / y, *dy = -z / y; return z;
    case SMALLER: *dx = x < y ? 1 : x == y ? .5f : 0, *dy = 1 - *dx; return x < y || isnan(x) ? x : y;
    case LARGER: *dx = x > y ? 1 : x == y ? .5f : 0, *dy = 1 - *dx; return x > y || isnan(x) ? x : y;
    case AT_MOST: *dx = x < number; return x > number ? number : x;
    case AT_LEAST: *dx = x > number; return x < number ? number : x;
    case POWER:
      *dx = number == 0 ? 0 : number == 2 ? 2 * x : number * powf(x, number - 1);
      return number == 2 ? x * x : powf(x, number);
    case NEGATIVE: *dx = -1; return -x;
    case ABSOLUTE: *dx = (x > 0) - (x < 0); return fabsf(x);
    case SIGN: return isnan(x) ? x : (x > 0) - (x < 0);
    case RELU: *dx = x > 0; return x < 0 ? 0 : x;
    case RECIPROCAL: z = 1 / x, *dx = -z * z; return z;
    case EXP: return *dx = expf(x);
    case EXPM1: z = expm1f(x), *dx = x < -1 ? expf(x) : z + 1; return z;
    case LOG: *dx = 1 / x; return logf(x);
    case LOG1P: *dx = 1 / (1 + x); return log1pf(x);
    case SQRT: z = sqrtf(x), *dx = 1 / (2 * z); return z;
    case TANH: z = tanhf(x), *dx = 1 - z * z; return z;
    case ATAN: *dx = 1 / (1 + x * x); return atanf(x);
    case SIGMOID: z = 1 / (1 + expf(-x)), *dx = z * (1 - z); return z;
    case LOG_SIGMOID:
      z = expf(-fabsf(x)), *dx = (x < 0 ? 1 : z) / (1 + z);
      return (x < 0 ? x : 0) - log1pf(z);
    case SIN: *dx = cosf(x); return sinf(x);
    case COS: *dx = -sinf(x); return cosf(x);
    case COSH: *dx = sinhf(x); return coshf(x);
    case SINH: *dx = coshf(x); return sinhf(x);
    case ERF: *dx = 1.12837917f * expf(-x * x); return erff(x);
  }
  return NAN;
}

typedef float Piece[PIECE];

INLINE void apply(Operation operation, int many, float number, const float *x, const float *y, const float *x_slope,
                  const float *y_slope, float *value, float *slope) {
  for (int s = 0; s < many; s++) {
    float dx, dy, z = applied(operation, x[s], y[s], number, &dx, &dy);
    /* What is cut off by a bound has slope 0, however steep it is taken afterwards: so has torch. */
    value[s] = z, slope[s] = (x_slope[s] == 0 ? 0 : dx * x_slope[s]) + (y_slope[s] == 0 || dy == 0 ? 0 : dy * y_slope[s]);
  }
}

/* Values and derivatives (n) of a formula at d (n). Returns 0. */
int evaluate(const Formula *formula, int n, const float *d, float *value, float *slope) {
  Piece values[LONGEST + 1], slopes[LONGEST + 1];
  for (int start = 0; start < n; start += PIECE) {
    int many = n - start < PIECE ? n - start : PIECE;
    for (int s = 0; s < many; s++) values[0][s] = d[start + s], slopes[0][s] = 1;
    for (int k = 0; k < formula->count; k++) {
      int x = formula->left[k], y = formula->right[k];
#define APPLY(operation)                                                                                               \
  case operation:                                                                                                      \
    apply(operation, many, formula->number[k], values[x], values[y], slopes[x], slopes[y], values[k + 1], slopes[k + 1]); \
    break;
      switch ((Operation)formula->operation[k]) { EACH(APPLY) }
    }
    memcpy(value + start, values[formula->count], sizeof(float) * many);
    memcpy(slope + start, slopes[formula->count], sizeof(float) * many);
  }
  return 0;
}

/* The networks and formulas of a game, whose critic judges `packing` samples at once: the values of real and of
 * generated samples, the generator's loss, and `cost` of the squared slope at real samples (or, `at_fake`, at
 * generated ones), null for none. All formulas are of the critic network's output. */
typedef struct {
  const Chain *generator, *critic;
  const Formula *real, *fake, *loss, *cost;
  int packing, at_fake;
} Game;

/* Mean of a formula's values at outputs d (n), and `times` its derivatives by each of them. */
static double mean(const Formula *formula, int n, const float *d, double times, float *slope, float *values) {
  double sum = 0;
  evaluate(formula, n, d, values, slope);
  for (int s = 0; s < n; s++) sum += values[s], slope[s] *= (float)(times / n);
  return sum / n;
}

/* Adds the gradient of weight times the mean cost of squared slopes at x (n, in) to dw; that cost. `spare` has room for
 * 2 hidden_size + (2 in + 4) n + row_size. */
static double charged(const Game *game, int n, const float *weights, const float *x, float weight, float *dw, float *spare) {
  const Chain *critic = game->critic;
  size_t row = row_size(critic), kept = hidden_size(critic, n), in = critic->width[0];
  float *hidden = spare, *signals = hidden + kept, *slopes = signals + kept, *ones = slopes + n * in, *squared = ones + n;
  float *values = squared + n, *rise = values + n, *gradient = rise + n;
  for (int s = 0; s < n; s++) ones[s] = 1;
  if (chain_forward(0, 1, critic, n, weights, row, x, 0, hidden, values)) return NAN;
  if (chain_backward(0, 1, critic, n, weights, row, x, 0, hidden, ones, NULL, slopes, signals)) return NAN;
  for (int s = 0; s < n; s++) {
    squared[s] = 0;
    for (size_t k = 0; k < in; k++) squared[s] += slopes[s * in + k] * slopes[s * in + k];
  }
  double cost = weight * mean(game->cost, n, squared, weight, rise, values);
  for (int s = 0; s < n; s++)
    for (size_t k = 0; k < in; k++) slopes[s * in + k] *= 2 * rise[s];
  if (slope_backward(0, 1, critic, n, weights, row, hidden, signals, slopes, gradient)) return NAN;
  for (size_t k = 0; k < row; k++) dw[k] += gradient[k];
  return cost;
}

/* The critics' losses (R) and their gradients (R, row_size) at real samples data[indices], indices (R, samples), and at
 * samples generated from latents (R, samples, in). `weight` (R) is the penalty's. Returns 1 when there is no memory. */
int critic_descent(int from, int to, const Game *game, int samples, const float *of_generator, const float *of_critic,
                   const float *data, const int64_t *indices, const float *latents, const float *weight, float *loss,
                   float *gradient) {
  const Chain *generator = game->generator, *critic = game->critic;
  int n = samples / game->packing;
  size_t latent = generator->width[0], size = generator->width[generator->layers];
  size_t hidden = 2 * hidden_size(critic, n) + hidden_size(generator, samples);
  size_t row = row_size(critic), charge = 2 * hidden_size(critic, n) + (2 * critic->width[0] + 4) * n + row;
  float *x = malloc(sizeof(float) * (2 * samples * size + hidden + 6 * n + charge));
  if (!x) return 1;
  float *made = x + samples * size, *inner = x + 2 * samples * size, *out = inner + hidden, *d_out = out + 2 * n;
  float *values = d_out + 2 * n, *spare = values + 2 * n;
  int failed = 0;
  for (int r = from; r < to && !failed; r++) {
    const float *w = of_critic + r * row;
    const int64_t *rows = indices + (size_t)r * samples;
    for (int s = 0; s < samples; s++) memcpy(x + s * size, data + rows[s] * size, sizeof(float) * size);
    failed |= chain_forward(0, 1, generator, samples, of_generator + r * row_size(generator), 0,
                            latents + r * samples * latent, 0, inner, made);
    failed |= chain_forward(0, 1, critic, 2 * n, w, 0, x, 0, inner, out);
    double value = mean(game->real, n, out, -1, d_out, values) + mean(game->fake, n, out + n, -1, d_out + n, values);
    failed |= chain_backward(0, 1, critic, 2 * n, w, 0, x, 0, inner, d_out, gradient + r * row, NULL, NULL);
    double cost = game->cost ? charged(game, n, w, game->at_fake ? made : x, weight[r], gradient + r * row, spare) : 0;
    loss[r] = (float)(cost - value);
  }
  free(x);
  return failed;
}

/* The generators' losses (R) and their gradients (R, row_size) at latents (R, samples, in). Returns 1 when there is no
 * memory. */
int generator_descent(int from, int to, const Game *game, int samples, const float *of_generator, const float *of_critic,
                      const float *latents, float *loss, float *gradient) {
  const Chain *generator = game->generator, *critic = game->critic;
  int n = samples / game->packing;
  size_t latent = generator->width[0], size = generator->width[generator->layers], row = row_size(generator);
  size_t kept = hidden_size(generator, samples), hidden = kept + hidden_size(critic, n);
  float *made = malloc(sizeof(float) * (2 * samples * size + hidden + 3 * n));
  if (!made) return 1;
  float *d_made = made + samples * size, *inner = d_made + samples * size, *out = inner + hidden, *d_out = out + n;
  int failed = 0;
  for (int r = from; r < to && !failed; r++) {
    const float *w = of_critic + r * row_size(critic), *own = of_generator + r * row, *z = latents + r * samples * latent;
    failed |= chain_forward(0, 1, generator, samples, own, 0, z, 0, inner, made);
    failed |= chain_forward(0, 1, critic, n, w, 0, made, 0, inner + kept, out);
    loss[r] = (float)mean(game->loss, n, out, 1, d_out, d_out + n);
    failed |= chain_backward(0, 1, critic, n, w, 0, made, 0, inner + kept, d_out, NULL, d_made, NULL);
    failed |= chain_backward(0, 1, generator, samples, own, 0, z, 0, inner, d_made, gradient + r * row, NULL, NULL);
  }
  free(made);
  return failed;
}
