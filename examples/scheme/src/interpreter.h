// The interpreter, and what it shares with compiled code.
//
// Two stacks, both in linear memory. The interpreter keeps its frames and continuations on its own, so that Scheme's recursion is never that
// of C and its depth is limited by that stack alone. Compiled code recurses on the engine's stack, and keeps on the *compiled stack* what the
// collector has to find: each function gets the first free word as its first argument, and passes on to what it calls the first one above its
// own. Where the compiled stack ends, the engine's is nearly used up (FRAME_UNIT bytes a word): calls go on in the interpreter.
//
// A compiled function calls another in tail position as it calls any other, until the compiled stack is half full. Then it leaves procedure and arguments
// in `pending` and returns TAIL_CALL, which goes up to the nearest call that is not a tail call, and is done there (`resume`).
#pragma once

#include "ast.h"

enum {
    MAX_COMPILED_PARAMETERS = 8,
    FRAME_UNIT = 128, // bytes of the engine's stack that a word of the compiled stack stands for
    // What C code and a collection may need of the engine's stack wherever they are called; compiled frames get the rest.
    ENGINE_STACK_RESERVE = 160 << 10,
    // Words that stand for a run of the interpreter between compiled frames.
    INTERPRETER_WORDS = 24,
    // Words that functions without a check of their own, and the program's start, may need above the limit.
    RESERVE_WORDS = 192,
};

// Sizes in bytes: of the interpreter's stack, and what there is of the engine's.
void initialise_interpreter(uint32_t stack_size, uint32_t engine_stack_size);

// Calls a procedure of no arguments.
Value run_thunk(Value procedure);

// Calls that make a lambda hot.
extern int64_t hot_threshold;
#define NEVER_HOT INT64_MAX
// The compiler (compiler.c): compiles `lambda`, and what it calls; sets is_compiled or is_refused.
void compile_lambda(Lambda *lambda);
// The table index of the function through which compiled code calls a lambda that is not compiled.
uint32_t interpreter_entry(int parameter_count);

typedef struct {
    Value procedure;
    int count;
    Value arguments[MAX_COMPILED_PARAMETERS];
} PendingCall;
extern PendingCall pending;

// Compiled functions compare their first argument with this on entry; 0 when a collection is due.
extern Value *compiled_limit;
// From here on, tail calls are left pending.
extern Value *compiled_tail_limit;
void request_collection(void);

// Called by compiled code: see runtime.def. `compiled_frames_end` is the first word of the compiled stack above all that is in use.
// A procedure with its arguments, which begin there.
Value compiled_call(Value *arguments, Value procedure, int count);
Value compiled_tail_call(Value procedure, int count);
Value compiled_resume(Value *compiled_frames_end);
// What is to be done at a function's entry when its stack argument is beyond the limit. Returns whether the call has to go on in the interpreter.
bool compiled_enter_slowly(Value *compiled_frames_end);
void compiled_safepoint(Value *compiled_frames_end);
// Comparisons of numbers that are not both fixnums.
bool compiled_equal(Value a, Value b);
bool compiled_less(Value a, Value b);
bool compiled_greater(Value a, Value b);
bool compiled_less_equal(Value a, Value b);
bool compiled_greater_equal(Value a, Value b);
// Fails; the primitive is one that wants a number.
void compiled_not_a_number(Value v, int primitive);
