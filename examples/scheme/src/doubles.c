#include <string.h>

#include "compiler.h"
#include "errors.h"

static void put_double_constant(double d) {
    put(F64_CONST);
    put_bytes(&emitter.code, &d, sizeof d);
}

void put_flonum(void) {
    int value = new_double(), address = new_local();
    put_set(value);
    put_allocate_pair(address);
    put_get(address);
    put_get(value);
    put_load(F64_STORE, 0);
    put_get(address);
    put_const(FLONUM_DOUBLE);
    put(I32_SUB);
    release_local(address);
    release_double(value);
}

static void put_converted_fixnum(const Operand *o) {
    put_get(o->local);
    put_const(1);
    put(I32_SHR_S);
    put(F64_CONVERT_I32_S);
}

// A number of unknown kind.
static void put_unpacked(const Operand *o, Node *node) {
    put_get(o->local);
    put_const(1);
    put(I32_AND);
    put(I32_EQZ);
    put_if(TYPE_F64);
    put_converted_fixnum(o);
    put_else();
    put_get(o->local);
    put_const(TAG_MASK);
    put(I32_AND);
    put_const(TAG_FLONUM);
    put(I32_NE);
    put_if(NO_RESULT);
    put_line(node->line);
    put_get(o->local);
    put_const(node->primitive);
    put_runtime(RUNTIME_not_a_number);
    put_end();
    put_get(o->local);
    put_load(F64_LOAD, FLONUM_DOUBLE);
    put_end();
}

static bool is_number_constant(const Operand *o) { return is_fixnum(o->constant) || is_flonum(o->constant); }

void put_double(const Operand *o, Node *node) {
    if (o->is_constant && is_number_constant(o)) {
        put_double_constant(is_fixnum(o->constant) ? integer(o->constant) : flonum_value(o->constant));
    } else if (o->is_constant) {
        put_line(node->line);
        put_const((int32_t)o->constant);
        put_const(node->primitive);
        put_runtime(RUNTIME_not_a_number);
        put_double_constant(0);
    } else if (o->type == DOUBLE) {
        put_get(o->local);
    } else if (o->type == FIXNUM) {
        put_converted_fixnum(o);
    } else {
        put_unpacked(o, node);
    }
}

// The exact zero is the only number that nothing may be divided by.
static void put_divisor_check(const Operand *o, Node *node) {
    if (o->type == DOUBLE || (o->is_constant && o->constant != fixnum(0))) return;
    put_operand(o);
    put(I32_EQZ); // as a fixnum is
    put_if(NO_RESULT);
    put_line(node->line);
    put_operand(o);
    put_operand(o);
    put_runtime(RUNTIME_divide);
    put(DROP);
    put_end();
}

static void emit_double_arithmetic(Node *node) {
    Operand operands[2];
    if (node->count == 1) { // a negation
        emit_double(node->list[0]);
        put(F64_NEG);
        return;
    }
    emit_operands(node->list, 2, operands, false);
    if (node->primitive == PRIMITIVE_divide) put_divisor_check(&operands[1], node);
    put_double(&operands[0], node);
    put_double(&operands[1], node);
    switch ((PrimitiveId)node->primitive) {
    case PRIMITIVE_add: put(F64_ADD); break;
    case PRIMITIVE_subtract: put(F64_SUB); break;
    case PRIMITIVE_multiply: put(F64_MUL); break;
    default: put(F64_DIV); break;
    }
    release(&operands[1]);
    release(&operands[0]);
}

static void emit_square_root(Node *node) {
    Operand o = emit_operand(node->list[0], false);
    put_double(&o, node);
    put_double_constant(0);
    put(F64_LT);
    put_if(NO_RESULT);
    put_line(node->line);
    put_operand(&o);
    put_const((int32_t)(uintptr_t)(void *)primitives[PRIMITIVE_sqrt].of1);
    put_indirect_call(1, 1); // fails
    put(DROP);
    put_end();
    put_double(&o, node);
    put(F64_SQRT);
    release(&o);
}

static void emit_double_if(Node *node) {
    Label end, otherwise;
    int facts = emitter.fact_count;
    begin_block(&end, BLOCK, TYPE_F64);
    begin_block(&otherwise, BLOCK, NO_RESULT);
    emit_branch(node->a, &otherwise, false);
    emit_double(node->b);
    put_branch(BR, &end);
    end_without_merge();
    emitter.saved = otherwise.saved;
    emitter.fact_count = facts;
    emit_double(node->c);
    end_block(&end);
    emitter.fact_count = facts;
}

void emit_double(Node *node) {
    switch ((Op)node->op) {
    case OP_CONSTANT: put_double_constant(flonum_value(node->value)); return;
    case OP_LOCAL:
    case OP_FREE: put_get(node->variable->place.index); return;
    case OP_IF: emit_double_if(node); return;
    default: break;
    }
    switch ((PrimitiveId)node->primitive) {
    case PRIMITIVE_sqrt: emit_square_root(node); return;
    case PRIMITIVE_inexact:
    case PRIMITIVE_exact_to_inexact: {
        Operand o = emit_operand(node->list[0], false);
        put_double(&o, node);
        release(&o);
        return;
    }
    default: emit_double_arithmetic(node); return;
    }
}
