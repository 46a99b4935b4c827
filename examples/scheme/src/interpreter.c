#include "interpreter.h"

#include <string.h>

#include "builtins.h"
#include "errors.h"
#include "heap.h"
#include "numbers.h"
#include "symbols.h"

int64_t hot_threshold = 500;
PendingCall pending;
Value *compiled_limit, *compiled_tail_limit;

static Value *stack_base, *stack_end;
static Value *stack_top;               // where it ends while anything but `run` is at work
static Value *compiled_base, *compiled_end;
static Value *compiled_top;            // likewise

void initialise_interpreter(uint32_t stack_size, uint32_t engine_stack_size) {
    stack_base = stack_top = allocate_pages(stack_size / 65536);
    stack_end = stack_base + stack_size / 4;
    uint32_t words = (engine_stack_size - ENGINE_STACK_RESERVE) / FRAME_UNIT;
    compiled_base = compiled_top = NEW_ARRAY(Value, words + RESERVE_WORDS);
    compiled_end = compiled_limit = compiled_base + words;
    compiled_tail_limit = compiled_base + words / 2;
}

// ---- Roots -----------------------------------------------------------------------------------------------------------------------

void request_collection(void) {
    is_collection_due = true;
    compiled_limit = 0;
}

static struct {
    Value *values;
    uint32_t count, capacity;
} kept;

void keep(Value v) {
    if (!(v & 1) || (v & TAG_MASK) == TAG_IMMEDIATE) return;
    if (kept.count == kept.capacity) {
        kept.capacity = kept.capacity ? 2 * kept.capacity : 256;
        Value *larger = NEW_ARRAY(Value, kept.capacity);
        memcpy(larger, kept.values, kept.count * 4);
        kept.values = larger;
    }
    kept.values[kept.count++] = v;
}

static void (*mark_symbol_value)(Value);
static void mark_global(Symbol *symbol) { mark_symbol_value(symbol->value); }

void mark_roots(void (*mark)(Value)) {
    for (uint32_t i = 0; i < kept.count; i++) mark(kept.values[i]);
    for (Value *p = stack_base; p < stack_top; p++) mark(*p);
    for (Value *p = compiled_base; p < compiled_top; p++) mark(*p);
    mark_symbol_value = mark;
    for_each_symbol(mark_global);
}

static void collect_if_due(void) {
    if (!is_collection_due) return;
    is_collection_due = false;
    compiled_limit = compiled_end;
    collect();
}

// ---- Simple expressions ----------------------------------------------------------------------------------------------------------

static Value evaluate(Node *node, Value *frame);

static Value capture(Value *frame, int source) { return source >= 0 ? frame[source] : closure_free(frame[-1])[~source]; }

static Value new_closure(Lambda *lambda) { return make_closure(lambda, lambda_arity(lambda), lambda->free_count); }

static void fill_closure(Value closure, Value *frame) {
    Lambda *lambda = closure_lambda(closure);
    for (int i = 0; i < lambda->free_count; i++) closure_free(closure)[i] = capture(frame, lambda->free_sources[i]);
}

static Value evaluate_lambda(Node *node, Value *frame) {
    Value closure = new_closure(node->lambda);
    fill_closure(closure, frame);
    return closure;
}

static void bind_procedures(Node *fix, Value *frame) {
    for (int i = 0; i < fix->count; i++) frame[fix->variables[i]->slot] = new_closure(fix->list[i]->lambda);
    for (int i = 0; i < fix->count; i++) fill_closure(frame[fix->variables[i]->slot], frame);
}

static void bind_variable(Variable *v, Value value, Value *frame) { frame[v->slot] = is_boxed(v) ? make_box(value) : value; }

static Value checked_global(Node *node) {
    Value v = node->symbol->value;
    if (v == UNBOUND) {
        error_line = node->line;
        fail_unbound(node->symbol);
    }
    return v;
}

static Value checked_box(Node *node, Value box) {
    Value v = fields(box)[0];
    if (v == UNASSIGNED) {
        error_line = node->line;
        fail_unassigned(node->variable->name);
    }
    return v;
}

static void assign(Node *node, Value value, Value *frame) {
    switch ((Op)node->op) {
    case OP_SET_LOCAL: frame[node->index] = value; break;
    case OP_SET_LOCAL_BOX: fields(frame[node->index])[0] = value; break;
    case OP_SET_FREE_BOX: fields(closure_free(frame[-1])[node->index])[0] = value; break;
    case OP_SET_GLOBAL: checked_global(node); [[fallthrough]];
    default: node->symbol->value = value; break; // OP_DEFINE
    }
}

// An operand: variables and constants without a call.
static inline Value operand(Node *node, Value *frame) {
    switch (node->op) {
    case OP_LOCAL: return frame[node->index];
    case OP_CONSTANT: return node->value;
    default: return evaluate(node, frame);
    }
}

static Value evaluate_any_primitive(Node *node, Value *frame) {
    Value arguments[MAX_INLINE_OPERANDS];
    for (int i = 0; i < node->count; i++) arguments[i] = operand(node->list[i], frame);
    error_line = node->line;
    return apply_primitive(node->primitive, arguments, node->count);
}

// The primitives that programs use all the time, with as many operands as they mostly have (the resolver sets `index`), and fixnums first.
static Value evaluate_primitive(Node *node, Value *frame) {
    if (node->index < 0) return evaluate_any_primitive(node, frame);
    Value a = operand(node->list[0], frame);
    if (node->count == 1) {
        switch ((PrimitiveId)node->index) {
        case PRIMITIVE_car:
            if (is_pair(a)) return car(a);
            break;
        case PRIMITIVE_cdr:
            if (is_pair(a)) return cdr(a);
            break;
        case PRIMITIVE_is_null: return boolean(a == NIL);
        case PRIMITIVE_is_pair: return boolean(is_pair(a));
        case PRIMITIVE_not: return boolean(a == FALSE);
        case PRIMITIVE_is_zero:
            if (is_fixnum(a)) return boolean(a == fixnum(0));
            break;
        default: break;
        }
        error_line = node->line;
        return primitives[node->primitive].of1(a);
    }
    Value b = operand(node->list[1], frame);
    int32_t result;
    bool are_fixnums = is_fixnum(a | b);
    switch ((PrimitiveId)node->index) {
    case PRIMITIVE_add:
        if (are_fixnums && !__builtin_add_overflow((int32_t)a, (int32_t)b, &result)) return (Value)result;
        error_line = node->line;
        return number_add(a, b);
    case PRIMITIVE_subtract:
        if (are_fixnums && !__builtin_sub_overflow((int32_t)a, (int32_t)b, &result)) return (Value)result;
        error_line = node->line;
        return number_subtract(a, b);
    case PRIMITIVE_multiply: error_line = node->line; return number_multiply(a, b);
    case PRIMITIVE_equal:
        if (are_fixnums) return boolean(a == b);
        break;
    case PRIMITIVE_less:
        if (are_fixnums) return boolean((int32_t)a < (int32_t)b);
        break;
    case PRIMITIVE_greater:
        if (are_fixnums) return boolean((int32_t)a > (int32_t)b);
        break;
    case PRIMITIVE_less_equal:
        if (are_fixnums) return boolean((int32_t)a <= (int32_t)b);
        break;
    case PRIMITIVE_greater_equal:
        if (are_fixnums) return boolean((int32_t)a >= (int32_t)b);
        break;
    case PRIMITIVE_is_eq: return boolean(a == b);
    case PRIMITIVE_is_eqv: return boolean(is_eqv(a, b));
    case PRIMITIVE_cons: return cons(a, b);
    case PRIMITIVE_vector_ref: error_line = node->line; return primitive_vector_ref(a, b);
    case PRIMITIVE_string_ref: error_line = node->line; return primitive_string_ref(a, b);
    case PRIMITIVE_quotient: error_line = node->line; return number_quotient(a, b);
    case PRIMITIVE_remainder: error_line = node->line; return number_remainder(a, b);
    case PRIMITIVE_modulo: error_line = node->line; return number_modulo(a, b);
    default: break;
    }
    error_line = node->line;
    Value arguments[2] = {a, b};
    return apply_primitive(node->primitive, arguments, 2);
}

// Evaluates a simple node. It calls nothing and does not collect, so that its C recursion is no deeper than the source.
static Value evaluate(Node *node, Value *frame) {
    for (;;) {
        switch ((Op)node->op) {
        case OP_CONSTANT: return node->value;
        case OP_LOCAL: return frame[node->index];
        case OP_LOCAL_BOX: return checked_box(node, frame[node->index]);
        case OP_FREE: return closure_free(frame[-1])[node->index];
        case OP_FREE_BOX: return checked_box(node, closure_free(frame[-1])[node->index]);
        case OP_GLOBAL: return checked_global(node);
        case OP_IF: node = evaluate(node->a, frame) != FALSE ? node->b : node->c; break;
        case OP_OR: {
            Value v = evaluate(node->a, frame);
            if (v != FALSE) return v;
            node = node->b;
            break;
        }
        case OP_SEQUENCE:
            for (int i = 0; i < node->count - 1; i++) evaluate(node->list[i], frame);
            node = node->list[node->count - 1];
            break;
        case OP_LAMBDA: return evaluate_lambda(node, frame);
        case OP_LET:
            for (int i = 0; i < node->count; i++) bind_variable(node->variables[i], evaluate(node->list[i], frame), frame);
            node = node->a;
            break;
        case OP_FIX:
            bind_procedures(node, frame);
            node = node->a;
            break;
        case OP_PRIMITIVE: return evaluate_primitive(node, frame);
        default: // assignments
            assign(node, evaluate(node->a, frame), frame);
            return UNSPECIFIED;
        }
    }
}

// ---- Compiled code from here -----------------------------------------------------------------------------------------------------

typedef Value Entry0(Value *, Value);
typedef Value Entry1(Value *, Value, Value);
typedef Value Entry2(Value *, Value, Value, Value);
typedef Value Entry3(Value *, Value, Value, Value, Value);
typedef Value Entry4(Value *, Value, Value, Value, Value, Value);
typedef Value Entry5(Value *, Value, Value, Value, Value, Value, Value);
typedef Value Entry6(Value *, Value, Value, Value, Value, Value, Value, Value);
typedef Value Entry7(Value *, Value, Value, Value, Value, Value, Value, Value, Value);
typedef Value Entry8(Value *, Value, Value, Value, Value, Value, Value, Value, Value, Value);

static Value enter_compiled(Lambda *l, Value closure, Value *a) {
    Value *s = compiled_top;
    switch (l->parameter_count) {
    case 0: return ((Entry0 *)l->entry)(s, closure);
    case 1: return ((Entry1 *)l->entry)(s, closure, a[0]);
    case 2: return ((Entry2 *)l->entry)(s, closure, a[0], a[1]);
    case 3: return ((Entry3 *)l->entry)(s, closure, a[0], a[1], a[2]);
    case 4: return ((Entry4 *)l->entry)(s, closure, a[0], a[1], a[2], a[3]);
    case 5: return ((Entry5 *)l->entry)(s, closure, a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((Entry6 *)l->entry)(s, closure, a[0], a[1], a[2], a[3], a[4], a[5]);
    case 7: return ((Entry7 *)l->entry)(s, closure, a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    default: return ((Entry8 *)l->entry)(s, closure, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    }
}

static bool has_room_for_compiled(void) { return compiled_top < compiled_end; }

// The compiler recurses over the tree.
static bool has_room_for_compiler(void) { return compiled_top < compiled_tail_limit; }

// ---- Calls -----------------------------------------------------------------------------------------------------------------------

[[noreturn]] static void fail_arity(Value procedure, int count) { fail("%V cannot take %d argument%s", procedure, count, count == 1 ? "" : "s"); }

// Brings the arguments that end at `top` into the shape the lambda wants; returns where they end then.
static Value *match_arguments(Value procedure, Lambda *lambda, int count, Value *top) {
    int fixed = lambda->parameter_count - lambda->has_rest;
    if (count < fixed || (count > fixed && !lambda->has_rest)) fail_arity(procedure, count);
    if (!lambda->has_rest) return top;
    Value rest = NIL;
    for (; count > fixed; count--) rest = cons(*--top, rest);
    *top++ = rest;
    return top;
}

// Replaces (apply procedure argument … list) by the call it means; returns its number of arguments, which end at `*top`.
static int spread_arguments(int count, Value **top) {
    Value *arguments = *top - count, list = arguments[count - 1];
    memmove(arguments - 1, arguments, (uint32_t)(count - 1) * 4);
    Value *to = arguments + count - 2;
    Value rest = list;
    for (; is_pair(rest); rest = cdr(rest)) {
        if (to + 1024 > stack_end) fail("apply: too many arguments");
        *to++ = car(rest);
    }
    if (rest != NIL) fail_type("apply", "a list as last argument", list);
    *top = to;
    return (int)(to - arguments);
}

static Value call_builtin(Value procedure, Value *arguments, int count) {
    int index = builtin_index(procedure);
    if (!takes_arguments(index, count)) fail_arity(procedure, count);
    if (index == PRIMITIVE_jit && has_type(arguments[0], TYPE_CLOSURE)) {
        Lambda *lambda = closure_lambda(arguments[0]);
        if (!lambda->is_compiled) compile_lambda(lambda);
        return boolean(lambda->is_compiled);
    }
    return apply_primitive(index, arguments, count);
}

static Value *start_frame(Lambda *lambda, Value *frame) {
    for (int i = lambda->parameter_count; i < lambda->slot_count; i++) frame[i] = FALSE;
    for (int i = 0; i < lambda->boxed_count; i++) frame[lambda->boxed_slots[i]] = make_box(frame[lambda->boxed_slots[i]]);
    return frame + lambda->slot_count;
}

// ---- Everything else -------------------------------------------------------------------------------------------------------------

enum { CONTINUATION_WORDS = 3 };

// A continuation: what to do with a value. All three words look like fixnums. Without a node, the run ends.
static inline Value *push_continuation(Value *top, Node *node, int index, Value *frame) {
    top[0] = (Value)(uintptr_t)node;
    top[1] = fixnum(index);
    top[2] = fixnum(frame - stack_base);
    return top + CONTINUATION_WORDS;
}

// Runs the call of a procedure with `count` arguments, which are on the stack in this order above a continuation without a node.
//
// On entry to a lambda, its closure and arguments are its frame's beginning: `frame[-1]` is the closure.
static Value run(int count) {
    Value *top = stack_top, *frame = top, value, procedure;
    Node *node;
    Lambda *lambda;
    int index;

call:
    procedure = top[-count - 1];
    if (!has_type(procedure, TYPE_CLOSURE)) {
        if (!has_type(procedure, TYPE_BUILTIN)) fail_not_procedure(procedure);
        if (builtin_index(procedure) == PRIMITIVE_apply && count >= 2) {
            count = spread_arguments(count, &top);
            goto call;
        }
        value = call_builtin(procedure, top - count, count);
        top -= count + 1;
        goto resume;
    }
    lambda = closure_lambda(procedure);
    if (header(procedure) >> 8 != ((uint32_t)count | (uint32_t)lambda->free_count << 8)) top = match_arguments(procedure, lambda, count, top);
    count = lambda->parameter_count;
    if (top + lambda->slot_count + lambda->stack_need > stack_end) fail("recursion is too deep");
    stack_top = top;
    collect_if_due();
    if (!lambda->is_compiled && ++lambda->heat >= hot_threshold && !lambda->is_refused && has_room_for_compiler()) compile_lambda(lambda);
    if (lambda->is_compiled && has_room_for_compiled()) {
        value = enter_compiled(lambda, procedure, top - count);
        top -= count + 1;
        if (value != TAIL_CALL) goto resume;
        *top++ = pending.procedure;
        count = pending.count;
        for (int i = 0; i < count; i++) *top++ = pending.arguments[i];
        goto call;
    }
    frame = top - count;
    top = start_frame(lambda, frame);
    node = lambda->body;

evaluate:
    if (node->is_simple) {
        value = evaluate(node, frame);
        goto done;
    }
    index = 0;
    switch ((Op)node->op) {
    case OP_IF:
        if (node->a->is_simple) {
            node = evaluate(node->a, frame) != FALSE ? node->b : node->c;
            goto evaluate;
        }
        goto first_operand;
    case OP_OR: goto first_operand;
    case OP_SEQUENCE: goto sequence;
    case OP_LET: goto let;
    case OP_FIX:
        bind_procedures(node, frame);
        node = node->a;
        goto evaluate;
    case OP_CALL: *top++ = FALSE; goto operands; // the procedure's place
    case OP_PRIMITIVE: goto operands;
    default: goto first_operand; // assignments
    }

first_operand:
    top = push_continuation(top, node, 0, frame);
    node = node->a;
    goto evaluate;

sequence:
    for (; index < node->count - 1; index++) {
        if (!node->list[index]->is_simple) goto operand;
        evaluate(node->list[index], frame);
    }
    node = node->list[index];
    goto evaluate;

let:
    for (; index < node->count; index++) {
        if (!node->list[index]->is_simple) goto operand;
        bind_variable(node->variables[index], evaluate(node->list[index], frame), frame);
    }
    node = node->a;
    goto evaluate;

operand:
    top = push_continuation(top, node, index, frame);
    node = node->list[index];
    goto evaluate;

operands:
    for (; index < node->count; index++) {
        if (!node->list[index]->is_simple) goto operand;
        *top++ = operand(node->list[index], frame);
    }
    if (node->op == OP_PRIMITIVE) {
        error_line = node->line;
        value = apply_primitive(node->primitive, top - node->count, node->count);
        top -= node->count;
        goto done;
    }
    if (!node->a->is_simple) goto first_operand_last;
    procedure = evaluate(node->a, frame);

procedure_known:
    count = node->count;
    error_line = node->line;
    top[-count - 1] = procedure;
    if (node->is_tail) {
        memmove(frame - 1, top - count - 1, (uint32_t)(count + 1) * 4);
        top = frame + count;
    }
    goto call;

first_operand_last:
    top = push_continuation(top, node, node->count, frame);
    node = node->a;
    goto evaluate;

done: // `value` is that of `node`
    if (node->is_tail) top = frame - 1;

resume: // `value` is what the continuation on top waits for
    top -= CONTINUATION_WORDS;
    node = (Node *)(uintptr_t)top[0];
    if (!node) {
        stack_top = top;
        return value;
    }
    index = integer(top[1]);
    frame = stack_base + integer(top[2]);
    switch ((Op)node->op) {
    case OP_IF: node = value != FALSE ? node->b : node->c; goto evaluate;
    case OP_OR:
        if (value != FALSE) goto done;
        node = node->b;
        goto evaluate;
    case OP_SEQUENCE: index++; goto sequence;
    case OP_LET:
        bind_variable(node->variables[index++], value, frame);
        goto let;
    case OP_CALL:
        if (index == node->count) {
            procedure = value;
            goto procedure_known;
        }
        [[fallthrough]];
    case OP_PRIMITIVE:
        *top++ = value;
        index++;
        goto operands;
    default:
        assign(node, value, frame);
        value = UNSPECIFIED;
        goto done;
    }
}

// Calls `procedure`; the compiled frames above which this happens end at `compiled_frames_end`.
static Value call_from(Value *compiled_frames_end, Value procedure, const Value *arguments, int count) {
    Value *saved = compiled_top;
    memset(compiled_frames_end, 0, INTERPRETER_WORDS * 4);
    compiled_top = compiled_frames_end + INTERPRETER_WORDS;
    if (stack_top + 1024 > stack_end) fail("recursion is too deep");
    stack_top = push_continuation(stack_top, 0, 0, stack_base);
    *stack_top++ = procedure;
    for (int i = 0; i < count; i++) *stack_top++ = arguments[i];
    Value value = run(count);
    compiled_top = saved;
    return value;
}

Value run_thunk(Value procedure) { return call_from(compiled_top, procedure, 0, 0); }

// ---- The way here from compiled code: see runtime.def ---------------------------------------------------------------------------------------------

static Value interpret0(Value *s, Value f) { return call_from(s, f, 0, 0); }
static Value interpret1(Value *s, Value f, Value a) { return call_from(s, f, (Value[]){a}, 1); }
static Value interpret2(Value *s, Value f, Value a, Value b) { return call_from(s, f, (Value[]){a, b}, 2); }
static Value interpret3(Value *s, Value f, Value a, Value b, Value c) { return call_from(s, f, (Value[]){a, b, c}, 3); }
static Value interpret4(Value *s, Value f, Value a, Value b, Value c, Value d) { return call_from(s, f, (Value[]){a, b, c, d}, 4); }

static Value interpret5(Value *s, Value f, Value a, Value b, Value c, Value d, Value e) { return call_from(s, f, (Value[]){a, b, c, d, e}, 5); }

static Value interpret6(Value *s, Value f, Value a, Value b, Value c, Value d, Value e, Value g) {
    return call_from(s, f, (Value[]){a, b, c, d, e, g}, 6);
}

static Value interpret7(Value *s, Value f, Value a, Value b, Value c, Value d, Value e, Value g, Value h) {
    return call_from(s, f, (Value[]){a, b, c, d, e, g, h}, 7);
}

static Value interpret8(Value *s, Value f, Value a, Value b, Value c, Value d, Value e, Value g, Value h, Value i) {
    return call_from(s, f, (Value[]){a, b, c, d, e, g, h, i}, 8);
}

static void *const interpreter_entries[MAX_COMPILED_PARAMETERS + 1] = {
    interpret0, interpret1, interpret2, interpret3, interpret4, interpret5, interpret6, interpret7, interpret8,
};

uint32_t interpreter_entry(int parameter_count) {
    return parameter_count <= MAX_COMPILED_PARAMETERS ? (uint32_t)(uintptr_t)interpreter_entries[parameter_count] : 0;
}

Value compiled_call(Value *arguments, Value procedure, int count) {
    if (has_type(procedure, TYPE_BUILTIN)) {
        int index = builtin_index(procedure);
        if (!primitives[index].is_special && takes_arguments(index, count)) return apply_primitive(index, arguments, count);
    }
    return call_from(arguments + count, procedure, arguments, count);
}

Value compiled_tail_call(Value procedure, int count) {
    pending.procedure = procedure;
    pending.count = count;
    return TAIL_CALL;
}

Value compiled_resume(Value *compiled_frames_end) {
    return call_from(compiled_frames_end, pending.procedure, pending.arguments, pending.count);
}

void compiled_safepoint(Value *compiled_frames_end) {
    Value *saved = compiled_top;
    compiled_top = compiled_frames_end;
    collect_if_due();
    compiled_top = saved;
}

bool compiled_enter_slowly(Value *compiled_frames_end) {
    compiled_safepoint(compiled_frames_end);
    return compiled_frames_end > compiled_end;
}

// The first operand is looked at first.
#define COMPARISON(function, operator, name) \
    bool function(Value a, Value b) { \
        double x = number_to_double(a, name); \
        return x operator number_to_double(b, name); \
    }
COMPARISON(compiled_equal, ==, "=")
COMPARISON(compiled_less, <, "<")
COMPARISON(compiled_greater, >, ">")
COMPARISON(compiled_less_equal, <=, "<=")
COMPARISON(compiled_greater_equal, >=, ">=")

void compiled_not_a_number(Value v, int primitive) { fail_type(primitives[primitive].name, "a number", v); }
