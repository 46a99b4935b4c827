// Deep and branching recursion: Ackermann, towers, queens, permutations, mutual recursion.
#include <stdio.h>

static int ackermann(int m, int n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static long hanoi(int n, int from, int to, int over) {
    if (n == 0) return 0;
    return hanoi(n - 1, from, over, to) + 1 + hanoi(n - 1, over, to, from);
}

static int queens(unsigned all, unsigned columns, unsigned left, unsigned right) {
    if (columns == all) return 1;
    int found = 0;
    for (unsigned open = all & ~(columns | left | right); open != 0;) {
        unsigned place = open & -open;
        open ^= place;
        found += queens(all, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return found;
}

static int is_odd(int n);
static int is_even(int n) { return n == 0 ? 1 : is_odd(n - 1); }
static int is_odd(int n) { return n == 0 ? 0 : is_even(n - 1); }

static int depth(int n, volatile int *sink) {
    if (n == 0) return 0;
    int below = depth(n - 1, sink);
    *sink = below;
    return below + 1;
}

static void permute(char *word, int at, int *count) {
    if (word[at] == 0) {
        if (++*count <= 6) puts(word);
        return;
    }
    for (int i = at; word[i]; i++) {
        char c = word[at];
        word[at] = word[i], word[i] = c;
        permute(word, at + 1, count);
        c = word[at];
        word[at] = word[i], word[i] = c;
    }
}

int main(void) {
    printf("%d\n", ackermann(2, 300));
    printf("%d\n", ackermann(3, 6));
    printf("%ld\n", hanoi(17, 0, 2, 1));
    for (int n = 4; n <= 9; n++) printf("%d queens: %d\n", n, queens((1u << n) - 1, 0, 0, 0));
    printf("%d %d\n", is_even(5000), is_odd(7777));
    volatile int sink = 0;
    printf("%d\n", depth(10000, &sink));
    char word[] = "abcdefg";
    int count = 0;
    permute(word, 0, &count);
    printf("%d permutations\n", count);
    return 0;
}
