// Files in a preopened folder: writing, reading, seeking, appending, listing, renaming, removing, and errors.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect(int condition, const char *what) {
    printf("%s: %s\n", what, condition ? "yes" : strerror(errno));
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *folder) {
    DIR *d = opendir(folder);
    if (!d) {
        printf("%s: %s\n", folder, strerror(errno));
        return;
    }
    char *names[64];
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) && n < 64;)
        if (e->d_name[0] != '.') names[n++] = strdup(e->d_name);
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    printf("%s:", folder);
    for (int i = 0; i < n; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    putchar('\n');
}

int main(void) {
    expect(mkdir("work", 0777) == 0, "made a folder");
    expect(mkdir("work", 0777) == 0, "made it again");
    FILE *f = fopen("work/lines.txt", "w");
    expect(f != NULL, "opened for writing");
    if (!f) return 1;
    for (int i = 0; i < 1000; i++) fprintf(f, "line %d\n", i * i);
    fclose(f);
    struct stat status;
    expect(stat("work/lines.txt", &status) == 0, "has a status");
    printf("%lld bytes, regular: %d\n", (long long)status.st_size, S_ISREG(status.st_mode));
    f = fopen("work/lines.txt", "r+");
    char line[64];
    long sum = 0;
    while (fgets(line, sizeof line, f)) sum += atol(line + 5);
    printf("sum %ld\n", sum);
    fseek(f, -12, SEEK_END);
    printf("at %ld: %s", ftell(f), fgets(line, sizeof line, f));
    fseek(f, 5, SEEK_SET);
    fputs("X", f);
    fclose(f);
    f = fopen("work/lines.txt", "a+");
    fputs("appended\n", f);
    rewind(f);
    printf("first: %s", fgets(line, sizeof line, f));
    fclose(f);
    int fd = open("work/lines.txt", O_RDWR);
    expect(ftruncate(fd, 20) == 0, "truncated");
    char bytes[64];
    ssize_t got = pread(fd, bytes, sizeof bytes, 7);
    printf("%d bytes: %.*s\n", (int)got, (int)got, bytes);
    close(fd);
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "work/file%02d", i * 7 % 30);
        close(open(line, O_CREAT | O_WRONLY | O_EXCL, 0666));
    }
    expect(open("work/file07", O_CREAT | O_WRONLY | O_EXCL, 0666) >= 0, "made an existing file");
    list("work");
    expect(rename("work/lines.txt", "work/renamed") == 0, "renamed");
    expect(open("work/lines.txt", O_RDONLY) >= 0, "opened the old name");
    expect(rmdir("work") == 0, "removed a full folder");
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "work/file%02d", i);
        if (unlink(line) != 0) puts("cannot unlink");
    }
    expect(unlink("work/renamed") == 0, "unlinked");
    list("work");
    expect(rmdir("work") == 0, "removed");
    list("work");
    expect(open("../outside", O_RDONLY) >= 0, "left the folder");
    return 0;
}
