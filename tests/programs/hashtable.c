// Heap use: a growing hash table, linked lists and a binary tree, many small allocations and a few that grow the memory.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *key;
    uint64_t count;
    struct entry *next;
};
struct table {
    struct entry **buckets;
    size_t size, used;
};

static uint32_t hash(const char *s) {
    uint32_t h = 2166136261u;
    while (*s) h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

static void grow(struct table *t) {
    size_t size = t->size ? t->size * 2 : 16;
    struct entry **buckets = calloc(size, sizeof *buckets);
    if (!buckets) abort();
    for (size_t i = 0; i < t->size; i++) {
        for (struct entry *e = t->buckets[i], *next; e; e = next) {
            next = e->next;
            struct entry **home = &buckets[hash(e->key) & (size - 1)];
            e->next = *home;
            *home = e;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->size = size;
}

static struct entry *find(struct table *t, const char *key) {
    if (t->used >= t->size) grow(t);
    struct entry **home = &t->buckets[hash(key) & (t->size - 1)];
    for (struct entry *e = *home; e; e = e->next)
        if (strcmp(e->key, key) == 0) return e;
    struct entry *e = malloc(sizeof *e);
    if (!e) abort();
    *e = (struct entry){strdup(key), 0, *home};
    *home = e;
    t->used++;
    return e;
}

struct node {
    int key;
    struct node *left, *right;
};

static struct node *insert(struct node *n, int key) {
    if (!n) {
        n = calloc(1, sizeof *n);
        n->key = key;
    } else if (key < n->key) {
        n->left = insert(n->left, key);
    } else if (key > n->key) {
        n->right = insert(n->right, key);
    }
    return n;
}

static int height(const struct node *n) {
    if (!n) return 0;
    int l = height(n->left), r = height(n->right);
    return 1 + (l > r ? l : r);
}

static long sum_and_free(struct node *n) {
    if (!n) return 0;
    long sum = n->key + sum_and_free(n->left) + sum_and_free(n->right);
    free(n);
    return sum;
}

int main(void) {
    struct table t = {0};
    unsigned seed = 99;
    char key[32];
    for (int i = 0; i < 40000; i++) {
        seed = seed * 1103515245u + 12345u;
        snprintf(key, sizeof key, "key-%x", (seed >> 10) % 9000);
        find(&t, key)->count += i;
    }
    uint64_t total = 0;
    for (size_t i = 0; i < t.size; i++)
        for (struct entry *e = t.buckets[i]; e; e = e->next) total = total * 3 + e->count * hash(e->key) % 1000;
    printf("%zu keys, %zu buckets, total %llu\n", t.used, t.size, (unsigned long long)total);
    struct node *tree = NULL;
    for (int i = 0; i < 8000; i++) {
        seed = seed * 1103515245u + 12345u;
        tree = insert(tree, (int)(seed >> 12));
    }
    printf("height %d\n", height(tree));
    printf("sum %ld\n", sum_and_free(tree));
    size_t before = __builtin_wasm_memory_size(0);
    char *blocks[6];
    for (int i = 0; i < 6; i++) {
        size_t size = (size_t)300000 << i;
        blocks[i] = malloc(size);
        blocks[i][0] = blocks[i][size - 1] = (char)i;
    }
    blocks[2] = realloc(blocks[2], 3000000);
    printf("grew: %d, kept: %d\n", __builtin_wasm_memory_size(0) > before, blocks[2][1199999]);
    for (int i = 0; i < 6; i++) free(blocks[i]);
    void *volatile impossible = malloc((size_t)0xfff00000);
    printf("too much: %s\n", impossible ? "got it" : "refused");
    return 0;
}
