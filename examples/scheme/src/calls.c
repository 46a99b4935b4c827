// Calls and loops.
//
// A call goes, as far as is known, to the start of a loop, to a function of this module, to a table index that is a constant, or to wherever
// the closure says. Where a global variable may have changed since the code was made, it is looked at before each call.
#include "compiler.h"
#include "errors.h"
#include "heap.h"
#include "interpreter.h"

// ---- Safepoints and pending calls ------------------------------------------------------------------------------------------------

void put_collection_check(void) {
    put_load_cell(&compiled_limit);
    put(I32_EQZ);
    put_if(NO_RESULT);
    put_store_unsaved();
    put_frames_end();
    put_runtime(RUNTIME_safepoint);
    put_end();
}

// The result of a call is on top; if it is none yet, makes the call that is pending.
void put_pending_check(void) {
    int result = new_local();
    put_tee(result);
    put_const((int32_t)TAIL_CALL);
    put(I32_EQ);
    put_if(NO_RESULT);
    put_frames_end();
    put_runtime(RUNTIME_resume);
    put_set(result);
    put_end();
    put_get(result);
    release_local(result);
}

// ---- Jumps -----------------------------------------------------------------------------------------------------------------------

static Loop *find_loop(const Tail *tail, Lambda *callee) {
    for (Loop *loop = tail ? tail->loops : 0; loop; loop = loop->outer)
        if (loop->lambda == callee) return loop;
    return 0;
}

static void put_jump(Loop *loop, Operand *operands, int count) {
    for (int i = 0; i < count; i++) {
        bool stays = !operands[i].is_constant && operands[i].local == loop->lambda->parameters[i]->place.index;
        if (stays) continue;
        if (loop->lambda->parameters[i]->is_double) put_double(&operands[i], 0);
        else put_operand(&operands[i]);
    }
    for (int i = count; i--;) {
        int parameter = loop->lambda->parameters[i]->place.index;
        bool stays = !operands[i].is_constant && operands[i].local == parameter;
        if (!stays) put_set(parameter);
    }
    put_branch(BR, loop->label);
    emitter.jumps_to_start |= loop == emitter.first_loop;
}

// (let loop ((x value) …) … (loop …) …) where each call of `loop` is a jump: the code that enters it, then the loop itself.
Type emit_loop(Node *fix, const Tail *tail) {
    Lambda *lambda = fix->list[0]->lambda;
    Label exit, enter, header;
    Loop loop = {tail ? tail->loops : 0, lambda, &enter};
    Tail inner = {tail && tail->returns, &loop};
    int facts = emitter.fact_count;
    for (int i = 0; i < lambda->parameter_count; i++) {
        Variable *v = lambda->parameters[i];
        v->place.index = v->is_double ? new_double() : new_local();
    }
    begin_block(&exit, BLOCK, TYPE_I32);
    begin_block(&enter, BLOCK, NO_RESULT);
    Type before = emit(fix->a, &inner);
    if (before != NEVER) put_branch(BR, &exit);
    end_without_merge();
    emitter.saved = enter.saved;
    emitter.fact_count = facts;

    for (int i = 0; i < lambda->parameter_count; i++) {
        Variable *v = lambda->parameters[i];
        if (v->is_double) bind_double(v, v->place.index);
        else bind_local(v, v->place.index, ANY);
    }
    begin_block(&header, LOOP, TYPE_I32);
    loop.label = &header;
    put_collection_check();
    for (int i = 0; i < lambda->parameter_count; i++)
        if (is_boxed(lambda->parameters[i])) put_box(lambda->parameters[i]->place.index);
    Type type = emit(lambda->body, &inner);
    end_without_merge();
    for (int i = lambda->parameter_count; i--;) unbind_local(lambda->parameters[i]);
    end_without_merge();
    emitter.saved = type == NEVER ? exit.saved : emitter.saved & exit.saved;
    emitter.fact_count = facts;
    return joined(before, type);
}

// ---- The ways to call ------------------------------------------------------------------------------------------------------------

typedef struct {
    Node *node;
    Operand *operands;
    Operand procedure;
    Lambda *callee; // null if it is not known
} CallSite;

static void put_operands(const CallSite *site) {
    for (int i = 0; i < site->node->count; i++) put_operand(&site->operands[i]);
}

// Through the runtime, whatever the procedure is; never leaves the call pending.
static void put_runtime_apply(const CallSite *site) {
    put_line(site->node->line);
    for (int i = 0; i < site->node->count; i++) {
        put_get(LOCAL_STACK);
        put_operand(&site->operands[i]);
        put_store(4 * (uint32_t)(frame_end() + i));
    }
    put_frames_end();
    put_operand(&site->procedure);
    put_const(site->node->count);
    put_runtime(RUNTIME_call);
}

static void put_leave_pending(const CallSite *site) {
    put_line(site->node->line);
    for (int i = 0; i < site->node->count; i++) {
        put_const(0);
        put_operand(&site->operands[i]);
        put_store((uint32_t)(uintptr_t)&pending.arguments[i]);
    }
    put_operand(&site->procedure);
    put_const(site->node->count);
    put_runtime(RUNTIME_tail_call);
}

static void put_known_call(const CallSite *site) {
    Lambda *callee = site->callee;
    put_frames_end();
    put_operand(&site->procedure);
    put_operands(site);
    if (callee->function >= 0) {
        put_call(&emitter.code, callee->function);
    } else {
        put_const((int32_t)callee->entry);
        put_indirect_call(2 + site->node->count, 1);
    }
}

// To `unfit` if it is no closure that takes just so many arguments.
static void put_closure_call(const CallSite *site, Label *unfit) {
    put_operand(&site->procedure);
    put_const(TAG_MASK);
    put(I32_AND);
    put_const(TAG_OBJECT);
    put(I32_NE);
    put_branch(BR_IF, unfit);
    put_operand(&site->procedure);
    put_load(I32_LOAD16_U, OBJECT_HEADER);
    put_const(TYPE_CLOSURE | site->node->count << 8);
    put(I32_NE);
    put_branch(BR_IF, unfit);
    put_frames_end();
    put_operand(&site->procedure);
    put_operands(site);
    put_operand(&site->procedure);
    put_load(I32_LOAD, OBJECT_FIELDS);
    put_load(I32_LOAD, offsetof(Lambda, entry));
    put_indirect_call(2 + site->node->count, 1);
}

static void put_any_call(const CallSite *site) {
    if (site->node->count > MAX_COMPILED_PARAMETERS) return put_runtime_apply(site);
    Label done, unfit;
    begin_block(&done, BLOCK, TYPE_I32);
    begin_block(&unfit, BLOCK, NO_RESULT);
    put_closure_call(site, &unfit);
    put_branch(BR, &done);
    end_without_merge();
    put_runtime_apply(site);
    end_without_merge();
}

// A call in tail position that is no jump: a call like others as long as there is plenty of stack, and if not left to the caller.
static void put_tail_call(const CallSite *site, void (*put_call_here)(const CallSite *)) {
    if (site->node->count > MAX_COMPILED_PARAMETERS) return put_runtime_apply(site);
    put_get(LOCAL_STACK);
    put_const((int32_t)(uintptr_t)compiled_tail_limit);
    put(I32_GT_U);
    put_if(TYPE_I32);
    put_leave_pending(site);
    put_else();
    put_call_here(site);
    put_end();
}

// The callee's value for the site; for global ones the closure that it was when the code was made.
static Operand emit_procedure(Node *node, Lambda *callee, bool is_global) {
    if (callee && is_global) return (Operand){.is_constant = true, .constant = node->a->symbol->value, .slot = -1};
    return emit_operand(node->a, false);
}

static bool is_callable(Lambda *callee) { return callee && (callee->function >= 0 || callee->is_compiled); }

static void put_sure_call(const CallSite *site, bool is_return) {
    bool never_pending = site->callee->never_pending;
    if (is_return && !never_pending) {
        put_tail_call(site, put_known_call);
        return;
    }
    put_known_call(site);
    if (!never_pending) put_pending_check();
}

static void put_unknown_call(const CallSite *site, bool is_return) {
    if (is_return) {
        put_tail_call(site, put_any_call);
    } else {
        put_any_call(site);
        put_pending_check();
    }
}

// The global variable is checked, then it is as with a sure callee; if it holds something else now, the runtime calls that.
static void put_guarded_call(CallSite *site, Loop *loop, bool is_return) {
    Label done, unfit;
    begin_block(&done, BLOCK, TYPE_I32);
    begin_block(&unfit, BLOCK, NO_RESULT);
    put_operand(&site->procedure);
    put_load_cell(&site->node->a->symbol->value);
    put(I32_NE);
    put_branch(BR_IF, &unfit);
    if (loop) {
        put_jump(loop, site->operands, site->node->count);
    } else {
        put_sure_call(site, is_return);
        put_branch(BR, &done);
    }
    end_without_merge();
    Operand assumed = site->procedure;
    if (loop) put_store_unsaved();
    put_load_cell(&site->node->a->symbol->value);
    site->procedure = hold(ANY, false);
    put_runtime_apply(site);
    release(&site->procedure);
    site->procedure = assumed;
    end_without_merge();
}

Type emit_call(Node *node, const Tail *tail) {
    bool is_global, is_return = tail && tail->returns;
    if (node->count > MAX_INLINE_OPERANDS) {
        emitter.is_too_large = true;
        put(UNREACHABLE);
        return ANY;
    }
    Lambda *callee = known_callee(node, &is_global);
    Operand operands[MAX_INLINE_OPERANDS];
    emit_operands(node->list, node->count, operands, !node->a->is_simple);
    // A variable that cannot change needs no check.
    bool is_sure = !is_global || is_constant_global(node->a->symbol);
    Loop *loop = callee ? find_loop(tail, callee) : 0;
    if (loop && is_sure) {
        put_jump(loop, operands, node->count);
        release_operands(operands, node->count);
        return NEVER;
    }
    if (!is_callable(callee)) callee = 0;
    CallSite site = {node, operands, emit_procedure(node, callee, is_global), callee};
    // In tail position no slot is needed any more.
    int slots = emitter.slot_count;
    if (is_return) emitter.slot_count = 0;
    if (!loop) save_slots();
    if (callee && !is_sure) put_guarded_call(&site, loop, is_return);
    else if (callee) put_sure_call(&site, is_return);
    else put_unknown_call(&site, is_return);
    emitter.slot_count = slots;
    release(&site.procedure);
    release_operands(operands, node->count);
    return ANY;
}
