// Matrices: products in float and double, Gaussian elimination with pivoting, and a power iteration.
#include <math.h>
#include <stdio.h>

enum { N = 96 };
static double a[N][N], b[N][N], c[N][N], right[N], solution[N];
static float fa[N][N], fb[N][N], fc[N][N];

static void fill(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = fa[i][j] = (float)((i * 7 + j * 3) % 11 - 5) / 4 + (i == j ? 9 : 0);
            b[i][j] = fb[i][j] = (float)((i * 5 + j * 13) % 17 - 8) / 8;
        }
        right[i] = i % 5 - 2;
    }
}

static void multiply(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            float small = 0;
            for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j], small += fa[i][k] * fb[k][j];
            c[i][j] = sum, fc[i][j] = small;
        }
}

static double solve(void) {
    double determinant = 1;
    for (int p = 0; p < N; p++) {
        int best = p;
        for (int i = p + 1; i < N; i++)
            if (fabs(a[i][p]) > fabs(a[best][p])) best = i;
        if (best != p) {
            for (int j = 0; j < N; j++) {
                double t = a[p][j];
                a[p][j] = a[best][j], a[best][j] = t;
            }
            double t = right[p];
            right[p] = right[best], right[best] = t;
            determinant = -determinant;
        }
        determinant *= a[p][p] / 10;
        for (int i = p + 1; i < N; i++) {
            double factor = a[i][p] / a[p][p];
            for (int j = p; j < N; j++) a[i][j] -= factor * a[p][j];
            right[i] -= factor * right[p];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        double sum = right[i];
        for (int j = i + 1; j < N; j++) sum -= a[i][j] * solution[j];
        solution[i] = sum / a[i][i];
    }
    return determinant;
}

int main(void) {
    fill();
    multiply();
    double trace = 0;
    float small = 0;
    for (int i = 0; i < N; i++) trace += c[i][i], small += fc[i][i];
    printf("%.6f %.3f %.4f\n", trace, small, c[3][90]);
    double v[N], length = 0;
    for (int i = 0; i < N; i++) v[i] = 1;
    for (int round = 0; round < 30; round++) {
        double w[N];
        length = 0;
        for (int i = 0; i < N; i++) {
            w[i] = 0;
            for (int j = 0; j < N; j++) w[i] += a[i][j] * v[j];
            length += w[i] * w[i];
        }
        length = sqrt(length);
        for (int i = 0; i < N; i++) v[i] = w[i] / length;
    }
    printf("%.6f\n", length);
    double determinant = solve();
    printf("%.6e\n", determinant);
    for (int i = 0; i < N; i += 19) printf("%.9f ", solution[i]);
    putchar('\n');
    return 0;
}
