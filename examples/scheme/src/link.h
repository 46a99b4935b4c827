// Linking generated modules into the running program, and what that costs.
#pragma once

#include "wasm.h"

typedef struct {
    uint32_t modules, functions, bytes;
    uint64_t generation_time, link_time; // nanoseconds
} LinkStatistics;
extern LinkStatistics link_statistics;
extern bool dumps_modules;

// Links a module and calls its `patch`. False if the engine has no room for it, or, in a snapshot, cannot link at all; ends the program with the
// engine's message if the module is wrong.
bool link_module(const Buffer *module);
// Of the last modules, in microseconds; 0 if there are none.
double median_link_time(void);

// Generates, links, calls and drops a module of about 2 KB `rounds` times; prints how long a link takes.
void bench_link(int rounds);
