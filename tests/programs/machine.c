// A tiny interpreter: a stack machine's bytecode, assembled from text, runs primes and Fibonacci numbers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opcode { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, LESS, EQUAL, JUMP, JUMP_IF_ZERO, PRINT, CALL, RETURN, DUP, HALT, OPCODES };
static const char *names[OPCODES] = {"push", "load", "store", "add", "sub",   "mul",  "mod",    "less",
                                     "equal", "jump", "jz",    "print", "call", "return", "dup", "halt"};

static int32_t code[512];
static int length;
static struct label {
    char name[16];
    int at;
} labels[32];
static int label_count;

static int label(const char *name) {
    for (int i = 0; i < label_count; i++)
        if (strcmp(labels[i].name, name) == 0) return i;
    strncpy(labels[label_count].name, name, 15);
    return label_count++;
}

static void assemble(const char *source) {
    char word[32];
    int consumed, uses[128][2], used = 0;
    for (length = label_count = 0; sscanf(source, "%31s%n", word, &consumed) == 1; source += consumed) {
        size_t n = strlen(word);
        if (word[n - 1] == ':') {
            word[n - 1] = 0;
            labels[label(word)].at = length;
            continue;
        }
        int op = 0;
        while (op < OPCODES && strcmp(names[op], word) != 0) op++;
        if (op < OPCODES) {
            code[length++] = op;
        } else if ((word[0] >= '0' && word[0] <= '9') || word[0] == '-') {
            code[length++] = atoi(word);
        } else {
            uses[used][0] = length++;
            uses[used++][1] = label(word);
        }
    }
    while (used-- > 0) code[uses[used][0]] = labels[uses[used][1]].at;
}

static long run(void) {
    int32_t stack[256], variables[16] = {0}, *top = stack;
    int returns[64], depth = 0, at = 0;
    for (long steps = 0;; steps++) {
        switch ((enum opcode)code[at++]) {
        case PUSH: *top++ = code[at++]; break;
        case LOAD: *top++ = variables[code[at++]]; break;
        case STORE: variables[code[at++]] = *--top; break;
        case ADD: top--, top[-1] += *top; break;
        case SUB: top--, top[-1] -= *top; break;
        case MUL: top--, top[-1] *= *top; break;
        case MOD: top--, top[-1] %= *top; break;
        case LESS: top--, top[-1] = top[-1] < *top; break;
        case EQUAL: top--, top[-1] = top[-1] == *top; break;
        case JUMP: at = code[at]; break;
        case JUMP_IF_ZERO: at = *--top ? at + 1 : code[at]; break;
        case PRINT: printf("%d ", (int)*--top); break;
        case CALL: returns[depth++] = at + 1, at = code[at]; break;
        case RETURN: at = returns[--depth]; break;
        case DUP: *top = top[-1], top++; break;
        case HALT: putchar('\n'); return steps;
        default: printf("bad opcode %d\n", (int)code[at - 1]); exit(1);
        }
    }
}

static const char primes[] = "push 2 store 0 "
                             "next: load 0 push 600 less jz done push 2 store 1 "
                             "try: load 1 dup mul load 0 push 1 add less jz prime "
                             "load 0 load 1 mod jz composite load 1 push 1 add store 1 jump try "
                             "prime: load 0 print "
                             "composite: load 0 push 1 add store 0 jump next "
                             "done: halt";
static const char fibonacci[] = "push 0 store 0 again: load 0 push 20 less jz done load 0 store 3 call fib load 4 print "
                                "load 0 push 1 add store 0 jump again done: halt "
                                "fib: push 0 store 1 push 1 store 2 "
                                "loop: load 3 jz out load 1 load 2 dup store 1 add store 2 load 3 push 1 sub store 3 jump loop "
                                "out: load 1 store 4 return";

int main(void) {
    assemble(primes);
    printf("%ld steps\n", run());
    assemble(fibonacci);
    printf("%ld steps\n", run());
    assemble("push 0 store 0 loop: load 0 push 1 add dup store 0 push 150000 less jz end jump loop end: load 0 print halt");
    printf("%ld steps\n", run());
    return 0;
}
