#include "reader.h"

#include <string.h>

#include "errors.h"
#include "heap.h"
#include "numbers.h"
#include "symbols.h"

// Later stages recurse over syntax, some of them with compiled code on the stack: see ENGINE_STACK_RESERVE.
enum { MAX_NESTING = 120 };

static Syntax *new_syntax(Reader *reader, SyntaxKind kind) {
    Syntax *s = NEW(Syntax);
    s->kind = kind;
    s->line = reader->line;
    return s;
}

static void skip_space(Reader *reader) {
    for (;; reader->at++) {
        switch (*reader->at) {
        case '\n': reader->line += reader->line_step; break;
        case ' ':
        case '\t':
        case '\r': break;
        case ';':
            while (reader->at[1] && reader->at[1] != '\n') reader->at++;
            break;
        default: return;
        }
    }
}

static bool is_delimiter(char c) { return !c || strchr(" \t\r\n()\";'", c); }

static Syntax *constant(Reader *reader, Value value) {
    Syntax *s = new_syntax(reader, SYNTAX_CONSTANT);
    s->constant = value;
    keep(value);
    return s;
}

static Syntax *read_list(Reader *reader, SyntaxKind kind) {
    Syntax *s = new_syntax(reader, kind);
    int capacity = 4;
    s->elements = NEW_ARRAY(Syntax *, capacity);
    if (++reader->depth > MAX_NESTING) fail("parentheses are nested more than %d deep", MAX_NESTING);
    for (;;) {
        skip_space(reader);
        char c = *reader->at;
        if (c == ')') break;
        if (!c) {
            error_line = s->line;
            fail("the parenthesis that opens here is not closed");
        }
        if (c == '.' && is_delimiter(reader->at[1]) && s->count && kind == SYNTAX_LIST) {
            reader->at++;
            s->tail = read_syntax(reader);
            skip_space(reader);
            if (!s->tail || *reader->at != ')') fail("expected one datum and ) after a dot");
            break;
        }
        if (s->count == capacity) {
            Syntax **larger = NEW_ARRAY(Syntax *, 2 * capacity);
            memcpy(larger, s->elements, sizeof *larger * (uint32_t)capacity);
            s->elements = larger;
            capacity *= 2;
        }
        s->elements[s->count++] = read_syntax(reader);
    }
    reader->at++;
    reader->depth--;
    return s;
}

static char read_escape(char c) {
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '0': return 0;
    case '"':
    case '\\': return c;
    }
    fail("unknown escape in a string");
}

static Syntax *read_string(Reader *reader) {
    const char *start = ++reader->at;
    int first_line = reader->line;
    uint32_t size = 0;
    for (const char *p = start; *p != '"'; p++, size++) {
        if (*p == '\\') p++;
        if (!*p) fail("the string that begins here is not closed");
    }
    Value v = make_string(size);
    const char *p = start;
    for (uint32_t i = 0; i < size; i++, p++) {
        if (*p == '\n') reader->line += reader->line_step;
        string_bytes(v)[i] = *p == '\\' ? read_escape(*++p) : *p;
    }
    reader->at = p + 1;
    Syntax *s = constant(reader, v);
    s->line = first_line;
    return s;
}

static Syntax *read_character(Reader *reader) {
    static const struct {
        const char *name;
        int code;
    } names[] = {{"space", ' '}, {"newline", '\n'}, {"tab", '\t'}, {"return", '\r'}, {"null", 0}, {"nul", 0}};
    const char *start = reader->at += 2;
    if (!*start) fail("expected a character after #\\");
    do reader->at++;
    while (!is_delimiter(*reader->at));
    uint32_t size = (uint32_t)(reader->at - start);
    if (size == 1) return constant(reader, character((uint8_t)*start));
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == size && !memcmp(names[i].name, start, size)) return constant(reader, character((uint32_t)names[i].code));
    fail("unknown character #\\%S", intern(start, size));
}

static Syntax *read_abbreviation(Reader *reader, const char *name, int size) {
    Syntax *s = new_syntax(reader, SYNTAX_LIST);
    reader->at += size;
    s->count = 2;
    s->elements = NEW_ARRAY(Syntax *, 2);
    s->elements[0] = new_syntax(reader, SYNTAX_SYMBOL);
    s->elements[0]->symbol = intern_text(name);
    if (++reader->depth > MAX_NESTING) fail("quotations are nested more than %d deep", MAX_NESTING);
    s->elements[1] = read_syntax(reader);
    reader->depth--;
    if (!s->elements[1]) fail("expected a datum after a quotation mark");
    return s;
}

static Syntax *read_hash(Reader *reader) {
    char c = reader->at[1];
    if (c == '(') {
        reader->at += 2;
        return read_list(reader, SYNTAX_VECTOR);
    }
    if (c == '\\') return read_character(reader);
    const char *start = reader->at;
    while (!is_delimiter(*reader->at)) reader->at++;
    Symbol *word = intern(start, (uint32_t)(reader->at - start));
    if (word == intern_text("#t") || word == intern_text("#true")) return constant(reader, TRUE);
    if (word == intern_text("#f") || word == intern_text("#false")) return constant(reader, FALSE);
    fail("unknown syntax %S", word);
}

static Syntax *read_atom(Reader *reader) {
    const char *start = reader->at;
    while (!is_delimiter(*reader->at)) reader->at++;
    uint32_t size = (uint32_t)(reader->at - start);
    Value number = parse_number(start, size, 10);
    if (number != FALSE) return constant(reader, number);
    Syntax *s = new_syntax(reader, SYNTAX_SYMBOL);
    s->symbol = intern(start, size);
    return s;
}

Syntax *read_syntax(Reader *reader) {
    skip_space(reader);
    error_line = reader->line;
    switch (*reader->at) {
    case 0: return 0;
    case '(': reader->at++; return read_list(reader, SYNTAX_LIST);
    case ')': fail("this ) closes nothing");
    case '"': return read_string(reader);
    case '#': return read_hash(reader);
    case '\'': return read_abbreviation(reader, "quote", 1);
    case '`': return read_abbreviation(reader, "quasiquote", 1);
    case ',': return reader->at[1] == '@' ? read_abbreviation(reader, "unquote-splicing", 2) : read_abbreviation(reader, "unquote", 1);
    default: return read_atom(reader);
    }
}

Value syntax_to_value(Syntax *s) {
    switch (s->kind) {
    case SYNTAX_SYMBOL: return symbol_value(s->symbol);
    case SYNTAX_CONSTANT: return s->constant;
    case SYNTAX_LIST: {
        Value list = s->tail ? syntax_to_value(s->tail) : NIL;
        for (int i = s->count; i--;) list = cons(syntax_to_value(s->elements[i]), list);
        return list;
    }
    case SYNTAX_VECTOR: {
        Value vector = make_vector((uint32_t)s->count, UNSPECIFIED);
        for (int i = 0; i < s->count; i++) fields(vector)[i] = syntax_to_value(s->elements[i]);
        return vector;
    }
    }
    return UNSPECIFIED;
}
