/* Gradients of gradients of dense layers, one replica after the other. Called from dense.py. All arrays are float32 and
 * row-major; `from` and `to` are the range of replicas to work on. */
#include <stdlib.h>
#include <string.h>

#include "dense.h"

/* z (n, out) = x w, or z + x w; w is (in, out). `spare` has room for w and for z. */
static void forth(const float *x, const float *w, float *z, int add, int n, int in, int out, float *spare) {
  if (out < LANES) {
    float *turned = spare, *made = add ? spare + (size_t)in * out : z;
    transpose(w, turned, in, out);
    few(x, turned, NULL, made, n, in, out);
    if (add)
      for (size_t i = 0; i < (size_t)n * out; i++) z[i] += made[i];
    return;
  }
  Product p = {n, out, in, x, in, 1, w, z, z, 0};
  multiply(&p, add ? ADD : KEEP);
}

/* y (n, in) = s w', or y + s w'; w is (in, out). `spare` has room for w and for y. */
static void back(const float *s, const float *w, float *y, int add, int n, int in, int out, float *spare) {
  if (in < LANES) {
    float *made = add ? spare : y;
    few(s, w, NULL, made, n, out, in);
    if (add)
      for (size_t i = 0; i < (size_t)n * in; i++) y[i] += made[i];
    return;
  }
  const float *turned = w;
  if (out > 1) {
    transpose(w, spare, in, out);
    turned = spare;
  }
  Product p = {n, in, out, s, out, 1, turned, y, y, 0};
  multiply(&p, add ? ADD : KEEP);
}

/* Multiplies by the slope of an activation, told by the sign of its output. */
static void bend(float *z, const float *output, float slope, size_t size) {
  for (size_t i = 0; i < size; i++) z[i] = output[i] > 0 ? z[i] : slope * z[i];
}

/* Gradients of the sum of of_dw (R, row_size) times what chain_backward wrote to dw and of of_dx (R, n, in) times what it
 * wrote to dx, for d_out and with the `signals` that it kept; either of the two may be null. They go into dw (R,
 * row_size), with respect to the weights, dx (R, n, in), to the inputs, and of_d_out (R, n, out), to d_out; each may be
 * null. Returns 1 when there is no memory.
 *
 * The sum is that of d_out times the change of the outputs along of_dw and of_dx (Pearlmutter 1994, Fast exact
 * multiplication by the Hessian). So the hidden layers' changes are carried forth, then the sum's gradients with respect
 * to the layers' sums z are carried back. Activations are piecewise linear: no slope changes. */
int gradient_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                      size_t x_stride, const float *hidden, const float *d_out, const float *signals, const float *of_dw,
                      const float *of_dx, float *dw, float *dx, float *of_d_out) {
  size_t kept = hidden_size(chain, n), row = row_size(chain), wide = (size_t)n * widest(chain);
  float *changes = malloc(sizeof(float) * (kept + 3 * wide + row)); /* of a layer: never more than all weights */
  if (!changes) return 1;
  float *both = changes + kept, *spare = both + 2 * wide;
  for (int r = from; r < to; r++) {
    const float *inputs = x + r * x_stride, *change = of_dx ? of_dx + (size_t)r * n * chain->width[0] : NULL;
    size_t at = 0, inner = 0;
    for (int l = 0; l < chain->layers; l++) {
      int in = chain->width[l], out = chain->width[l + 1], last = l == chain->layers - 1;
      float *next = !last ? changes + inner : of_d_out ? of_d_out + (size_t)r * n * out : NULL;
      if (!next) break;
      const float *along = of_dw ? of_dw + r * row + at : NULL;
      if (change) forth(change, weights + r * stride + at, next, 0, n, in, out, spare);
      if (along) {
        forth(inputs, along, next, change != NULL, n, in, out, spare);
        const float *bias = along + (size_t)in * out;
        for (int s = 0; s < n; s++)
          for (int k = 0; k < out; k++) next[(size_t)s * out + k] += bias[k];
      }
      if (last) break;
      inputs = hidden + r * kept + inner;
      bend(next, inputs, chain->slope, (size_t)n * out);
      change = next;
      at += layer_size(chain, l);
      inner += (size_t)n * out;
    }
    const float *signal = d_out + (size_t)r * n * chain->width[chain->layers], *second = NULL; /* of z: along, and once more */
    at = row, inner = kept;
    for (int l = chain->layers - 1; l >= 0; l--) {
      int in = chain->width[l], out = chain->width[l + 1];
      at -= layer_size(chain, l);
      if (l > 0) inner -= (size_t)n * in;
      inputs = l > 0 ? hidden + r * kept + inner : x + r * x_stride;
      change = l > 0 ? changes + inner : of_dx ? of_dx + (size_t)r * n * in : NULL;
      if (dw) {
        float *gradient = dw + r * row + at, *bias = gradient + (size_t)in * out;
        memset(bias, 0, sizeof(float) * out);
        if (change)
          weight_gradient(change, signal, gradient, 0, n, in, out, spare);
        else if (!second)
          memset(gradient, 0, sizeof(float) * in * out);
        if (second) {
          weight_gradient(inputs, second, gradient, change != NULL, n, in, out, spare);
          for (int s = 0; s < n; s++)
            for (int k = 0; k < out; k++) bias[k] += second[(size_t)s * out + k];
        }
      }
      if (l == 0 && !dx) break;
      float *down = l > 0 ? both + (size_t)(l & 1) * wide : dx + (size_t)r * n * in;
      const float *along = of_dw ? of_dw + r * row + at : NULL;
      if (second) back(second, weights + r * stride + at, down, 0, n, in, out, spare);
      if (along) back(signal, along, down, second != NULL, n, in, out, spare);
      if (!second && !along) {
        if (l == 0) memset(down, 0, sizeof(float) * n * in);
      } else {
        if (l > 0) bend(down, inputs, chain->slope, (size_t)n * in);
        second = down;
      }
      if (l > 0) signal = signals + r * kept + inner;
    }
  }
  free(changes);
  return 0;
}
