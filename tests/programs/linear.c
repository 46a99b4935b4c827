// Linear algebra in doubles: a matrix product, elimination with pivots, and conjugate gradients on a sparse grid.
#include <math.h>
#include <stdio.h>

enum { N = 220, GRID = 160, CELLS = GRID * GRID };

static double a[N][N], b[N][N], c[N][N];
static double known[CELLS], guess[CELLS], rest[CELLS], along[CELLS], image[CELLS];

static void multiply(void) {
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            double factor = a[i][k];
            for (int j = 0; j < N; j++) c[i][j] += factor * b[k][j];
        }
}

// Solves a x = right in place; returns the determinant's sign.
static int eliminate(double right[N]) {
    int sign = 1;
    for (int k = 0; k < N; k++) {
        int pivot = k;
        for (int i = k + 1; i < N; i++)
            if (fabs(a[i][k]) > fabs(a[pivot][k])) pivot = i;
        if (pivot != k) {
            for (int j = 0; j < N; j++) {
                double other = a[k][j];
                a[k][j] = a[pivot][j];
                a[pivot][j] = other;
            }
            double other = right[k];
            right[k] = right[pivot];
            right[pivot] = other;
            sign = -sign;
        }
        if (a[k][k] < 0) sign = -sign;
        for (int i = k + 1; i < N; i++) {
            double factor = a[i][k] / a[k][k];
            for (int j = k; j < N; j++) a[i][j] -= factor * a[k][j];
            right[i] -= factor * right[k];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int j = i + 1; j < N; j++) right[i] -= a[i][j] * right[j];
        right[i] /= a[i][i];
    }
    return sign;
}

// Heat conduction on the grid: each cell and its four neighbours.
static void conduct(const double from[CELLS], double to[CELLS]) {
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            int i = y * GRID + x;
            double sum = 4.1 * from[i];
            if (x > 0) sum -= from[i - 1];
            if (x < GRID - 1) sum -= from[i + 1];
            if (y > 0) sum -= from[i - GRID];
            if (y < GRID - 1) sum -= from[i + GRID];
            to[i] = sum;
        }
}

static double product(const double *left, const double *right) {
    double sum = 0;
    for (int i = 0; i < CELLS; i++) sum += left[i] * right[i];
    return sum;
}

static int descend(double enough) {
    for (int i = 0; i < CELLS; i++) guess[i] = 0, rest[i] = along[i] = known[i];
    double length = product(rest, rest);
    int rounds = 0;
    for (; length > enough; rounds++) {
        conduct(along, image);
        double step = length / product(along, image);
        for (int i = 0; i < CELLS; i++) guess[i] += step * along[i], rest[i] -= step * image[i];
        double next = product(rest, rest), keep = next / length;
        length = next;
        for (int i = 0; i < CELLS; i++) along[i] = rest[i] + keep * along[i];
    }
    return rounds;
}

int main(void) {
    static double right[N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = ((i * 37 + j * 101) % 211 - 105) / 64.0 + (i == j ? 3 : 0);
            b[i][j] = ((i * 53 + j * 19) % 197 - 98) / 128.0;
        }
    double trace = 0, sum = 0;
    for (int round = 0; round < 6; round++) {
        multiply();
        trace += c[round][round], b[round][0] += 0.5;
    }
    for (int i = 0; i < N; i++) trace += c[i][N - 1 - i], right[i] = c[i][i];
    int sign = eliminate(right);
    for (int i = 0; i < N; i++) sum += right[i];
    printf("%.9f %.9f %d\n", trace, sum, sign);
    known[GRID * 40 + 40] = 100, known[GRID * 100 + 120] = -50;
    int rounds = descend(1e-18);
    printf("%d %.12f %.12f\n", rounds, guess[GRID * 40 + 41], guess[GRID * 99 + 120]);
    return 0;
}
