#include "numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "heap.h"

double number_to_double(Value v, const char *who) {
    if (is_fixnum(v)) return integer(v);
    if (!is_flonum(v)) fail_type(who, "a number", v);
    return flonum_value(v);
}

static Value from_int64(int64_t n) { return n >= FIXNUM_MIN && n <= FIXNUM_MAX ? fixnum((int32_t)n) : flonum((double)n); }

static bool are_fixnums(Value a, Value b) { return is_fixnum(a | b); }

Value number_add(Value a, Value b) {
    if (are_fixnums(a, b)) return from_int64((int64_t)integer(a) + integer(b));
    double x = number_to_double(a, "+");
    return flonum(x + number_to_double(b, "+"));
}

Value number_subtract(Value a, Value b) {
    if (are_fixnums(a, b)) return from_int64((int64_t)integer(a) - integer(b));
    double x = number_to_double(a, "-");
    return flonum(x - number_to_double(b, "-"));
}

Value number_negate(Value a) {
    if (is_fixnum(a)) return from_int64(-(int64_t)integer(a));
    return flonum(-number_to_double(a, "-"));
}

Value number_multiply(Value a, Value b) {
    if (are_fixnums(a, b)) return from_int64((int64_t)integer(a) * integer(b));
    double x = number_to_double(a, "*");
    return flonum(x * number_to_double(b, "*"));
}

// There are no fractions: a quotient of integers is an integer if it is exact, else a flonum.
Value number_divide(Value a, Value b) {
    if (b == fixnum(0)) fail("/: division by zero");
    if (are_fixnums(a, b) && integer(a) % integer(b) == 0) return from_int64((int64_t)integer(a) / integer(b));
    double x = number_to_double(a, "/");
    return flonum(x / number_to_double(b, "/"));
}

bool number_less(Value a, Value b, const char *who) {
    if (are_fixnums(a, b)) return (int32_t)a < (int32_t)b;
    double x = number_to_double(a, who);
    return x < number_to_double(b, who);
}

bool number_equal(Value a, Value b, const char *who) {
    if (are_fixnums(a, b)) return a == b;
    double x = number_to_double(a, who);
    return x == number_to_double(b, who);
}

static double integral(Value v, const char *who) {
    double d = number_to_double(v, who);
    if (d != trunc(d) || isinf(d)) fail_type(who, "an integer", v);
    return d;
}

static void check_divisor(Value b, const char *who) {
    if (is_fixnum(b) ? b == 0 : integral(b, who) == 0) fail("%s: division by zero", who);
}

Value number_quotient(Value a, Value b) {
    check_divisor(b, "quotient");
    if (are_fixnums(a, b)) return from_int64((int64_t)integer(a) / integer(b));
    double x = integral(a, "quotient");
    return flonum(trunc(x / integral(b, "quotient")));
}

Value number_remainder(Value a, Value b) {
    check_divisor(b, "remainder");
    if (are_fixnums(a, b)) return fixnum(integer(a) % integer(b));
    double x = integral(a, "remainder");
    return flonum(fmod(x, integral(b, "remainder")));
}

Value number_modulo(Value a, Value b) {
    check_divisor(b, "modulo");
    if (are_fixnums(a, b)) {
        int32_t divisor = integer(b), rest = integer(a) % divisor;
        return fixnum(rest && (rest ^ divisor) < 0 ? rest + divisor : rest);
    }
    double x = integral(a, "modulo"), divisor = integral(b, "modulo"), rest = fmod(x, divisor);
    return flonum(rest && (rest < 0) != (divisor < 0) ? rest + divisor : rest);
}

Value integer_result(double d) {
    if (d == trunc(d) && d >= FIXNUM_MIN && d <= FIXNUM_MAX) return fixnum((int32_t)d);
    return flonum(d);
}

// ---- Text ------------------------------------------------------------------------------------------------------------------------

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    return 99;
}

// Digits with a sign, whatever their number.
static bool parse_integer(const char *text, uint32_t size, int radix, double *result) {
    bool is_signed = size && (*text == '-' || *text == '+');
    if (size == (uint32_t)is_signed) return false;
    double value = 0;
    for (uint32_t i = is_signed; i < size; i++) {
        int digit = digit_value(text[i]);
        if (digit >= radix) return false;
        value = value * radix + digit;
    }
    *result = *text == '-' ? -value : value;
    return true;
}

// The grammar that Scheme allows and no more: strtod also takes hexadecimal, "nan" and the like.
static bool looks_decimal(const char *text, uint32_t size) {
    uint32_t i = *text == '-' || *text == '+', digits = 0;
    for (; i < size && (digit_value(text[i]) < 10 || text[i] == '.'); i++) digits += text[i] != '.';
    if (!digits) return false;
    if (i == size) return true;
    if (text[i] != 'e') return false;
    i += 1 + (i + 1 < size && (text[i + 1] == '-' || text[i + 1] == '+'));
    uint32_t start = i;
    while (i < size && digit_value(text[i]) < 10) i++;
    return i == size && i > start;
}

Value parse_number(const char *text, uint32_t size, int radix) {
    double value;
    if (parse_integer(text, size, radix, &value)) return integer_result(value);
    char copy[64], *end;
    if (radix != 10 || !size || size >= sizeof copy || !looks_decimal(text, size)) return FALSE;
    memcpy(copy, text, size);
    copy[size] = 0;
    value = strtod(copy, &end);
    return end == copy + size ? flonum(value) : FALSE;
}

static uint32_t format_integer(int32_t n, int radix, char *text) {
    char digits[40];
    uint32_t count = 0, size = 0, rest = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
    do digits[count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % (uint32_t)radix];
    while (rest /= (uint32_t)radix);
    if (n < 0) text[size++] = '-';
    while (count) text[size++] = digits[--count];
    return size;
}

static uint32_t format_flonum(double d, char *text) {
    if (isnan(d)) return (uint32_t)snprintf(text, NUMBER_TEXT, "+nan.0");
    if (isinf(d)) return (uint32_t)snprintf(text, NUMBER_TEXT, d < 0 ? "-inf.0" : "+inf.0");
    int precision = 1;
    do snprintf(text, NUMBER_TEXT, "%.*g", precision, d);
    while (precision++ < 17 && strtod(text, 0) != d);
    // Whole numbers below 1e21 are written out, so that they can be compared by eye.
    if (d == trunc(d) && fabs(d) < 1e21) snprintf(text, NUMBER_TEXT, "%.1f", d);
    return strlen(text);
}

uint32_t format_number(Value v, int radix, char *text) {
    return is_fixnum(v) ? format_integer(integer(v), radix, text) : format_flonum(flonum_value(v), text);
}
