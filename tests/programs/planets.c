// Gravity among seven bodies, integrated by the leapfrog method: double arithmetic and square roots in structures.
#include <math.h>
#include <stdio.h>

enum { BODIES = 7, STEPS = 180000 };

struct body {
    double at[3], speed[3], mass;
};
static struct body bodies[BODIES];

// A star and planets on circles, each in a plane of its own. The gravitational constant is 1.
static void prepare(void) {
    bodies[0].mass = 1000;
    for (int i = 1; i < BODIES; i++) {
        struct body *b = &bodies[i];
        double radius = 4 + 3.5 * i, tilt = 0.02 * i, orbital = sqrt(bodies[0].mass / radius);
        b->mass = 0.05 * i;
        b->at[i % 2] = radius;
        b->speed[1 - i % 2] = orbital * (1 - tilt);
        b->speed[2] = orbital * tilt;
    }
}

static void kick(double time) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            struct body *a = &bodies[i], *b = &bodies[j];
            double dx = b->at[0] - a->at[0], dy = b->at[1] - a->at[1], dz = b->at[2] - a->at[2];
            double square = dx * dx + dy * dy + dz * dz + 1e-4;
            double pull = time / (square * sqrt(square));
            double of_a = pull * a->mass, of_b = pull * b->mass;
            a->speed[0] += dx * of_b, a->speed[1] += dy * of_b, a->speed[2] += dz * of_b;
            b->speed[0] -= dx * of_a, b->speed[1] -= dy * of_a, b->speed[2] -= dz * of_a;
        }
}

static void drift(double time) {
    for (int i = 0; i < BODIES; i++)
        for (int axis = 0; axis < 3; axis++) bodies[i].at[axis] += time * bodies[i].speed[axis];
}

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        sum += a->mass * (a->speed[0] * a->speed[0] + a->speed[1] * a->speed[1] + a->speed[2] * a->speed[2]) / 2;
        for (int j = i + 1; j < BODIES; j++) {
            double square = 1e-4;
            for (int axis = 0; axis < 3; axis++) {
                double apart = bodies[j].at[axis] - a->at[axis];
                square += apart * apart;
            }
            sum -= a->mass * bodies[j].mass / sqrt(square);
        }
    }
    return sum;
}

int main(void) {
    const double step = 1.0 / 1024;
    prepare();
    printf("energy %.12f\n", energy());
    drift(step / 2);
    for (int i = 0; i < STEPS; i++) kick(step), drift(step);
    drift(-step / 2);
    printf("energy %.12f\n", energy());
    for (int i = 0; i < BODIES; i++) printf("%.12f %.12f %.12f\n", bodies[i].at[0], bodies[i].at[1], bodies[i].at[2]);
    return 0;
}
