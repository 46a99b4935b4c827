// The command: options, the program's file, and the statistics.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtins.h"
#include "compiler.h"
#include "errors.h"
#include "expander.h"
#include "heap.h"
#include "interpreter.h"
#include "link.h"
#include "reader.h"
#include "symbols.h"
#include "system.h"

static const char usage[] =
    "usage: scheme [options] program.scm      (a - reads standard input)\n"
    "A program of the folder `programs` is built in, and is run with --compare if there is no such file.\n"
    "  --interpret           never compile\n"
    "  --compare             run the program without compiling first, without what it prints, and show both times\n"
    "  --threshold=N         compile what was called N times (500)\n"
    "  --stats               print times and sizes to standard error at the end\n"
    "  --stack=MIB           the interpreter's stack (32)\n"
    "  --engine-stack=KIB    what the engine gives WebAssembly for its stack (512)\n"
    "  --collect-always      collect garbage wherever that is possible\n"
    "  --bench-link=N        generate and link a module of about 2 KB N times, instead of a program\n"
    "  --dump                write every generated module to standard output, in hexadecimal\n";

static struct {
    const char *program;
    bool prints_statistics, compares;
    int stack_mib, engine_stack_kib, link_rounds;
} options = {.stack_mib = 32, .engine_stack_kib = 512};

// Set in a snapshot from the start; then the command's arguments may bring other options, and the program is the one it was made of.
static bool is_initialised;

static const struct {
    const char *name, *text;
} built_in[] = {
#include "programs.inc"
};

static const char prelude[] = {
#embed "prelude.scm"
    , 0};

// ---- Options ---------------------------------------------------------------------------------------------------------------------

[[noreturn]] static void fail_usage(const char *problem, const char *what) {
    select_output(STANDARD_ERROR);
    print_text("scheme: ");
    print_text(problem);
    print_text(what);
    print_text("\n");
    print_text(usage);
    exit_process(64);
}

// The number behind `--name=`, if the argument is that option.
static bool number_option(const char *argument, const char *name, int least, int most, int *value) {
    size_t size = strlen(name);
    if (strncmp(argument, name, size) || argument[size] != '=') return false;
    char *end;
    long number = strtol(argument + size + 1, &end, 10);
    if (*end || end == argument + size + 1 || number < least || number > most) fail_usage("not a possible number: ", argument);
    *value = (int)number;
    return true;
}

static void read_option(const char *argument) {
    int number;
    if (!strcmp(argument, "--interpret")) hot_threshold = NEVER_HOT;
    else if (!strcmp(argument, "--stats")) options.prints_statistics = true;
    else if (!strcmp(argument, "--compare")) options.compares = true;
    else if (!strcmp(argument, "--collect-always")) collects_always = true;
    else if (!strcmp(argument, "--dump")) dumps_modules = true;
    else if (number_option(argument, "--threshold", 1, 1 << 30, &number)) hot_threshold = number;
    else if (number_option(argument, "--stack", 1, 1024, &options.stack_mib)) return;
    else if (number_option(argument, "--engine-stack", 256, 1 << 20, &options.engine_stack_kib)) return;
    else if (number_option(argument, "--bench-link", 1, 1 << 30, &options.link_rounds)) return;
    else fail_usage("unknown option ", argument);
}

static void read_options(void) {
    int count;
    char **arguments = program_arguments(&count);
    for (int i = 1; i < count; i++) {
        if (arguments[i][0] == '-' && arguments[i][1]) read_option(arguments[i]);
        else if (is_initialised) continue;
        else if (options.program) fail_usage("one program is enough: ", arguments[i]);
        else options.program = arguments[i];
    }
    if (!options.program && !options.link_rounds && !is_initialised) fail_usage("no program", "");
}

// ---- Programs --------------------------------------------------------------------------------------------------------------------

static struct {
    Syntax **forms;
    Lambda **thunks; // of those that are expanded
    int count, next;
} program;

static Lambda *expand_form(int i) {
    if (!program.thunks[i]) program.thunks[i] = expand_program(program.forms[i]);
    return program.thunks[i];
}

static void evaluate_next_form(void) {
    Lambda *thunk = expand_form(program.next++);
    run_thunk(make_closure(thunk, 0, 0));
}

static void read_forms(const char *text, int line_step) {
    Reader reader = {.at = text, .line = line_step, .line_step = line_step};
    int capacity = 16;
    program.forms = NEW_ARRAY(Syntax *, capacity);
    program.count = program.next = 0;
    for (Syntax *form; (form = read_syntax(&reader));) {
        if (program.count == capacity) {
            Syntax **larger = NEW_ARRAY(Syntax *, 2 * capacity);
            memcpy(larger, program.forms, sizeof *larger * (uint32_t)capacity);
            program.forms = larger;
            capacity *= 2;
        }
        program.forms[program.count++] = form;
    }
    program.thunks = NEW_ARRAY(Lambda *, program.count);
    for (int i = 0; i < program.count; i++) note_definitions(program.forms[i]);
}

static void load_prelude(void) {
    read_forms(prelude, -1);
    while (program.next < program.count) evaluate_next_form();
}

// The text of a built-in program, or null.
static const char *find_built_in(const char *name) {
    for (unsigned i = 0; i < sizeof built_in / sizeof *built_in; i++)
        if (!strcmp(built_in[i].name, name)) return built_in[i].text;
    return 0;
}

static void load_program(void) {
    uint32_t size;
    const char *reason, *text = read_file(options.program, &size, &reason);
    if (!text && (text = find_built_in(options.program))) {
        size = strlen(text);
        options.compares = hot_threshold != NEVER_HOT;
    }
    if (!text) fail("cannot open %s: %s", options.program, reason);
    if (strlen(text) != size) fail("%s is no text: it has a zero byte", options.program);
    error_file = options.program;
    read_forms(text, 1);
}

// ---- Statistics ------------------------------------------------------------------------------------------------------------------

static void print_statistics(uint64_t total) {
    char text[400];
    uint64_t made = link_statistics.generation_time + link_statistics.link_time;
    select_output(STANDARD_ERROR);
    snprintf(text, sizeof text,
             "running %.3f ms, generating %.3f ms, linking %.3f ms\n"
             "%u modules of %u functions, %u bytes; median link %.1f us\n"
             "%u collections, %u KiB live after the last, %u KiB of memory\n",
             (double)(total - made) / 1e6, (double)link_statistics.generation_time / 1e6, (double)link_statistics.link_time / 1e6,
             link_statistics.modules, link_statistics.functions, link_statistics.bytes, median_link_time(), heap_statistics.collections,
             heap_statistics.live_bytes / 1024, (uint32_t)__builtin_wasm_memory_size(0) * 64);
    print_text(text);
    select_output(STANDARD_OUTPUT);
}

static struct {
    Symbol **symbols;
    Value *values;
    int count;
} globals;

static void count_global(Symbol *symbol) {
    (void)symbol;
    globals.count++;
}

static void save_global(Symbol *symbol) {
    globals.symbols[globals.count] = symbol;
    globals.values[globals.count++] = symbol->value;
    keep(symbol->value);
}

static void save_globals(void) {
    for_each_symbol(count_global);
    globals.symbols = NEW_ARRAY(Symbol *, globals.count);
    globals.values = NEW_ARRAY(Value, globals.count);
    globals.count = 0;
    for_each_symbol(save_global);
}

// Runs the program without compiling anything and without its output, and leaves it to be run once more.
static void print_interpreted_time(void) {
    char text[100];
    int64_t threshold = hot_threshold;
    hot_threshold = NEVER_HOT;
    save_globals();
    discard_output(true);
    uint64_t begin = monotonic_time();
    while (program.next < program.count) evaluate_next_form();
    uint64_t time = monotonic_time() - begin;
    discard_output(false);
    hot_threshold = threshold;
    for (int i = 0; i < globals.count; i++) globals.symbols[i]->value = globals.values[i];
    program.next = 0;
    memset(program.thunks, 0, sizeof *program.thunks * (uint32_t)program.count);
    select_output(STANDARD_ERROR);
    snprintf(text, sizeof text, "interpreted %.3f ms\n", (double)time / 1e6);
    print_text(text);
    select_output(STANDARD_OUTPUT);
}

// ---- The two ways to start -------------------------------------------------------------------------------------------------------

static void start(void) {
    read_options();
    if (is_initialised) return;
    is_initialised = true;
    initialise_expander();
    initialise_builtins();
    initialise_interpreter((uint32_t)options.stack_mib << 20, (uint32_t)options.engine_stack_kib * 1024);
    load_prelude();
    if (options.program) load_program();
}

// For snapshots: evaluates the definitions with which the program begins, and compiles them and what follows. `_start` goes on from there.
__attribute__((export_name("initialize"))) void initialize(void) {
    start();
    options.compares = false;
    while (program.next < program.count && is_definition(program.forms[program.next])) evaluate_next_form();
    if (hot_threshold != NEVER_HOT) compile_globals();
    for (int i = program.next; i < program.count; i++) {
        Lambda *thunk = expand_form(i);
        if (hot_threshold != NEVER_HOT) compile_lambda(thunk);
    }
    flush_output();
}

int main(void) {
    start();
    if (options.compares && program.next == 0) print_interpreted_time();
    link_statistics = (LinkStatistics){0}; // without what a snapshot has behind it
    uint64_t begin = monotonic_time();
    if (options.link_rounds) bench_link(options.link_rounds);
    while (program.next < program.count) evaluate_next_form();
    flush_output();
    if (options.prints_statistics || options.compares) print_statistics(monotonic_time() - begin);
    return 0;
}
