/* A plugin for QEMU's emulators of programs: how often each block of instructions ran.
 *
 * Writes to the file of its argument `out`, when the program ends, a line "COUNT" for each block that ran, and behind it a line
 * "ADDRESS TEXT" for each of its instructions. A block may be there several times, and in part within another.
 *
 * The interface is declared here, as far as it is used: it is the same from QEMU 6 on but for its number, VERSION, and no header is
 * installed with the emulator. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION 1
#endif

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

int qemu_plugin_version = VERSION;

struct instruction {
    uint64_t address;
    char *text;
};

struct block {
    uint64_t count;
    struct block *next;
    size_t length;
    struct instruction instructions[];
};

static const char *out;
static struct block *blocks;

/* Programs that are counted compute in one thread. */
static void ran(unsigned processor, void *block)
{
    (void)processor;
    ((struct block *)block)->count++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t length = qemu_plugin_tb_n_insns(tb);
    struct block *block = malloc(sizeof *block + length * sizeof *block->instructions);
    if (!block)
        abort();
    block->count = 0;
    block->length = length;
    for (size_t index = 0; index < length; index++) {
        struct qemu_plugin_insn *from = qemu_plugin_tb_get_insn(tb, index);
        block->instructions[index] = (struct instruction){ qemu_plugin_insn_vaddr(from), qemu_plugin_insn_disas(from) };
    }
    /* Threads translate in turn, under a lock of the emulator. */
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, ran, 0, block);
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    FILE *file = fopen(out, "w");
    if (!file) {
        perror(out);
        return;
    }
    for (struct block *block = blocks; block; block = block->next) {
        if (!block->count)
            continue;
        fprintf(file, "%" PRIu64 "\n", block->count);
        for (size_t index = 0; index < block->length; index++)
            fprintf(file, "%" PRIx64 " %s\n", block->instructions[index].address, block->instructions[index].text);
    }
    fclose(file);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *host, int count, char **arguments)
{
    (void)host;
    if (count != 1 || strncmp(arguments[0], "out=", 4)) {
        fprintf(stderr, "the argument is out=FILE\n");
        return 1;
    }
    out = arguments[0] + 4;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
