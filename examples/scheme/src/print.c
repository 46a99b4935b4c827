#include "print.h"

#include <stdio.h>

#include "ast.h"
#include "builtins.h"
#include "numbers.h"
#include "system.h"

// How deep lists are followed through their cars and vectors.
enum { MAX_PRINT_DEPTH = 200 };

uint32_t print_limit = UINT32_MAX;

static void print(Value v, bool is_written, int depth);

static void print_list(Value v, bool is_written, int depth) {
    print_text("(");
    for (uint32_t count = 0;; v = cdr(v)) {
        if (count++ == print_limit) return print_text("...)");
        print(car(v), is_written, depth + 1);
        if (!is_pair(cdr(v))) break;
        print_text(" ");
    }
    if (cdr(v) != NIL) {
        print_text(" . ");
        print(cdr(v), is_written, depth + 1);
    }
    print_text(")");
}

static void print_vector(Value v, bool is_written, int depth) {
    print_text("#(");
    for (uint32_t i = 0; i < length(v); i++) {
        if (i) print_text(" ");
        if (i == print_limit) return print_text("...)");
        print(fields(v)[i], is_written, depth + 1);
    }
    print_text(")");
}

static void print_string(Value v) {
    print_text("\"");
    for (uint32_t i = 0; i < length(v); i++) {
        char c = string_bytes(v)[i];
        if (c == '\n') print_text("\\n");
        else if (c == '\t') print_text("\\t");
        else {
            if (c == '"' || c == '\\') print_text("\\");
            print_bytes(&c, 1);
        }
    }
    print_text("\"");
}

static void print_character(Value v, bool is_written) {
    char c = (char)character_code(v);
    if (is_written) {
        print_text("#\\");
        if (c == ' ') return print_text("space");
        if (c == '\n') return print_text("newline");
        if (c == '\t') return print_text("tab");
    }
    print_bytes(&c, 1);
}

static void print_object(Value v, bool is_written, int depth) {
    switch ((ObjectType)(header(v) & 0xff)) {
    case TYPE_STRING:
        if (is_written) print_string(v);
        else print_bytes(string_bytes(v), length(v));
        break;
    case TYPE_SYMBOL: print_bytes(symbol_of(v)->bytes, length(v)); break;
    case TYPE_VECTOR: print_vector(v, is_written, depth); break;
    case TYPE_CLOSURE: {
        Symbol *name = closure_lambda(v)->name;
        print_text("#<procedure");
        if (name) {
            print_text(" ");
            print_bytes(name->bytes, name->header >> 8);
        }
        print_text(">");
        break;
    }
    case TYPE_BUILTIN:
        print_text("#<procedure ");
        print_text(primitives[builtin_index(v)].name);
        print_text(">");
        break;
    case TYPE_BOX: print_text("#<box>"); break;
    }
}

static void print(Value v, bool is_written, int depth) {
    if (depth > MAX_PRINT_DEPTH) return print_text("...");
    char text[NUMBER_TEXT];
    if (is_fixnum(v) || is_flonum(v)) print_bytes(text, format_number(v, 10, text));
    else if (is_pair(v)) print_list(v, is_written, depth);
    else if (is_object(v)) print_object(v, is_written, depth);
    else if (is_character(v)) print_character(v, is_written);
    else if (v == TRUE) print_text("#t");
    else if (v == FALSE) print_text("#f");
    else if (v == NIL) print_text("()");
    else print_text("#<unspecified>");
}

void print_value(Value v, bool is_written) { print(v, is_written, 0); }
