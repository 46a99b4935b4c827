// The resolver: slots of frames and closures for variables, what is simple, and what is in tail position.
//
// It runs when a whole top-level form is expanded, because only then is it known which variables are assigned and captured.
#include "expander.h"

#include <string.h>

#include "builtins.h"
#include "heap.h"

typedef struct {
    Lambda *lambda;
    int next_slot;
} Frame;

static void resolve_node(Node *node, Frame *frame, bool is_tail);

static void add_free(Lambda *lambda, Variable *v) {
    if (lambda->free_count == lambda->free_capacity) {
        lambda->free_capacity = lambda->free_capacity ? 2 * lambda->free_capacity : 4;
        Variable **larger = NEW_ARRAY(Variable *, lambda->free_capacity);
        memcpy(larger, lambda->free, sizeof *larger * (uint32_t)lambda->free_count);
        lambda->free = larger;
    }
    lambda->free[lambda->free_count++] = v;
}

// The field of `lambda`'s closure that holds `v`; all lambdas between it and the owner pass it on.
static int free_index(Lambda *lambda, Variable *v) {
    for (int i = 0; i < lambda->free_count; i++)
        if (lambda->free[i] == v) return i;
    if (lambda->parent != v->owner) free_index(lambda->parent, v);
    add_free(lambda, v);
    return lambda->free_count - 1;
}

static void place(Node *node, Frame *frame, Op local, Op local_box, Op free, Op free_box) {
    Variable *v = node->variable;
    bool is_local = v->owner == frame->lambda;
    node->op = is_local ? (is_boxed(v) ? local_box : local) : (is_boxed(v) ? free_box : free);
    node->index = is_local ? v->slot : free_index(frame->lambda, v);
}

static void give_slot(Variable *v, Frame *frame) {
    v->slot = frame->next_slot++;
    if (frame->lambda->slot_count < frame->next_slot) frame->lambda->slot_count = frame->next_slot;
}

static bool resolve_list(Node *node, Frame *frame) {
    bool is_simple = true;
    for (int i = 0; i < node->count; i++) {
        resolve_node(node->list[i], frame, false);
        is_simple &= node->list[i]->is_simple;
    }
    return is_simple;
}

static void resolve_sequence(Node *node, Frame *frame, bool is_tail) {
    node->is_simple = true;
    for (int i = 0; i < node->count; i++) {
        resolve_node(node->list[i], frame, is_tail && i == node->count - 1);
        node->is_simple &= node->list[i]->is_simple;
    }
}

static void resolve_let(Node *node, Frame *frame, bool is_tail) {
    int outer = frame->next_slot;
    // Each value may be stored while the next ones are computed, so that all slots are taken from the start.
    for (int i = 0; i < node->count; i++) give_slot(node->variables[i], frame);
    node->is_simple = resolve_list(node, frame);
    resolve_node(node->a, frame, is_tail);
    node->is_simple &= node->a->is_simple;
    frame->next_slot = outer;
}

static void resolve_call(Node *node, Frame *frame) {
    resolve_list(node, frame);
    if (node->a->op == OP_LOCAL) {
        Lambda *callee = node->a->variable->procedure;
        if (callee && (callee->has_rest || callee->parameter_count != node->count)) node->a->variable->escapes++;
    }
    resolve_node(node->a, frame, false);
}

static void resolve_if(Node *node, Frame *frame, bool is_tail) {
    resolve_node(node->a, frame, false);
    resolve_node(node->b, frame, is_tail);
    resolve_node(node->c, frame, is_tail);
    node->is_simple = node->a->is_simple && node->b->is_simple && node->c->is_simple;
}

static void resolve_or(Node *node, Frame *frame, bool is_tail) {
    resolve_node(node->a, frame, false);
    resolve_node(node->b, frame, is_tail);
    node->is_simple = node->a->is_simple && node->b->is_simple;
}

static void resolve_lambda(Lambda *lambda, Lambda *parent) {
    resolve(lambda);
    lambda->free_sources = NEW_ARRAY(int, lambda->free_count);
    for (int i = 0; i < lambda->free_count; i++) {
        Variable *v = lambda->free[i];
        lambda->free_sources[i] = v->owner == parent ? v->slot : ~free_index(parent, v);
    }
}

// One operand and a function of one argument, or two operands of anything.
static bool has_fast_path(const Node *node) {
    const Primitive *p = &primitives[node->primitive];
    return (node->count == 1 && p->least == 1 && p->most == 1) || node->count == 2;
}

static void resolve_node(Node *node, Frame *frame, bool is_tail) {
    node->is_tail = is_tail;
    frame->lambda->stack_need += node->count + 4; // operands, a procedure, a continuation
    switch ((Op)node->op) {
    case OP_CONSTANT:
    case OP_GLOBAL: node->is_simple = true; break;
    case OP_LOCAL:
        place(node, frame, OP_LOCAL, OP_LOCAL_BOX, OP_FREE, OP_FREE_BOX);
        node->is_simple = true;
        break;
    case OP_SET_LOCAL:
        resolve_node(node->a, frame, false);
        place(node, frame, OP_SET_LOCAL, OP_SET_LOCAL_BOX, OP_SET_FREE_BOX, OP_SET_FREE_BOX);
        node->is_simple = node->a->is_simple;
        break;
    case OP_SET_GLOBAL:
    case OP_DEFINE:
        resolve_node(node->a, frame, false);
        node->is_simple = node->a->is_simple;
        break;
    case OP_IF: resolve_if(node, frame, is_tail); break;
    case OP_OR: resolve_or(node, frame, is_tail); break;
    case OP_SEQUENCE: resolve_sequence(node, frame, is_tail); break;
    case OP_LAMBDA:
        resolve_lambda(node->lambda, frame->lambda);
        node->is_simple = true;
        break;
    case OP_LET:
    case OP_FIX: resolve_let(node, frame, is_tail); break;
    case OP_CALL: resolve_call(node, frame); break;
    case OP_PRIMITIVE:
        node->is_simple = resolve_list(node, frame);
        node->index = has_fast_path(node) ? node->primitive : -1;
        break;
    case OP_LOCAL_BOX:
    case OP_FREE:
    case OP_FREE_BOX:
    case OP_SET_LOCAL_BOX:
    case OP_SET_FREE_BOX: break; // only this pass makes them
    }
}

void resolve(Lambda *lambda) {
    Frame frame = {lambda, lambda->parameter_count};
    lambda->slot_count = lambda->parameter_count;
    lambda->boxed_slots = NEW_ARRAY(int, lambda->parameter_count);
    for (int i = 0; i < lambda->parameter_count; i++) {
        lambda->parameters[i]->slot = i;
        if (is_boxed(lambda->parameters[i])) lambda->boxed_slots[lambda->boxed_count++] = i;
    }
    resolve_node(lambda->body, &frame, true);
}
