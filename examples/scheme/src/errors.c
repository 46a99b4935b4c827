#include "errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "print.h"
#include "system.h"

const char *error_file;
int error_line;

static void print_formatted(const char *format, va_list arguments) {
    char text[24];
    for (; *format; format++) {
        if (*format != '%') {
            print_bytes(format, 1);
            continue;
        }
        switch (*++format) {
        case 'V': print_value(va_arg(arguments, Value), true); break;
        case 'S': {
            Symbol *symbol = va_arg(arguments, Symbol *);
            print_bytes(symbol->bytes, symbol->header >> 8);
            break;
        }
        case 's': print_text(va_arg(arguments, const char *)); break;
        case 'u':
        case 'd':
            snprintf(text, sizeof text, *format == 'u' ? "%u" : "%d", va_arg(arguments, int));
            print_text(text);
            break;
        }
    }
}

static void begin_message(void) {
    static bool has_begun;
    if (has_begun) exit_process(70); // the message itself could not be printed
    has_begun = true;
    print_limit = 12;
    select_output(STANDARD_ERROR);
    if (!error_file) return;
    char line[24];
    snprintf(line, sizeof line, error_line ? ":%d: " : ": ", error_line < 0 ? -error_line : error_line);
    print_text(error_line < 0 ? "prelude.scm" : error_file);
    print_text(line);
}

[[noreturn]] static void end_message(void) {
    print_text("\n");
    exit_process(70);
}

void fail(const char *format, ...) {
    begin_message();
    va_list arguments;
    va_start(arguments, format);
    print_formatted(format, arguments);
    va_end(arguments);
    end_message();
}

void fail_with(Value *arguments, int count) {
    begin_message();
    for (int i = 0; i < count; i++) {
        if (i) print_text(" ");
        print_value(arguments[i], i > 0);
    }
    end_message();
}

void fail_type(const char *who, const char *expected, Value got) { fail("%s: expected %s, got %V", who, expected, got); }
void fail_not_procedure(Value got) { fail("cannot call %V: it is not a procedure", got); }
void fail_unbound(Symbol *symbol) { fail("%S is not defined", symbol); }
void fail_unassigned(Symbol *symbol) { fail("%S is used before its definition", symbol); }
