// Memory: permanent allocations, and the collected heap.
#pragma once

#include "value.h"

// Whole pages of 64 KiB, zeroed when they are fresh from the engine, not when they are used again.
void *allocate_pages(uint32_t count);
void free_pages(void *start, uint32_t count);
// Zeroed memory that is never freed, aligned to 8 bytes.
void *allocate_permanent(uint32_t size);
#define NEW(type) ((type *)allocate_permanent(sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)allocate_permanent(sizeof(type) * (uint32_t)(count)))

// Where the next small object goes, and where the hole it lies in ends. Compiled code allocates here too.
typedef struct {
    uint32_t next, end;
} Hole;
extern Hole hole;

// None of these collects: they ask for a collection at the next safepoint, so that C code may keep values in local variables.
// Contents are not initialised, except by those that take them.
uint32_t allocate(uint32_t size);
uint32_t allocate_slowly(uint32_t size);
Value cons(Value car, Value cdr);
Value flonum(double d);
Value make_object(ObjectType type, uint32_t length, uint32_t size_of_fields);
Value make_string(uint32_t length);
Value make_vector(uint32_t length, Value fill);
Value make_box(Value content);
Value make_closure(struct Lambda *lambda, int arity, int free_count);

// Keeps a value alive for ever.
void keep(Value v);

// Set when enough was allocated since the last collection. A safepoint is where all values in use are on the stacks (roots.c).
extern bool is_collection_due;
void request_collection(void);
void collect(void);
// Called by `collect`: calls `mark` for each root.
void mark_roots(void (*mark)(Value));

typedef struct {
    uint32_t collections, live_bytes;
} HeapStatistics;
extern HeapStatistics heap_statistics;
extern bool collects_always; // a collection at every safepoint, for tests
