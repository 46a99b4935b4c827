// Arithmetic on fixnums and flonums. A result that no fixnum holds is a flonum; operands of other types are an error.
#pragma once

#include "value.h"

Value number_add(Value a, Value b);
Value number_subtract(Value a, Value b);
Value number_negate(Value a);
Value number_multiply(Value a, Value b);
Value number_divide(Value a, Value b);
bool number_less(Value a, Value b, const char *who);
bool number_equal(Value a, Value b, const char *who);
Value number_quotient(Value a, Value b);
Value number_remainder(Value a, Value b);
Value number_modulo(Value a, Value b);

static inline bool is_number(Value v) { return is_fixnum(v) || is_flonum(v); }
double number_to_double(Value v, const char *who);
// A fixnum if it is an integer that fits, else a flonum.
Value integer_result(double d);

// The number that the text is, or FALSE.
Value parse_number(const char *text, uint32_t size, int radix);
enum { NUMBER_TEXT = 40 };
// Writes the shortest text that reads as the same number; returns its size, at most NUMBER_TEXT.
uint32_t format_number(Value v, int radix, char *text);
