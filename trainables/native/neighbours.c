/* Nearest neighbours of points, and which points lie in balls about others. Called from neighbours.py. Points (n, 3) are
 * float64 and ascend in their first coordinate, so that what is too far along it is never looked at; `from` and `to` are
 * the range of replicas to work on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double along(const double *one, const double *other) { return (one[0] - other[0]) * (one[0] - other[0]); }

static double apart(const double *one, const double *other) {
  double x = one[0] - other[0], y = one[1] - other[1], z = one[2] - other[2];
  return x * x + y * y + z * z;
}

/* Puts a distance among the k smallest, which ascend. */
static void insert(double *smallest, int k, double distance) {
  int place = k - 1;
  for (; place > 0 && smallest[place - 1] > distance; place--) smallest[place] = smallest[place - 1];
  smallest[place] = distance;
}

/* The squared distances (R, n) of points (R, n, 3) to their k-th nearest, themselves not counted, n > k. Returns 1 when
 * there is no memory. */
int reaches(int from, int to, int n, int k, const double *points, double *distances) {
  double *smallest = malloc(sizeof(double) * k);
  if (!smallest) return 1;
  for (int r = from; r < to; r++) {
    const double *all = points + (size_t)r * n * 3;
    for (int i = 0; i < n; i++) {
      for (int place = 0; place < k; place++) smallest[place] = INFINITY;
      for (int way = -1; way <= 1; way += 2)
        for (int j = i + way; j >= 0 && j < n && along(all + 3 * i, all + 3 * j) < smallest[k - 1]; j += way) {
          double distance = apart(all + 3 * i, all + 3 * j);
          if (distance < smallest[k - 1]) insert(smallest, k, distance);
        }
      distances[(size_t)r * n + i] = smallest[k - 1];
    }
  }
  free(smallest);
  return 0;
}

/* counts (R, 3) of closed balls with centres (R, m, 3) and squared radii (R, m), and points (R, n, 3): of balls that hold
 * points, of pairs of a ball and a point in it, of points that are in balls. The centres of replicas lie centres_stride
 * numbers apart, and 0 if they are the same; so do radii and points. Returns 1 when there is no memory. */
int in_balls(int from, int to, int m, const double *centres, size_t centres_stride, const double *radii,
             size_t radii_stride, int n, const double *points, size_t points_stride, long long *counts) {
  char *held = malloc(n);
  if (!held) return 1;
  for (int r = from; r < to; r++) {
    const double *centre = centres + r * centres_stride, *radius = radii + r * radii_stride;
    const double *all = points + r * points_stride;
    long long *found = counts + 3 * (size_t)r;
    memset(held, 0, n);
    memset(found, 0, 3 * sizeof *found);
    for (int i = 0, middle = 0; i < m; i++, centre += 3) {
      long long before = found[1];
      while (middle < n && all[3 * middle] < centre[0]) middle++;
      for (int way = -1; way <= 1; way += 2)
        for (int j = way < 0 ? middle - 1 : middle; j >= 0 && j < n && along(centre, all + 3 * j) <= radius[i]; j += way)
          if (apart(centre, all + 3 * j) <= radius[i]) {
            held[j] = 1;
            found[1]++;
          }
      found[0] += found[1] > before;
    }
    for (int j = 0; j < n; j++) found[2] += held[j];
  }
  free(held);
  return 0;
}
