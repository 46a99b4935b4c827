// Primitives on pairs, vectors, strings and everything else.
#include "compiler.h"
#include "errors.h"
#include "heap.h"

// ---- Tests -----------------------------------------------------------------------------------------------------------------------

static void put_tag_test(const Operand *o, int tag) {
    put_operand(o);
    put_const(TAG_MASK);
    put(I32_AND);
    put_const(tag);
    put(I32_EQ);
}

static void put_object_test(const Operand *o, ObjectType type) {
    put_tag_test(o, TAG_OBJECT);
    put_if(TYPE_I32);
    put_operand(o);
    put_load(I32_LOAD8_U, OBJECT_HEADER);
    put_const(type);
    put(I32_EQ);
    put_else();
    put_const(0);
    put_end();
}

static void put_constant_test(const Operand *o, Value v) {
    put_operand(o);
    put_const((int32_t)v);
    put(I32_EQ);
}

static bool emit_test_of_one(Node *node) {
    PrimitiveId id = (PrimitiveId)node->primitive;
    switch (id) {
    case PRIMITIVE_is_null:
    case PRIMITIVE_is_pair:
    case PRIMITIVE_is_vector:
    case PRIMITIVE_is_string:
    case PRIMITIVE_is_symbol: break;
    default: return false;
    }
    Operand o = emit_operand(node->list[0], false);
    switch (id) {
    case PRIMITIVE_is_null: put_constant_test(&o, NIL); break;
    case PRIMITIVE_is_pair: put_tag_test(&o, TAG_PAIR); break;
    case PRIMITIVE_is_vector: put_object_test(&o, TYPE_VECTOR); break;
    case PRIMITIVE_is_string: put_object_test(&o, TYPE_STRING); break;
    default: put_object_test(&o, TYPE_SYMBOL); break;
    }
    release(&o);
    return true;
}

// Numbers other than fixnums are equal by value.
static bool compares_by_word(const Operand *o) { return o->type == FIXNUM || (o->is_constant && !is_flonum(o->constant)); }

static bool emit_test_of_two(Node *node) {
    if (node->primitive != PRIMITIVE_is_eq && node->primitive != PRIMITIVE_is_eqv) return false;
    Operand operands[2];
    emit_operands(node->list, 2, operands, false);
    put_operand(&operands[0]);
    put_operand(&operands[1]);
    // Doubles have no identity.
    bool are_doubles = operands[0].type == DOUBLE || operands[1].type == DOUBLE;
    if ((node->primitive == PRIMITIVE_is_eq && !are_doubles) || compares_by_word(&operands[0]) || compares_by_word(&operands[1])) put(I32_EQ);
    else put_runtime(RUNTIME_eqv);
    release_operands(operands, 2);
    return true;
}

bool emit_structure_test(Node *node) { return node->count == 1 ? emit_test_of_one(node) : node->count == 2 && emit_test_of_two(node); }

void put_primitive_call(Node *node, const Operand *operands) {
    put_line(node->line);
    for (int i = 0; i < node->count; i++) put_operand(&operands[i]);
    put_const((int32_t)(uintptr_t)(void *)primitives[node->primitive].of_array);
    put_indirect_call(node->count, 1);
}

// ---- Pairs -----------------------------------------------------------------------------------------------------------------------

// Lets the primitive fail unless its first operand is a pair.
static void put_pair_check(Node *node, const Operand *operands) {
    if (operands[0].type == PAIR) return;
    put_tag_test(&operands[0], TAG_PAIR);
    put(I32_EQZ);
    put_if(NO_RESULT);
    put_primitive_call(node, operands);
    put(DROP);
    put_end();
    note_type(&operands[0], PAIR);
}

static void emit_field(Node *node, uint32_t offset) {
    Operand o = emit_operand(node->list[0], false);
    put_pair_check(node, &o);
    put_operand(&o);
    put_load(I32_LOAD, offset);
    release(&o);
}

void put_allocate_pair(int address) {
    int next = new_local();
    put_load_cell(&hole.next);
    put_tee(address);
    put_const(8);
    put(I32_ADD);
    put_tee(next);
    put_load_cell(&hole.end);
    put(I32_GT_U);
    put_if(NO_RESULT);
    put_const(8);
    put_runtime(RUNTIME_allocate_slowly);
    put_set(address);
    put_else();
    put_const(0);
    put_get(next);
    put_store((uint32_t)(uintptr_t)&hole.next);
    put_end();
    release_local(next);
}

static void emit_cons(Node *node) {
    Operand operands[2];
    emit_operands(node->list, 2, operands, false);
    for (int i = 0; i < 2; i++) make_value(&operands[i]);
    int pair = new_local();
    put_allocate_pair(pair);
    for (int i = 0; i < 2; i++) {
        put_get(pair);
        put_operand(&operands[i]);
        put_store(4 * (uint32_t)i);
    }
    put_get(pair);
    put_const(PAIR_CAR);
    put(I32_SUB);
    release_local(pair);
    release_operands(operands, 2);
}

static void emit_set_field(Node *node, uint32_t offset) {
    Operand operands[2];
    emit_operands(node->list, 2, operands, false);
    put_pair_check(node, operands);
    put_operand(&operands[0]);
    put_operand(&operands[1]);
    put_store(offset);
    put_const((int32_t)UNSPECIFIED);
    release_operands(operands, 2);
}

// ---- Vectors and strings ---------------------------------------------------------------------------------------------------------

// To `other` unless `o` is an object of the type, and `index` one of its indices.
static void put_element_checks(const Operand *o, const Operand *index, ObjectType type, Label *other) {
    int header = new_local();
    if (o->type != VECTOR) {
        put_tag_test(o, TAG_OBJECT);
        put(I32_EQZ);
        put_branch(BR_IF, other);
    }
    put_operand(o);
    put_load(I32_LOAD, OBJECT_HEADER);
    put_set(header);
    if (o->type != VECTOR) {
        put_get(header);
        put_const(0xff);
        put(I32_AND);
        put_const(type);
        put(I32_NE);
        put_branch(BR_IF, other);
    }
    if (index->type != FIXNUM) {
        put_operand(index);
        put_const(1);
        put(I32_AND);
        put_branch(BR_IF, other);
    }
    // Without its sign a negative index is too large.
    put_operand(index);
    put_const(1);
    put(I32_SHR_U);
    put_get(header);
    put_const(8);
    put(I32_SHR_U);
    put(I32_GE_U);
    put_branch(BR_IF, other);
    release_local(header);
}

static void put_vector_element(const Operand *vector, const Operand *index) {
    put_operand(vector);
    put_operand(index);
    put_const(1);
    put(I32_SHL); // twice the integer to four times
    put(I32_ADD);
}

static void put_load_element(const Operand *operands, ObjectType type) {
    if (type == TYPE_VECTOR) {
        put_vector_element(&operands[0], &operands[1]);
        put_load(I32_LOAD, OBJECT_FIELDS);
        return;
    }
    put_operand(&operands[0]);
    put_operand(&operands[1]);
    put_const(1);
    put(I32_SHR_U);
    put(I32_ADD);
    put_load(I32_LOAD8_U, OBJECT_FIELDS);
    put_const(8);
    put(I32_SHL);
    put_const(CHARACTER_LOW_BYTE);
    put(I32_OR);
}

// (vector-ref v i), (vector-set! v i x) and (string-ref s i). What does not fit makes the primitive of that name fail.
static void emit_element(Node *node, ObjectType type) {
    Operand operands[3];
    Label done, other;
    emit_operands(node->list, node->count, operands, false);
    if (type == TYPE_STRING && operands[0].type == VECTOR) operands[0].type = ANY;
    begin_block(&done, BLOCK, TYPE_I32);
    begin_block(&other, BLOCK, NO_RESULT);
    put_element_checks(&operands[0], &operands[1], type, &other);
    if (node->count == 3) {
        put_vector_element(&operands[0], &operands[1]);
        put_operand(&operands[2]);
        put_store(OBJECT_FIELDS);
        put_const((int32_t)UNSPECIFIED);
    } else {
        put_load_element(operands, type);
    }
    put_branch(BR, &done);
    end_without_merge();
    put_primitive_call(node, operands);
    end_without_merge();
    if (type == TYPE_VECTOR) note_type(&operands[0], VECTOR);
    note_type(&operands[1], FIXNUM);
    release_operands(operands, node->count);
}

static void emit_vector_length(Node *node) {
    Operand o = emit_operand(node->list[0], false);
    Label done, other;
    begin_block(&done, BLOCK, TYPE_I32);
    begin_block(&other, BLOCK, NO_RESULT);
    if (o.type != VECTOR) {
        put_object_test(&o, TYPE_VECTOR);
        put(I32_EQZ);
        put_branch(BR_IF, &other);
    }
    put_operand(&o);
    put_load(I32_LOAD, OBJECT_HEADER);
    put_const(8);
    put(I32_SHR_U);
    put_const(1);
    put(I32_SHL);
    put_branch(BR, &done);
    end_without_merge();
    put_primitive_call(node, &o);
    end_without_merge();
    note_type(&o, VECTOR);
    release(&o);
}

// ---- All others ------------------------------------------------------------------------------------------------------------------

// A variable number of operands goes through the words above the slots.
static void put_array_call(Node *node, const Operand *operands) {
    put_line(node->line);
    for (int i = 0; i < node->count; i++) {
        put_get(LOCAL_STACK);
        put_operand(&operands[i]);
        put_store(4 * (uint32_t)(frame_end() + i));
    }
    put_frames_end();
    put_const(node->count);
    put_const((int32_t)(uintptr_t)(void *)primitives[node->primitive].of_array);
    put_indirect_call(2, 1);
}

static void emit_any_primitive(Node *node) {
    const Primitive *p = &primitives[node->primitive];
    Operand operands[MAX_INLINE_OPERANDS];
    emit_operands(node->list, node->count, operands, false);
    (p->least == p->most ? put_primitive_call : put_array_call)(node, operands);
    release_operands(operands, node->count);
}

Type emit_structure(Node *node) {
    switch ((PrimitiveId)node->primitive) {
    case PRIMITIVE_car: emit_field(node, PAIR_CAR); return ANY;
    case PRIMITIVE_cdr: emit_field(node, PAIR_CDR); return ANY;
    case PRIMITIVE_cons: emit_cons(node); return PAIR;
    case PRIMITIVE_set_car: emit_set_field(node, PAIR_CAR); return ANY;
    case PRIMITIVE_set_cdr: emit_set_field(node, PAIR_CDR); return ANY;
    case PRIMITIVE_vector_ref: emit_element(node, TYPE_VECTOR); return ANY;
    case PRIMITIVE_vector_set: emit_element(node, TYPE_VECTOR); return ANY;
    case PRIMITIVE_string_ref: emit_element(node, TYPE_STRING); return ANY;
    case PRIMITIVE_vector_length: emit_vector_length(node); return FIXNUM;
    default: emit_any_primitive(node); return ANY;
    }
}
