// The heap: pages of 64 KiB divided into granules of 8 bytes, with a mark bit for each granule in the page's first KiB.
//
// Marking sets the bits of all granules of an object. What is free after a collection is then simply the runs of clear bits, the *holes*, and
// allocation is an addition inside a hole, whatever the size. There is no sweeping: the next hole is looked for when one is used up, and pages
// without a set bit are given back right after marking. Objects of more than MAX_SMALL bytes have pages to themselves and only the first
// granule's bit counts.
//
// Nothing moves, so that compiled code may keep pointers in WebAssembly locals across a collection. Collections happen only at safepoints.
#include "heap.h"

#include <string.h>

#include "errors.h"

enum {
    PAGE = 65536,
    GRANULE = 8,
    BITMAP_BYTES = PAGE / GRANULE / 8,
    PAGE_COUNT = 65536,
    MAX_SMALL = 8192,
    FIRST_COLLECTION = 4 << 20,
    STRESS_GRANULES = 32, // holes are as small as that if there is to be a collection for each
};

typedef enum { PAGE_FOREIGN, PAGE_FREE, PAGE_OWNED, PAGE_SMALL, PAGE_LARGE, PAGE_LARGE_REST } PageState;

static uint8_t page_states[PAGE_COUNT];
static uint32_t first_page = PAGE_COUNT, page_limit; // all pages that are not foreign lie in [first_page, page_limit)
static uint32_t cursor_page, cursor_granule;         // where looking for holes goes on
static bool cursor_is_last;                          // behind the cursor's page there is none that has not been looked through
static uint32_t allocated_since, collection_threshold = FIRST_COLLECTION;

Hole hole;
bool is_collection_due, collects_always;
HeapStatistics heap_statistics;

static uint32_t find_free_pages(uint32_t count) {
    uint32_t run = 0;
    for (uint32_t page = first_page; page < page_limit; page++) {
        run = page_states[page] == PAGE_FREE ? run + 1 : 0;
        if (run == count) return page + 1 - count;
    }
    size_t grown = __builtin_wasm_memory_grow(0, count);
    if (grown == (size_t)-1) fail("out of memory");
    if (grown < first_page) first_page = grown;
    page_limit = grown + count;
    return grown;
}

static uint32_t take_pages(uint32_t count, PageState first, PageState rest) {
    uint32_t page = find_free_pages(count);
    page_states[page] = first;
    memset(page_states + page + 1, rest, count - 1);
    return page;
}

void *allocate_pages(uint32_t count) { return (void *)(take_pages(count, PAGE_OWNED, PAGE_OWNED) * PAGE); }

void free_pages(void *start, uint32_t count) { memset(page_states + (uintptr_t)start / PAGE, PAGE_FREE, count); }

void *allocate_permanent(uint32_t size) {
    static uint32_t next, end;
    size = (size + 7) & ~7u;
    if (size > PAGE / 2) {
        uint32_t pages = (size + PAGE - 1) / PAGE;
        return memset(allocate_pages(pages), 0, pages * PAGE);
    }
    if (end - next < size) {
        next = (uint32_t)allocate_pages(1);
        end = next + PAGE;
        memset((void *)next, 0, PAGE);
    }
    void *result = (void *)next;
    next += size;
    return result;
}

// ---- Allocation ------------------------------------------------------------------------------------------------------------------

static void count_allocation(uint32_t size) {
    allocated_since += size;
    if (allocated_since >= collection_threshold || collects_always) request_collection();
}

static uint64_t *bitmap_of(uint32_t page) { return (uint64_t *)(page * PAGE); }

static void clear_bitmap(uint32_t page) {
    memset((void *)(page * PAGE), 0, BITMAP_BYTES);
    memset((void *)(page * PAGE), 0xff, BITMAP_BYTES / GRANULE / 8); // the bitmap's own granules
}

// The first granule at or after `from` whose bit is `bit`, or the number of granules in a page.
static uint32_t find_bit(const uint64_t *bitmap, uint32_t from, bool bit) {
    for (uint32_t word = from / 64; word < BITMAP_BYTES / 8; word++) {
        uint64_t bits = bit ? bitmap[word] : ~bitmap[word];
        if (word == from / 64) bits &= ~0ull << from % 64;
        if (bits) return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return PAGE / GRANULE;
}

// Makes the next run of at least `granules` free ones the hole; false if the page has none from the cursor on.
static bool find_hole_in_page(uint32_t page, uint32_t granules) {
    uint64_t *bitmap = bitmap_of(page);
    while (cursor_granule < PAGE / GRANULE) {
        uint32_t start = find_bit(bitmap, cursor_granule, false);
        uint32_t end = find_bit(bitmap, start, true);
        if (collects_always && end - start > granules + STRESS_GRANULES) end = start + granules + STRESS_GRANULES;
        cursor_granule = end;
        if (end - start < granules) continue;
        hole = (Hole){page * PAGE + start * GRANULE, page * PAGE + end * GRANULE};
        return true;
    }
    return false;
}

static void find_hole(uint32_t granules) {
    for (; cursor_page < page_limit; cursor_page = cursor_is_last ? page_limit : cursor_page + 1, cursor_granule = 0)
        if (page_states[cursor_page] == PAGE_SMALL && find_hole_in_page(cursor_page, granules)) return;
    uint32_t page = take_pages(1, PAGE_SMALL, PAGE_SMALL);
    clear_bitmap(page);
    cursor_page = page;
    cursor_granule = 0;
    cursor_is_last = true;
    find_hole_in_page(page, granules);
}

static uint32_t allocate_large(uint32_t size) {
    uint32_t pages = (size + BITMAP_BYTES + PAGE - 1) / PAGE;
    uint32_t page = take_pages(pages, PAGE_LARGE, PAGE_LARGE_REST);
    clear_bitmap(page);
    count_allocation(pages * PAGE);
    return page * PAGE + BITMAP_BYTES;
}

uint32_t allocate_slowly(uint32_t size) {
    if (size > MAX_SMALL) return allocate_large(size);
    find_hole(size / GRANULE);
    count_allocation(hole.end - hole.next);
    uint32_t result = hole.next;
    hole.next += size;
    return result;
}

uint32_t allocate(uint32_t size) {
    uint32_t result = hole.next;
    if (hole.end - result < size) return allocate_slowly(size);
    hole.next = result + size;
    return result;
}

Value cons(Value car, Value cdr) {
    uint32_t address = allocate(8);
    ((Value *)address)[0] = car;
    ((Value *)address)[1] = cdr;
    return address - PAIR_CAR;
}

Value flonum(double d) {
    uint32_t address = allocate(8);
    *(double *)address = d;
    return address - FLONUM_DOUBLE;
}

static uint32_t object_size(uint32_t size_of_fields) { return (4 + size_of_fields + 7) & ~7u; }

static Value make_with_header(uint32_t header, uint32_t size_of_fields) {
    uint32_t address = allocate(object_size(size_of_fields));
    *(uint32_t *)address = header;
    return address - OBJECT_HEADER;
}

Value make_object(ObjectType type, uint32_t length, uint32_t size_of_fields) {
    if (length > MAX_LENGTH) fail("a length of %u is more than %u", length, MAX_LENGTH);
    return make_with_header(type | length << 8, size_of_fields);
}

Value make_string(uint32_t length) { return make_object(TYPE_STRING, length, length); }

Value make_vector(uint32_t length, Value fill) {
    Value v = make_object(TYPE_VECTOR, length, length * 4);
    for (uint32_t i = 0; i < length; i++) fields(v)[i] = fill;
    return v;
}

Value make_box(Value content) {
    Value v = make_object(TYPE_BOX, 1, 4);
    fields(v)[0] = content;
    return v;
}

Value make_closure(struct Lambda *lambda, int arity, int free_count) {
    Value v = make_with_header(closure_header(arity, free_count), 4 + 4 * (uint32_t)free_count);
    fields(v)[0] = (Value)(uintptr_t)lambda;
    return v;
}

// ---- Collection ------------------------------------------------------------------------------------------------------------------

static Value *mark_stack;
static uint32_t mark_stack_pages, mark_depth;

static void push_mark(Value v) {
    if (v & 1 && (v & TAG_MASK) != TAG_IMMEDIATE) {
        if (mark_depth == mark_stack_pages * (PAGE / 4)) {
            uint32_t pages = mark_stack_pages ? 2 * mark_stack_pages : 1;
            Value *larger = allocate_pages(pages);
            memcpy(larger, mark_stack, mark_depth * 4);
            if (mark_stack) free_pages(mark_stack, mark_stack_pages);
            mark_stack = larger;
            mark_stack_pages = pages;
        }
        mark_stack[mark_depth++] = v;
    }
}

// Sets the bits of `size` bytes at `address`; false if they were set.
static bool mark_granules(uint32_t address, uint32_t size) {
    uint64_t *bitmap = bitmap_of(address / PAGE);
    uint32_t first = address % PAGE / GRANULE, end = first + size / GRANULE;
    if (bitmap[first / 64] >> first % 64 & 1) return false;
    for (uint32_t i = first; i < end; i++) bitmap[i / 64] |= 1ull << i % 64;
    heap_statistics.live_bytes += size;
    return true;
}

static uint32_t size_of_fields(Value v) {
    switch ((ObjectType)(header(v) & 0xff)) {
    case TYPE_STRING: return length(v);
    case TYPE_VECTOR: return length(v) * 4;
    case TYPE_CLOSURE: return 4 + (header(v) >> 16) * 4;
    case TYPE_BUILTIN:
    case TYPE_BOX: return 4;
    case TYPE_SYMBOL: break; // permanent
    }
    return 0;
}

static void mark_object(Value v, uint32_t address) {
    uint32_t size = object_size(size_of_fields(v));
    if (page_states[address / PAGE] == PAGE_LARGE) {
        if (!mark_granules(address, GRANULE)) return;
        heap_statistics.live_bytes += size - GRANULE;
    } else if (!mark_granules(address, size)) {
        return;
    }
    uint32_t type = header(v) & 0xff;
    if (type == TYPE_STRING || type == TYPE_BUILTIN) return;
    // A closure's first field is no value, but is aligned and so looks like a fixnum.
    for (uint32_t i = 0, count = size_of_fields(v) / 4; i < count; i++) push_mark(fields(v)[i]);
}

static void mark(Value root) {
    push_mark(root);
    while (mark_depth) {
        Value v = mark_stack[--mark_depth];
        uint32_t address = v - (v & TAG_MASK) + 8;
        if (page_states[address / PAGE] < PAGE_SMALL) continue; // permanent
        switch (v & TAG_MASK) {
        case TAG_PAIR:
            if (!mark_granules(address, 8)) break;
            push_mark(car(v));
            push_mark(cdr(v));
            break;
        case TAG_FLONUM: mark_granules(address, 8); break;
        case TAG_OBJECT: mark_object(v, address); break;
        }
    }
}

static bool is_empty(uint32_t page) {
    uint64_t *bitmap = bitmap_of(page);
    return find_bit(bitmap, BITMAP_BYTES / GRANULE, true) == PAGE / GRANULE;
}

static void free_empty_pages(void) {
    for (uint32_t page = first_page; page < page_limit; page++) {
        if (page_states[page] != PAGE_SMALL && page_states[page] != PAGE_LARGE) continue;
        if (!is_empty(page)) continue;
        page_states[page] = PAGE_FREE;
        while (page + 1 < page_limit && page_states[page + 1] == PAGE_LARGE_REST) page_states[++page] = PAGE_FREE;
    }
}

void collect(void) {
    heap_statistics.collections++;
    heap_statistics.live_bytes = 0;
    for (uint32_t page = first_page; page < page_limit; page++)
        if (page_states[page] == PAGE_SMALL || page_states[page] == PAGE_LARGE) clear_bitmap(page);
    mark_roots(mark);
    free_empty_pages();
    hole = (Hole){0, 0};
    cursor_page = first_page;
    cursor_granule = 0;
    cursor_is_last = false;
    allocated_since = 0;
    collection_threshold = heap_statistics.live_bytes > FIRST_COLLECTION ? heap_statistics.live_bytes : FIRST_COLLECTION;
}
