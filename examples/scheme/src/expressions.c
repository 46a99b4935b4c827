#include <stdlib.h>

#include "compiler.h"
#include "errors.h"
#include "heap.h"

// ---- Variables -------------------------------------------------------------------------------------------------------------------

// Gives a variable its local and slot. Boxed ones are to hold their box.
void bind_local(Variable *v, int local, Type type) {
    v->place.index = local;
    v->place.type = is_boxed(v) || v->is_assigned ? ANY : (uint8_t)type;
    v->place.slot = v->place.type == FIXNUM ? -1 : new_slot(local);
}

void bind_double(Variable *v, int local) {
    v->place.index = local;
    v->place.type = DOUBLE;
    v->place.slot = -1;
}

void unbind_local(Variable *v) {
    release_slot(v->place.slot);
    (v->is_double ? release_double : release_local)(v->place.index);
}

void put_box(int local) {
    put_get(local);
    put_runtime(RUNTIME_make_box);
    put_set(local);
}

static Type variable_type(Variable *v) {
    if (v->place.type != ANY || v->is_assigned) return v->place.type;
    return local_type(v->place.index);
}

static Type emit_variable(Node *node) {
    Variable *v = node->variable;
    put_get(v->place.index);
    if (!is_boxed(v)) return variable_type(v);
    int value = new_local();
    put_load(I32_LOAD, OBJECT_FIELDS);
    put_tee(value);
    put_const((int32_t)UNASSIGNED);
    put(I32_EQ);
    put_if(NO_RESULT);
    put_line(node->line);
    put_const((int32_t)(uintptr_t)v->name);
    put_runtime(RUNTIME_unassigned);
    put_end();
    put_get(value);
    release_local(value);
    return ANY;
}

static void emit_assignment(Node *node) {
    Variable *v = node->variable;
    emit(node->a, 0);
    int value = new_local();
    put_set(value);
    if (is_boxed(v)) {
        put_get(v->place.index);
        put_get(value);
        put_store(OBJECT_FIELDS);
    } else {
        put_get(value);
        put_set(v->place.index);
        // Not left for the next call: the slot may be taken for saved where control comes back to, in a loop.
        put_get(LOCAL_STACK);
        put_get(value);
        put_store(4 * (uint32_t)v->place.slot);
    }
    release_local(value);
}

static void put_unbound_check(Node *node, int value) {
    put_get(value);
    put_const((int32_t)UNBOUND);
    put(I32_EQ);
    put_if(NO_RESULT);
    put_line(node->line);
    put_const((int32_t)(uintptr_t)node->symbol);
    put_runtime(RUNTIME_unbound);
    put_end();
}

static Type constant_type(Value v) { return is_fixnum(v) ? FIXNUM : is_pair(v) ? PAIR : has_type(v, TYPE_VECTOR) ? VECTOR : ANY; }

// Where nothing can change the variable, its value is a constant.
static Operand constant_global(Symbol *symbol) {
    if (!symbol->is_kept) keep(symbol->value);
    symbol->is_kept = true;
    return (Operand){.is_constant = true, .type = constant_type(symbol->value), .constant = symbol->value, .slot = -1};
}

// A global variable that is defined stays so.
static Type emit_global(Node *node) {
    if (is_constant_global(node->symbol)) {
        Operand o = constant_global(node->symbol);
        put_operand(&o);
        return o.type;
    }
    put_load_cell(&node->symbol->value);
    if (node->symbol->value != UNBOUND) return ANY;
    int value = new_local();
    put_set(value);
    put_unbound_check(node, value);
    put_get(value);
    release_local(value);
    return ANY;
}

static void emit_global_assignment(Node *node) {
    emit(node->a, 0);
    int value = new_local();
    put_set(value);
    if (node->symbol->value == UNBOUND) {
        int old = new_local();
        put_load_cell(&node->symbol->value);
        put_set(old);
        put_unbound_check(node, old);
        release_local(old);
    }
    put_const(0);
    put_get(value);
    put_store((uint32_t)(uintptr_t)&node->symbol->value);
    release_local(value);
}

Operand emit_operand(Node *node, bool is_needed_across_calls) {
    if (node->op == OP_CONSTANT) return (Operand){.is_constant = true, .type = constant_type(node->value), .constant = node->value, .slot = -1};
    if (node->op == OP_GLOBAL && is_constant_global(node->symbol)) return constant_global(node->symbol);
    if ((node->op == OP_LOCAL || node->op == OP_FREE) && !node->variable->is_assigned)
        return (Operand){.type = variable_type(node->variable), .local = node->variable->place.index, .slot = -1};
    if (is_double(node)) {
        emit_double(node);
        return hold_double();
    }
    return hold(emit(node, 0), is_needed_across_calls);
}

// ---- Conditions ------------------------------------------------------------------------------------------------------------------

static bool is_constant(Node *node, Value v) { return node->op == OP_CONSTANT && node->value == v; }

// Branches if one of two conditions has the wanted value; `first` decides without the second if it is `!sense`.
static void emit_either_branch(Node *a, Node *b, Label *label, bool sense) {
    emit_branch(a, label, sense);
    emit_branch(b, label, sense);
}

static void emit_both_branch(Node *a, Node *b, Label *label, bool sense) {
    Label out;
    int facts = emitter.fact_count;
    begin_block(&out, BLOCK, NO_RESULT);
    emit_branch(a, &out, !sense);
    emit_branch(b, label, sense);
    end_block(&out);
    emitter.fact_count = facts;
}

static void emit_value_branch(Node *node, Label *label, bool sense) {
    if (node->op == OP_CONSTANT) {
        if ((node->value != FALSE) == sense) put_branch(BR, label);
        return;
    }
    if (node->op == OP_PRIMITIVE && emit_structure_test(node)) {
        if (!sense) put(I32_EQZ);
    } else {
        emit(node, 0);
        put_const((int32_t)FALSE);
        put(sense ? I32_NE : I32_EQ);
    }
    put_branch(BR_IF, label);
}

static Variable *plain_variable(Node *node) {
    bool is_plain = (node->op == OP_LOCAL || node->op == OP_FREE) && !node->variable->is_assigned && !node->variable->is_double;
    return is_plain ? node->variable : 0;
}

static bool is_small_constant(Node *node) { return node->op == OP_CONSTANT && is_fixnum(node->value) && abs(integer(node->value)) <= SMALL; }

// `a` is less than `b`, or perhaps equal.
static void note_order(Node *a, Node *b, bool can_be_equal) {
    Variable *v = plain_variable(a), *w = plain_variable(b);
    bool is_a = v && variable_type(v) == FIXNUM, is_b = w && variable_type(w) == FIXNUM;
    bool is_fixnum_b = is_b || is_small_constant(b);
    if (is_a && is_small_constant(b)) add_fact(v->place.index, NOT_HIGH);
    if (is_b && is_small_constant(a)) add_fact(w->place.index, NOT_LOW);
    if (is_a && is_fixnum_b && !can_be_equal) add_fact(v->place.index, BELOW_ANOTHER);
}

static void note_primitive_condition(Node *node, bool truth) {
    Node **list = node->list;
    switch ((PrimitiveId)node->primitive) {
    case PRIMITIVE_not: note_condition(list[0], !truth); return;
    case PRIMITIVE_is_pair:
        if (truth && plain_variable(list[0])) add_fact(list[0]->variable->place.index, PAIR);
        return;
    case PRIMITIVE_less:
    case PRIMITIVE_greater_equal:
        if (node->count != 2) return;
        if (truth == (node->primitive == PRIMITIVE_less)) note_order(list[0], list[1], false);
        else note_order(list[1], list[0], true);
        return;
    case PRIMITIVE_greater:
    case PRIMITIVE_less_equal:
        if (node->count != 2) return;
        if (truth == (node->primitive == PRIMITIVE_greater)) note_order(list[1], list[0], false);
        else note_order(list[0], list[1], true);
        return;
    default: return;
    }
}

void note_condition(Node *node, bool truth) {
    if (node->op == OP_IF && is_constant(node->c, FALSE)) {
        if (!truth) return;
        note_condition(node->a, true);
        note_condition(node->b, true);
    } else if (node->op == OP_OR) {
        if (truth) return;
        note_condition(node->a, false);
        note_condition(node->b, false);
    } else if (node->op == OP_PRIMITIVE) {
        note_primitive_condition(node, truth);
    }
}

void emit_branch(Node *node, Label *label, bool sense) {
    if (node->op == OP_IF && is_constant(node->c, FALSE)) {
        (sense ? emit_both_branch : emit_either_branch)(node->a, node->b, label, sense);
    } else if (node->op == OP_OR) {
        (sense ? emit_either_branch : emit_both_branch)(node->a, node->b, label, sense);
    } else if (node->op == OP_PRIMITIVE && node->primitive == PRIMITIVE_not) {
        emit_branch(node->list[0], label, !sense);
    } else if (is_condition(node)) {
        emit_condition_branch(node, label, sense);
    } else {
        emit_value_branch(node, label, sense);
    }
    note_condition(node, !sense);
}

// ---- Control ---------------------------------------------------------------------------------------------------------------------

static Type emit_if(Node *node, const Tail *tail) {
    Label end, otherwise;
    int facts = emitter.fact_count;
    begin_block(&end, BLOCK, TYPE_I32);
    begin_block(&otherwise, BLOCK, NO_RESULT);
    emit_branch(node->a, &otherwise, false);
    Type then = emit(node->b, tail);
    if (then != NEVER) put_branch(BR, &end);
    end_without_merge();
    emitter.saved = otherwise.saved;
    emitter.fact_count = facts;
    note_condition(node->a, false);
    Type other = emit(node->c, tail);
    end_without_merge();
    emitter.saved = other == NEVER ? end.saved : emitter.saved & end.saved;
    emitter.fact_count = facts;
    return joined(then, other);
}

static Type emit_or(Node *node, const Tail *tail) {
    Label end;
    int facts = emitter.fact_count;
    begin_block(&end, BLOCK, TYPE_I32);
    emit(node->a, 0);
    int value = new_local();
    put_tee(value);
    put_get(value);
    put_const((int32_t)FALSE);
    put(I32_NE);
    put_branch(BR_IF, &end);
    put(DROP);
    release_local(value);
    Type other = emit(node->b, tail);
    end_without_merge();
    emitter.saved = other == NEVER ? end.saved : emitter.saved & end.saved;
    emitter.fact_count = facts;
    return ANY;
}

static Type emit_sequence(Node *node, const Tail *tail) {
    for (int i = 0; i < node->count - 1; i++) {
        emit(node->list[i], 0);
        put(DROP);
    }
    return emit(node->list[node->count - 1], tail);
}

static Operand emit_let_value(Node *node, int i) {
    bool calls_later = false;
    for (int j = i + 1; j < node->count; j++) calls_later |= !node->list[j]->is_simple;
    if (node->variables[i]->is_double) {
        emit_double(node->list[i]);
        return hold_double();
    }
    return hold(emit(node->list[i], 0), calls_later);
}

static Type emit_let(Node *node, const Tail *tail) {
    Operand values[node->count];
    for (int i = 0; i < node->count; i++) values[i] = emit_let_value(node, i);
    // The slots of the values become those of the variables, and what is saved stays so.
    uint64_t saved = emitter.saved;
    for (int i = node->count; i--;) release_slot(values[i].slot);
    for (int i = 0; i < node->count; i++) {
        Variable *v = node->variables[i];
        if (v->is_double) {
            bind_double(v, values[i].local);
            continue;
        }
        if (is_boxed(v)) put_box(values[i].local);
        bind_local(v, values[i].local, values[i].type);
        bool is_saved = values[i].slot >= 0 && values[i].slot == v->place.slot && saved >> v->place.slot & 1 && !is_boxed(v);
        if (is_saved) emitter.saved |= 1ull << v->place.slot;
    }
    Type type = emit(node->a, tail);
    for (int i = node->count; i--;) unbind_local(node->variables[i]);
    return type;
}

// ---- Closures --------------------------------------------------------------------------------------------------------------------

static void put_new_closure(Lambda *lambda, int local) {
    put_const((int32_t)(uintptr_t)lambda);
    put_const(lambda_arity(lambda));
    put_const(lambda->free_count);
    put_runtime(RUNTIME_make_closure);
    put_set(local);
}

static void put_fill_closure(Lambda *lambda, int local) {
    for (int i = 0; i < lambda->free_count; i++) {
        put_get(local);
        put_get(lambda->free[i]->place.index);
        if (lambda->free[i]->is_double) put_flonum();
        put_store(OBJECT_FIELDS + 4 + 4 * (uint32_t)i);
    }
}

static void emit_lambda(Node *node) {
    int local = new_local();
    put_new_closure(node->lambda, local);
    put_fill_closure(node->lambda, local);
    put_get(local);
    release_local(local);
}

static Type emit_fix(Node *node, const Tail *tail) {
    if (is_loop(node)) return emit_loop(node, tail);
    for (int i = 0; i < node->count; i++) {
        int local = new_local();
        put_new_closure(node->list[i]->lambda, local);
        bind_local(node->variables[i], local, ANY);
    }
    for (int i = 0; i < node->count; i++) put_fill_closure(node->list[i]->lambda, node->variables[i]->place.index);
    Type type = emit(node->a, tail);
    for (int i = node->count; i--;) unbind_local(node->variables[i]);
    return type;
}

// ---- All nodes -------------------------------------------------------------------------------------------------------------------

// #t or #f, by way of branches.
static void emit_truth(Node *node) {
    Label end, otherwise;
    int facts = emitter.fact_count;
    begin_block(&end, BLOCK, TYPE_I32);
    begin_block(&otherwise, BLOCK, NO_RESULT);
    emit_branch(node, &otherwise, false);
    put_const((int32_t)TRUE);
    put_branch(BR, &end);
    end_without_merge();
    emitter.saved = otherwise.saved;
    put_const((int32_t)FALSE);
    end_block(&end);
    emitter.fact_count = facts;
}

static Type emit_primitive(Node *node) {
    Type type;
    if (emit_arithmetic(node, &type)) return type;
    if (is_condition(node) || node->primitive == PRIMITIVE_not) {
        emit_truth(node);
        return ANY;
    }
    if (emit_structure_test(node)) {
        // #f and #t differ by 8.
        put_const(3);
        put(I32_SHL);
        put_const((int32_t)FALSE);
        put(I32_ADD);
        return ANY;
    }
    return emit_structure(node);
}

Type emit(Node *node, const Tail *tail) {
    if (node->op != OP_CONSTANT && is_double(node)) {
        emit_double(node);
        put_flonum();
        return ANY;
    }
    switch ((Op)node->op) {
    case OP_CONSTANT: put_const((int32_t)node->value); return constant_type(node->value);
    case OP_LOCAL:
    case OP_LOCAL_BOX:
    case OP_FREE:
    case OP_FREE_BOX: return emit_variable(node);
    case OP_GLOBAL: return emit_global(node);
    case OP_SET_LOCAL:
    case OP_SET_LOCAL_BOX:
    case OP_SET_FREE_BOX: emit_assignment(node); break;
    case OP_SET_GLOBAL:
    case OP_DEFINE: emit_global_assignment(node); break;
    case OP_IF: return emit_if(node, tail);
    case OP_OR: return emit_or(node, tail);
    case OP_SEQUENCE: return emit_sequence(node, tail);
    case OP_LAMBDA: emit_lambda(node); return ANY;
    case OP_LET: return emit_let(node, tail);
    case OP_FIX: return emit_fix(node, tail);
    case OP_CALL: return emit_call(node, tail);
    case OP_PRIMITIVE: return emit_primitive(node);
    }
    put_const((int32_t)UNSPECIFIED);
    return ANY;
}
