// Compression there and back: a Huffman code over an LZ77 parse of generated text, with a bit stream in between.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 120000, WINDOW = 4096, SYMBOLS = 320, LONGEST = 66 };
static unsigned char text[SIZE], back[SIZE + LONGEST], packed[2 * SIZE];
static int head[1 << 13], previous[SIZE];
static struct {
    short symbol, distance;
} parse[SIZE];

struct tree {
    int weight, left, right;
};
static struct tree trees[2 * SYMBOLS];
static uint32_t code[SYMBOLS];
static unsigned char bits[SYMBOLS];

static void generate(void) {
    static const char *words[] = {"form", "engine", "page", "of ", "the ", "a ", "ing ", "er ", "ly, ", "un", "re", "wasm", "\n", "s ", "42", "!"};
    uint32_t seed = 2024;
    for (size_t at = 0; at < SIZE;) {
        seed = seed * 1664525 + 1013904223;
        for (const char *w = words[(seed >> 28) ^ (seed >> 20 & 3)]; *w && at < SIZE; w++) text[at++] = *w;
    }
}

static unsigned key(const unsigned char *p) { return (p[0] * 33u + p[1] * 1031u + p[2] * 5u) & ((1 << 13) - 1); }

static int find_matches(void) {
    int count = 0;
    memset(head, -1, sizeof head);
    for (int at = 0; at < SIZE;) {
        int length = 0, distance = 0;
        if (at + 3 < SIZE) {
            int tries = 16;
            for (int from = head[key(text + at)]; from >= 0 && at - from < WINDOW && tries--; from = previous[from]) {
                int n = 0;
                while (n < LONGEST - 1 && at + n < SIZE && text[from + n] == text[at + n]) n++;
                if (n > length) length = n, distance = at - from;
            }
        }
        if (length < 4) length = 1, distance = 0;
        parse[count].symbol = distance ? 256 + length - 4 : text[at];
        parse[count++].distance = (short)distance;
        for (; length--; at++) {
            if (at + 3 >= SIZE) continue;
            unsigned k = key(text + at);
            previous[at] = head[k];
            head[k] = at;
        }
    }
    return count;
}

static void assign(int node, uint32_t path, int depth) {
    if (node < SYMBOLS) {
        code[node] = path;
        bits[node] = (unsigned char)depth;
        return;
    }
    assign(trees[node].left, path, depth + 1);
    assign(trees[node].right, path | 1u << depth, depth + 1);
}

static int build(int count) {
    char alive[2 * SYMBOLS] = {0};
    for (int i = 0; i < count; i++) trees[parse[i].symbol].weight++;
    for (int i = 0; i < SYMBOLS; i++) alive[i] = trees[i].weight > 0;
    int next = SYMBOLS;
    for (;; next++) {
        int low = -1, second = -1;
        for (int i = 0; i < next; i++) {
            if (!alive[i]) continue;
            if (low < 0 || trees[i].weight < trees[low].weight) second = low, low = i;
            else if (second < 0 || trees[i].weight < trees[second].weight) second = i;
        }
        if (second < 0) break;
        trees[next] = (struct tree){trees[low].weight + trees[second].weight, low, second};
        alive[low] = alive[second] = 0, alive[next] = 1;
    }
    assign(next - 1, 0, 0);
    return next - 1;
}

static size_t position;
static void put(uint32_t value, int n) {
    for (int i = 0; i < n; i++, position++) packed[position >> 3] |= (value >> i & 1) << (position & 7);
}
static uint32_t get(int n) {
    uint32_t value = 0;
    for (int i = 0; i < n; i++, position++) value |= (uint32_t)(packed[position >> 3] >> (position & 7) & 1) << i;
    return value;
}

int main(void) {
    generate();
    int count = find_matches(), root = build(count);
    for (int i = 0; i < count; i++) {
        put(code[parse[i].symbol], bits[parse[i].symbol]);
        if (parse[i].distance) put(parse[i].distance, 12);
    }
    printf("%d bytes, %d symbols, %zu bits\n", SIZE, count, position);
    position = 0;
    int at = 0;
    for (int i = 0; i < count; i++) {
        int node = root;
        while (node >= SYMBOLS) node = get(1) ? trees[node].right : trees[node].left;
        if (node < 256) {
            back[at++] = (unsigned char)node;
            continue;
        }
        int distance = (int)get(12);
        for (int n = node - 252; n--; at++) back[at] = back[at - distance];
    }
    printf("%d bytes back, equal: %d\n", at, memcmp(text, back, SIZE) == 0);
    printf("%.40s\n", back + 60001);
    return 0;
}
