// Scheme values: one 32-bit word each, told apart by their low bits.
//
//   ......0   fixnum: a 31-bit integer, shifted left by one
//   ....001   pair:   car and cdr, two words without a header
//   ....011   flonum: an IEEE double without a header
//   ....101   object: a header word, then fields or bytes
//   ....111   immediate: booleans, (), characters and the like
//
// A tagged pointer lies a little below what it points at, so that every field has a positive offset from the pointer as it is: code loads a
// field with one instruction and never untags. Everything on the heap is aligned to 8 bytes and never moves.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t Value;

enum { TAG_MASK = 7, TAG_PAIR = 1, TAG_FLONUM = 3, TAG_OBJECT = 5, TAG_IMMEDIATE = 7 };

// Offsets from a tagged pointer to what it points at.
enum {
    PAIR_CAR = 8 - TAG_PAIR,
    PAIR_CDR = PAIR_CAR + 4,
    FLONUM_DOUBLE = 8 - TAG_FLONUM,
    OBJECT_HEADER = 8 - TAG_OBJECT,
    OBJECT_FIELDS = OBJECT_HEADER + 4,
};

#define IMMEDIATE(n) ((Value)((n) << 3 | TAG_IMMEDIATE))
#define FALSE IMMEDIATE(0)
#define TRUE IMMEDIATE(1)
#define NIL IMMEDIATE(2)
#define UNSPECIFIED IMMEDIATE(3)
#define UNBOUND IMMEDIATE(4)    // a global variable before its definition
#define UNASSIGNED IMMEDIATE(5) // a local one before its initialisation
#define TAIL_CALL IMMEDIATE(6)  // returned by compiled code instead of a result: see runtime.h
#define CHARACTER_LOW_BYTE 0xff // characters: the code in the upper 24 bits

#define FIXNUM_MAX ((1 << 30) - 1)
#define FIXNUM_MIN (-(1 << 30))

// The header of an object: type in the low byte, then a byte for arities, then the length in the upper half, except that strings and vectors
// have all upper 24 bits for it.
typedef enum { TYPE_STRING, TYPE_SYMBOL, TYPE_VECTOR, TYPE_CLOSURE, TYPE_BUILTIN, TYPE_BOX } ObjectType;
#define MAX_LENGTH 0xffffff

#define AT(type, value, offset) (*(type *)((value) + (offset)))

static inline bool is_fixnum(Value v) { return !(v & 1); }
static inline Value fixnum(int32_t n) { return (Value)n << 1; }
static inline int32_t integer(Value v) { return (int32_t)v >> 1; }

static inline bool is_pair(Value v) { return (v & TAG_MASK) == TAG_PAIR; }
static inline Value car(Value v) { return AT(Value, v, PAIR_CAR); }
static inline Value cdr(Value v) { return AT(Value, v, PAIR_CDR); }

static inline bool is_flonum(Value v) { return (v & TAG_MASK) == TAG_FLONUM; }
static inline double flonum_value(Value v) { return AT(double, v, FLONUM_DOUBLE); }

static inline Value boolean(bool b) { return b ? TRUE : FALSE; }
static inline Value character(uint32_t code) { return code << 8 | CHARACTER_LOW_BYTE; }
static inline bool is_character(Value v) { return (v & 0xff) == CHARACTER_LOW_BYTE; }
static inline uint32_t character_code(Value v) { return v >> 8; }

static inline uint32_t header(Value v) { return AT(uint32_t, v, OBJECT_HEADER); }
static inline bool is_object(Value v) { return (v & TAG_MASK) == TAG_OBJECT; }
static inline bool has_type(Value v, ObjectType type) { return is_object(v) && (header(v) & 0xff) == type; }
static inline uint32_t length(Value v) { return header(v) >> 8; }
static inline Value *fields(Value v) { return &AT(Value, v, OBJECT_FIELDS); }
static inline char *string_bytes(Value v) { return &AT(char, v, OBJECT_FIELDS); }

// A closure: header, lambda, then the values (or boxes) of its free variables.
#define ARITY_REST 0xff
static inline uint32_t closure_header(int arity, int free_count) { return TYPE_CLOSURE | arity << 8 | free_count << 16; }
static inline struct Lambda *closure_lambda(Value v) { return AT(struct Lambda *, v, OBJECT_FIELDS); }
static inline Value *closure_free(Value v) { return fields(v) + 1; }

// A symbol is also the global variable of its name. Symbols are permanent.
typedef struct Symbol {
    uint32_t header;
    Value value;
    struct Symbol *next;   // in its bucket of the symbol table
    int8_t keyword;      // which special form it names, 0 if none
    uint8_t definitions; // how many `define`s and `set!`s in the whole text name it, 255 if more
    bool is_kept;        // its value is kept for compiled code
    char bytes[];          // as many as the header says
} Symbol;
static inline Symbol *symbol_of(Value v) { return (Symbol *)(v + OBJECT_HEADER); }
static inline Value symbol_value(Symbol *s) { return (Value)(uintptr_t)s - OBJECT_HEADER; }
