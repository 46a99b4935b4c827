// Balanced search trees (treaps) with every node from malloc: pointers, recursion, allocation.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *left, *right;
    uint32_t key, priority, size;
};

static uint32_t seed = 2463534242u;

static uint32_t next_random(void) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    return seed;
}

static uint32_t size_of(const struct node *n) { return n ? n->size : 0; }
static struct node *counted(struct node *n) {
    n->size = 1 + size_of(n->left) + size_of(n->right);
    return n;
}

// Keys below `key` to the left, the others to the right.
static void split(struct node *n, uint32_t key, struct node **left, struct node **right) {
    if (!n) {
        *left = *right = NULL;
    } else if (n->key < key) {
        split(n->right, key, &n->right, right);
        *left = counted(n);
    } else {
        split(n->left, key, left, &n->left);
        *right = counted(n);
    }
}

static struct node *join(struct node *left, struct node *right) {
    if (!left || !right) return left ? left : right;
    if (left->priority > right->priority) {
        left->right = join(left->right, right);
        return counted(left);
    }
    right->left = join(left, right->left);
    return counted(right);
}

static int contains(const struct node *n, uint32_t key) {
    while (n && n->key != key) n = key < n->key ? n->left : n->right;
    return n != NULL;
}

static struct node *insert(struct node *root, uint32_t key) {
    if (contains(root, key)) return root;
    struct node *fresh = malloc(sizeof *fresh), *left, *right;
    if (!fresh) abort();
    *fresh = (struct node){NULL, NULL, key, next_random(), 1};
    split(root, key, &left, &right);
    return join(join(left, fresh), right);
}

static struct node *erase(struct node *root, uint32_t key) {
    struct node *left, *middle, *right;
    split(root, key, &left, &middle);
    split(middle, key + 1, &middle, &right);
    free(middle);
    return join(left, right);
}

static uint32_t smallest_but(const struct node *n, uint32_t rank) {
    while (rank != size_of(n->left)) {
        if (rank < size_of(n->left)) n = n->left;
        else rank -= size_of(n->left) + 1, n = n->right;
    }
    return n->key;
}

static int depth(const struct node *n) {
    if (!n) return 0;
    int left = depth(n->left), right = depth(n->right);
    return 1 + (left > right ? left : right);
}

static void release(struct node *n) {
    if (!n) return;
    release(n->left), release(n->right);
    free(n);
}

int main(void) {
    struct node *root = NULL;
    uint32_t sum = 0, hits = 0;
    for (int i = 0; i < 40000; i++) root = insert(root, next_random() % 70000);
    printf("%u nodes, depth %d\n", (unsigned)root->size, depth(root));
    for (int i = 0; i < 80000; i++) {
        uint32_t key = next_random() % 70000;
        if (i % 3 == 0) root = erase(root, key);
        else if (i % 3 == 1) root = insert(root, key);
        else hits += (uint32_t)contains(root, key), sum += smallest_but(root, key % root->size);
    }
    printf("%u nodes, depth %d, %u hits, sum %u\n", (unsigned)root->size, depth(root), (unsigned)hits, (unsigned)sum);
    release(root);
    return 0;
}
