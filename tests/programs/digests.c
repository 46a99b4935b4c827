// Checksums and digests: CRC-32, SHA-256 and SipHash, with published test values among the output.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t crc_table[256];

static uint32_t crc32(const unsigned char *p, size_t n) {
    if (!crc_table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
            crc_table[i] = c;
        }
    uint32_t crc = ~0u;
    while (n--) crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 255];
    return ~crc;
}

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }
static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

// The constants are the first bits of the fractional parts of roots of primes: computed here in integers.
static uint32_t root_bits(int prime, int cube) {
    uint64_t low = 0, high = 1ull << 36;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        unsigned __int128 power = (unsigned __int128)middle * middle;
        if (cube) power *= middle;
        if (power <= (unsigned __int128)prime << (cube ? 96 : 64)) low = middle;
        else high = middle;
    }
    return (uint32_t)low;
}

static void sha256(const unsigned char *message, size_t length, unsigned char digest[32]) {
    static uint32_t k[64], start[8];
    if (!k[0])
        for (int n = 0, prime = 2; n < 64; prime++) {
            int divisor = 2;
            while (prime % divisor) divisor++;
            if (divisor != prime) continue;
            if (n < 8) start[n] = root_bits(prime, 0);
            k[n++] = root_bits(prime, 1);
        }
    uint32_t h[8];
    memcpy(h, start, sizeof h);
    size_t blocks = (length + 9 + 63) / 64;
    for (size_t block = 0; block < blocks; block++) {
        unsigned char chunk[64] = {0};
        size_t at = block * 64;
        if (at < length) memcpy(chunk, message + at, length - at < 64 ? length - at : 64);
        if (at <= length && length - at < 64) chunk[length - at] = 0x80;
        if (block == blocks - 1)
            for (int i = 0; i < 8; i++) chunk[63 - i] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
        uint32_t w[64];
        for (int i = 0; i < 16; i++) w[i] = (uint32_t)chunk[4 * i] << 24 | chunk[4 * i + 1] << 16 | chunk[4 * i + 2] << 8 | chunk[4 * i + 3];
        for (int i = 16; i < 64; i++)
            w[i] = w[i - 16] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
                   (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
        uint32_t s[8];
        memcpy(s, h, sizeof s);
        for (int i = 0; i < 64; i++) {
            uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
            uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof *s);
            s[0] = t1 + t2;
            s[4] += t1;
        }
        for (int i = 0; i < 8; i++) h[i] += s[i];
    }
    for (int i = 0; i < 32; i++) digest[i] = h[i / 4] >> (24 - i % 4 * 8);
}

#define SIP_ROUND \
    (v0 += v1, v1 = rotl(v1, 13) ^ v0, v0 = rotl(v0, 32), v2 += v3, v3 = rotl(v3, 16) ^ v2, \
     v0 += v3, v3 = rotl(v3, 21) ^ v0, v2 += v1, v1 = rotl(v1, 17) ^ v2, v2 = rotl(v2, 32))

static uint64_t siphash(const unsigned char *p, size_t n, uint64_t k0, uint64_t k1) {
    uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t m;
        memcpy(&m, p + i, 8);
        v3 ^= m;
        SIP_ROUND, SIP_ROUND;
        v0 ^= m;
    }
    uint64_t last = (uint64_t)n << 56;
    for (int shift = 0; i < n; i++, shift += 8) last |= (uint64_t)p[i] << shift;
    v3 ^= last;
    SIP_ROUND, SIP_ROUND;
    v0 ^= last;
    v2 ^= 255;
    SIP_ROUND, SIP_ROUND, SIP_ROUND, SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

static void show(const void *message, size_t length) {
    unsigned char digest[32];
    sha256(message, length, digest);
    for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
    putchar('\n');
}

int main(void) {
    static unsigned char large[60001];
    for (size_t i = 0; i < sizeof large; i++) large[i] = (unsigned char)(i * i >> 3);
    printf("%08x %08x\n", crc32((const unsigned char *)"123456789", 9), crc32(large, sizeof large));
    show("", 0);
    show("abc", 3);
    show("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    show(large, sizeof large);
    unsigned char bytes[15];
    for (int i = 0; i < 15; i++) bytes[i] = (unsigned char)i;
    printf("%016llx\n", (unsigned long long)siphash(bytes, 15, 0x0706050403020100, 0x0f0e0d0c0b0a0908));
    printf("%016llx\n", (unsigned long long)siphash(large, sizeof large, 1, 2));
    return 0;
}
