#include "builtins.h"

#include <math.h>
#include <string.h>

#include "errors.h"
#include "heap.h"
#include "numbers.h"
#include "print.h"
#include "symbols.h"
#include "system.h"

// ---- Checks ----------------------------------------------------------------------------------------------------------------------

static void check_type(Value v, ObjectType type, const char *who, const char *expected) {
    if (!has_type(v, type)) fail_type(who, expected, v);
}

static void check_string(Value v, const char *who) { check_type(v, TYPE_STRING, who, "a string"); }
static void check_vector(Value v, const char *who) { check_type(v, TYPE_VECTOR, who, "a vector"); }

static void check_character(Value v, const char *who) {
    if (!is_character(v)) fail_type(who, "a character", v);
}

static void check_pair(Value v, const char *who) {
    if (!is_pair(v)) fail_type(who, "a pair", v);
}

static int32_t check_integer(Value v, const char *who) {
    if (!is_fixnum(v)) fail_type(who, "an exact integer", v);
    return integer(v);
}

// An index of 0 to `limit`, the limit included.
static uint32_t check_index(Value v, uint32_t limit, const char *who) {
    uint32_t index = (uint32_t)check_integer(v, who);
    if (index > limit) fail("%s: %V is out of range", who, v);
    return index;
}

static uint32_t check_element(Value v, uint32_t count, const char *who) {
    uint32_t index = check_index(v, count, who);
    if (index == count) fail("%s: %V is out of range", who, v);
    return index;
}

static uint32_t check_length(Value v, const char *who) { return check_index(v, MAX_LENGTH, who); }

// ---- Numbers ---------------------------------------------------------------------------------------------------------------------

typedef Value Binary(Value, Value);

static Value fold(Value *arguments, int count, Value result, Binary *combine) {
    for (int i = 0; i < count; i++) result = combine(result, arguments[i]);
    return result;
}

static Value primitive_add(Value *a, int n) { return fold(a, n, fixnum(0), number_add); }
static Value primitive_multiply(Value *a, int n) { return fold(a, n, fixnum(1), number_multiply); }
static Value primitive_subtract(Value *a, int n) { return n == 1 ? number_negate(*a) : fold(a + 1, n - 1, *a, number_subtract); }
static Value primitive_divide(Value *a, int n) { return n == 1 ? number_divide(fixnum(1), *a) : fold(a + 1, n - 1, *a, number_divide); }

static Value smaller(Value a, Value b) { return number_less(b, a, "min") ? b : a; }
static Value larger(Value a, Value b) { return number_less(a, b, "max") ? b : a; }

// The result is inexact if any of the operands is.
static Value choose(Value *a, int n, Binary *better, const char *who) {
    Value result = *a;
    number_to_double(result, who);
    bool is_inexact = is_flonum(result);
    for (int i = 1; i < n; i++) {
        result = better(result, a[i]);
        is_inexact |= is_flonum(a[i]);
    }
    return is_inexact && is_fixnum(result) ? flonum(integer(result)) : result;
}

static Value primitive_minimum(Value *a, int n) { return choose(a, n, smaller, "min"); }
static Value primitive_maximum(Value *a, int n) { return choose(a, n, larger, "max"); }

static bool test_equal(Value a, Value b) { return number_equal(a, b, "="); }
static bool test_less(Value a, Value b) { return number_less(a, b, "<"); }
static bool test_greater(Value a, Value b) { return number_less(b, a, ">"); }

static bool test_less_equal(Value a, Value b) {
    if (is_fixnum(a | b)) return (int32_t)a <= (int32_t)b;
    return number_to_double(a, "<=") <= number_to_double(b, "<=");
}

static bool test_greater_equal(Value a, Value b) {
    if (is_fixnum(a | b)) return (int32_t)a >= (int32_t)b;
    return number_to_double(a, ">=") >= number_to_double(b, ">=");
}

// All arguments are looked at, so that a wrong one is found behind a false comparison too.
static Value compare(Value *a, int n, bool (*test)(Value, Value), const char *who) {
    bool result = true;
    number_to_double(*a, who);
    for (int i = 1; i < n; i++) result &= test(a[i - 1], a[i]);
    return boolean(result);
}

static Value primitive_equal(Value *a, int n) { return compare(a, n, test_equal, "="); }
static Value primitive_less(Value *a, int n) { return compare(a, n, test_less, "<"); }
static Value primitive_greater(Value *a, int n) { return compare(a, n, test_greater, ">"); }
static Value primitive_less_equal(Value *a, int n) { return compare(a, n, test_less_equal, "<="); }
static Value primitive_greater_equal(Value *a, int n) { return compare(a, n, test_greater_equal, ">="); }

static Value primitive_quotient(Value a, Value b) { return number_quotient(a, b); }
static Value primitive_remainder(Value a, Value b) { return number_remainder(a, b); }
static Value primitive_modulo(Value a, Value b) { return number_modulo(a, b); }
static Value primitive_is_zero(Value a) { return boolean(number_to_double(a, "zero?") == 0); }
static Value primitive_is_positive(Value a) { return boolean(number_to_double(a, "positive?") > 0); }
static Value primitive_is_negative(Value a) { return boolean(number_to_double(a, "negative?") < 0); }
static Value primitive_is_odd(Value a) { return boolean(number_to_double(number_remainder(a, fixnum(2)), "odd?") != 0); }
static Value primitive_is_even(Value a) { return boolean(number_to_double(number_remainder(a, fixnum(2)), "even?") == 0); }
static Value primitive_absolute(Value a) { return number_less(a, fixnum(0), "abs") ? number_negate(a) : a; }
static Value primitive_is_number(Value a) { return boolean(is_number(a)); }
static Value primitive_is_integer(Value a) { return boolean(is_fixnum(a) || (is_flonum(a) && isfinite(flonum_value(a)) && flonum_value(a) == trunc(flonum_value(a)))); }

static Value primitive_is_exact(Value a) {
    number_to_double(a, "exact?");
    return boolean(is_fixnum(a));
}

static Value primitive_exact(Value a) {
    if (is_fixnum(a)) return a;
    Value result = integer_result(number_to_double(a, "exact"));
    if (!is_fixnum(result)) fail("exact: %V is no integer of 31 bits", a);
    return result;
}

static Value primitive_inexact(Value a) { return is_flonum(a) ? a : flonum(number_to_double(a, "inexact")); }
static Value primitive_inexact_to_exact(Value a) { return primitive_exact(a); }
static Value primitive_exact_to_inexact(Value a) { return primitive_inexact(a); }

static Value rounded(Value a, double (*round_to)(double), const char *who) { return is_fixnum(a) ? a : flonum(round_to(number_to_double(a, who))); }
static Value primitive_floor(Value a) { return rounded(a, floor, "floor"); }
static Value primitive_ceiling(Value a) { return rounded(a, ceil, "ceiling"); }
static Value primitive_truncate(Value a) { return rounded(a, trunc, "truncate"); }
static Value primitive_round(Value a) { return rounded(a, rint, "round"); }

static Value primitive_sqrt(Value a) {
    double d = number_to_double(a, "sqrt");
    if (d < 0) fail("sqrt: %V is negative", a);
    double root = sqrt(d);
    return is_fixnum(a) ? integer_result(root) : flonum(root);
}

static Value primitive_expt(Value base, Value exponent) {
    if (!is_fixnum(exponent) || integer(exponent) < 0) return flonum(pow(number_to_double(base, "expt"), number_to_double(exponent, "expt")));
    Value result = fixnum(1);
    for (int32_t n = integer(exponent); n; n >>= 1) {
        if (n & 1) result = number_multiply(result, base);
        if (n > 1) base = number_multiply(base, base);
    }
    return result;
}

static Value primitive_exp(Value a) { return flonum(exp(number_to_double(a, "exp"))); }
static Value primitive_log(Value a) { return flonum(log(number_to_double(a, "log"))); }
static Value primitive_sin(Value a) { return flonum(sin(number_to_double(a, "sin"))); }
static Value primitive_cos(Value a) { return flonum(cos(number_to_double(a, "cos"))); }

static Value primitive_atan(Value *a, int n) {
    double y = number_to_double(a[0], "atan");
    return flonum(n == 1 ? atan(y) : atan2(y, number_to_double(a[1], "atan")));
}

static Value primitive_bitwise_and(Value a, Value b) { return fixnum(check_integer(a, "bitwise-and") & check_integer(b, "bitwise-and")); }
static Value primitive_bitwise_or(Value a, Value b) { return fixnum(check_integer(a, "bitwise-or") | check_integer(b, "bitwise-or")); }
static Value primitive_bitwise_xor(Value a, Value b) { return fixnum(check_integer(a, "bitwise-xor") ^ check_integer(b, "bitwise-xor")); }

static Value primitive_arithmetic_shift(Value a, Value count) {
    int32_t n = check_integer(a, "arithmetic-shift"), by = check_integer(count, "arithmetic-shift");
    if (by <= 0) return fixnum(n >> (by < -31 ? 31 : -by));
    return integer_result(ldexp(n, by));
}

static int check_radix(Value *a, int n, const char *who) {
    int radix = n > 1 ? check_integer(a[1], who) : 10;
    if (radix < 2 || radix > 36) fail("%s: a radix is 2 to 36", who);
    return radix;
}

static Value string_of(const char *bytes, uint32_t size) {
    Value v = make_string(size);
    memcpy(string_bytes(v), bytes, size);
    return v;
}

static Value primitive_number_to_string(Value *a, int n) {
    char text[NUMBER_TEXT];
    number_to_double(*a, "number->string");
    return string_of(text, format_number(*a, check_radix(a, n, "number->string"), text));
}

static Value primitive_string_to_number(Value *a, int n) {
    check_string(*a, "string->number");
    return parse_number(string_bytes(*a), length(*a), check_radix(a, n, "string->number"));
}

// ---- Equality --------------------------------------------------------------------------------------------------------------------

bool is_eqv(Value a, Value b) { return a == b || (is_flonum(a) && is_flonum(b) && flonum_value(a) == flonum_value(b)); }

static bool is_equal_within(Value a, Value b, int depth) {
    for (;; a = cdr(a), b = cdr(b)) {
        if (is_eqv(a, b)) return true;
        if (depth > 1000) fail("equal?: the data are nested too deep");
        if (is_pair(a) && is_pair(b)) {
            if (!is_equal_within(car(a), car(b), depth + 1)) return false;
            continue;
        }
        if (has_type(a, TYPE_STRING) && has_type(b, TYPE_STRING))
            return length(a) == length(b) && !memcmp(string_bytes(a), string_bytes(b), length(a));
        if (!has_type(a, TYPE_VECTOR) || !has_type(b, TYPE_VECTOR) || length(a) != length(b)) return false;
        for (uint32_t i = 0; i < length(a); i++)
            if (!is_equal_within(fields(a)[i], fields(b)[i], depth + 1)) return false;
        return true;
    }
}

bool is_equal(Value a, Value b) { return is_equal_within(a, b, 0); }

static bool is_same(Value a, Value b) { return a == b; }

static Value primitive_not(Value a) { return boolean(a == FALSE); }
static Value primitive_is_boolean(Value a) { return boolean(a == TRUE || a == FALSE); }
static Value primitive_is_eq(Value a, Value b) { return boolean(a == b); }
static Value primitive_is_eqv(Value a, Value b) { return boolean(is_eqv(a, b)); }
static Value primitive_is_equal(Value a, Value b) { return boolean(is_equal(a, b)); }

// ---- Pairs and lists -------------------------------------------------------------------------------------------------------------

static Value primitive_cons(Value a, Value b) { return cons(a, b); }

Value primitive_car(Value v) {
    check_pair(v, "car");
    return car(v);
}

Value primitive_cdr(Value v) {
    check_pair(v, "cdr");
    return cdr(v);
}

// `path` from the last letter to the first.
static Value follow(Value v, const char *path, const char *who) {
    Value at = v;
    for (; *path; path++) {
        if (!is_pair(at)) fail_type(who, "a longer list", v);
        at = *path == 'a' ? car(at) : cdr(at);
    }
    return at;
}

static Value primitive_caar(Value v) { return follow(v, "aa", "caar"); }
static Value primitive_cadr(Value v) { return follow(v, "da", "cadr"); }
static Value primitive_cdar(Value v) { return follow(v, "ad", "cdar"); }
static Value primitive_cddr(Value v) { return follow(v, "dd", "cddr"); }
static Value primitive_caddr(Value v) { return follow(v, "dda", "caddr"); }

static Value primitive_set_car(Value v, Value content) {
    check_pair(v, "set-car!");
    AT(Value, v, PAIR_CAR) = content;
    return UNSPECIFIED;
}

static Value primitive_set_cdr(Value v, Value content) {
    check_pair(v, "set-cdr!");
    AT(Value, v, PAIR_CDR) = content;
    return UNSPECIFIED;
}

static Value primitive_is_null(Value v) { return boolean(v == NIL); }
static Value primitive_is_pair(Value v) { return boolean(is_pair(v)); }

// The length of a proper list, or -1.
static int32_t list_length(Value v) {
    int32_t n = 0;
    for (Value slow = v; is_pair(v);) {
        v = cdr(v);
        if (!(++n & 1)) slow = cdr(slow);
        if (v == slow) return -1; // the list is circular
    }
    return v == NIL ? n : -1;
}

static int32_t check_list(Value v, const char *who) {
    int32_t n = list_length(v);
    if (n < 0) fail_type(who, "a list", v);
    return n;
}

static Value primitive_is_list(Value v) { return boolean(list_length(v) >= 0); }
static Value primitive_length(Value v) { return fixnum(check_list(v, "length")); }

static Value primitive_list(Value *a, int n) {
    Value list = NIL;
    while (n--) list = cons(a[n], list);
    return list;
}

static Value append_two(Value a, Value b) {
    check_list(a, "append");
    Value first = NIL, last = NIL;
    for (; is_pair(a); a = cdr(a)) {
        Value pair = cons(car(a), b);
        if (first == NIL) first = pair;
        else AT(Value, last, PAIR_CDR) = pair;
        last = pair;
    }
    return first == NIL ? b : first;
}

static Value primitive_append(Value *a, int n) {
    if (!n) return NIL;
    Value result = a[n - 1];
    for (int i = n - 1; i--;) result = append_two(a[i], result);
    return result;
}

static Value primitive_reverse(Value v) {
    check_list(v, "reverse");
    Value result = NIL;
    for (; is_pair(v); v = cdr(v)) result = cons(car(v), result);
    return result;
}

static Value primitive_list_tail(Value list, Value count) {
    for (int32_t n = check_integer(count, "list-tail"); n > 0; n--) {
        if (!is_pair(list)) fail("list-tail: the list is shorter than %V", count);
        list = cdr(list);
    }
    return list;
}

static Value primitive_list_ref(Value list, Value index) {
    Value rest = primitive_list_tail(list, index);
    check_pair(rest, "list-ref");
    return car(rest);
}

static Value find_member(Value v, Value list, bool (*test)(Value, Value), const char *who) {
    for (; is_pair(list); list = cdr(list))
        if (test(v, car(list))) return list;
    if (list != NIL) fail_type(who, "a list", list);
    return FALSE;
}

static Value find_association(Value v, Value list, bool (*test)(Value, Value), const char *who) {
    for (; is_pair(list); list = cdr(list)) {
        check_pair(car(list), who);
        if (test(v, car(car(list)))) return car(list);
    }
    if (list != NIL) fail_type(who, "a list", list);
    return FALSE;
}

static Value primitive_memq(Value v, Value list) { return find_member(v, list, is_same, "memq"); }
static Value primitive_memv(Value v, Value list) { return find_member(v, list, is_eqv, "memv"); }
static Value primitive_member(Value v, Value list) { return find_member(v, list, is_equal, "member"); }
static Value primitive_assq(Value v, Value list) { return find_association(v, list, is_same, "assq"); }
static Value primitive_assv(Value v, Value list) { return find_association(v, list, is_eqv, "assv"); }
static Value primitive_assoc(Value v, Value list) { return find_association(v, list, is_equal, "assoc"); }

// ---- Symbols and characters ------------------------------------------------------------------------------------------------------

static Value primitive_is_symbol(Value v) { return boolean(has_type(v, TYPE_SYMBOL)); }

static Value primitive_symbol_to_string(Value v) {
    check_type(v, TYPE_SYMBOL, "symbol->string", "a symbol");
    return string_of(symbol_of(v)->bytes, length(v));
}

static Value primitive_string_to_symbol(Value v) {
    check_string(v, "string->symbol");
    return symbol_value(intern(string_bytes(v), length(v)));
}

static Value primitive_is_char(Value v) { return boolean(is_character(v)); }

static Value primitive_char_to_integer(Value v) {
    check_character(v, "char->integer");
    return fixnum((int32_t)character_code(v));
}

static Value primitive_integer_to_char(Value v) { return character(check_index(v, 255, "integer->char")); }

static Value primitive_char_equal(Value a, Value b) {
    check_character(a, "char=?");
    check_character(b, "char=?");
    return boolean(a == b);
}

static Value primitive_char_less(Value a, Value b) {
    check_character(a, "char<?");
    check_character(b, "char<?");
    return boolean(a < b);
}

static bool is_upper(uint32_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(uint32_t c) { return c >= 'a' && c <= 'z'; }

static uint32_t code_of(Value v, const char *who) {
    check_character(v, who);
    return character_code(v);
}

static Value primitive_char_upcase(Value v) {
    uint32_t c = code_of(v, "char-upcase");
    return character(is_lower(c) ? c - 'a' + 'A' : c);
}

static Value primitive_char_downcase(Value v) {
    uint32_t c = code_of(v, "char-downcase");
    return character(is_upper(c) ? c - 'A' + 'a' : c);
}

static Value primitive_is_char_alphabetic(Value v) {
    uint32_t c = code_of(v, "char-alphabetic?");
    return boolean(is_upper(c) || is_lower(c));
}

static Value primitive_is_char_numeric(Value v) {
    uint32_t c = code_of(v, "char-numeric?");
    return boolean(c >= '0' && c <= '9');
}

static Value primitive_is_char_whitespace(Value v) {
    uint32_t c = code_of(v, "char-whitespace?");
    return boolean(c == ' ' || (c >= '\t' && c <= '\r'));
}

// ---- Strings ---------------------------------------------------------------------------------------------------------------------

static Value primitive_is_string(Value v) { return boolean(has_type(v, TYPE_STRING)); }

static Value primitive_make_string(Value *a, int n) {
    uint32_t fill = n > 1 ? code_of(a[1], "make-string") : ' ';
    Value v = make_string(check_length(a[0], "make-string"));
    memset(string_bytes(v), (int)fill, length(v));
    return v;
}

static Value primitive_string(Value *a, int n) {
    Value v = make_string((uint32_t)n);
    for (int i = 0; i < n; i++) string_bytes(v)[i] = (char)code_of(a[i], "string");
    return v;
}

static Value primitive_string_length(Value v) {
    check_string(v, "string-length");
    return fixnum((int32_t)length(v));
}

Value primitive_string_ref(Value v, Value index) {
    check_string(v, "string-ref");
    return character((uint8_t)string_bytes(v)[check_element(index, length(v), "string-ref")]);
}

static Value primitive_string_set(Value v, Value index, Value c) {
    check_string(v, "string-set!");
    string_bytes(v)[check_element(index, length(v), "string-set!")] = (char)code_of(c, "string-set!");
    return UNSPECIFIED;
}

static int compare_strings(Value a, Value b, const char *who) {
    check_string(a, who);
    check_string(b, who);
    int order = memcmp(string_bytes(a), string_bytes(b), length(a) < length(b) ? length(a) : length(b));
    return order ? order : (int)length(a) - (int)length(b);
}

static Value primitive_string_equal(Value a, Value b) { return boolean(!compare_strings(a, b, "string=?")); }
static Value primitive_string_less(Value a, Value b) { return boolean(compare_strings(a, b, "string<?") < 0); }

static Value primitive_substring(Value *a, int n) {
    check_string(a[0], "substring");
    uint32_t end = n > 2 ? check_index(a[2], length(a[0]), "substring") : length(a[0]);
    uint32_t start = check_index(a[1], end, "substring");
    return string_of(string_bytes(a[0]) + start, end - start);
}

static Value primitive_string_append(Value *a, int n) {
    uint32_t size = 0;
    for (int i = 0; i < n; i++) {
        check_string(a[i], "string-append");
        size += length(a[i]);
    }
    Value v = make_string(size);
    char *to = string_bytes(v);
    for (int i = 0; i < n; to += length(a[i++])) memcpy(to, string_bytes(a[i]), length(a[i]));
    return v;
}

static Value primitive_string_copy(Value v) {
    check_string(v, "string-copy");
    return string_of(string_bytes(v), length(v));
}

static Value primitive_string_to_list(Value v) {
    check_string(v, "string->list");
    Value list = NIL;
    for (uint32_t i = length(v); i--;) list = cons(character((uint8_t)string_bytes(v)[i]), list);
    return list;
}

static Value primitive_list_to_string(Value list) {
    Value v = make_string((uint32_t)check_list(list, "list->string"));
    for (char *to = string_bytes(v); is_pair(list); list = cdr(list)) *to++ = (char)code_of(car(list), "list->string");
    return v;
}

// ---- Vectors ---------------------------------------------------------------------------------------------------------------------

static Value primitive_is_vector(Value v) { return boolean(has_type(v, TYPE_VECTOR)); }
static Value primitive_make_vector(Value *a, int n) { return make_vector(check_length(a[0], "make-vector"), n > 1 ? a[1] : fixnum(0)); }

static Value primitive_vector(Value *a, int n) {
    Value v = make_vector((uint32_t)n, FALSE);
    memcpy(fields(v), a, (uint32_t)n * 4);
    return v;
}

static Value primitive_vector_length(Value v) {
    check_vector(v, "vector-length");
    return fixnum((int32_t)length(v));
}

Value primitive_vector_ref(Value v, Value index) {
    check_vector(v, "vector-ref");
    return fields(v)[check_element(index, length(v), "vector-ref")];
}

Value primitive_vector_set(Value v, Value index, Value element) {
    check_vector(v, "vector-set!");
    fields(v)[check_element(index, length(v), "vector-set!")] = element;
    return UNSPECIFIED;
}

static Value primitive_vector_fill(Value v, Value element) {
    check_vector(v, "vector-fill!");
    for (uint32_t i = 0; i < length(v); i++) fields(v)[i] = element;
    return UNSPECIFIED;
}

static Value primitive_vector_to_list(Value v) {
    check_vector(v, "vector->list");
    return primitive_list(fields(v), (int)length(v));
}

static Value primitive_list_to_vector(Value list) {
    Value v = make_vector((uint32_t)check_list(list, "list->vector"), FALSE);
    for (uint32_t i = 0; is_pair(list); list = cdr(list)) fields(v)[i++] = car(list);
    return v;
}

// ---- Control and output ----------------------------------------------------------------------------------------------------------

static Value primitive_is_procedure(Value v) { return boolean(has_type(v, TYPE_CLOSURE) || has_type(v, TYPE_BUILTIN)); }

// The interpreter does these.
static Value primitive_apply(Value *a, int n) { return (void)n, *a; }
static Value primitive_jit(Value v) { return v; }

static Value primitive_display(Value v) {
    print_value(v, false);
    return UNSPECIFIED;
}

static Value primitive_write(Value v) {
    print_value(v, true);
    return UNSPECIFIED;
}

static Value primitive_newline(void) {
    print_text("\n");
    return UNSPECIFIED;
}

static Value primitive_error(Value *a, int n) { fail_with(a, n); }

static Value primitive_exit(Value *a, int n) {
    int code = n && is_fixnum(*a) ? integer(*a) : n && *a == FALSE ? 1 : 0;
    exit_process(code & 0xff);
}

static Value primitive_current_jiffy(void) { return integer_result((double)(monotonic_time() / 1000)); }

// ---- The table -------------------------------------------------------------------------------------------------------------------

const Primitive primitives[PRIMITIVE_COUNT] = {
#define PRIMITIVE(id, name, least, most, flags) {name, least, most, ((flags) & FOLDS) != 0, ((flags) & SPECIAL) != 0, {(void *)primitive_##id}},
#include "primitives.def"
#undef PRIMITIVE
};

bool takes_arguments(int primitive, int count) {
    const Primitive *p = &primitives[primitive];
    return count >= p->least && (p->most < 0 || count <= p->most);
}

Value apply_primitive(int primitive, Value *a, int count) {
    const Primitive *p = &primitives[primitive];
    if (p->least != p->most) return p->of_array(a, count);
    switch (count) {
    case 0: return p->of0();
    case 1: return p->of1(a[0]);
    case 2: return p->of2(a[0], a[1]);
    default: return p->of3(a[0], a[1], a[2]);
    }
}

int find_primitive(Symbol *name) {
    Value v = name->value;
    if (!has_type(v, TYPE_BUILTIN)) return -1;
    return intern_text(primitives[builtin_index(v)].name) == name ? builtin_index(v) : -1;
}

void initialise_builtins(void) {
    for (int i = 0; i < PRIMITIVE_COUNT; i++) {
        Value v = make_object(TYPE_BUILTIN, 1, 4);
        fields(v)[0] = (Value)i;
        intern_text(primitives[i].name)->value = v;
    }
}
