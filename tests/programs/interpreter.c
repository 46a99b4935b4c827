// An interpreter of a small stack language, which runs a prime sieve and the longest Collatz chain: one large switch in a loop.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUSH, LOAD, STORE, GET, PUT, ADD, SUB, MUL, AND, SHR, LESS, JUMP, JUMP_IF_ZERO, PRINT, HALT };

static int32_t code[512], length;
static int32_t variables[16], array[200001];

static int emit(int32_t op, int32_t operand) {
    code[length] = op;
    code[length + 1] = operand;
    length += 2;
    return length - 1; // where the operand is
}
static void target(int at) { code[at] = length; }

static uint64_t run(void) {
    static int32_t stack[64];
    int32_t *top = stack; // the cell above the topmost value
    uint64_t executed = 0;
    for (const int32_t *at = code;;) {
        int32_t op = at[0], operand = at[1];
        at += 2;
        executed++;
        switch (op) {
        case PUSH: *top++ = operand; break;
        case LOAD: *top++ = variables[operand]; break;
        case STORE: variables[operand] = *--top; break;
        case GET: top[-1] = array[(uint32_t)top[-1] % 200001u]; break;
        case PUT: top -= 2, array[(uint32_t)top[0] % 200001u] = top[1]; break;
        case ADD: top--, top[-1] += top[0]; break;
        case SUB: top--, top[-1] -= top[0]; break;
        case MUL: top--, top[-1] = (int32_t)((uint32_t)top[-1] * (uint32_t)top[0]); break;
        case AND: top--, top[-1] &= top[0]; break;
        case SHR: top--, top[-1] = (int32_t)((uint32_t)top[-1] >> (top[0] & 31)); break;
        case LESS: top--, top[-1] = top[-1] < top[0]; break;
        case JUMP: at = code + operand; break;
        case JUMP_IF_ZERO:
            if (!*--top) at = code + operand;
            break;
        case PRINT: printf("%d\n", (int)*--top); break;
        case HALT: return executed;
        default: abort();
        }
    }
}

// for (v[i] = from; v[i] < limit; v[i] += v[step]) is begun and ended by these two.
static int loop_start, loop_exit;
static void begin_loop(int i, int limit) {
    loop_start = length;
    emit(LOAD, i), emit(PUSH, limit), emit(LESS, 0);
    loop_exit = emit(JUMP_IF_ZERO, 0);
}
static void end_loop(int i, int step, int start, int leave) {
    emit(LOAD, i), emit(LOAD, step), emit(ADD, 0), emit(STORE, i);
    emit(JUMP, start);
    target(leave);
}

enum { I, J, ONE, COUNT, N, STEPS, BEST, AT };

static void write_sieve(void) {
    emit(PUSH, 1), emit(STORE, ONE);
    emit(PUSH, 0), emit(STORE, COUNT);
    emit(PUSH, 2), emit(STORE, I);
    begin_loop(I, 200001);
    int outer_start = loop_start, outer_exit = loop_exit;
    emit(LOAD, I), emit(GET, 0);
    int prime = emit(JUMP_IF_ZERO, 0);
    int composite = emit(JUMP, 0);
    target(prime);
    emit(LOAD, COUNT), emit(PUSH, 1), emit(ADD, 0), emit(STORE, COUNT);
    emit(LOAD, I), emit(LOAD, I), emit(ADD, 0), emit(STORE, J);
    begin_loop(J, 200001);
    emit(LOAD, J), emit(PUSH, 1), emit(PUT, 0);
    end_loop(J, I, loop_start, loop_exit);
    target(composite);
    end_loop(I, ONE, outer_start, outer_exit);
    emit(LOAD, COUNT), emit(PRINT, 0);
}

static void write_collatz(int limit) {
    emit(PUSH, 0), emit(STORE, BEST);
    emit(PUSH, 1), emit(STORE, I);
    begin_loop(I, limit);
    int outer_start = loop_start, outer_exit = loop_exit;
    emit(LOAD, I), emit(STORE, N);
    emit(PUSH, 0), emit(STORE, STEPS);
    int chain = length;
    emit(PUSH, 1), emit(LOAD, N), emit(LESS, 0);
    int done = emit(JUMP_IF_ZERO, 0);
    emit(LOAD, N), emit(PUSH, 1), emit(AND, 0);
    int even = emit(JUMP_IF_ZERO, 0);
    emit(LOAD, N), emit(PUSH, 3), emit(MUL, 0), emit(PUSH, 1), emit(ADD, 0), emit(STORE, N);
    int next = emit(JUMP, 0);
    target(even);
    emit(LOAD, N), emit(PUSH, 1), emit(SHR, 0), emit(STORE, N);
    target(next);
    emit(LOAD, STEPS), emit(PUSH, 1), emit(ADD, 0), emit(STORE, STEPS);
    emit(JUMP, chain);
    target(done);
    emit(LOAD, BEST), emit(LOAD, STEPS), emit(LESS, 0);
    int worse = emit(JUMP_IF_ZERO, 0);
    emit(LOAD, STEPS), emit(STORE, BEST), emit(LOAD, I), emit(STORE, AT);
    target(worse);
    end_loop(I, ONE, outer_start, outer_exit);
    emit(LOAD, AT), emit(PRINT, 0), emit(LOAD, BEST), emit(PRINT, 0);
}

int main(void) {
    write_sieve();
    write_collatz(18000);
    emit(HALT, 0);
    printf("%llu instructions\n", (unsigned long long)run());
    return 0;
}
