#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "heap.h"
#include "system.h"

__attribute__((import_module("mj:link"), import_name("instantiate"))) int mj_link_instantiate(const uint8_t *bytes, uint32_t size);
__attribute__((import_module("mj:link"), import_name("error"))) uint32_t mj_link_error(char *text, uint32_t size);

LinkStatistics link_statistics;
bool dumps_modules;

// The times of the last links.
enum { TIMES = 1 << 14 };
static uint32_t times[TIMES];
static uint32_t time_count;

static void dump(const Buffer *module) {
    char text[4];
    for (uint32_t i = 0; i < module->size; i++) {
        snprintf(text, sizeof text, "%02x", module->bytes[i]);
        print_text(text);
    }
    print_text("\n");
}

enum { LINKED = 0, OVER_LIMIT = 3 };

bool link_module(const Buffer *module) {
    if (dumps_modules) dump(module);
    uint64_t begin = monotonic_time();
    int code = mj_link_instantiate(module->bytes, module->size);
    uint64_t time = monotonic_time() - begin;
    if (code == OVER_LIMIT) return false;
    if (code != LINKED) {
        char text[200];
        uint32_t size = mj_link_error(text, sizeof text - 1);
        text[size < sizeof text - 1 ? size : sizeof text - 1] = 0;
        fail("the generated module cannot be linked (%d): %s", code, text);
    }
    times[time_count++ % TIMES] = (uint32_t)time;
    link_statistics.modules++;
    link_statistics.functions += (uint32_t)function_count();
    link_statistics.bytes += module->size;
    link_statistics.link_time += time;
    return true;
}

static int compare_times(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Sorts the times; how many there are.
static uint32_t sort_times(void) {
    uint32_t count = time_count < TIMES ? time_count : TIMES;
    qsort(times, count, sizeof *times, compare_times);
    return count;
}

double median_link_time(void) {
    uint32_t count = sort_times();
    return count ? times[count / 2] / 1e3 : 0;
}

// ---- The benchmark ---------------------------------------------------------------------------------------------------------------

enum { BENCH_FUNCTIONS = 12, BENCH_OPERATIONS = 20 };

// A function of one argument that mixes it with numbers of its own.
static void put_bench_function(uint32_t *random, Buffer *code) {
    code->size = 0;
    put_bytes(code, (uint8_t[]){LOCAL_GET, 0}, 2);
    for (int i = 0; i < BENCH_OPERATIONS; i++) {
        static const uint8_t operations[] = {I32_ADD, I32_SUB, I32_XOR, I32_ADD};
        *random = *random * 1664525u + 1013904223u;
        put_byte(code, I32_CONST);
        put_signed(code, (int32_t)(*random >> 4) | 1 << 27);
        put_byte(code, operations[*random >> 30]);
        if (i % 5 == 4) put_bytes(code, (uint8_t[]){LOCAL_GET, 0, I32_ADD}, 3);
    }
    put_byte(code, END);
    forget_calls();
    define_function(code, 0, 0);
}

// What the function that `random` stands for gives.
static uint32_t bench_result(uint32_t random, uint32_t argument) {
    uint32_t value = argument;
    for (int i = 0; i < BENCH_OPERATIONS; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t number = random >> 4 | 1 << 27;
        switch (random >> 30) {
        case 1: value -= number; break;
        case 2: value ^= number; break;
        default: value += number; break;
        }
        if (i % 5 == 4) value += argument;
    }
    return value;
}

void bench_link(int rounds) {
    static Buffer code;
    static uint32_t slots[BENCH_FUNCTIONS], *addresses[BENCH_FUNCTIONS];
    uint32_t random = 1, bytes = 0;
    int64_t first_slot = -1;
    for (int i = 0; i < BENCH_FUNCTIONS; i++) addresses[i] = &slots[i];
    uint64_t begin = monotonic_time();
    for (int round = 0; round < rounds; round++) {
        uint32_t last = 0;
        begin_module();
        for (int i = 0; i < BENCH_FUNCTIONS; i++) {
            declare_function(1);
            last = random;
            put_bench_function(&random, &code);
        }
        const Buffer *module = finish_module(addresses, first_slot);
        if (!link_module(module)) fail("the engine has no room for module %d", round);
        bytes = module->size;
        // From now on each module takes the slots of the one before, which nothing refers to any more.
        first_slot = slots[0];
        uint32_t result = ((uint32_t(*)(uint32_t))slots[BENCH_FUNCTIONS - 1])((uint32_t)round);
        if (result != bench_result(last, (uint32_t)round)) fail("the function of round %d gives a wrong result", round);
    }
    uint64_t time = monotonic_time() - begin;
    uint32_t count = sort_times();
    char text[200];
    snprintf(text, sizeof text, "%d modules of %u bytes: median %.1f us, 99%% within %.1f us; %.0f modules a second\n", rounds, bytes, times[count / 2] / 1e3,
             times[(uint64_t)count * 99 / 100] / 1e3, rounds * 1e9 / (double)time);
    print_text(text);
}
