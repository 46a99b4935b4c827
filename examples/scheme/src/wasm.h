// Writing WebAssembly: bytes, numbers, instructions, and whole modules whose functions take and return 32-bit words.
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes;
    uint32_t size, capacity;
} Buffer;

void put_byte(Buffer *b, uint32_t byte);
void put_unsigned(Buffer *b, uint32_t n); // LEB128
void put_signed(Buffer *b, int32_t n);
void put_bytes(Buffer *b, const void *bytes, uint32_t count);
// An unsigned number in three bytes, so that it can be replaced.
void put_padded(Buffer *b, uint32_t n);
void replace_padded(Buffer *b, uint32_t at, uint32_t n);

// Instructions and types, by the bytes of the specification's binary format.
enum {
    UNREACHABLE = 0x00,
    BLOCK = 0x02,
    LOOP = 0x03,
    IF = 0x04,
    ELSE = 0x05,
    END = 0x0b,
    BR = 0x0c,
    BR_IF = 0x0d,
    RETURN = 0x0f,
    CALL = 0x10,
    CALL_INDIRECT = 0x11,
    DROP = 0x1a,
    SELECT = 0x1b,
    LOCAL_GET = 0x20,
    LOCAL_SET = 0x21,
    LOCAL_TEE = 0x22,
    I32_LOAD = 0x28,
    F64_LOAD = 0x2b,
    I32_LOAD8_U = 0x2d,
    I32_LOAD16_U = 0x2f,
    I32_STORE = 0x36,
    F64_STORE = 0x39,
    I32_CONST = 0x41,
    F64_CONST = 0x44,
    I32_EQZ = 0x45,
    I32_EQ = 0x46,
    I32_NE = 0x47,
    I32_LT_S = 0x48,
    I32_GT_S = 0x4a,
    I32_GT_U = 0x4b,
    I32_LE_S = 0x4c,
    I32_GE_S = 0x4e,
    I32_GE_U = 0x4f,
    I64_NE = 0x52,
    F64_EQ = 0x61,
    F64_LT = 0x63,
    F64_GT = 0x64,
    F64_LE = 0x65,
    F64_GE = 0x66,
    I32_ADD = 0x6a,
    I32_SUB = 0x6b,
    I32_DIV_S = 0x6d,
    I32_REM_S = 0x6f,
    I32_AND = 0x71,
    I32_OR = 0x72,
    I32_XOR = 0x73,
    I32_SHL = 0x74,
    I32_SHR_S = 0x75,
    I32_SHR_U = 0x76,
    I64_MUL = 0x7e,
    F64_NEG = 0x9a,
    F64_SQRT = 0x9f,
    F64_ADD = 0xa0,
    F64_SUB = 0xa1,
    F64_MUL = 0xa2,
    F64_DIV = 0xa3,
    I32_WRAP_I64 = 0xa7,
    I64_EXTEND_I32_S = 0xac,
    F64_CONVERT_I32_S = 0xb7,
    I64_EXTEND32_S = 0xc4,
    REF_NULL = 0xd0,
    PREFIX_FC = 0xfc, // then TABLE_INIT or TABLE_GROW
    TABLE_INIT = 12,
    TABLE_GROW = 15,
    TYPE_FUNC = 0x60,
    TYPE_FUNCREF = 0x70,
    TYPE_F64 = 0x7c,
    TYPE_I64 = 0x7e,
    TYPE_I32 = 0x7f,
    NO_RESULT = 0x40,
};

// ---- Modules ---------------------------------------------------------------------------------------------------------------------

// The module under construction; there is one at a time. It imports memory and table, and as many of the functions in runtime.def as it uses.
// Its export `patch` grows the table by its functions, or takes the slots from `first_slot` on, and stores each one's index in memory.
void begin_module(void);
uint32_t module_type(int parameters, int results);
// Reserves a function; its index counts from 0 and excludes imports.
int declare_function(int parameters);
// Adds a body. Behind the parameters its locals are an i64, then the f64 ones, then the i32 ones. Functions are defined in the order of their declaration;
void define_function(const Buffer *code, int f64_locals, int i32_locals);
// Writes a call into the body under construction. `runtime` is a RuntimeId.
void put_call(Buffer *code, int function);
void put_runtime_call(Buffer *code, int runtime);
// Forgets the calls of the body under construction, which is written anew.
void forget_calls(void);
// Completes the module. The table index of function i is to be stored at `addresses[i]`, where that is not null.
const Buffer *finish_module(uint32_t **addresses, int64_t first_slot);
int function_count(void);

typedef enum {
#define RUNTIME(name, parameters, results, function) RUNTIME_##name,
#include "runtime.def"
#undef RUNTIME
    RUNTIME_COUNT
} RuntimeId;
