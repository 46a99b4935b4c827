// The compiler: hot lambdas to one WebAssembly module. This header is shared by its parts:
//
//   analysis.c     which lambdas are loops of the function around them, what is compiled together, who may leave a call pending
//   emitter.c      locals, slots of the compiled stack, labels, types: what is known at a place in the code
//   expressions.c  nodes
//   calls.c        calls, loops
//   arithmetic.c   primitives on numbers, and conditions
//   doubles.c      numbers that are known to be flonums, which are kept as doubles
//   structures.c   primitives on pairs, vectors and everything else
//   compiler.c     functions and modules
//
// A compiled function takes (stack, closure, arguments …) and returns a value, as interpreter.h says. Each Scheme variable is a WebAssembly
// local. Around a call, what the collector has to know of is stored in *slots*, the words from the stack argument on: slots are given and taken
// back like a stack, and `saved` says which hold their local's present value.
#pragma once

#include "ast.h"
#include "builtins.h"
#include "wasm.h"

// What is known of a value. DOUBLE: it is in an f64 local, not a Scheme value yet. NEVER: control does not come here.
typedef enum { ANY, FIXNUM, PAIR, VECTOR, DOUBLE, NEVER } Type;

// What else may be known of a fixnum in a local: that a small number can be subtracted or added, or 1 be added, without leaving the fixnums.
typedef enum { NOT_LOW = NEVER + 1, NOT_HIGH, BELOW_ANOTHER } Range;
enum { SMALL = 1 << 28 };

enum { MAX_SLOTS = 64, MAX_LOCALS = 400, MAX_DOUBLES = 64, MAX_FACTS = 64 };

// The end of a block that is branched to, or the start of a loop.
typedef struct {
    int depth;
    uint64_t saved; // what is saved on every way to it
} Label;

// A lambda whose calls, from where control is now, are jumps.
typedef struct Loop {
    struct Loop *outer;
    Lambda *lambda;
    Label *label;
} Loop;

// What a node in tail position may do instead of giving a value. No Tail at all: only give a value.
typedef struct {
    bool returns; // its value is the function's
    Loop *loops;
} Tail;

// A value that stays what it is until it is released.
typedef struct {
    bool is_constant, is_temporary;
    Type type;
    int local, slot; // slot -1 if it needs none
    Value constant;
} Operand;

typedef struct {
    Lambda *lambda;
    Buffer code;
    int depth; // of open blocks
    int parameter_count, local_count;
    int unused_locals[MAX_LOCALS], unused_count;
    int double_limit, double_count; // f64 locals: how many the function has, and has used
    int unused_doubles[MAX_DOUBLES], unused_double_count;
    int slot_count, slot_locals[MAX_SLOTS];
    uint64_t saved;
    struct {
        int local, fact; // a Type or a Range
    } facts[MAX_FACTS];
    int fact_count;
    // How many words a call passes over at least, for the sake of the engine's stack. Those of them that are no slots hold zero, or what they held as slots.
    int minimum_slots;
    Loop *first_loop; // the function itself
    bool jumps_to_start;
    bool is_too_large;
} Emitter;
extern Emitter emitter;

enum { LOCAL_STACK, LOCAL_CLOSURE, FIRST_ARGUMENT };

// ---- analysis.c ------------------------------------------------------------------------------------------------------------------

bool is_loop(Node *fix);
// Whether a global variable has its value for ever: nothing in the program's text defines or assigns it once more, and there is no other text.
bool is_constant_global(const Symbol *symbol);
// The lambda that a call's operator is known to be, if its number of arguments is right; `*is_global` if a global variable holds it.
Lambda *known_callee(Node *call, bool *is_global);
enum { MAX_BATCH = 256 };
// Collects `lambda`, unless it is refused, and all lambdas inside it and known to be called by it that are not compiled; returns how many.
int gather(Lambda *lambda, Lambda **batch);
void find_never_pending(Lambda **batch, int count);
// Marks the parameters that the function had better take for fixnums; false if there are none.
bool find_counted(Lambda *lambda);
// Finds the variables of a function that are doubles.
void find_doubles(Lambda *lambda);
// Whether a node's value is a flonum whatever happens, and can be had as a double.
bool is_double(Node *node);

// ---- emitter.c -------------------------------------------------------------------------------------------------------------------

void put(uint32_t opcode);
void put_get(int local);
void put_set(int local);
void put_tee(int local);
void put_const(int32_t n);
void put_load(uint32_t opcode, uint32_t offset);
void put_store(uint32_t offset);
void put_load_cell(const void *address);
void put_line(int line);
void put_indirect_call(int parameters, int results);
void put_runtime(RuntimeId id);

void begin_block(Label *label, uint32_t opcode, uint32_t result);
void end_block(Label *label);       // of a block: what is saved is what is saved on all ways
void end_without_merge(void);
void put_branch(uint32_t opcode, Label *label);
void put_if(uint32_t result);
void put_else(void);
void put_end(void);

int i64_local(void);
int new_local(void);
void release_local(int local);
int new_double(void);
void release_double(int local);
int new_slot(int local);
void release_slot(int slot);
void save_slots(void);        // before a call
void put_store_unsaved(void); // without noting it, for code aside
void put_frames_end(void);    // the first word above what is saved around a call
int frame_end(void);          // the same in words from the stack argument on

Type local_type(int local);
bool is_in_range(int local, Range range);
void add_fact(int local, int fact);
// What follows from a condition that was found to be true or false.
void note_condition(Node *node, bool truth);
Type joined(Type a, Type b); // of the two ways through a block that has just ended

Operand hold(Type type, bool is_needed_across_calls); // takes the value on top
Operand hold_double(void);
void put_operand(const Operand *o); // as a Scheme value
void make_value(Operand *o); // of a double
void release(Operand *o);
// Evaluates all of a list, in order; each stays valid while the later ones are evaluated, and what comes after them, if that calls.
void emit_operands(Node **list, int count, Operand *operands, bool calls_after);
void release_operands(Operand *operands, int count);
void note_type(const Operand *o, Type type); // it was just checked

// ---- expressions.c, calls.c, arithmetic.c, doubles.c, structures.c --------------------------------------------------------------------------

Type emit(Node *node, const Tail *tail);
Operand emit_operand(Node *node, bool is_needed_across_calls);
void bind_local(Variable *v, int local, Type type);
void bind_double(Variable *v, int local);
void unbind_local(Variable *v);
void put_box(int local);
// Branches to `label` if the node is true (`sense`) or false, else goes on.
void emit_branch(Node *node, Label *label, bool sense);

Type emit_call(Node *node, const Tail *tail);
Type emit_loop(Node *fix, const Tail *tail);
void put_collection_check(void);
void put_pending_check(void);

void emit_double(Node *node); // what is_double: leaves an f64
void put_double(const Operand *o, Node *node); // an f64; fails if it is no number, as an operand of the node
void put_flonum(void); // makes a Scheme value of the f64 on top
void put_allocate_pair(int address); // eight bytes, whose address goes to a local

// Calls a primitive's C function, whose address is a table index.
void put_primitive_call(Node *node, const Operand *operands);
bool is_condition(Node *node);
void emit_condition_branch(Node *node, Label *label, bool sense);
bool emit_arithmetic(Node *node, Type *type); // false: it is none
Type emit_structure(Node *node);
bool emit_structure_test(Node *node); // leaves 0 or 1; false, without code: it is no such test

// ---- compiler.c ------------------------------------------------------------------------------------------------------------------

// Compiles all procedures that global variables hold.
void compile_globals(void);
