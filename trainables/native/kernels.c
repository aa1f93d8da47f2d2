/* Dense layers and Adam of a population, one replica after the other, so that its numbers stay in the cache and do not
 * depend on who trains beside it. Called from dense.py and adam.py. All arrays are float32 and row-major; `from` and `to`
 * are the range of replicas to work on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dense.h"

/* Numbers in all hidden layers of n samples. */
size_t hidden_size(const Chain *chain, int n) {
  size_t size = 0;
  for (int l = 1; l < chain->layers; l++) size += (size_t)n * chain->width[l];
  return size;
}

/* Numbers in all weights of one replica. */
size_t row_size(const Chain *chain) {
  size_t size = 0;
  for (int l = 0; l < chain->layers; l++) size += layer_size(chain, l);
  return size;
}

/* Outputs (R, n, out) of inputs x (R, n, in), which lie x_stride apart, by weights (R, row_size) that lie stride apart.
 * `hidden` (R, hidden_size) keeps the outputs of all layers but the last. Returns 1 when there is no memory. */
int chain_forward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                  size_t x_stride, float *hidden, float *out) {
  size_t kept = hidden_size(chain, n);
  float *turned = malloc(sizeof(float) * LANES * widest(chain));
  if (!turned) return 1;
  for (int r = from; r < to; r++) {
    const float *inputs = x + r * x_stride, *w = weights + r * stride;
    float *next = hidden + r * kept;
    for (int l = 0; l < chain->layers; l++) {
      int in = chain->width[l], outs = chain->width[l + 1], last = l == chain->layers - 1;
      const float *b = w + (size_t)in * outs;
      float *y = last ? out + (size_t)r * n * outs : next;
      if (last && outs < LANES) {
        transpose(w, turned, in, outs);
        few(inputs, turned, b, y, n, in, outs);
      } else {
        Product p = {n, outs, in, inputs, in, 1, w, y, b, chain->slope};
        multiply(&p, last ? BIAS : chain->slope == 0 ? BIAS_RELU : BIAS_LEAKY);
      }
      w = b + outs;
      inputs = y;
      next += (size_t)n * outs;
    }
  }
  free(turned);
  return 0;
}

/* Gradients of the sum of outputs times d_out (R, n, out): of the weights into dw (R, row_size) or of the inputs into dx
 * (R, n, in), either of which may be null. `signals` (R, hidden_size; or null) keeps the gradients with respect to the
 * hidden layers before their activations. Returns 1 when there is no memory. */
int chain_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                   size_t x_stride, const float *hidden, const float *d_out, float *dw, float *dx, float *signals) {
  size_t kept = hidden_size(chain, n), row = row_size(chain), wide = widest(chain);
  float *spare = malloc(sizeof(float) * (2 * n * wide + row + LANES * wide));
  if (!spare) return 1;
  float *turned = spare + 2 * n * wide; /* a layer's weights: never more than all of them */
  for (int r = from; r < to; r++) {
    const float *signal = d_out + (size_t)r * n * chain->width[chain->layers];
    size_t at = row, inner = kept; /* where this layer's weights, and the outputs of the one before, begin */
    for (int l = chain->layers - 1; l >= 0; l--) {
      int in = chain->width[l], out = chain->width[l + 1];
      at -= layer_size(chain, l);
      if (l > 0) inner -= (size_t)n * in;
      const float *inputs = l > 0 ? hidden + r * kept + inner : x + r * x_stride, *w = weights + r * stride + at;
      if (dw) {
        float *gradient = dw + r * row + at, *bias = gradient + (size_t)in * out;
        weight_gradient(inputs, signal, gradient, 0, n, in, out, turned);
        memset(bias, 0, sizeof(float) * out);
        for (int s = 0; s < n; s++)
          for (int k = 0; k < out; k++) bias[k] += signal[(size_t)s * out + k];
      }
      if (l == 0 && !dx) break;
      float *down = l == 0    ? dx + (size_t)r * n * in
                    : signals ? signals + r * kept + inner
                              : spare + (size_t)(l & 1) * n * wide;
      if (l == 0 && in < LANES) {
        few(signal, w, NULL, down, n, out, in);
      } else {
        if (out > 1) transpose(w, turned, in, out);
        Product p = {n, in, out, signal, out, 1, out > 1 ? turned : w, down, inputs, chain->slope};
        multiply(&p, l > 0 ? SLOPE : KEEP);
      }
      signal = down;
    }
  }
  free(spare);
  return 0;
}

/* Gradients with respect to the weights, into dw (R, row_size), of the sum of u (R, n, in) times the slopes that
 * chain_backward gave as dx for d_out = 1 (one output), with the `signals` that it kept. Activations are piecewise
 * linear, so that nothing reaches the biases. Returns 1 when there is no memory. */
int slope_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *hidden,
                   const float *signals, const float *u, float *dw) {
  size_t kept = hidden_size(chain, n), row = row_size(chain), wide = widest(chain);
  float *spare = malloc(sizeof(float) * (2 * n * wide + n + LANES * wide));
  if (!spare) return 1;
  float *ones = spare + 2 * n * wide, *turned = ones + n;
  for (int s = 0; s < n; s++) ones[s] = 1;
  for (int r = from; r < to; r++) {
    const float *tangent = u + (size_t)r * n * chain->width[0];
    size_t at = 0, inner = r * kept;
    for (int l = 0; l < chain->layers; l++) {
      int in = chain->width[l], out = chain->width[l + 1], last = l == chain->layers - 1;
      float *gradient = dw + r * row + at;
      weight_gradient(tangent, last ? ones : signals + inner, gradient, 0, n, in, out, turned);
      memset(gradient + (size_t)in * out, 0, sizeof(float) * out);
      if (last) break;
      float *next = spare + (size_t)(l & 1) * n * wide;
      Product p = {n, out, in, tangent, in, 1, weights + r * stride + at, next, hidden + inner, chain->slope};
      multiply(&p, SLOPE);
      tangent = next;
      at += layer_size(chain, l);
      inner += (size_t)n * out;
    }
  }
  free(spare);
  return 0;
}

/* Lengths (R,) of gradients (R, P), and `alive` without replicas whose loss exceeds `bound` or whose length is not
 * finite. Returns 0. */
int check_gradients(int from, int to, size_t size, const float *gradients, const float *loss, float bound, float *length,
                    unsigned char *alive) {
  for (int r = from; r < to; r++) {
    const float *gradient = gradients + r * size;
    Floats sums[2] = {{0}, {0}};
    float sum = 0;
    size_t k = 0;
    for (; k + 2 * LANES <= size; k += 2 * LANES)
      for (int v = 0; v < 2; v++) {
        Floats part = *(const Floats *)(gradient + k + v * LANES);
        sums[v] += part * part;
      }
    for (; k < size; k++) sum += gradient[k] * gradient[k];
    for (int q = 0; q < LANES; q++) sum += sums[0][q] + sums[1][q];
    length[r] = sqrtf(sum);
    if (!(fabsf(loss[r]) <= bound) || !isfinite(sum)) alive[r] = 0;
  }
  return 0;
}

/* Adam's count[0]-th update of weights, gradients and moments (R, P), in place, of the replicas that are `alive`; one
 * whose weights then exceed `bound` is not. `rate` is the learning rate. Returns 0. */
int adam_update(int from, int to, size_t size, float *weights, const float *gradients, float *firsts, float *seconds,
                const float *rate, const float *beta1, const float *beta2, const int64_t *count, float epsilon, float bound,
                unsigned char *alive) {
  for (int r = from; r < to; r++) {
    if (!alive[r]) continue;
    const float *restrict gradient = gradients + r * size;
    float *restrict weight = weights + r * size, *restrict first = firsts + r * size, *restrict second = seconds + r * size;
    float fresh1 = 1 - beta1[r], decay2 = beta2[r], fresh2 = 1 - decay2;
    /* In double precision: the difference of two numbers near 1 has few digits. */
    float step = rate[r] / (float)(1 - pow(beta1[r], *count)), corrected = 1 / (float)(1 - pow(decay2, *count));
    int beyond = 0;
    for (size_t k = 0; k < size; k++) {
      float g = gradient[k], m = first[k] + fresh1 * (g - first[k]), v = decay2 * second[k] + g * (g * fresh2);
      float w = weight[k] - m * step / (sqrtf(v * corrected) + epsilon);
      first[k] = m, second[k] = v, weight[k] = w;
      beyond |= !(fabsf(w) <= bound);
    }
    if (beyond) alive[r] = 0;
  }
  return 0;
}
