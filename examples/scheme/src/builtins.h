// The primitives: procedures that are part of the language and written in C.
//
// None of them calls Scheme procedures, and none collects. Those that call (map, for-each …) are written in Scheme: prelude.scm.
#pragma once

#include "ast.h"

typedef enum {
#define PRIMITIVE(id, name, least, most, flags) PRIMITIVE_##id,
#include "primitives.def"
#undef PRIMITIVE
    PRIMITIVE_COUNT
} PrimitiveId;

// Flags.
enum {
    FOLDS = 1,   // of more than two operands is the same as of the first two, and of that and the third, and so on
    SPECIAL = 2, // calls a procedure, or the compiler: the interpreter does it
};

typedef struct {
    const char *name;
    int least, most;
    bool folds, is_special;
    union {
        Value (*of0)(void);
        Value (*of1)(Value);
        Value (*of2)(Value, Value);
        Value (*of3)(Value, Value, Value);
        Value (*of_array)(Value *, int);
    };
} Primitive;

extern const Primitive primitives[PRIMITIVE_COUNT];
enum { MAX_INLINE_OPERANDS = 32 };

void initialise_builtins(void);
int find_primitive(Symbol *name); // -1 if it is none
static inline int builtin_index(Value v) { return (int)fields(v)[0]; }
bool takes_arguments(int primitive, int count);
Value apply_primitive(int primitive, Value *arguments, int count);

// Shared with the interpreter's fast paths, which have checked nothing yet.
Value primitive_car(Value v);
Value primitive_cdr(Value v);
Value primitive_vector_ref(Value v, Value index);
Value primitive_vector_set(Value v, Value index, Value element);
Value primitive_string_ref(Value v, Value index);
bool is_equal(Value a, Value b);
bool is_eqv(Value a, Value b);
