// Errors end the program: a message with the place in the source goes to standard error, and the exit code is 70.
#pragma once

#include "value.h"

extern const char *error_file; // of the program that is read or runs
extern int error_line;         // 0 if unknown, negative in the prelude; set before everything that can fail

// `format` as in printf, and `%V` for a Scheme value, `%S` for a symbol.
[[noreturn]] void fail(const char *format, ...);
// A message and what it is about, as (error …) has them.
[[noreturn]] void fail_with(Value *arguments, int count);
[[noreturn]] void fail_type(const char *who, const char *expected, Value got);
[[noreturn]] void fail_not_procedure(Value got);
[[noreturn]] void fail_unbound(Symbol *symbol);
[[noreturn]] void fail_unassigned(Symbol *symbol);
