// Primitives on numbers: fixnums inline, everything else by the runtime.
//
// A fixnum is twice its integer, so that sums, differences, remainders and comparisons work on the words as they are.
#include "compiler.h"
#include "errors.h"

// ---- Guards ----------------------------------------------------------------------------------------------------------------------

// Branches to `other` unless both are fixnums.
static void put_fixnum_guard(const Operand *a, const Operand *b, Label *other) {
    bool check_a = a->type != FIXNUM, check_b = b->type != FIXNUM;
    if (!check_a && !check_b) return;
    if (check_a) put_operand(a);
    if (check_b) put_operand(b);
    if (check_a && check_b) put(I32_OR);
    put_const(1);
    put(I32_AND);
    put_branch(BR_IF, other);
}

static bool is_positive_constant(const Operand *o) { return o->is_constant && o->type == FIXNUM && (int32_t)o->constant > 0; }

// ---- Arithmetic ------------------------------------------------------------------------------------------------------------------

// The sum or difference is in `result`; branches to `overflow` if it is not the true one.
static void put_overflow_check(const Operand *a, const Operand *b, int result, bool is_sum, Label *overflow) {
    if (b->is_constant) {
        put_get(result);
        put_operand(a);
        put((int32_t)b->constant >= 0 == is_sum ? I32_LT_S : I32_GT_S);
    } else {
        put_operand(a);
        if (is_sum) put_get(result);
        else put_operand(b);
        put(I32_XOR);
        if (is_sum) put_operand(b);
        else put_operand(a);
        put_get(result);
        put(I32_XOR);
        put(I32_AND);
        put_const(0);
        put(I32_LT_S);
    }
    put_branch(BR_IF, overflow);
}

static void put_sum(const Operand *a, const Operand *b, bool is_sum, Label *other) {
    int result = new_local();
    put_operand(a);
    put_operand(b);
    put(is_sum ? I32_ADD : I32_SUB);
    put_set(result);
    put_overflow_check(a, b, result, is_sum, other);
    put_get(result);
    release_local(result);
}

static void put_product(const Operand *a, const Operand *b, Label *other) {
    put_operand(a);
    put(I64_EXTEND_I32_S);
    put_operand(b);
    put_const(1);
    put(I32_SHR_S);
    put(I64_EXTEND_I32_S);
    put(I64_MUL);
    put_tee(i64_local());
    put(I64_EXTEND32_S);
    put_get(i64_local());
    put(I64_NE);
    put_branch(BR_IF, other);
    put_get(i64_local());
    put(I32_WRAP_I64);
}

// Only for positive divisors.
static void put_positive_check(const Operand *b, Label *other) {
    if (is_positive_constant(b)) return;
    put_operand(b);
    put_const(0);
    put(I32_LE_S);
    put_branch(BR_IF, other);
}

static void put_quotient(const Operand *a, const Operand *b, Label *other) {
    put_positive_check(b, other);
    put_operand(a);
    put_operand(b);
    put(I32_DIV_S);
    put_const(1);
    put(I32_SHL);
}

static void put_remainder(const Operand *a, const Operand *b, Label *other) {
    put_positive_check(b, other);
    put_operand(a);
    put_operand(b);
    put(I32_REM_S);
}

// A negative remainder of a positive divisor is one divisor too small.
static void put_modulo(const Operand *a, const Operand *b, Label *other) {
    int rest = new_local();
    put_remainder(a, b, other);
    put_tee(rest);
    put_operand(b);
    put_const(0);
    put_get(rest);
    put_const(0);
    put(I32_LT_S);
    put(SELECT);
    put(I32_ADD);
    release_local(rest);
}

static void put_fixnum_operation(PrimitiveId id, const Operand *a, const Operand *b, Label *other) {
    switch (id) {
    case PRIMITIVE_add: put_sum(a, b, true, other); break;
    case PRIMITIVE_subtract: put_sum(a, b, false, other); break;
    case PRIMITIVE_multiply: put_product(a, b, other); break;
    case PRIMITIVE_quotient: put_quotient(a, b, other); break;
    case PRIMITIVE_remainder: put_remainder(a, b, other); break;
    default: put_modulo(a, b, other); break;
    }
}

static int runtime_operation(PrimitiveId id) {
    switch (id) {
    case PRIMITIVE_add: return RUNTIME_add;
    case PRIMITIVE_subtract: return RUNTIME_subtract;
    case PRIMITIVE_multiply: return RUNTIME_multiply;
    case PRIMITIVE_divide: return RUNTIME_divide;
    case PRIMITIVE_quotient: return RUNTIME_quotient;
    case PRIMITIVE_remainder: return RUNTIME_remainder;
    case PRIMITIVE_modulo: return RUNTIME_modulo;
    default: return -1;
    }
}

// A sum or difference with a small number that is known to be a fixnum.
static bool cannot_overflow(PrimitiveId id, const Operand *a, const Operand *b) {
    if (a->is_constant || a->type != FIXNUM || !b->is_constant || b->type != FIXNUM) return false;
    int32_t n = integer(b->constant);
    if (id == PRIMITIVE_subtract) n = -n;
    else if (id != PRIMITIVE_add) return false;
    if (n < 0) return n >= -SMALL && is_in_range(a->local, NOT_LOW);
    return n <= SMALL && (is_in_range(a->local, NOT_HIGH) || (n <= 1 && is_in_range(a->local, BELOW_ANOTHER)));
}

static Type emit_binary(PrimitiveId id, Node *node, Operand *a, Operand *b) {
    if (cannot_overflow(id, a, b)) {
        put_operand(a);
        put_operand(b);
        put(id == PRIMITIVE_add ? I32_ADD : I32_SUB);
        return FIXNUM;
    }
    Label done, other;
    begin_block(&done, BLOCK, TYPE_I32);
    begin_block(&other, BLOCK, NO_RESULT);
    if (id != PRIMITIVE_divide) {
        put_fixnum_guard(a, b, &other);
        put_fixnum_operation(id, a, b, &other);
        put_branch(BR, &done);
    }
    end_without_merge();
    put_line(node->line);
    if (node->count == 2) put_operand(a);
    put_operand(b);
    put_runtime(node->count == 2 ? (RuntimeId)runtime_operation(id) : RUNTIME_negate);
    end_without_merge();
    return ANY;
}

bool emit_arithmetic(Node *node, Type *type) {
    PrimitiveId id = (PrimitiveId)node->primitive;
    if (runtime_operation(id) < 0 || node->count > 2) return false;
    Operand operands[2];
    if (node->count == 2) {
        emit_operands(node->list, 2, operands, false);
    } else if (node->count == 1 && id == PRIMITIVE_subtract) {
        operands[0] = (Operand){.is_constant = true, .type = FIXNUM, .constant = fixnum(0), .slot = -1};
        operands[1] = emit_operand(node->list[0], false);
    } else {
        return false;
    }
    *type = emit_binary(id, node, &operands[0], &operands[1]);
    release(&operands[1]);
    release(&operands[0]);
    return true;
}

// ---- Comparisons -----------------------------------------------------------------------------------------------------------------

typedef struct {
    int primitive;
    uint32_t opcode, opposite, double_opcode;
    RuntimeId runtime;
} Comparison;

static const Comparison comparisons[] = {
    {PRIMITIVE_equal, I32_EQ, I32_NE, F64_EQ, RUNTIME_equal},
    {PRIMITIVE_less, I32_LT_S, I32_GE_S, F64_LT, RUNTIME_less},
    {PRIMITIVE_greater, I32_GT_S, I32_LE_S, F64_GT, RUNTIME_greater},
    {PRIMITIVE_less_equal, I32_LE_S, I32_GT_S, F64_LE, RUNTIME_less_equal},
    {PRIMITIVE_greater_equal, I32_GE_S, I32_LT_S, F64_GE, RUNTIME_greater_equal},
};

static const Comparison *find_comparison(Node *node) {
    for (unsigned i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        if (comparisons[i].primitive == node->primitive) return &comparisons[i];
    return 0;
}

static bool is_sign_test(Node *node) {
    return node->primitive == PRIMITIVE_is_zero || node->primitive == PRIMITIVE_is_positive || node->primitive == PRIMITIVE_is_negative;
}

bool is_condition(Node *node) {
    if (node->op != OP_PRIMITIVE) return false;
    return (node->count == 2 && find_comparison(node)) || is_sign_test(node);
}

static const Comparison *sign_comparison(Node *node) {
    switch (node->primitive) {
    case PRIMITIVE_is_zero: return &comparisons[0];
    case PRIMITIVE_is_positive: return &comparisons[2];
    default: return &comparisons[1];
    }
}

static bool is_known_flonum(const Operand *o) { return o->type == DOUBLE || (o->is_constant && is_flonum(o->constant)); }

static void put_double_comparison(const Comparison *comparison, const Operand *operands, Node *node) {
    put_double(&operands[0], node);
    put_double(&operands[1], node);
    put(comparison->double_opcode);
}

// Leaves 0 or 1.
static void put_slow_comparison(const Comparison *comparison, const Operand *operands, Node *node) {
    if (node->count == 1) { // the primitive itself, so that an error has its name
        put_primitive_call(node, operands);
        put_const((int32_t)FALSE);
        put(I32_NE);
        return;
    }
    put_line(node->line);
    put_operand(&operands[0]);
    put_operand(&operands[1]);
    put_runtime(comparison->runtime);
}

// Fixnums first; the runtime for others; both go to `label`, or on behind this.
void emit_condition_branch(Node *node, Label *label, bool sense) {
    const Comparison *comparison = node->count == 2 ? find_comparison(node) : sign_comparison(node);
    Operand operands[2];
    if (node->count == 2) {
        emit_operands(node->list, 2, operands, false);
    } else {
        operands[0] = emit_operand(node->list[0], false);
        operands[1] = (Operand){.is_constant = true, .type = FIXNUM, .constant = fixnum(0), .slot = -1};
    }
    const Operand *a = &operands[0], *b = &operands[1];
    if (is_known_flonum(a) || is_known_flonum(b)) {
        put_double_comparison(comparison, operands, node);
        if (!sense) put(I32_EQZ); // with a NaN the opposite comparison would be false too
        put_branch(BR_IF, label);
        release(&operands[1]);
        release(&operands[0]);
        return;
    }
    bool are_fixnums = a->type == FIXNUM && b->type == FIXNUM;
    Label done, other;
    if (!are_fixnums) {
        begin_block(&done, BLOCK, NO_RESULT);
        begin_block(&other, BLOCK, NO_RESULT);
        put_fixnum_guard(a, b, &other);
    }
    put_operand(a);
    put_operand(b);
    put(sense ? comparison->opcode : comparison->opposite);
    put_branch(BR_IF, label);
    if (!are_fixnums) {
        put_branch(BR, &done);
        end_without_merge();
        put_slow_comparison(comparison, operands, node);
        if (!sense) put(I32_EQZ);
        put_branch(BR_IF, label);
        end_without_merge();
    }
    release(&operands[1]);
    release(&operands[0]);
}
