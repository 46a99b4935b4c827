// Searching text: a skipping search for one word, an automaton for many at once, and approximate matching, over generated prose.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 3000000, WORDS = 400, SOUGHT = 12, STATES = 128 };

static char text[SIZE + 1];
static char words[WORDS][12];
static uint32_t seed = 12345;

static uint32_t next_random(void) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    return seed;
}

// Syllables make words, words that are more or less frequent make text.
static void write_text(void) {
    static const char *const syllables[] = {"ka", "to", "rin", "sel", "mo", "ba", "lu", "ne", "ti", "ar", "os", "em"};
    for (int i = 0; i < WORDS; i++)
        for (int n = 1 + next_random() % 3; n >= 0; n--) strcat(words[i], syllables[next_random() % 12]);
    for (size_t at = 0; at < SIZE;) {
        uint32_t first = next_random() % WORDS, second = next_random() % WORDS;
        const char *word = words[first < second ? first : second];
        while (*word && at < SIZE) text[at++] = *word++;
        if (at < SIZE) text[at++] = next_random() % 9 ? ' ' : '\n';
    }
}

// Horspool's search: on a mismatch, shift by where the last character of the window occurs in the word.
static int count_skipping(const char *word) {
    size_t length = strlen(word), shift[256];
    for (int c = 0; c < 256; c++) shift[c] = length;
    for (size_t i = 0; i + 1 < length; i++) shift[(unsigned char)word[i]] = length - 1 - i;
    int count = 0;
    for (size_t at = 0; at + length <= SIZE; at += shift[(unsigned char)text[at + length - 1]])
        count += memcmp(text + at, word, length) == 0;
    return count;
}

// The automaton of Aho and Corasick, its failures resolved into the table.
static unsigned char moves[STATES][256], ends[STATES];
static void count_together(const char *const sought[], int counts[]) {
    static unsigned char failure[STATES], queue[STATES];
    static uint16_t finds[STATES];
    int states = 1, head = 0, tail = 0;
    for (int w = 0; w < SOUGHT; w++) {
        int state = 0;
        for (const char *p = sought[w]; *p; p++) {
            if (!moves[state][(unsigned char)*p]) {
                if (states == STATES) abort();
                moves[state][(unsigned char)*p] = (unsigned char)states++;
            }
            state = moves[state][(unsigned char)*p];
        }
        finds[state] |= (uint16_t)(1 << w);
    }
    for (int c = 0; c < 256; c++)
        if (moves[0][c]) queue[tail++] = moves[0][c];
    while (head < tail) {
        int state = queue[head++], fallback = failure[state];
        finds[state] |= finds[fallback];
        for (int c = 0; c < 256; c++) {
            int to = moves[state][c];
            if (to) failure[to] = moves[fallback][c], queue[tail++] = (unsigned char)to;
            else moves[state][c] = moves[fallback][c];
        }
    }
    for (int i = 0; i < states; i++) ends[i] = finds[i] != 0;
    int state = 0;
    for (size_t at = 0; at < SIZE; at++) {
        state = moves[state][(unsigned char)text[at]];
        if (ends[state])
            for (int w = 0; w < SOUGHT; w++) counts[w] += finds[state] >> w & 1;
    }
}

// Places where the word occurs with at most `most` characters changed, added or dropped: a row of bits for each number of errors.
static int count_similar(const char *word, int most) {
    uint64_t masks[256] = {0}, rows[4];
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++) masks[(unsigned char)word[i]] |= 1ull << i;
    for (int e = 0; e <= most; e++) rows[e] = (1ull << e) - 1;
    int count = 0;
    for (size_t at = 0; at < SIZE; at++) {
        uint64_t mask = masks[(unsigned char)text[at]], before = rows[0];
        rows[0] = (before << 1 | 1) & mask;
        for (int e = 1; e <= most; e++) {
            uint64_t old = rows[e];
            rows[e] = ((old << 1 | 1) & mask) | before | (before | rows[e - 1]) << 1 | 1;
            before = old;
        }
        count += (int)(rows[most] >> (length - 1) & 1);
    }
    return count;
}

int main(void) {
    write_text();
    const char *sought[SOUGHT];
    int counts[SOUGHT] = {0};
    for (int i = 0; i < SOUGHT; i++) sought[i] = words[i * 31 + 3];
    count_together(sought, counts);
    for (int i = 0; i < SOUGHT; i++) {
        int alone = count_skipping(sought[i]);
        printf("%s %d%s\n", sought[i], counts[i], alone <= counts[i] ? "" : " less than alone");
    }
    for (int i = 0; i < 4; i++) printf("like %s %d %d\n", words[i * 50], count_similar(words[i * 50], 1), count_similar(words[i * 50], 2));
    return 0;
}
