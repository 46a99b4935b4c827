#include "symbols.h"

#include <string.h>

#include "heap.h"

enum { BUCKETS = 1024 };
static Symbol *buckets[BUCKETS];

Symbol *intern(const char *bytes, uint32_t size) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)bytes[i]) * 16777619u;
    Symbol **bucket = &buckets[hash % BUCKETS];
    for (Symbol *symbol = *bucket; symbol; symbol = symbol->next)
        if (symbol->header >> 8 == size && !memcmp(symbol->bytes, bytes, size)) return symbol;
    Symbol *symbol = allocate_permanent(sizeof(Symbol) + size);
    symbol->header = TYPE_SYMBOL | size << 8;
    symbol->value = UNBOUND;
    memcpy(symbol->bytes, bytes, size);
    symbol->next = *bucket;
    return *bucket = symbol;
}

Symbol *intern_text(const char *text) { return intern(text, strlen(text)); }

void for_each_symbol(void (*visit)(Symbol *)) {
    for (int i = 0; i < BUCKETS; i++)
        for (Symbol *symbol = buckets[i]; symbol; symbol = symbol->next) visit(symbol);
}
