#include "system.h"

#include <string.h>
#include <wasi/api.h>

#include "heap.h"

static char output[4096];
static uint32_t output_size;
static int output_descriptor = STANDARD_OUTPUT;
static bool discards_output;

void flush_output(void) {
    if (discards_output && output_descriptor == STANDARD_OUTPUT) output_size = 0;
    for (uint32_t at = 0; at < output_size;) {
        __wasi_ciovec_t part = {(const uint8_t *)output + at, output_size - at};
        __wasi_size_t written;
        if (__wasi_fd_write(output_descriptor, &part, 1, &written) || !written) break;
        at += written;
    }
    output_size = 0;
}

void select_output(int descriptor) {
    flush_output();
    output_descriptor = descriptor;
}

void discard_output(bool discards) {
    flush_output();
    discards_output = discards;
}

void print_bytes(const char *bytes, uint32_t count) {
    while (count) {
        if (output_size == sizeof output) flush_output();
        uint32_t part = sizeof output - output_size < count ? sizeof output - output_size : count;
        memcpy(output + output_size, bytes, part);
        output_size += part;
        bytes += part;
        count -= part;
    }
}

void print_text(const char *text) { print_bytes(text, strlen(text)); }

void exit_process(int code) {
    flush_output();
    __wasi_proc_exit(code);
}

uint64_t monotonic_time(void) {
    __wasi_timestamp_t time = 0;
    (void)!__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time);
    return time;
}

char **program_arguments(int *count) {
    __wasi_size_t argument_count = 0, size = 0;
    if (__wasi_args_sizes_get(&argument_count, &size)) argument_count = 0;
    char **arguments = NEW_ARRAY(char *, argument_count + 1);
    char *text = allocate_permanent(size + 1);
    if (argument_count && __wasi_args_get((uint8_t **)arguments, (uint8_t *)text)) argument_count = 0;
    *count = (int)argument_count;
    return arguments;
}

// ---- Files -----------------------------------------------------------------------------------------------------------------------

// The part of `path` below the folder `prefix`, or null if it is not in there.
static const char *below(const char *path, const char *prefix, uint32_t prefix_size) {
    if (prefix_size == 1 && prefix[0] == '.') return path[0] == '/' ? 0 : path;
    while (prefix_size && prefix[prefix_size - 1] == '/') prefix_size--;
    if (strncmp(path, prefix, prefix_size)) return 0;
    if (path[prefix_size] != '/') return 0;
    return path + prefix_size + 1;
}

static int open_file(const char *path, const char **reason) {
    *reason = "no folder that is open to this program contains it (--dir opens one)";
    if (path[0] == '.' && path[1] == '/') path += 2;
    for (int folder = 3;; folder++) {
        __wasi_prestat_t prestat;
        if (__wasi_fd_prestat_get(folder, &prestat)) return -1;
        char name[256];
        uint32_t size = prestat.u.dir.pr_name_len;
        if (size > sizeof name || __wasi_fd_prestat_dir_name(folder, (uint8_t *)name, size)) continue;
        while (size && !name[size - 1]) size--;
        const char *rest = below(path, name, size);
        if (!rest) continue;
        __wasi_fd_t file;
        __wasi_errno_t error = __wasi_path_open(folder, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, rest, 0, __WASI_RIGHTS_FD_READ, 0, 0, &file);
        if (!error) return (int)file;
        *reason = error == __WASI_ERRNO_NOENT ? "there is no such file" : "it cannot be read";
    }
}

char *read_file(const char *path, uint32_t *size, const char **reason) {
    bool is_input = !strcmp(path, "-");
    int file = is_input ? 0 : open_file(path, reason);
    if (file < 0) return 0;
    uint32_t pages = 1, filled = 0;
    char *bytes = allocate_pages(pages);
    for (;;) {
        if (filled == pages * 65536 - 1) {
            char *larger = allocate_pages(2 * pages);
            memcpy(larger, bytes, filled);
            free_pages(bytes, pages);
            bytes = larger;
            pages *= 2;
        }
        __wasi_iovec_t part = {(uint8_t *)bytes + filled, pages * 65536 - 1 - filled};
        __wasi_size_t got;
        *reason = "reading it fails";
        if (__wasi_fd_read(file, &part, 1, &got)) return 0;
        if (!got) break;
        filled += got;
    }
    if (!is_input) (void)!__wasi_fd_close(file);
    bytes[filled] = 0;
    *size = filled;
    return bytes;
}
