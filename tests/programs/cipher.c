// The stream cipher ChaCha20 and the authenticator Poly1305 (RFC 8439) over two megabytes, several times: rotations and wide products.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 2 << 20 };

static unsigned char text[SIZE];

static uint32_t read32(const unsigned char *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    *a += *b, *d = rotate(*d ^ *a, 16);
    *c += *d, *b = rotate(*b ^ *c, 12);
    *a += *b, *d = rotate(*d ^ *a, 8);
    *c += *d, *b = rotate(*b ^ *c, 7);
}

static void block(const unsigned char key[32], uint32_t counter, const unsigned char nonce[12], unsigned char out[64]) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];
    for (int i = 0; i < 8; i++) start[4 + i] = read32(key + 4 * i);
    start[12] = counter;
    for (int i = 0; i < 3; i++) start[13 + i] = read32(nonce + 4 * i);
    memcpy(x, start, sizeof x);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
        for (int i = 0; i < 4; i++) quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < 16; i++) {
        uint32_t word = x[i] + start[i];
        for (int k = 0; k < 4; k++) out[4 * i + k] = (unsigned char)(word >> 8 * k);
    }
}

static void encrypt(const unsigned char key[32], uint32_t counter, const unsigned char nonce[12], unsigned char *p, size_t size) {
    unsigned char pad[64];
    for (size_t at = 0; at < size; at += 64) {
        block(key, counter++, nonce, pad);
        for (size_t i = 0; i < 64 && at + i < size; i++) p[at + i] ^= pad[i];
    }
}

// Arithmetic modulo 2^130 - 5 in five digits of 26 bits.
static void authenticate(const unsigned char key[32], const unsigned char *p, size_t size, unsigned char tag[16]) {
    const uint32_t low = 0x3ffffff;
    uint64_t r[5], h[5] = {0}, carry;
    r[0] = read32(key) & low, r[1] = read32(key + 3) >> 2 & 0x3ffff03, r[2] = read32(key + 6) >> 4 & 0x3ffc0ff;
    r[3] = read32(key + 9) >> 6 & 0x3f03fff, r[4] = read32(key + 12) >> 8 & 0xfffff;
    for (; size; p += 16) {
        unsigned char chunk[17] = {0};
        size_t length = size < 16 ? size : 16;
        memcpy(chunk, p, length);
        chunk[length] = 1;
        size -= length;
        h[0] += read32(chunk) & low, h[1] += read32(chunk + 3) >> 2 & low, h[2] += read32(chunk + 6) >> 4 & low;
        h[3] += read32(chunk + 9) >> 6 & low, h[4] += (read32(chunk + 12) >> 8) + ((uint64_t)chunk[16] << 24);
        uint64_t d[5];
        for (int i = 0; i < 5; i++) {
            d[i] = 0;
            for (int k = 0; k < 5; k++) d[i] += h[k] * (k <= i ? r[i - k] : 5 * r[5 + i - k]);
        }
        carry = 0;
        for (int i = 0; i < 5; i++) d[i] += carry, h[i] = d[i] & low, carry = d[i] >> 26;
        h[0] += carry * 5, h[1] += h[0] >> 26, h[0] &= low;
    }
    for (int pass = 0; pass < 2; pass++) {
        carry = 0;
        for (int i = 0; i < 5; i++) h[i] += carry, carry = h[i] >> 26, h[i] &= low;
        h[0] += carry * 5;
    }
    // The remainder is h, or h + 5 - 2^130 if that is not negative.
    uint64_t g[5];
    carry = 5;
    for (int i = 0; i < 5; i++) g[i] = h[i] + carry, carry = g[i] >> 26, g[i] &= low;
    const uint64_t *least = carry ? g : h;
    uint32_t words[4] = {(uint32_t)(least[0] | least[1] << 26), (uint32_t)(least[1] >> 6 | least[2] << 20),
                         (uint32_t)(least[2] >> 12 | least[3] << 14), (uint32_t)(least[3] >> 18 | least[4] << 8)};
    uint64_t sum = 0;
    for (int i = 0; i < 16; i++) {
        if (i % 4 == 0) sum = (sum >> 32) + words[i / 4] + read32(key + 16 + i);
        tag[i] = (unsigned char)(sum >> i % 4 * 8);
    }
}

static void show(const unsigned char *bytes, int count) {
    for (int i = 0; i < count; i++) printf("%02x", bytes[i]);
    putchar('\n');
}

int main(void) {
    unsigned char key[32], pad[64], tag[16], nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a};
    for (int i = 0; i < 32; i++) key[i] = (unsigned char)i;
    block(key, 1, nonce, pad); // RFC 8439, 2.3.2
    show(pad, 64);
    static const unsigned char published[32] = {0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d, 0x33, 0x7f, 0x44, 0x52, 0xfe, 0x42, 0xd5, 0x06, 0xa8,
                                                0x01, 0x03, 0x80, 0x8a, 0xfb, 0x0d, 0xb2, 0xfd, 0x4a, 0xbf, 0xf6, 0xaf, 0x41, 0x49, 0xf5, 0x1b};
    authenticate(published, (const unsigned char *)"Cryptographic Forum Research Group", 34, tag); // RFC 8439, 2.5.2
    show(tag, 16);
    for (int round = 0; round < 8; round++) {
        nonce[0] = (unsigned char)round;
        encrypt(key, 1, nonce, text, SIZE);
        block(key, 0, nonce, pad);
        authenticate(pad, text, SIZE, tag);
        key[round] ^= tag[round];
    }
    show(text, 32);
    show(tag, 16);
    return 0;
}
