// Arguments, environment, standard error and the exit code.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static void farewell(void) { puts("exit handlers ran"); }

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
    atexit(farewell);
    printf("%d arguments\n", argc - 1);
    for (int i = 1; i < argc; i++) printf("%d: <%s>\n", i, argv[i]);
    int n = 0;
    while (environ && environ[n]) n++;
    qsort(environ, n, sizeof *environ, by_text);
    for (int i = 0; i < n; i++) puts(environ[i]);
    printf("COLOUR is %s\n", getenv("COLOUR") ? getenv("COLOUR") : "not set");
    fputs("this goes to standard error\n", stderr);
    exit(argc > 1 ? atoi(argv[1]) : 0);
}
