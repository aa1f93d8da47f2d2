/* Dense layers of a population, as kernels.c and second_order.c compute them. */
#include <stddef.h>
#include <stdint.h>

/* Dense layers: width[l] inputs and width[l + 1] outputs of layer l, whose weights (in, out) and bias (out) follow each
 * other in a replica's row of weights. After each layer but the last comes the activation z for z > 0 and slope * z
 * below. */
typedef struct {
  int layers;
  const int *width;
  float slope;
} Chain;

size_t hidden_size(const Chain *chain, int n);
size_t row_size(const Chain *chain);
int chain_forward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                  size_t x_stride, float *hidden, float *out);
int chain_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                   size_t x_stride, const float *hidden, const float *d_out, float *dw, float *dx, float *signals);
int slope_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *hidden,
                   const float *signals, const float *u, float *dw);
int gradient_backward(int from, int to, const Chain *chain, int n, const float *weights, size_t stride, const float *x,
                      size_t x_stride, const float *hidden, const float *d_out, const float *signals, const float *of_dw,
                      const float *of_dx, float *dw, float *dx, float *of_d_out);
