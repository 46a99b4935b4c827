// Integer arithmetic: primes, greatest common divisors, modular powers, 64-bit division, signed corner cases.
#include <stdint.h>
#include <stdio.h>

static uint32_t gcd(uint32_t a, uint32_t b) {
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t power_mod(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (base %= modulus; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static int collatz(uint64_t n) {
    int steps = 0;
    for (; n != 1; steps++) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

static int count_primes(int limit) {
    static unsigned char composite[200000];
    int found = 0;
    for (int i = 2; i < limit; i++) {
        if (composite[i]) continue;
        found++;
        for (int j = 2 * i; j < limit; j += i) composite[j] = 1;
    }
    return found;
}

static void corner_cases(volatile int32_t *low32, volatile int64_t *low64) {
    printf("%d %d\n", (int)(*low32 / 7), (int)(*low32 % 7));
    printf("%lld %lld\n", (long long)(*low64 / 1000003), (long long)(*low64 % 1000003));
    printf("%u %u\n", (unsigned)((uint32_t)*low32 / 3u), (unsigned)((uint32_t)*low32 % 3u));
    printf("%llu\n", (unsigned long long)((uint64_t)*low64 / 10u));
    printf("%d %d %d\n", (int)(int8_t)*low32, (int)(int16_t)(*low32 >> 4), (int)(*low64 >> 40));
}

int main(void) {
    printf("primes below 200000: %d\n", count_primes(200000));
    uint32_t sum = 0;
    for (uint32_t a = 1; a < 400; a++)
        for (uint32_t b = 1; b < 400; b++) sum += gcd(a, b);
    printf("sum of gcds: %u\n", sum);
    printf("3^(2^40+1) mod 4294967291 = %llu\n", (unsigned long long)power_mod(3, (1ull << 40) + 1, 4294967291u));
    int longest = 0, start = 0;
    for (int i = 1; i < 30000; i++) {
        int steps = collatz(i);
        if (steps > longest) {
            longest = steps;
            start = i;
        }
    }
    printf("longest Collatz chain: %d from %d\n", longest, start);
    volatile int32_t low32 = INT32_MIN;
    volatile int64_t low64 = INT64_MIN;
    corner_cases(&low32, &low64);
    return 0;
}
