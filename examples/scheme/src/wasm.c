#include "wasm.h"

#include <string.h>

#include "errors.h"
#include "heap.h"

// ---- Bytes -----------------------------------------------------------------------------------------------------------------------

static void reserve(Buffer *b, uint32_t count) {
    if (b->size + count <= b->capacity) return;
    uint32_t pages = b->capacity / 65536, wanted = pages ? 2 * pages : 1;
    while (wanted * 65536 < b->size + count) wanted *= 2;
    uint8_t *larger = allocate_pages(wanted);
    if (b->size) memcpy(larger, b->bytes, b->size);
    if (pages) free_pages(b->bytes, pages);
    b->bytes = larger;
    b->capacity = wanted * 65536;
}

void put_byte(Buffer *b, uint32_t byte) {
    reserve(b, 1);
    b->bytes[b->size++] = (uint8_t)byte;
}

void put_bytes(Buffer *b, const void *bytes, uint32_t count) {
    reserve(b, count);
    memcpy(b->bytes + b->size, bytes, count);
    b->size += count;
}

void put_unsigned(Buffer *b, uint32_t n) {
    for (; n >= 128; n >>= 7) put_byte(b, (n & 127) | 128);
    put_byte(b, n);
}

void put_signed(Buffer *b, int32_t n) {
    for (; n < -64 || n > 63; n >>= 7) put_byte(b, (n & 127) | 128);
    put_byte(b, n & 127);
}

void put_padded(Buffer *b, uint32_t n) {
    put_bytes(b, (uint8_t[3]){0}, 3);
    replace_padded(b, b->size - 3, n);
}

void replace_padded(Buffer *b, uint32_t at, uint32_t n) {
    b->bytes[at] = (n & 127) | 128;
    b->bytes[at + 1] = (n >> 7 & 127) | 128;
    b->bytes[at + 2] = n >> 14 & 127;
}

static void put_name(Buffer *b, const char *name) {
    put_unsigned(b, strlen(name));
    put_bytes(b, name, strlen(name));
}

// ---- The module under construction -----------------------------------------------------------------------------------------------

enum { MAX_PARAMETERS = 12, MAX_TYPES = 2 * (MAX_PARAMETERS + 1), MAX_CALLS = 1 << 16 };

static const struct {
    const char *name;
    int parameters, results;
} runtime_functions[] = {
#define RUNTIME(name, parameters, results, function) {#function, parameters, results},
#include "runtime.def"
#undef RUNTIME
};

typedef struct {
    uint32_t at;
    int function, runtime; // one of them is -1
} Call;

static struct {
    int type_index[MAX_PARAMETERS + 1][2]; // plus one, 0 if not used
    struct {
        int parameters, results;
    } types[MAX_TYPES];
    int type_count;
    int runtime_index[RUNTIME_COUNT]; // likewise
    int runtimes[RUNTIME_COUNT];
    int runtime_count;
    Buffer functions; // types of those declared
    int function_count;
    Buffer code; // bodies of those defined
    Call *calls;
    int call_count, first_call; // of the body under construction
    Buffer section, out;
} module;

void begin_module(void) {
    memset(module.type_index, 0, sizeof module.type_index);
    memset(module.runtime_index, 0, sizeof module.runtime_index);
    module.type_count = module.runtime_count = module.function_count = module.call_count = module.first_call = 0;
    module.functions.size = module.code.size = 0;
    if (!module.calls) module.calls = allocate_pages(sizeof(Call) * MAX_CALLS / 65536);
}

uint32_t module_type(int parameters, int results) {
    int *index = &module.type_index[parameters][results];
    if (!*index) {
        module.types[module.type_count].parameters = parameters;
        module.types[module.type_count].results = results;
        *index = ++module.type_count;
    }
    return (uint32_t)*index - 1;
}

int declare_function(int parameters) {
    put_unsigned(&module.functions, module_type(parameters, 1));
    return module.function_count++;
}

int function_count(void) { return module.function_count; }

static void put_any_call(Buffer *code, int function, int runtime) {
    if (module.call_count == MAX_CALLS) fail("the generated module is too large");
    put_byte(code, CALL);
    module.calls[module.call_count++] = (Call){code->size, function, runtime};
    put_padded(code, 0);
}

void put_call(Buffer *code, int function) { put_any_call(code, function, -1); }

void put_runtime_call(Buffer *code, int runtime) {
    if (!module.runtime_index[runtime]) {
        module.runtimes[module.runtime_count] = runtime;
        module.runtime_index[runtime] = ++module.runtime_count;
        module_type(runtime_functions[runtime].parameters, runtime_functions[runtime].results);
    }
    put_any_call(code, -1, runtime);
}

void forget_calls(void) { module.call_count = module.first_call; }

static uint32_t unsigned_size(uint32_t n) { return n < 128 ? 1 : 1 + unsigned_size(n >> 7); }

void define_function(const Buffer *code, int f64_locals, int i32_locals) {
    const struct {
        int count, type;
    } locals[] = {{1, TYPE_I64}, {f64_locals, TYPE_F64}, {i32_locals, TYPE_I32}};
    Buffer *out = &module.code;
    uint32_t locals_size = 1;
    for (int i = 0; i < 3; i++) locals_size += unsigned_size((uint32_t)locals[i].count) + 1;
    put_unsigned(out, locals_size + code->size);
    put_byte(out, 3);
    for (int i = 0; i < 3; i++) {
        put_unsigned(out, (uint32_t)locals[i].count);
        put_byte(out, (uint32_t)locals[i].type);
    }
    for (int i = module.first_call; i < module.call_count; i++) module.calls[i].at += out->size;
    module.first_call = module.call_count;
    put_bytes(out, code->bytes, code->size);
}

// ---- Sections --------------------------------------------------------------------------------------------------------------------

enum { SECTION_TYPE = 1, SECTION_IMPORT, SECTION_FUNCTION, SECTION_EXPORT = 7, SECTION_ELEMENT = 9, SECTION_CODE };
enum { KIND_FUNCTION, KIND_TABLE, KIND_MEMORY };

static Buffer *begin_section(void) {
    module.section.size = 0;
    return &module.section;
}

static void end_section(int id) {
    put_byte(&module.out, (uint32_t)id);
    put_unsigned(&module.out, module.section.size);
    put_bytes(&module.out, module.section.bytes, module.section.size);
}

static void put_type_section(void) {
    Buffer *s = begin_section();
    put_unsigned(s, (uint32_t)module.type_count);
    for (int i = 0; i < module.type_count; i++) {
        put_byte(s, TYPE_FUNC);
        put_unsigned(s, (uint32_t)module.types[i].parameters);
        for (int j = 0; j < module.types[i].parameters; j++) put_byte(s, TYPE_I32);
        put_unsigned(s, (uint32_t)module.types[i].results);
        if (module.types[i].results) put_byte(s, TYPE_I32);
    }
    end_section(SECTION_TYPE);
}

static void put_import(Buffer *s, const char *name, int kind) {
    put_name(s, "env");
    put_name(s, name);
    put_byte(s, (uint32_t)kind);
}

static void put_import_section(void) {
    Buffer *s = begin_section();
    put_unsigned(s, 2 + (uint32_t)module.runtime_count);
    put_import(s, "memory", KIND_MEMORY);
    put_bytes(s, (uint8_t[]){0, 0}, 2); // no maximum, at least 0
    put_import(s, "__indirect_function_table", KIND_TABLE);
    put_bytes(s, (uint8_t[]){TYPE_FUNCREF, 0, 0}, 3);
    for (int i = 0; i < module.runtime_count; i++) {
        int runtime = module.runtimes[i];
        put_import(s, runtime_functions[runtime].name, KIND_FUNCTION);
        put_unsigned(s, module_type(runtime_functions[runtime].parameters, runtime_functions[runtime].results));
    }
    end_section(SECTION_IMPORT);
}

static void put_function_section(uint32_t patch_type) {
    Buffer *s = begin_section();
    put_unsigned(s, (uint32_t)module.function_count + 1);
    put_bytes(s, module.functions.bytes, module.functions.size);
    put_unsigned(s, patch_type);
    end_section(SECTION_FUNCTION);
}

static void put_export_section(void) {
    Buffer *s = begin_section();
    put_unsigned(s, 1);
    put_name(s, "patch");
    put_byte(s, KIND_FUNCTION);
    put_unsigned(s, (uint32_t)(module.runtime_count + module.function_count));
    end_section(SECTION_EXPORT);
}

// All functions but `patch`, as one passive segment.
static void put_element_section(void) {
    Buffer *s = begin_section();
    put_unsigned(s, 1);
    put_bytes(s, (uint8_t[]){1, 0}, 2); // passive, of functions
    put_unsigned(s, (uint32_t)module.function_count);
    for (int i = 0; i < module.function_count; i++) put_unsigned(s, (uint32_t)(module.runtime_count + i));
    end_section(SECTION_ELEMENT);
}

static void put_index(Buffer *b, int first_local, int64_t first_slot, int i) {
    if (first_slot >= 0) {
        put_byte(b, I32_CONST);
        put_signed(b, (int32_t)first_slot + i);
        return;
    }
    put_byte(b, LOCAL_GET);
    put_unsigned(b, (uint32_t)first_local);
    put_byte(b, I32_CONST);
    put_signed(b, i);
    put_byte(b, I32_ADD);
}

static void put_table_operation(Buffer *b, uint32_t operation) {
    put_byte(b, PREFIX_FC);
    put_byte(b, operation);
    if (operation == TABLE_INIT) put_byte(b, 0); // the segment
    put_byte(b, 0);                              // the table
}

static void put_grow(Buffer *b) {
    put_bytes(b, (uint8_t[]){REF_NULL, TYPE_FUNCREF, I32_CONST}, 3);
    put_signed(b, module.function_count);
    put_table_operation(b, TABLE_GROW);
    put_bytes(b, (uint8_t[]){LOCAL_TEE, 0, I32_CONST}, 3);
    put_signed(b, -1);
    put_bytes(b, (uint8_t[]){I32_EQ, IF, NO_RESULT, UNREACHABLE, END}, 5);
}

static void put_patch(Buffer *b, uint32_t **addresses, int64_t first_slot) {
    put_bytes(b, (uint8_t[]){1, 1, TYPE_I32}, 3); // one local, the first slot
    if (first_slot < 0) put_grow(b);
    put_index(b, 0, first_slot, 0);
    put_bytes(b, (uint8_t[]){I32_CONST, 0, I32_CONST}, 3);
    put_signed(b, module.function_count);
    put_table_operation(b, TABLE_INIT);
    for (int i = 0; i < module.function_count; i++) {
        if (!addresses[i]) continue;
        put_byte(b, I32_CONST);
        put_signed(b, (int32_t)(uintptr_t)addresses[i]);
        put_index(b, 0, first_slot, i);
        put_bytes(b, (uint8_t[]){I32_STORE, 2, 0}, 3);
    }
    put_byte(b, END);
}

static void resolve_calls(void) {
    for (int i = 0; i < module.call_count; i++) {
        Call call = module.calls[i];
        int index = call.runtime >= 0 ? module.runtime_index[call.runtime] - 1 : module.runtime_count + call.function;
        replace_padded(&module.code, call.at, (uint32_t)index);
    }
}

static void put_code_section(uint32_t **addresses, int64_t first_slot) {
    static Buffer patch;
    patch.size = 0;
    put_patch(&patch, addresses, first_slot);
    resolve_calls();
    Buffer *s = begin_section();
    put_unsigned(s, (uint32_t)module.function_count + 1);
    put_bytes(s, module.code.bytes, module.code.size);
    put_unsigned(s, patch.size);
    put_bytes(s, patch.bytes, patch.size);
    end_section(SECTION_CODE);
}

const Buffer *finish_module(uint32_t **addresses, int64_t first_slot) {
    uint32_t patch_type = module_type(0, 0);
    module.out.size = 0;
    put_bytes(&module.out, "\0asm\1\0\0\0", 8);
    put_type_section();
    put_import_section();
    put_function_section(patch_type);
    put_export_section();
    put_element_section();
    put_code_section(addresses, first_slot);
    return &module.out;
}
