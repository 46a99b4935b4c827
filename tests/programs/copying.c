// Bulk memory: copies that overlap in both directions, fills of all sizes, comparisons, all checked by a running sum.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 1 << 18 };
static unsigned char buffer[SIZE], other[SIZE];

static uint32_t adler(const unsigned char *p, size_t n) {
    uint32_t a = 1, b = 0;
    while (n--) {
        a += *p++;
        if (a >= 65521) a -= 65521;
        b += a;
        if (b >= 65521) b -= 65521;
    }
    return b << 16 | a;
}

int main(void) {
    uint32_t seed = 1;
    for (int i = 0; i < SIZE; i++) {
        seed = seed * 69069 + 1;
        buffer[i] = seed >> 24;
    }
    printf("%08x\n", adler(buffer, SIZE));
    for (int i = 0; i < 2000; i++) {
        seed = seed * 69069 + 1;
        size_t to = seed % (SIZE / 2);
        seed = seed * 69069 + 1;
        size_t from = seed % (SIZE / 2), length = seed >> 20;
        if (i % 3 == 0) from = to + i % 50;
        if (i % 3 == 1) from = to > 40 ? to - i % 40 : to;
        memmove(buffer + to, buffer + from, length);
        if (i % 7 == 0) memset(buffer + from, i, length % 100);
    }
    printf("%08x\n", adler(buffer, SIZE));
    memcpy(other, buffer, SIZE);
    printf("%d\n", memcmp(buffer, other, SIZE));
    for (size_t length = 0; length < 70; length++) {
        memset(other + length * 100, (int)length, length);
        memcpy(other + 50000 + length * 90, other + length * 3, length);
    }
    printf("%08x %d\n", adler(other, SIZE), memcmp(buffer, other, SIZE) != 0);
    for (int i = 0; i < 60; i++) {
        memcpy(other, buffer, SIZE);
        memmove(other + 1, other, SIZE - 1);
        memset(other + i * 100, i, SIZE / 4);
        memcpy(buffer, other, SIZE);
    }
    printf("%08x\n", adler(buffer, SIZE));
    return 0;
}
