// Bit tricks in 32 and 64 bits: rotations, counts, reversals, carry-less products, random number generators.
#include <stdint.h>
#include <stdio.h>

static uint32_t rotate32(uint32_t x, int n) { return x << (n & 31) | x >> (-n & 31); }
static uint64_t rotate64(uint64_t x, int n) { return x << (n & 63) | x >> (-n & 63); }

static uint32_t reverse32(uint32_t x) {
    x = (x & 0x55555555) << 1 | (x >> 1 & 0x55555555);
    x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333);
    x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f);
    return __builtin_bswap32(x);
}

static uint64_t carryless(uint32_t a, uint32_t b) {
    uint64_t product = 0;
    for (int i = 0; i < 32; i++)
        if (b >> i & 1) product ^= (uint64_t)a << i;
    return product;
}

static uint64_t xorshift(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

static int parity(uint64_t x) { return __builtin_popcountll(x) & 1; }

static uint64_t isqrt(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 62; bit; bit >>= 2) {
        if (x >= root + bit) x -= root + bit, root = (root >> 1) + bit;
        else root >>= 1;
    }
    return root;
}

int main(void) {
    uint64_t state = 0x9e3779b97f4a7c15, fold = 0;
    int leading = 0, trailing = 0, ones = 0, odd = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t x = xorshift(&state) >> (i & 63);
        uint32_t low = (uint32_t)x;
        if (x) leading += __builtin_clzll(x), trailing += __builtin_ctzll(x);
        if (low) leading += __builtin_clz(low), trailing += __builtin_ctz(low);
        ones += __builtin_popcountll(x) - __builtin_popcount(low);
        odd += parity(x);
        fold = rotate64(fold, i) ^ x ^ reverse32(low) ^ rotate32(low, (int)(x >> 40));
        fold += x / ((low & 0xffff) + 1) + (uint64_t)((int64_t)x % ((int32_t)low | 1));
    }
    printf("%d %d %d %d\n", leading, trailing, ones, odd);
    printf("%016llx\n", (unsigned long long)fold);
    printf("%016llx\n", (unsigned long long)carryless(0xdeadbeef, 0x12345679));
    printf("%llu %llu\n", (unsigned long long)isqrt(1000000007ull * 1000000007ull - 1), (unsigned long long)isqrt(UINT64_MAX));
    volatile uint32_t thirty_two = 33;
    volatile uint64_t sixty_four = 65;
    printf("%u %llu\n", (unsigned)rotate32(0x80000001u, (int)thirty_two), (unsigned long long)rotate64(3, (int)sixty_four));
    volatile int8_t narrow = -3;
    volatile int16_t half = -300;
    printf("%d %d %lld\n", narrow >> 1, half << 2, (long long)narrow * half);
    uint64_t tail = 0;
    for (uint64_t x = 1; x; x <<= 3) tail = tail * 31 + (x & -x) % 1000003;
    printf("%llu\n", (unsigned long long)tail);
    return 0;
}
