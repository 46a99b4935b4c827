// Dense and sparse switches: a tokenizer, a calculator on top of it, and a random walk over 64 states.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum token { END, NUMBER, PLUS, MINUS, TIMES, SLASH, PERCENT, CARET, OPEN, CLOSE, LESS, MORE, BANG, BAD };

static const char *at;
static long value;
static enum token token;

static void next(void) {
    while (*at == ' ') at++;
    switch (*at++) {
    case 0: at--, token = END; break;
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        value = strtol(at - 1, (char **)&at, 10);
        token = NUMBER;
        break;
    case '+': token = PLUS; break;
    case '-': token = MINUS; break;
    case '*': token = TIMES; break;
    case '/': token = SLASH; break;
    case '%': token = PERCENT; break;
    case '^': token = CARET; break;
    case '(': token = OPEN; break;
    case ')': token = CLOSE; break;
    case '<': token = LESS; break;
    case '>': token = MORE; break;
    case '!': token = BANG; break;
    default: token = BAD;
    }
}

static long expression(int level);

static long primary(void) {
    long result = 0;
    enum token first = token;
    next();
    switch (first) {
    case NUMBER: return value;
    case MINUS: return -primary();
    case PLUS: return primary();
    case BANG: return !primary();
    case OPEN:
        result = expression(0);
        if (token == CLOSE) next();
        return result;
    default: return -999999;
    }
}

static int strength(enum token t) {
    switch (t) {
    case LESS: case MORE: return 1;
    case PLUS: case MINUS: return 2;
    case TIMES: case SLASH: case PERCENT: return 3;
    case CARET: return 4;
    default: return 0;
    }
}

static long power(long base, long exponent) {
    long result = 1;
    while (exponent-- > 0) result *= base;
    return result;
}

static long expression(int level) {
    long left = primary();
    for (;;) {
        enum token operator= token;
        int here = strength(operator);
        if (here == 0 || here <= level) return left;
        next();
        long right = expression(operator== CARET ? here - 1 : here);
        switch (operator) {
        case PLUS: left += right; break;
        case MINUS: left -= right; break;
        case TIMES: left *= right; break;
        case SLASH: left = right ? left / right : 0; break;
        case PERCENT: left = right ? left % right : 0; break;
        case CARET: left = power(left, right); break;
        case LESS: left = left < right; break;
        case MORE: left = left > right; break;
        default: return left;
        }
    }
}

static unsigned walk(unsigned state, unsigned input) {
    switch (state & 63) {
    case 0: return input & 1 ? 17 : 3;
    case 1: return input % 5;
    case 2: return input + 40;
    case 3: return 9;
    case 4: case 5: case 6: return input * 3;
    case 7: return 63;
    case 8: return state + 1;
    case 9: return input >> 3;
    case 11: return 0;
    case 12: case 22: case 32: case 42: case 52: return input ^ 21;
    case 17: return 33;
    case 19: return input + 1;
    case 23: return 11;
    case 30: case 31: return input - 7;
    case 33: return state * 5 + input;
    case 48: return 48 - (input & 31);
    case 63: return input;
    default: return state * 7 + input * 3 + 1;
    }
}

static const char *ordinal(int n) {
    switch (n) {
    case -1: return "minus one";
    case 1000: return "thousand";
    case 1000000: return "million";
    case 1000000000: return "milliard";
    case -2147483647 - 1: return "lowest";
    }
    return "other";
}

int main(void) {
    const char *inputs[] = {"1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-7 / 2 + 17 % 5", "!(3 < 2) + (4 > 1)", "10 / (5 - 5)", "4 $ 4"};
    for (unsigned i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        at = inputs[i];
        next();
        printf("%s = %ld\n", inputs[i], expression(0));
    }
    unsigned seen[64] = {0}, state = 0, seed = 7;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 1664525u + 1013904223u;
        state = walk(state, seed >> 20);
        seen[state & 63]++;
    }
    for (int i = 0; i < 64; i++) printf("%u%c", seen[i], i % 16 == 15 ? '\n' : ' ');
    int numbers[] = {-1, 0, 1000, 999, 1000000, 1000000000, -2147483647 - 1};
    for (int i = 0; i < 7; i++) puts(ordinal(numbers[i]));
    return 0;
}
