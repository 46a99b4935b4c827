#include "compiler.h"

#include <string.h>

#include "errors.h"
#include "heap.h"
#include "interpreter.h"
#include "link.h"
#include "symbols.h"
#include "system.h"

// ---- Functions -------------------------------------------------------------------------------------------------------------------

static int argument_count(void) { return emitter.lambda->parameter_count; }

static void begin_function(Lambda *lambda, int minimum_slots, int doubles) {
    Buffer code = emitter.code;
    code.size = 0;
    memset(&emitter, 0, sizeof emitter);
    emitter.code = code;
    emitter.lambda = lambda;
    emitter.parameter_count = FIRST_ARGUMENT + lambda->parameter_count;
    emitter.local_count = emitter.parameter_count + 1 + doubles; // the one is an i64
    emitter.double_limit = doubles;
    emitter.minimum_slots = minimum_slots;
    forget_calls();
}

// Free variables are loaded once. The closure, which has a slot, keeps them alive.
static void put_load_free_variables(void) {
    Lambda *lambda = emitter.lambda;
    if (lambda->free_count) new_slot(LOCAL_CLOSURE);
    for (int i = 0; i < lambda->free_count; i++) {
        int local = new_local();
        bind_local(lambda->free[i], local, FIXNUM);
        lambda->free[i]->place.type = ANY;
        put_get(LOCAL_CLOSURE);
        put_load(I32_LOAD, OBJECT_FIELDS + 4 + 4 * (uint32_t)i);
        put_set(local);
    }
}

static void bind_arguments(bool is_twin) {
    for (int i = 0; i < argument_count(); i++) {
        Variable *v = emitter.lambda->parameters[i];
        bind_local(v, FIRST_ARGUMENT + i, v->is_counted && !is_twin ? FIXNUM : ANY);
    }
}

// Calls the function itself through the runtime, with arguments from the word after `words` on.
static void put_interpreted_call(int words) {
    for (int i = 0; i < argument_count(); i++) {
        put_get(LOCAL_STACK);
        put_get(FIRST_ARGUMENT + i);
        put_store(4 * (uint32_t)(words + i));
    }
    put_get(LOCAL_STACK);
    put_const(4 * words);
    put(I32_ADD);
    put_get(LOCAL_CLOSURE);
    put_const(argument_count());
    put_runtime(RUNTIME_call);
}

// Goes on in the twin unless all parameters are fixnums that are taken for such.
static void put_twin_check(void) {
    int checked = 0;
    for (int i = 0; i < argument_count(); i++) {
        if (!emitter.lambda->parameters[i]->is_counted) continue;
        put_get(FIRST_ARGUMENT + i);
        if (checked++) put(I32_OR);
    }
    put_const(1);
    put(I32_AND);
    put_if(NO_RESULT);
    for (int i = 0; i < emitter.parameter_count; i++) put_get(i);
    put_call(&emitter.code, emitter.lambda->twin);
    put(RETURN);
    put_end();
}

// A collection, if one is due; the interpreter, if there is no room left.
static void put_entry_check(void) {
    put_get(LOCAL_STACK);
    put_load_cell(&compiled_limit);
    put(I32_GT_U);
    put_if(NO_RESULT);
    put_store_unsaved();
    int words = frame_end() + 1; // the closure as well
    put_get(LOCAL_STACK);
    put_get(LOCAL_CLOSURE);
    put_store(4 * (uint32_t)frame_end());
    put_get(LOCAL_STACK);
    put_const(4 * words);
    put(I32_ADD);
    put_runtime(RUNTIME_enter_slowly);
    put_if(NO_RESULT);
    put_interpreted_call(words);
    put(RETURN);
    put_end();
    put_end();
}

// `is_loop`: calls of itself in tail position jump to the start.
static void emit_function(Lambda *lambda, bool is_twin, bool is_loop, int minimum_slots, int doubles) {
    Label header;
    Loop loop = {0, lambda, &header};
    Tail tail = {true, &loop};
    bool is_leaf = lambda->body->is_simple;
    begin_function(lambda, minimum_slots, doubles);
    put_load_free_variables();
    bind_arguments(is_twin);
    if (is_loop) begin_block(&header, LOOP, TYPE_I32);
    emitter.first_loop = &loop;
    if (lambda->twin >= 0 && !is_twin) put_twin_check();
    if (!is_leaf) put_entry_check();
    for (int i = 0; i < argument_count(); i++)
        if (is_boxed(lambda->parameters[i])) put_box(FIRST_ARGUMENT + i);
    emit(lambda->body, &tail);
    if (is_loop) end_without_merge();
    put(END);
}

// How much of the engine's stack a frame takes is not for a program to know; this is what compilers take that keep every local in memory.
static int frame_words(void) {
    int bytes = 8 * (emitter.local_count + 8) + 64;
    return (bytes + FRAME_UNIT - 1) / FRAME_UNIT;
}

// A function that is too large for the compiler goes through the interpreter.
static void emit_stub(Lambda *lambda) {
    begin_function(lambda, 1, 0);
    put_interpreted_call(0);
    put(END);
    lambda->is_refused = true;
}

// How many locals there are, and whether there is a jump to the start, is known when the code is there; then it is written once more. A twin has the
// frame of the function that calls it to account for as well.
static void compile_function(Lambda *lambda, bool is_twin) {
    find_doubles(lambda);
    emit_function(lambda, is_twin, true, 1, MAX_DOUBLES);
    if (!emitter.is_too_large) {
        int doubles = emitter.double_count;
        emitter.local_count -= MAX_DOUBLES - doubles;
        emit_function(lambda, is_twin, emitter.jumps_to_start, frame_words() * (1 + is_twin), doubles);
    }
    if (emitter.is_too_large) emit_stub(lambda);
    define_function(&emitter.code, emitter.double_limit, emitter.local_count - emitter.parameter_count - 1 - emitter.double_limit);
}

static void declare_functions(Lambda **batch, int count, uint32_t **addresses) {
    for (int i = 0; i < count; i++) {
        declare_function(FIRST_ARGUMENT + batch[i]->parameter_count);
        addresses[i] = &batch[i]->entry;
    }
    for (int i = 0; i < count; i++) {
        batch[i]->twin = -1;
        if (!find_counted(batch[i])) continue;
        batch[i]->twin = declare_function(FIRST_ARGUMENT + batch[i]->parameter_count);
        addresses[batch[i]->twin] = 0;
    }
}

static void define_functions(Lambda **batch, int count, uint32_t **addresses) {
    for (int i = 0; i < count; i++) {
        compile_function(batch[i], false);
        if (batch[i]->is_refused) addresses[i] = 0;
    }
    for (int i = 0; i < count; i++)
        if (batch[i]->twin >= 0) compile_function(batch[i], true);
}

// ---- Modules ---------------------------------------------------------------------------------------------------------------------

void compile_lambda(Lambda *lambda) {
    static Lambda *batch[MAX_BATCH];
    static uint32_t *addresses[2 * MAX_BATCH];
    uint64_t begin = monotonic_time();
    int line = error_line;
    int count = gather(lambda, batch);
    if (!count) return;
    find_never_pending(batch, count);
    begin_module();
    declare_functions(batch, count, addresses);
    define_functions(batch, count, addresses);
    const Buffer *module = finish_module(addresses, -1);
    link_statistics.generation_time += monotonic_time() - begin;
    bool is_linked = link_module(module);
    if (!is_linked) hot_threshold = NEVER_HOT; // nor will the next one be
    for (int i = 0; i < count; i++) {
        batch[i]->is_compiled = is_linked && !batch[i]->is_refused;
        batch[i]->function = -1;
    }
    error_line = line;
}

static void compile_global(Symbol *symbol) {
    if (has_type(symbol->value, TYPE_CLOSURE)) compile_lambda(closure_lambda(symbol->value));
}

void compile_globals(void) { for_each_symbol(compile_global); }
