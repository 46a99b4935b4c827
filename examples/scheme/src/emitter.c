#include <string.h>

#include "compiler.h"
#include "errors.h"
#include "interpreter.h"

Emitter emitter;

// ---- Instructions ----------------------------------------------------------------------------------------------------------------

void put(uint32_t opcode) { put_byte(&emitter.code, opcode); }

static void put_with(uint32_t opcode, uint32_t immediate) {
    put(opcode);
    put_unsigned(&emitter.code, immediate);
}

void put_get(int local) { put_with(LOCAL_GET, (uint32_t)local); }
void put_set(int local) { put_with(LOCAL_SET, (uint32_t)local); }
void put_tee(int local) { put_with(LOCAL_TEE, (uint32_t)local); }

void put_const(int32_t n) {
    put(I32_CONST);
    put_signed(&emitter.code, n);
}

// Fields are aligned, tagged pointers are not: only those with an offset of 3 modulo 4 are.
static uint32_t alignment(uint32_t opcode) {
    switch (opcode) {
    case I32_LOAD8_U: return 0;
    case I32_LOAD16_U: return 1;
    case F64_LOAD:
    case F64_STORE: return 3;
    default: return 2;
    }
}

void put_load(uint32_t opcode, uint32_t offset) {
    put_with(opcode, alignment(opcode));
    put_unsigned(&emitter.code, offset);
}

void put_store(uint32_t offset) {
    put_with(I32_STORE, 2);
    put_unsigned(&emitter.code, offset);
}

void put_load_cell(const void *address) {
    put_const(0);
    put_load(I32_LOAD, (uint32_t)(uintptr_t)address);
}

void put_line(int line) {
    put_const(0);
    put_const(line);
    put_store((uint32_t)(uintptr_t)&error_line);
}

void put_indirect_call(int parameters, int results) {
    put_with(CALL_INDIRECT, module_type(parameters, results));
    put(0); // the table
}

void put_runtime(RuntimeId id) { put_runtime_call(&emitter.code, id); }

// ---- Blocks ----------------------------------------------------------------------------------------------------------------------

void begin_block(Label *label, uint32_t opcode, uint32_t result) {
    put(opcode);
    put(result);
    *label = (Label){++emitter.depth, ~0ull};
}

void end_without_merge(void) {
    put(END);
    emitter.depth--;
}

void end_block(Label *label) {
    end_without_merge();
    emitter.saved &= label->saved;
}

void put_branch(uint32_t opcode, Label *label) {
    put_with(opcode, (uint32_t)(emitter.depth - label->depth));
    label->saved &= emitter.saved;
}

void put_if(uint32_t result) {
    put(IF);
    put(result);
    emitter.depth++;
}

void put_else(void) { put(ELSE); }
void put_end(void) { end_without_merge(); }

// ---- Locals ----------------------------------------------------------------------------------------------------------------------

int i64_local(void) { return emitter.parameter_count; }

int new_local(void) {
    if (emitter.unused_count) {
        int local = emitter.unused_locals[--emitter.unused_count];
        for (int i = 0; i < emitter.fact_count; i++)
            if (emitter.facts[i].local == local) emitter.facts[i].local = -1;
        return local;
    }
    if (emitter.local_count >= MAX_LOCALS) {
        emitter.is_too_large = true;
        return 0;
    }
    return emitter.local_count++;
}

void release_local(int local) {
    if (!emitter.is_too_large) emitter.unused_locals[emitter.unused_count++] = local;
}

int new_double(void) {
    if (emitter.unused_double_count) return emitter.unused_doubles[--emitter.unused_double_count];
    if (emitter.double_count == emitter.double_limit) {
        emitter.is_too_large = true;
        return emitter.parameter_count + 1;
    }
    return emitter.parameter_count + 1 + emitter.double_count++;
}

void release_double(int local) {
    if (!emitter.is_too_large) emitter.unused_doubles[emitter.unused_double_count++] = local;
}

// ---- Slots -----------------------------------------------------------------------------------------------------------------------

int new_slot(int local) {
    if (emitter.slot_count == MAX_SLOTS) {
        emitter.is_too_large = true;
        return 0;
    }
    emitter.slot_locals[emitter.slot_count] = local;
    emitter.saved &= ~(1ull << emitter.slot_count);
    return emitter.slot_count++;
}

void release_slot(int slot) {
    if (slot >= 0 && !emitter.is_too_large) emitter.slot_count = slot;
}

static void put_save(int slot) {
    put_get(LOCAL_STACK);
    if (slot < emitter.slot_count) put_get(emitter.slot_locals[slot]);
    else put_const(0);
    put_store(4 * (uint32_t)slot);
}

int frame_end(void) { return emitter.slot_count > emitter.minimum_slots ? emitter.slot_count : emitter.minimum_slots; }

void put_store_unsaved(void) {
    for (int i = 0; i < frame_end(); i++)
        if (!(emitter.saved >> i & 1)) put_save(i);
}

void save_slots(void) {
    put_store_unsaved();
    emitter.saved |= frame_end() == MAX_SLOTS ? ~0ull : (1ull << frame_end()) - 1;
}

void put_frames_end(void) {
    put_get(LOCAL_STACK);
    if (!frame_end()) return;
    put_const(4 * frame_end());
    put(I32_ADD);
}

// ---- Types -----------------------------------------------------------------------------------------------------------------------

Type local_type(int local) {
    for (int i = emitter.fact_count; i--;)
        if (emitter.facts[i].local == local && emitter.facts[i].fact < NEVER) return (Type)emitter.facts[i].fact;
    return ANY;
}

bool is_in_range(int local, Range range) {
    for (int i = emitter.fact_count; i--;)
        if (emitter.facts[i].local == local && emitter.facts[i].fact == (int)range) return true;
    return false;
}

void add_fact(int local, int fact) {
    if (emitter.fact_count == MAX_FACTS) return;
    emitter.facts[emitter.fact_count].local = local;
    emitter.facts[emitter.fact_count++].fact = fact;
}

Type joined(Type a, Type b) {
    // A block has its result on the stack even if it never ends.
    if (a == NEVER && b == NEVER) put(UNREACHABLE);
    if (a == NEVER) return b;
    if (b == NEVER) return a;
    return a == b ? a : ANY;
}

// ---- Operands --------------------------------------------------------------------------------------------------------------------

Operand hold(Type type, bool is_needed_across_calls) {
    Operand o = {.is_temporary = true, .type = type, .local = new_local(), .slot = -1};
    put_set(o.local);
    if (is_needed_across_calls && type != FIXNUM) o.slot = new_slot(o.local);
    return o;
}

Operand hold_double(void) {
    Operand o = {.is_temporary = true, .type = DOUBLE, .local = new_double(), .slot = -1};
    put_set(o.local);
    return o;
}

void put_operand(const Operand *o) {
    if (o->is_constant) {
        put_const((int32_t)o->constant);
        return;
    }
    put_get(o->local);
    if (o->type == DOUBLE) put_flonum();
}

void make_value(Operand *o) {
    if (o->type != DOUBLE) return;
    put_operand(o);
    release(o);
    *o = hold(ANY, false);
}

void release(Operand *o) {
    if (!o->is_temporary) return;
    release_slot(o->slot);
    (o->type == DOUBLE ? release_double : release_local)(o->local);
}

void emit_operands(Node **list, int count, Operand *operands, bool calls_after) {
    bool calls_later[MAX_INLINE_OPERANDS];
    for (int i = count; i--; calls_after |= !list[i]->is_simple) calls_later[i] = calls_after;
    for (int i = 0; i < count; i++) operands[i] = emit_operand(list[i], calls_later[i]);
}

void release_operands(Operand *operands, int count) {
    while (count--) release(&operands[count]);
}

void note_type(const Operand *o, Type type) {
    if (!o->is_constant && o->type != DOUBLE) add_fact(o->local, type);
}
