/* Where numbers lie in memory. Called from layout.py. */
#include <stddef.h>

#define COLUMNS 8 /* that are written at once, so that their lines stay in the first cache */

/* y (R, n, cols, rows) of x (R, n, rows, cols), both float32, for the replicas `from` to `to`. Returns 0. */
int turn(int from, int to, int n, int rows, int cols, const float *restrict x, float *restrict y) {
  size_t size = (size_t)rows * cols;
  x += (size_t)from * n * size, y += (size_t)from * n * size;
  for (int k = from * n; k < to * n; k++, x += size, y += size)
    for (int first = 0; first < cols; first += COLUMNS) {
      int end = first + COLUMNS < cols ? first + COLUMNS : cols;
      for (int r = 0; r < rows; r++)
        for (int c = first; c < end; c++) y[(size_t)c * rows + r] = x[(size_t)r * cols + c];
    }
  return 0;
}
