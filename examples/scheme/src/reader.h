// The reader: text to syntax. Syntax is not yet a Scheme value: it knows its line, and lives for ever.
#pragma once

#include "value.h"

typedef enum { SYNTAX_SYMBOL, SYNTAX_CONSTANT, SYNTAX_LIST, SYNTAX_VECTOR } SyntaxKind;

typedef struct Syntax {
    SyntaxKind kind;
    int line;
    Symbol *symbol;
    Value constant; // a number, string, character or boolean
    int count;      // elements of a list or vector
    struct Syntax **elements;
    struct Syntax *tail; // what follows the dot of a list, or null
} Syntax;

typedef struct {
    const char *at;
    int line, line_step; // the prelude counts downwards
    int depth;
} Reader;

// The next datum, or null at the end.
Syntax *read_syntax(Reader *reader);
// What (quote s) gives.
Value syntax_to_value(Syntax *s);
