// Function pointers of several types: tables of operations, objects with methods, callbacks that return pointers.
#include <stdint.h>
#include <stdio.h>

typedef int32_t (*binary)(int32_t, int32_t);
static int32_t add(int32_t a, int32_t b) { return a + b; }
static int32_t subtract(int32_t a, int32_t b) { return a - b; }
static int32_t multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t mix(int32_t a, int32_t b) { return (int32_t)((uint32_t)a << 5 | (uint32_t)a >> 27) ^ b; }
static const binary operations[] = {add, subtract, multiply, larger, mix};

struct shape;
struct methods {
    const char *name;
    double (*area)(const struct shape *);
    void (*scale)(struct shape *, float);
};
struct shape {
    const struct methods *methods;
    double a, b;
};
static double rectangle_area(const struct shape *s) { return s->a * s->b; }
static double ellipse_area(const struct shape *s) { return 3.14159265358979 * s->a * s->b; }
static void scale_both(struct shape *s, float by) { s->a *= by, s->b *= by; }
static void scale_first(struct shape *s, float by) { s->a *= by; }
static const struct methods rectangle = {"rectangle", rectangle_area, scale_both};
static const struct methods ellipse = {"ellipse", ellipse_area, scale_first};

typedef uint64_t (*wide)(uint64_t, float, double, int32_t, uint64_t, int32_t, double, int32_t, int32_t, int32_t, int32_t, double);
static uint64_t many(uint64_t a, float b, double c, int32_t d, uint64_t e, int32_t f, double g, int32_t h, int32_t i, int32_t j,
                     int32_t k, double l) {
    return a + (uint64_t)(b * 2) + (uint64_t)(c * 4) + d * 8u + e * 16 + f * 32u + (uint64_t)(g * 64) + h * 128u + i * 256u +
           j * 512u + k * 1024u + (uint64_t)(l * 2048);
}
static uint64_t fewer(uint64_t a, float b, double c, int32_t d, uint64_t e, int32_t f, double g, int32_t h, int32_t i, int32_t j,
                      int32_t k, double l) {
    return a ^ e ^ (uint64_t)(d + f + h + i + j + k) ^ (uint64_t)(b + c + g + l);
}
static volatile wide wides[] = {many, fewer};

static binary choose(int n) { return operations[n % 5]; }

int main(void) {
    int32_t state = 1;
    for (int i = 0; i < 200000; i++) state = choose(i ^ (state & 3))(state, i);
    printf("%d\n", (int)state);
    struct shape shapes[] = {{&rectangle, 2, 3}, {&ellipse, 1, 2}, {&rectangle, 0.5, 8}};
    double sum = 0;
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 3; i++) {
            shapes[i].methods->scale(&shapes[i], round % 2 ? 0.5f : 2.0f);
            sum += shapes[i].methods->area(&shapes[i]);
        }
    }
    printf("%s %.6f\n", shapes[1].methods->name, sum);
    uint64_t total = 0;
    for (int i = 0; i < 1000; i++) total += wides[i & 1](total, i, i * 0.5, i, 3, i + 1, 0.25, 4, i, 5, -i, 1.5);
    printf("%llu\n", (unsigned long long)total);
    return 0;
}
