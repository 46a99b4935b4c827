// Strings and sorting: library qsort with a comparison callback, a merge sort, and word counting.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "the quick brown fox jumps over the lazy dog while the other dog sleeps under the old oak and dreams of the fox "
    "that jumps over the oak while a quick bird sings of the brown earth and the lazy sun above the old hills";

static int compare_words(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int compare_numbers(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void count_words(void) {
    static char copy[sizeof text];
    char *words[100];
    int n = 0;
    strcpy(copy, text);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) words[n++] = word;
    qsort(words, n, sizeof *words, compare_words);
    for (int i = 0; i < n;) {
        int j = i;
        while (j < n && strcmp(words[i], words[j]) == 0) j++;
        if (j - i > 1) printf("%s %d\n", words[i], j - i);
        i = j;
    }
}

static void merge_sort(int *a, int *scratch, int n) {
    if (n < 2) return;
    int half = n / 2;
    merge_sort(a, scratch, half);
    merge_sort(a + half, scratch, n - half);
    memcpy(scratch, a, half * sizeof *a);
    for (int i = 0, j = half, k = 0; i < half;) a[k++] = j < n && a[j] < scratch[i] ? a[j++] : scratch[i++];
}

enum { N = 60000 };
static int numbers[N], others[N], scratch[N];

int main(void) {
    count_words();
    unsigned seed = 12345;
    for (int i = 0; i < N; i++) {
        seed = seed * 1103515245u + 12345u;
        numbers[i] = others[i] = (int)(seed >> 8) % 100000 - 50000;
    }
    qsort(numbers, N, sizeof *numbers, compare_numbers);
    merge_sort(others, scratch, N);
    printf("same: %d\n", memcmp(numbers, others, sizeof numbers) == 0);
    for (int i = 0; i < N; i += N / 6) printf("%d ", numbers[i]);
    printf("%d\n", numbers[N - 1]);
    char reversed[64] = "", *end = stpcpy(reversed, "stressed");
    for (char *p = reversed; p < --end; p++) {
        char c = *p;
        *p = *end;
        *end = c;
    }
    printf("%s %zu %s\n", reversed, strlen(text), strstr(text, "oak and"));
    return 0;
}
