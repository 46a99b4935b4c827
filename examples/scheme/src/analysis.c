#include "compiler.h"
#include "heap.h"
#include "interpreter.h"
#include "symbols.h"

// ---- Loops -----------------------------------------------------------------------------------------------------------------------

static bool only_jumps(Node *node, Variable *v, bool is_tail);

static bool only_jumps_in_list(Node *node, Variable *v) {
    for (int i = 0; i < node->count; i++)
        if (!only_jumps(node->list[i], v, false)) return false;
    return true;
}

static bool only_jumps_in_lambdas(Node *fix, Variable *v, bool is_tail) {
    bool is_inner_loop = is_loop(fix);
    for (int i = 0; i < fix->count; i++)
        if (!only_jumps(fix->list[i]->lambda->body, v, is_tail && is_inner_loop)) return false;
    return true;
}

// Whether each call of `v` in here is in tail position, and so can be a jump.
static bool only_jumps(Node *node, Variable *v, bool is_tail) {
    switch ((Op)node->op) {
    case OP_IF: return only_jumps(node->a, v, false) && only_jumps(node->b, v, is_tail) && only_jumps(node->c, v, is_tail);
    case OP_OR: return only_jumps(node->a, v, false) && only_jumps(node->b, v, is_tail);
    case OP_SEQUENCE:
        for (int i = 0; i < node->count; i++)
            if (!only_jumps(node->list[i], v, is_tail && i == node->count - 1)) return false;
        return true;
    case OP_LAMBDA: return only_jumps(node->lambda->body, v, false);
    case OP_LET: return only_jumps_in_list(node, v) && only_jumps(node->a, v, is_tail);
    case OP_FIX: return only_jumps_in_lambdas(node, v, is_tail) && only_jumps(node->a, v, is_tail);
    case OP_CALL:
        if ((node->a->op == OP_LOCAL || node->a->op == OP_FREE) && node->a->variable == v && !is_tail) return false;
        return only_jumps(node->a, v, false) && only_jumps_in_list(node, v);
    case OP_PRIMITIVE: return only_jumps_in_list(node, v);
    case OP_SET_LOCAL:
    case OP_SET_LOCAL_BOX:
    case OP_SET_FREE_BOX:
    case OP_SET_GLOBAL:
    case OP_DEFINE: return only_jumps(node->a, v, false);
    default: return true;
    }
}

bool is_loop(Node *fix) {
    Lambda *lambda = fix->list[0]->lambda;
    if (lambda->loop == LOOP_UNKNOWN) {
        Variable *v = fix->variables[0];
        bool is = fix->count == 1 && !v->escapes && !lambda->has_rest && only_jumps(fix->a, v, true) && only_jumps(lambda->body, v, true);
        lambda->loop = is ? LOOP_YES : LOOP_NO;
    }
    return lambda->loop == LOOP_YES;
}

// ---- What is called --------------------------------------------------------------------------------------------------------------

bool is_constant_global(const Symbol *symbol) { return symbol->definitions < 2 && symbol->value != UNBOUND; }

Lambda *known_callee(Node *call, bool *is_global) {
    Node *operator = call->a;
    Lambda *lambda = 0;
    *is_global = operator->op == OP_GLOBAL;
    if (*is_global && has_type(operator->symbol->value, TYPE_CLOSURE)) {
        lambda = closure_lambda(operator->symbol->value);
        if (lambda->constant_closure && lambda->constant_closure != operator->symbol->value) return 0;
    } else if (operator->op == OP_LOCAL || operator->op == OP_FREE) {
        lambda = operator->variable->procedure;
    }
    return lambda && !lambda->has_rest && lambda->parameter_count == call->count ? lambda : 0;
}

typedef void Visit(Node *node, void *context);

// Visits all nodes that become part of one function: those of loops inside it, but not those of its other lambdas.
static void visit(Node *node, Visit *see, void *context) {
    see(node, context);
    switch ((Op)node->op) {
    case OP_IF:
    case OP_OR:
        visit(node->a, see, context);
        visit(node->b, see, context);
        if (node->op == OP_IF) visit(node->c, see, context);
        return;
    case OP_FIX:
        if (is_loop(node)) visit(node->list[0]->lambda->body, see, context);
        else
            for (int i = 0; i < node->count; i++) see(node->list[i], context);
        visit(node->a, see, context);
        return;
    case OP_LET:
    case OP_CALL:
    case OP_SEQUENCE:
    case OP_PRIMITIVE:
        for (int i = 0; i < node->count; i++) visit(node->list[i], see, context);
        [[fallthrough]];
    case OP_SET_LOCAL:
    case OP_SET_LOCAL_BOX:
    case OP_SET_FREE_BOX:
    case OP_SET_GLOBAL:
    case OP_DEFINE:
        if (node->a) visit(node->a, see, context);
        return;
    default: return;
    }
}

typedef struct {
    Lambda **batch;
    int count;
    bool has_loops; // what is looked through will not be compiled itself, so that its loops are functions
} Batch;

static void add(Batch *batch, Lambda *lambda) {
    if (lambda->is_compiled || lambda->is_refused || lambda->function >= 0 || batch->count == MAX_BATCH) return;
    if (lambda->parameter_count > MAX_COMPILED_PARAMETERS) {
        lambda->is_refused = true;
        return;
    }
    lambda->function = batch->count;
    batch->batch[batch->count++] = lambda;
}

static void gather_from(Node *node, void *context) {
    Batch *batch = context;
    bool is_global;
    if (node->op == OP_LAMBDA) add(context, node->lambda);
    if (node->op == OP_FIX && batch->has_loops) add(context, node->list[0]->lambda);
    if (node->op != OP_CALL) return;
    Lambda *callee = known_callee(node, &is_global);
    if (!callee || !is_global) return;
    if (!callee->constant_closure) keep(callee->constant_closure = node->a->symbol->value);
    add(context, callee);
}

int gather(Lambda *lambda, Lambda **lambdas) {
    Batch batch = {lambdas, 0, lambda->is_refused};
    if (lambda->is_refused) visit(lambda->body, gather_from, &batch);
    batch.has_loops = false;
    add(&batch, lambda);
    for (int i = 0; i < batch.count; i++) visit(lambdas[i]->body, gather_from, &batch);
    return batch.count;
}

// ---- Who may leave a call pending ------------------------------------------------------------------------------------------------

typedef struct {
    Lambda *lambda;
    bool found;
} Search;

static bool is_inside(Lambda *inner, Lambda *outer) {
    for (inner = inner->parent; inner; inner = inner->parent)
        if (inner == outer) return true;
    return false;
}

// A loop around the lambda is called, though it would be jumped to if the lambda were part of the function around it.
static bool is_jump(Node *call, Lambda *callee, Lambda *lambda) {
    return callee == lambda || (callee->loop == LOOP_YES && call->a->op != OP_GLOBAL && is_inside(callee, lambda));
}

static void look_for_pending(Node *node, void *context) {
    Search *search = context;
    bool is_global;
    if (node->op != OP_CALL || !node->is_tail) return;
    Lambda *callee = known_callee(node, &is_global);
    if (!callee || (!callee->never_pending && !is_jump(node, callee, search->lambda))) search->found = true;
}

void find_never_pending(Lambda **batch, int count) {
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (int i = 0; i < count; i++) {
            if (batch[i]->never_pending) continue;
            Search search = {batch[i], false};
            visit(batch[i]->body, look_for_pending, &search);
            if (search.found) continue;
            batch[i]->never_pending = has_changed = true;
        }
    }
}

// ---- Fixnums ---------------------------------------------------------------------------------------------------------------------

static bool is_fixnum_operation(PrimitiveId id) {
    switch (id) {
    case PRIMITIVE_add:
    case PRIMITIVE_subtract:
    case PRIMITIVE_equal:
    case PRIMITIVE_less:
    case PRIMITIVE_greater:
    case PRIMITIVE_less_equal:
    case PRIMITIVE_greater_equal:
    case PRIMITIVE_quotient:
    case PRIMITIVE_remainder:
    case PRIMITIVE_modulo:
    case PRIMITIVE_is_zero: return true;
    default: return false;
    }
}

// An operation together with another parameter or a whole number, or an index.
static void look_for_counted(Node *node, void *context) {
    Lambda *lambda = context;
    if (node->op != OP_PRIMITIVE || node->count > 2 || !is_fixnum_operation((PrimitiveId)node->primitive)) return;
    for (int i = 0; i < node->count; i++)
        if (node->list[i]->op == OP_CONSTANT && is_flonum(node->list[i]->value)) return;
    for (int i = 0; i < node->count; i++) {
        Node *operand = node->list[i];
        if (operand->op != OP_LOCAL || operand->variable->owner != lambda || operand->variable->is_assigned) continue;
        for (int j = 0; j < lambda->parameter_count; j++)
            if (lambda->parameters[j] == operand->variable) operand->variable->is_counted = true;
    }
}

static void count_node(Node *node, void *context) {
    (void)node;
    ++*(int *)context;
}

// Large functions are not worth being there twice.
enum { MAX_TWIN_NODES = 150 };

bool find_counted(Lambda *lambda) {
    int nodes = 0;
    visit(lambda->body, count_node, &nodes);
    if (nodes > MAX_TWIN_NODES) return false;
    visit(lambda->body, look_for_counted, lambda);
    for (int i = 0; i < lambda->parameter_count; i++)
        if (lambda->parameters[i]->is_counted) return true;
    return false;
}

// ---- Doubles ---------------------------------------------------------------------------------------------------------------------

static bool is_double_primitive(Node *node) {
    Node **list = node->list;
    switch ((PrimitiveId)node->primitive) {
    case PRIMITIVE_add:
    case PRIMITIVE_multiply:
    case PRIMITIVE_divide: return node->count == 2 && (is_double(list[0]) || is_double(list[1]));
    case PRIMITIVE_subtract: return (node->count == 2 && (is_double(list[0]) || is_double(list[1]))) || (node->count == 1 && is_double(list[0]));
    case PRIMITIVE_sqrt: return is_double(list[0]);
    case PRIMITIVE_inexact:
    case PRIMITIVE_exact_to_inexact: return true;
    default: return false;
    }
}

bool is_double(Node *node) {
    switch ((Op)node->op) {
    case OP_CONSTANT: return is_flonum(node->value);
    case OP_LOCAL:
    case OP_FREE: return node->variable->is_double;
    case OP_IF: return is_double(node->b) && is_double(node->c);
    case OP_PRIMITIVE: return is_double_primitive(node);
    default: return false;
    }
}

static void assume_doubles(Node *node, void *context) {
    (void)context;
    if (node->op == OP_LET)
        for (int i = 0; i < node->count; i++) node->variables[i]->is_double = !node->variables[i]->is_assigned;
    if (node->op != OP_FIX) return;
    for (int i = 0; i < node->count; i++) node->variables[i]->is_double = false;
    Lambda *loop = node->list[0]->lambda;
    if (is_loop(node))
        for (int i = 0; i < loop->parameter_count; i++) loop->parameters[i]->is_double = !loop->parameters[i]->is_assigned;
}

static void refute(Variable *v, Node *value, bool *has_changed) {
    if (!v->is_double || is_double(value)) return;
    v->is_double = false;
    *has_changed = true;
}

static void refute_doubles(Node *node, void *context) {
    bool is_global;
    if (node->op == OP_LET)
        for (int i = 0; i < node->count; i++) refute(node->variables[i], node->list[i], context);
    if (node->op != OP_CALL) return;
    Lambda *callee = known_callee(node, &is_global);
    if (!callee || is_global || callee->loop != LOOP_YES) return;
    for (int i = 0; i < node->count; i++) refute(callee->parameters[i], node->list[i], context);
}

// Everything is a double that nothing makes anything else: variables of `let`, and parameters of loops inside the function.
void find_doubles(Lambda *lambda) {
    visit(lambda->body, assume_doubles, 0);
    for (int i = 0; i < lambda->parameter_count; i++) lambda->parameters[i]->is_double = false;
    for (int i = 0; i < lambda->free_count; i++) lambda->free[i]->is_double = false;
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        visit(lambda->body, refute_doubles, &has_changed);
    }
}
