// Floating point: formatting, rounding, conversions, special values, and an integration of five bodies.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[5] = {
    {0, 0, 0, 0, 0, 0, 39.0},
    {4.8, -1.2, -0.1, 0.6, 2.8, -0.02, 0.04},
    {8.3, 4.1, -0.4, -1.0, 1.8, 0.008, 0.011},
    {12.9, -15.1, -0.2, 1.1, 0.9, -0.01, 0.0017},
    {15.4, -25.9, 0.2, 0.98, 0.6, -0.03, 0.002},
};

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        struct body *a = &bodies[i];
        sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
        for (int j = i + 1; j < 5; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

static void step(double dt) {
    for (int i = 0; i < 5; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < 5; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < 5; i++) {
        struct body *a = &bodies[i];
        a->x += dt * a->vx, a->y += dt * a->vy, a->z += dt * a->vz;
    }
}

static void roundings(void) {
    volatile double values[] = {0.5, 1.5, -0.5, -1.5, 2.4999999999, 1e15 + 0.5, -0.0};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        double v = values[i];
        printf("%g: floor %g ceil %g trunc %g nearest %g round %g\n", v, floor(v), ceil(v), trunc(v), rint(v), round(v));
    }
    volatile float single = 16777217.0f / 3.0f;
    printf("%.9g %.9g %.9g\n", single, floorf(single), sqrtf(single));
}

static void specials(void) {
    volatile double zero = 0.0, one = 1.0;
    double nan = zero / zero, infinity = one / zero;
    printf("%d %d %d %d\n", nan == nan, nan < one, !(nan >= one), infinity > 1e308);
    printf("%g %g %g\n", fmin(nan, one), fmax(-infinity, one), copysign(3.0, -zero));
    printf("%d %d\n", signbit(-zero) != 0, zero == -zero);
}

static void conversions(void) {
    volatile double big = 3e9, negative = -7.9;
    volatile uint64_t wide = 0xfffffffffffff400u;
    volatile int64_t signed_wide = -9007199254740993;
    printf("%u %d %lld\n", (unsigned)big, (int)negative, (long long)big);
    printf("%.0f %.0f %.0f\n", (double)wide, (double)(float)wide, (double)signed_wide);
    printf("%.17g %.17g\n", (double)0.1f, (double)(float)0.1);
}

int main(void) {
    printf("%.12f\n", energy());
    for (int i = 0; i < 20000; i++) step(0.001);
    printf("%.12f\n", energy());
    roundings();
    specials();
    conversions();
    double sum = 0;
    for (int i = 1; i <= 2000; i++) sum += sin(i) * exp(-i / 500.0) + log(i) / pow(i, 1.25);
    printf("%.10f\n", sum);
    printf("%a %e %G\n", 1.0 / 3.0, 6.02214076e23, 1e-10);
    return 0;
}
