// The system interface, WASI preview 1 directly: no state of the C library is involved, so that a snapshot has none.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

// Standard output is buffered until it is flushed; `select_output` flushes.
void select_output(int descriptor);
void print_bytes(const char *bytes, uint32_t count);
void print_text(const char *text);
void flush_output(void);
// From now on standard output is written, or goes nowhere.
void discard_output(bool discards);
[[noreturn]] void exit_process(int code);

// Nanoseconds since some moment.
uint64_t monotonic_time(void);

// The program's arguments, with the count in `*count`; permanent.
char **program_arguments(int *count);

// A whole file, permanent and ended with a NUL, or null with a reason in `*reason`. The file is closed again.
char *read_file(const char *path, uint32_t *size, const char **reason);
