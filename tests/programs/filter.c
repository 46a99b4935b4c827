// A filter from standard input to standard output: numbers the lines, swaps case, counts characters; totals go last.
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    long counts[128] = {0}, lines = 0, words = 0, bytes = 0;
    int inside = 0, fresh = 1, c;
    while ((c = getchar()) != EOF) {
        if (fresh) printf("%4ld  ", ++lines);
        fresh = c == '\n';
        bytes++;
        if (c < 128) counts[c]++;
        if (isspace(c)) inside = 0;
        else if (!inside) inside = 1, words++;
        putchar(islower(c) ? toupper(c) : tolower(c));
    }
    if (!fresh) putchar('\n');
    printf("%ld lines, %ld words, %ld bytes\n", lines, words, bytes);
    for (c = 'a'; c <= 'z'; c++)
        if (counts[c]) printf("%c%ld ", c, counts[c]);
    putchar('\n');
    printf("terminal: %d\n", isatty(0));
    return ferror(stdin) != 0;
}
