// The program as a tree. The expander builds it, the resolver gives every variable its place, the interpreter walks it, and the compiler
// reads it. Everything here is permanent.
#pragma once

#include "value.h"

typedef struct Node Node;
typedef struct Lambda Lambda;

// A local variable.
typedef struct Variable {
    Symbol *name;
    Lambda *owner;       // the lambda in whose frame it lives
    Lambda *procedure;   // what it is always bound to, if an OP_FIX binds it
    int slot;            // in the owner's frame
    bool is_initialised; // while expanding: its definition has been passed
    bool is_assigned;    // by set!, or by a definition that something before it refers to
    bool is_captured;    // by a lambda inside the owner
    int uses;            // references of any kind
    int escapes;         // references other than as the operator of a call with the right number of arguments
    // The compiler's, while it compiles one function: see compiler.h.
    bool is_counted; // a parameter that the body computes with as if it were a fixnum
    bool is_double; // always a flonum, and kept as a double
    struct {
        uint8_t type;
        int index, slot;
    } place;
} Variable;

// What is assigned and captured lives in a box, so that frames and closures may copy it.
static inline bool is_boxed(const Variable *v) { return v->is_assigned && v->is_captured; }

typedef enum {
    OP_CONSTANT,   // value
    OP_LOCAL,      // variable; after resolving, `index` is its slot in the frame
    OP_LOCAL_BOX,  // the same through a box
    OP_FREE,       // variable; `index` in the closure
    OP_FREE_BOX,   // the same through a box
    OP_GLOBAL,     // symbol
    OP_SET_LOCAL,  // variable, a
    OP_SET_LOCAL_BOX,
    OP_SET_FREE_BOX,
    OP_SET_GLOBAL, // symbol, a
    OP_DEFINE,     // symbol, a
    OP_IF,         // a, b, c
    OP_OR,         // a, b
    OP_SEQUENCE,   // list
    OP_LAMBDA,     // lambda
    OP_LET,        // variables and list (their values), a (body)
    OP_FIX,        // variables and list (OP_LAMBDA, never assigned), a (body)
    OP_CALL,       // a (operator), list (operands); operands are evaluated first, from left to right
    OP_PRIMITIVE,  // primitive, list; after resolving, `index` is the primitive if it has the interpreter's fast path, else -1
} Op;

struct Node {
    uint8_t op;
    bool is_simple; // calls no procedure, so that evaluating it needs no more stack than its own depth
    bool is_tail;   // nothing is left to do in the lambda after it
    int16_t primitive;
    int line, index, count;
    union {
        Value value;
        Symbol *symbol;
        Lambda *lambda;
        Variable *variable;
        Variable **variables;
    };
    Node *a, *b, *c;
    Node **list;
};

struct Lambda {
    // Read by compiled code: where to call it.
    uint32_t entry; // table index of a function of (stack, closure, arguments …): compiled code, or the way into the interpreter
    bool is_compiled;
    bool is_refused; // by the compiler
    bool has_rest;   // the last parameter takes the list of all further arguments
    int parameter_count; // with the rest parameter
    int slot_count;      // of a frame, parameters first
    int stack_need;      // words above the frame that evaluating the body may take at most
    int64_t heat;        // calls until now, while it is interpreted
    Lambda *parent;
    Symbol *name;
    int line;
    Variable **parameters;
    Variable *self; // the OP_FIX variable bound to it, if any
    int boxed_count, *boxed_slots; // parameters that have to be boxed on entry
    Node *body;
    // Free variables in the order of the closure's fields, and where the enclosing frame has them: a slot, or ~index in its own closure.
    int free_count, free_capacity;
    Variable **free;
    int *free_sources;
    // The compiler's.
    int function; // in the module that is being made, or -1
    int twin;     // the function that takes over where parameters are no fixnums after all, or -1
    enum { LOOP_UNKNOWN, LOOP_YES, LOOP_NO } loop; // whether every call of it is a jump: analysis.c
    bool never_pending; // returns results only, never TAIL_CALL
    Value constant_closure; // the closure that compiled code takes a global variable to hold
};

static inline int lambda_arity(const Lambda *l) { return l->has_rest ? ARITY_REST : l->parameter_count; }
