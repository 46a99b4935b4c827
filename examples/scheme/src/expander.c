// The expander: special forms become a few kinds of nodes.
//
// A body's definitions become nested scopes in their order. Consecutive lambdas that nothing assigns make one OP_FIX; a definition that is
// referred to before its turn is a box instead, and its references are checked.
#include "expander.h"

#include <string.h>

#include "builtins.h"
#include "errors.h"
#include "heap.h"
#include "interpreter.h"
#include "symbols.h"

typedef struct Scope {
    struct Scope *outer;
    Lambda *lambda;
    int count;
    Variable **variables;
} Scope;

// The tree is as deep as a conditional has clauses.
enum { MAX_CLAUSES = 300 };

typedef Node *Expand(Syntax *form, Scope *scope);

static Node *expand(Syntax *s, Scope *scope);
static Node *expand_body(Syntax **forms, int count, Syntax *whole, Scope *scope);

static Node *new_node(Op op, Syntax *s) {
    Node *node = NEW(Node);
    node->op = op;
    node->line = s->line;
    return node;
}

static Node *constant_node(Value value, Syntax *s) {
    Node *node = new_node(OP_CONSTANT, s);
    node->value = value;
    keep(value);
    return node;
}

[[noreturn]] static void fail_syntax(Syntax *s, const char *what) {
    error_line = s->line;
    fail("%s", what);
}

static void require(bool condition, Syntax *s, const char *what) {
    if (!condition) fail_syntax(s, what);
}

static bool is_symbol(Syntax *s, const char *text) { return s->kind == SYNTAX_SYMBOL && s->symbol == intern_text(text); }

static bool is_proper_list(Syntax *s) { return s->kind == SYNTAX_LIST && !s->tail; }

// ---- Variables -------------------------------------------------------------------------------------------------------------------

static Variable *new_variable(Syntax *name, Lambda *owner) {
    require(name->kind == SYNTAX_SYMBOL, name, "expected the name of a variable");
    Variable *v = NEW(Variable);
    v->name = name->symbol;
    v->owner = owner;
    v->is_initialised = true;
    return v;
}

static Variable *find_variable(Symbol *name, Scope *scope) {
    for (; scope; scope = scope->outer)
        for (int i = scope->count; i--;)
            if (scope->variables[i]->name == name) return scope->variables[i];
    return 0;
}

static Variable *use_variable(Symbol *name, Scope *scope) {
    Variable *v = find_variable(name, scope);
    if (!v) return 0;
    v->uses++;
    if (v->owner != scope->lambda) v->is_captured = true;
    if (!v->is_initialised) v->is_assigned = v->is_captured = true;
    return v;
}

static Node *expand_reference(Syntax *s, Scope *scope) {
    Variable *v = use_variable(s->symbol, scope);
    Node *node = new_node(v ? OP_LOCAL : OP_GLOBAL, s);
    if (v) {
        node->variable = v;
        v->escapes++;
    } else {
        require(!s->symbol->keyword, s, "a keyword is no expression");
        node->symbol = s->symbol;
    }
    return node;
}

static Node *set_local(Variable *v, Node *value, Syntax *s) {
    Node *node = new_node(OP_SET_LOCAL, s);
    node->variable = v;
    node->a = value;
    v->is_assigned = true;
    return node;
}

static Node *expand_set(Syntax *form, Scope *scope) {
    require(form->count == 3 && form->elements[1]->kind == SYNTAX_SYMBOL, form, "expected (set! name value)");
    Symbol *name = form->elements[1]->symbol;
    Node *value = expand(form->elements[2], scope);
    Variable *v = use_variable(name, scope);
    if (v) return set_local(v, value, form);
    Node *node = new_node(OP_SET_GLOBAL, form);
    node->symbol = name;
    node->a = value;
    return node;
}

// ---- Lambdas and definitions -----------------------------------------------------------------------------------------------------

static Lambda *new_lambda(Syntax *form, Lambda *parent, Symbol *name) {
    Lambda *lambda = NEW(Lambda);
    lambda->parent = parent;
    lambda->name = name;
    lambda->line = form->line;
    lambda->function = lambda->twin = -1;
    return lambda; // its entry is known when its parameters are
}

static Node *expand_lambda(Syntax *form, Syntax *parameters, int first_parameter, Syntax **body, int count, Symbol *name, Scope *scope) {
    Lambda *lambda = new_lambda(form, scope->lambda, name);
    bool is_list = parameters->kind == SYNTAX_LIST;
    Syntax *rest = is_list ? parameters->tail : parameters;
    int fixed = is_list ? parameters->count - first_parameter : 0;
    lambda->has_rest = rest != 0;
    lambda->parameter_count = fixed + (rest != 0);
    require(lambda->parameter_count < ARITY_REST, form, "too many parameters");
    lambda->entry = interpreter_entry(lambda->parameter_count);
    lambda->parameters = NEW_ARRAY(Variable *, lambda->parameter_count);
    for (int i = 0; i < fixed; i++) lambda->parameters[i] = new_variable(parameters->elements[first_parameter + i], lambda);
    if (rest) lambda->parameters[fixed] = new_variable(rest, lambda);
    Scope inner = {scope, lambda, lambda->parameter_count, lambda->parameters};
    lambda->body = expand_body(body, count, form, &inner);
    Node *node = new_node(OP_LAMBDA, form);
    node->lambda = lambda;
    return node;
}

static Node *expand_lambda_form(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (lambda (parameter …) body …)");
    return expand_lambda(form, form->elements[1], 0, form->elements + 2, form->count - 2, 0, scope);
}

bool is_definition(Syntax *form) { return is_proper_list(form) && form->count >= 2 && is_symbol(form->elements[0], "define"); }

static Syntax *definition_name(Syntax *form) {
    Syntax *target = form->elements[1];
    if (target->kind == SYNTAX_LIST && target->count) target = target->elements[0];
    require(target->kind == SYNTAX_SYMBOL, form, "expected (define name value) or (define (name parameter …) body …)");
    return target;
}

static bool defines_lambda(Syntax *form) {
    if (form->elements[1]->kind == SYNTAX_LIST) return true;
    Syntax *value = form->count == 3 ? form->elements[2] : 0;
    return value && is_proper_list(value) && value->count >= 3 && is_symbol(value->elements[0], "lambda");
}

static Node *expand_definition_value(Syntax *form, Scope *scope) {
    Syntax *target = form->elements[1];
    if (target->kind == SYNTAX_LIST) {
        require(form->count >= 3, form, "a procedure needs a body");
        return expand_lambda(form, target, 1, form->elements + 2, form->count - 2, definition_name(form)->symbol, scope);
    }
    require(form->count == 3, form, "expected (define name value)");
    Node *value = expand(form->elements[2], scope);
    if (value->op == OP_LAMBDA && !value->lambda->name) value->lambda->name = target->symbol;
    return value;
}

// Only at top level: bodies take theirs apart themselves.
static Node *expand_define(Syntax *form, Scope *scope) {
    require(form->count >= 2, form, "expected (define name value)");
    require(!scope->outer && !scope->lambda->parent, form, "a definition has to stand at the beginning of a body");
    Node *node = new_node(OP_DEFINE, form);
    node->symbol = definition_name(form)->symbol;
    node->a = expand_definition_value(form, scope);
    return node;
}

static Node *sequence(Node **list, int count, Syntax *s) {
    if (count == 1) return list[0];
    Node *node = new_node(OP_SEQUENCE, s);
    node->list = list;
    node->count = count;
    return node;
}

static Node *expand_sequence(Syntax **forms, int count, Syntax *whole, Scope *scope) {
    require(count > 0, whole, "expected at least one expression");
    Node **list = NEW_ARRAY(Node *, count);
    for (int i = 0; i < count; i++) list[i] = expand(forms[i], scope);
    return sequence(list, count, whole);
}

static Node *bind(Op op, Variable **variables, Node **values, int count, Node *body, Syntax *s) {
    if (!count) return body;
    Node *node = new_node(op, s);
    node->variables = variables;
    node->list = values;
    node->count = count;
    node->a = body;
    return node;
}

static Node *fix(Variable **variables, Node **lambdas, int count, Node *body, Syntax *s) {
    for (int i = 0; i < count; i++) {
        variables[i]->procedure = lambdas[i]->lambda;
        lambdas[i]->lambda->self = variables[i];
    }
    return bind(OP_FIX, variables, lambdas, count, body, s);
}

// Where the last part of the definitions from `start` to `end` begins that no definition before it refers to.
static int last_independent(const int *first_user, int start, int end, int count) {
    int earliest = count;
    for (int i = end; --i > start;) {
        if (first_user[i] < earliest) earliest = first_user[i];
        if (earliest >= i) return i;
    }
    return start;
}

// A body of `count` definitions and what follows them. Values are expanded in order; the tree is built from the last to the first.
static Node *expand_definitions(Syntax **definitions, int count, Syntax **rest, int rest_count, Syntax *whole, Scope *outer) {
    Variable **variables = NEW_ARRAY(Variable *, count);
    Node **values = NEW_ARRAY(Node *, count);
    for (int i = 0; i < count; i++) {
        variables[i] = new_variable(definition_name(definitions[i]), outer->lambda);
        variables[i]->is_initialised = false;
    }
    Scope scope = {outer, outer->lambda, count, variables};
    int *first_user = NEW_ARRAY(int, count); // the first definition that refers to each variable
    for (int i = 0; i < count; i++) first_user[i] = count;
    for (int i = 0; i < count; i++) {
        if (defines_lambda(definitions[i]))
            for (int j = i; j < count && defines_lambda(definitions[j]); j++) variables[j]->is_initialised = true;
        values[i] = expand_definition_value(definitions[i], &scope);
        variables[i]->is_initialised = true;
        for (int j = 0; j < count; j++)
            if (variables[j]->uses && first_user[j] == count) first_user[j] = i;
    }
    Node *node = expand_sequence(rest, rest_count, whole, &scope);
    for (int end = count; end;) {
        int start = end - 1;
        bool is_lambda = values[start]->op == OP_LAMBDA && !variables[start]->is_assigned;
        while (is_lambda && start && values[start - 1]->op == OP_LAMBDA && !variables[start - 1]->is_assigned) start--;
        if (is_lambda) {
            start = last_independent(first_user, start, end, count);
            node = fix(variables + start, values + start, end - start, node, whole);
        } else if (is_boxed(variables[start])) {
            Node **list = NEW_ARRAY(Node *, 2);
            list[0] = set_local(variables[start], values[start], definitions[start]);
            list[1] = node;
            node = sequence(list, 2, whole);
        } else {
            node = bind(OP_LET, variables + start, values + start, 1, node, definitions[start]);
        }
        end = start;
    }
    // Boxes come first of all, empty.
    for (int i = 0; i < count; i++) {
        if (!is_boxed(variables[i])) continue;
        Node **list = NEW_ARRAY(Node *, 1);
        list[0] = constant_node(UNASSIGNED, whole);
        node = bind(OP_LET, variables + i, list, 1, node, whole);
    }
    return node;
}

static Node *expand_body(Syntax **forms, int count, Syntax *whole, Scope *scope) {
    int definitions = 0;
    while (definitions < count && is_definition(forms[definitions])) definitions++;
    require(definitions < count, whole, "a body needs an expression after its definitions");
    if (!definitions) return expand_sequence(forms, count, whole, scope);
    return expand_definitions(forms, definitions, forms + definitions, count - definitions, whole, scope);
}

// ---- let and its relatives -------------------------------------------------------------------------------------------------------

static void check_bindings(Syntax *bindings, int minimum, int maximum) {
    require(is_proper_list(bindings), bindings, "expected a list of bindings");
    for (int i = 0; i < bindings->count; i++) {
        Syntax *binding = bindings->elements[i];
        require(is_proper_list(binding) && binding->count >= minimum && binding->count <= maximum, binding, "expected (name value)");
    }
}

static Node *call_node(Node *operator, Node **operands, int count, Syntax *s) {
    Node *node = new_node(OP_CALL, s);
    node->a = operator;
    node->list = operands;
    node->count = count;
    if (operator->op == OP_LOCAL) {
        // Whether the number of arguments is right is looked at when all bindings are known (resolver.c).
        operator->variable->escapes--;
    }
    return node;
}

// A loop: a lambda that its own body calls by name.
static Node *expand_loop(Syntax *form, Syntax *name, Variable **parameters, Node **values, int count, Lambda *lambda, Scope *scope,
                         Node *(*expand_inside)(Syntax *, Scope *)) {
    Variable **variable = NEW_ARRAY(Variable *, 1);
    Node **procedure = NEW_ARRAY(Node *, 1);
    variable[0] = new_variable(name, scope->lambda);
    Scope loop = {scope, scope->lambda, 1, variable};
    Scope inner = {&loop, lambda, count, parameters};
    lambda->parameters = parameters;
    lambda->parameter_count = count;
    procedure[0] = new_node(OP_LAMBDA, form);
    procedure[0]->lambda = lambda;
    lambda->entry = interpreter_entry(count);
    lambda->body = expand_inside(form, &inner);
    Node *reference = new_node(OP_LOCAL, form);
    reference->variable = variable[0];
    variable[0]->escapes++;
    Node *call = call_node(reference, values, count, form);
    if (!variable[0]->is_assigned) return fix(variable, procedure, 1, call, form);
    Node **list = NEW_ARRAY(Node *, 2);
    list[0] = set_local(variable[0], procedure[0], form);
    list[1] = call;
    Node **unassigned = NEW_ARRAY(Node *, 1);
    unassigned[0] = constant_node(UNASSIGNED, form);
    return bind(OP_LET, variable, unassigned, 1, sequence(list, 2, form), form);
}

static Node *expand_named_let_body(Syntax *form, Scope *scope) { return expand_body(form->elements + 3, form->count - 3, form, scope); }

static Node *expand_named_let(Syntax *form, Scope *scope) {
    require(form->count >= 4, form, "expected (let name ((variable value) …) body …)");
    Syntax *bindings = form->elements[2];
    check_bindings(bindings, 2, 2);
    Lambda *lambda = new_lambda(form, scope->lambda, form->elements[1]->symbol);
    Variable **parameters = NEW_ARRAY(Variable *, bindings->count);
    Node **values = NEW_ARRAY(Node *, bindings->count);
    for (int i = 0; i < bindings->count; i++) {
        values[i] = expand(bindings->elements[i]->elements[1], scope);
        parameters[i] = new_variable(bindings->elements[i]->elements[0], lambda);
    }
    return expand_loop(form, form->elements[1], parameters, values, bindings->count, lambda, scope, expand_named_let_body);
}

static Node *expand_let(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (let ((variable value) …) body …)");
    if (form->elements[1]->kind == SYNTAX_SYMBOL) return expand_named_let(form, scope);
    Syntax *bindings = form->elements[1];
    check_bindings(bindings, 2, 2);
    Variable **variables = NEW_ARRAY(Variable *, bindings->count);
    Node **values = NEW_ARRAY(Node *, bindings->count);
    for (int i = 0; i < bindings->count; i++) {
        values[i] = expand(bindings->elements[i]->elements[1], scope);
        variables[i] = new_variable(bindings->elements[i]->elements[0], scope->lambda);
    }
    Scope inner = {scope, scope->lambda, bindings->count, variables};
    return bind(OP_LET, variables, values, bindings->count, expand_body(form->elements + 2, form->count - 2, form, &inner), form);
}

static Node *expand_let_star_from(Syntax *form, int i, Scope *scope) {
    Syntax *bindings = form->elements[1];
    if (i == bindings->count) return expand_body(form->elements + 2, form->count - 2, form, scope);
    Variable **variable = NEW_ARRAY(Variable *, 1);
    Node **value = NEW_ARRAY(Node *, 1);
    value[0] = expand(bindings->elements[i]->elements[1], scope);
    variable[0] = new_variable(bindings->elements[i]->elements[0], scope->lambda);
    Scope inner = {scope, scope->lambda, 1, variable};
    return bind(OP_LET, variable, value, 1, expand_let_star_from(form, i + 1, &inner), form);
}

static Node *expand_let_star(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (let* ((variable value) …) body …)");
    check_bindings(form->elements[1], 2, 2);
    return expand_let_star_from(form, 0, scope);
}

// (letrec ((name value) …) body …) is a body that begins with definitions.
static Node *expand_letrec(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (letrec ((variable value) …) body …)");
    Syntax *bindings = form->elements[1];
    check_bindings(bindings, 2, 2);
    Syntax **definitions = NEW_ARRAY(Syntax *, bindings->count);
    for (int i = 0; i < bindings->count; i++) {
        Syntax *definition = NEW(Syntax), *binding = bindings->elements[i];
        *definition = *binding;
        definition->count = 3;
        definition->elements = NEW_ARRAY(Syntax *, 3);
        definition->elements[1] = binding->elements[0];
        definition->elements[2] = binding->elements[1];
        definitions[i] = definition;
    }
    if (!bindings->count) return expand_body(form->elements + 2, form->count - 2, form, scope);
    return expand_definitions(definitions, bindings->count, form->elements + 2, form->count - 2, form, scope);
}

static Node *unspecified(Syntax *s) { return constant_node(UNSPECIFIED, s); }

static Node *if_node(Node *test, Node *then, Node *otherwise, Syntax *s) {
    Node *node = new_node(OP_IF, s);
    node->a = test;
    node->b = then;
    node->c = otherwise;
    return node;
}

// (do ((variable value step) …) (test result …) command …): the loop's body.
static Node *expand_do_body(Syntax *form, Scope *scope) {
    Syntax *bindings = form->elements[1], *end = form->elements[2];
    Node *test = expand(end->elements[0], scope);
    Node *result = end->count > 1 ? expand_sequence(end->elements + 1, end->count - 1, end, scope) : unspecified(form);
    int commands = form->count - 3;
    Node **list = NEW_ARRAY(Node *, commands + 1);
    for (int i = 0; i < commands; i++) list[i] = expand(form->elements[3 + i], scope);
    Node **steps = NEW_ARRAY(Node *, bindings->count);
    for (int i = 0; i < bindings->count; i++) {
        Syntax *binding = bindings->elements[i];
        steps[i] = expand(binding->elements[binding->count - 1 - (binding->count == 2)], scope);
    }
    Syntax name = {.kind = SYNTAX_SYMBOL, .line = form->line, .symbol = intern_text("do loop")};
    list[commands] = call_node(expand_reference(&name, scope), steps, bindings->count, form);
    return if_node(test, result, sequence(list, commands + 1, form), form);
}

static Node *expand_do(Syntax *form, Scope *scope) {
    require(form->count >= 3 && is_proper_list(form->elements[2]) && form->elements[2]->count, form,
            "expected (do ((variable value step) …) (test result …) command …)");
    Syntax *bindings = form->elements[1];
    check_bindings(bindings, 2, 3);
    Syntax *name = NEW(Syntax);
    *name = (Syntax){.kind = SYNTAX_SYMBOL, .line = form->line, .symbol = intern_text("do loop")};
    Lambda *lambda = new_lambda(form, scope->lambda, name->symbol);
    Variable **parameters = NEW_ARRAY(Variable *, bindings->count);
    Node **values = NEW_ARRAY(Node *, bindings->count);
    for (int i = 0; i < bindings->count; i++) {
        values[i] = expand(bindings->elements[i]->elements[1], scope);
        parameters[i] = new_variable(bindings->elements[i]->elements[0], lambda);
    }
    return expand_loop(form, name, parameters, values, bindings->count, lambda, scope, expand_do_body);
}

// ---- Conditions ------------------------------------------------------------------------------------------------------------------

static Node *expand_if(Syntax *form, Scope *scope) {
    require(form->count == 3 || form->count == 4, form, "expected (if test then else)");
    Node *test = expand(form->elements[1], scope), *then = expand(form->elements[2], scope);
    return if_node(test, then, form->count == 4 ? expand(form->elements[3], scope) : unspecified(form), form);
}

static Node *or_node(Node *a, Node *b, Syntax *s) {
    Node *node = new_node(OP_OR, s);
    node->a = a;
    node->b = b;
    return node;
}

static bool is_else(Syntax *clause) { return is_symbol(clause->elements[0], "else"); }

static void check_clauses(Syntax *form, int first) {
    require(form->count < MAX_CLAUSES, form, "too many clauses");
    for (int i = first; i < form->count; i++) {
        Syntax *clause = form->elements[i];
        require(is_proper_list(clause) && clause->count, clause, "expected a clause (test expression …)");
        require(!is_else(clause) || i == form->count - 1, clause, "else has to come last");
    }
}

// (test => receiver): the test's value in a variable.
static Node *expand_arrow(Syntax *clause, Node *otherwise, Scope *scope) {
    require(clause->count == 3, clause, "expected (test => procedure)");
    Syntax name = {.kind = SYNTAX_SYMBOL, .line = clause->line, .symbol = intern_text("test value")};
    Variable **variable = NEW_ARRAY(Variable *, 1);
    variable[0] = new_variable(&name, scope->lambda);
    Node **value = NEW_ARRAY(Node *, 1), **operand = NEW_ARRAY(Node *, 1);
    value[0] = expand(clause->elements[0], scope);
    Scope inner = {scope, scope->lambda, 1, variable};
    operand[0] = expand_reference(&name, &inner);
    Node *call = call_node(expand(clause->elements[2], scope), operand, 1, clause);
    return bind(OP_LET, variable, value, 1, if_node(expand_reference(&name, &inner), call, otherwise, clause), clause);
}

static Node *expand_cond(Syntax *form, Scope *scope) {
    check_clauses(form, 1);
    Node *result = unspecified(form);
    for (int i = form->count; --i;) {
        Syntax *clause = form->elements[i];
        if (is_else(clause)) {
            result = expand_sequence(clause->elements + 1, clause->count - 1, clause, scope);
        } else if (clause->count == 1) {
            result = or_node(expand(clause->elements[0], scope), result, clause);
        } else if (is_symbol(clause->elements[1], "=>")) {
            result = expand_arrow(clause, result, scope);
        } else {
            Node *then = expand_sequence(clause->elements + 1, clause->count - 1, clause, scope);
            result = if_node(expand(clause->elements[0], scope), then, result, clause);
        }
    }
    return result;
}

static Node *primitive_node(const char *name, Node *a, Node *b, Syntax *s) {
    Node *node = new_node(OP_PRIMITIVE, s);
    node->primitive = (int16_t)find_primitive(intern_text(name));
    node->count = b ? 2 : 1;
    node->list = NEW_ARRAY(Node *, 2);
    node->list[0] = a;
    node->list[1] = b;
    return node;
}

static Node *expand_case(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (case key clause …)");
    check_clauses(form, 2);
    Syntax key = {.kind = SYNTAX_SYMBOL, .line = form->line, .symbol = intern_text("case key")};
    Variable **variable = NEW_ARRAY(Variable *, 1);
    variable[0] = new_variable(&key, scope->lambda);
    Node **value = NEW_ARRAY(Node *, 1);
    value[0] = expand(form->elements[1], scope);
    Scope inner = {scope, scope->lambda, 1, variable};
    Node *result = unspecified(form);
    for (int i = form->count; --i > 1;) {
        Syntax *clause = form->elements[i];
        Node *then = expand_sequence(clause->elements + 1, clause->count - 1, clause, &inner);
        if (is_else(clause)) {
            result = then;
            continue;
        }
        Syntax *data = clause->elements[0];
        require(data->count < MAX_CLAUSES, clause, "too many data");
        require(is_proper_list(data), clause, "expected ((datum …) expression …)");
        Node *test = constant_node(FALSE, clause);
        for (int j = data->count; j--;) {
            Node *equal = primitive_node("eqv?", expand_reference(&key, &inner), constant_node(syntax_to_value(data->elements[j]), clause), clause);
            test = j == data->count - 1 ? equal : or_node(equal, test, clause);
        }
        result = if_node(test, then, result, clause);
    }
    return bind(OP_LET, variable, value, 1, result, form);
}

static Node *expand_and(Syntax *form, Scope *scope) {
    require(form->count < MAX_CLAUSES, form, "too many operands");
    if (form->count == 1) return constant_node(TRUE, form);
    Node *result = expand(form->elements[form->count - 1], scope);
    for (int i = form->count - 1; --i;) result = if_node(expand(form->elements[i], scope), result, constant_node(FALSE, form), form);
    return result;
}

static Node *expand_or(Syntax *form, Scope *scope) {
    require(form->count < MAX_CLAUSES, form, "too many operands");
    if (form->count == 1) return constant_node(FALSE, form);
    Node *result = expand(form->elements[form->count - 1], scope);
    for (int i = form->count - 1; --i;) result = or_node(expand(form->elements[i], scope), result, form);
    return result;
}

static Node *expand_when(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (when test expression …)");
    Node *test = expand(form->elements[1], scope);
    return if_node(test, expand_sequence(form->elements + 2, form->count - 2, form, scope), unspecified(form), form);
}

static Node *expand_unless(Syntax *form, Scope *scope) {
    require(form->count >= 3, form, "expected (unless test expression …)");
    Node *test = expand(form->elements[1], scope);
    return if_node(test, unspecified(form), expand_sequence(form->elements + 2, form->count - 2, form, scope), form);
}

static Node *expand_begin(Syntax *form, Scope *scope) { return expand_sequence(form->elements + 1, form->count - 1, form, scope); }

// ---- Quotation -------------------------------------------------------------------------------------------------------------------

static Node *expand_quote(Syntax *form, Scope *scope) {
    (void)scope;
    require(form->count == 2, form, "expected (quote datum)");
    return constant_node(syntax_to_value(form->elements[1]), form);
}

static bool is_form(Syntax *s, const char *keyword) { return is_proper_list(s) && s->count == 2 && is_symbol(s->elements[0], keyword); }

// Quasiquotations do not nest.
static Node *expand_quasi(Syntax *s, Scope *scope) {
    if (is_form(s, "unquote")) return expand(s->elements[1], scope);
    require(s->kind != SYNTAX_VECTOR, s, "vectors cannot be quasiquoted");
    if (s->kind != SYNTAX_LIST) return constant_node(syntax_to_value(s), s);
    require(!is_form(s, "quasiquote"), s, "quasiquotations cannot be nested");
    Node *result = s->tail ? expand_quasi(s->tail, scope) : constant_node(NIL, s);
    for (int i = s->count; i--;) {
        Syntax *element = s->elements[i];
        if (is_form(element, "unquote-splicing")) result = primitive_node("append", expand(element->elements[1], scope), result, element);
        else result = primitive_node("cons", expand_quasi(element, scope), result, element);
    }
    return result;
}

static Node *expand_quasiquote(Syntax *form, Scope *scope) {
    require(form->count == 2, form, "expected (quasiquote datum)");
    return expand_quasi(form->elements[1], scope);
}

static Node *expand_stray(Syntax *form, Scope *scope) {
    (void)scope;
    fail_syntax(form, "this keyword means nothing here");
}

// ---- Calls -----------------------------------------------------------------------------------------------------------------------

// Calls of more operands are made of calls of two where that is the same, and of one where it is a call with a constant.
static Node *expand_primitive(int primitive, Node **operands, int count, Syntax *form) {
    const Primitive *p = &primitives[primitive];
    Node *node = new_node(OP_PRIMITIVE, form);
    node->primitive = (int16_t)primitive;
    node->list = operands;
    node->count = count;
    if (p->folds && count > 2) {
        Node *result = operands[0];
        for (int i = 1; i < count; i++) result = primitive_node(p->name, result, operands[i], form);
        return result;
    }
    return node;
}

static Node *expand_call(Syntax *form, Scope *scope) {
    int count = form->count - 1;
    Node **operands = NEW_ARRAY(Node *, count);
    Syntax *operator = form->elements[0];
    for (int i = 0; i < count; i++) operands[i] = expand(form->elements[i + 1], scope);
    if (operator->kind == SYNTAX_SYMBOL && !operator->symbol->definitions && !find_variable(operator->symbol, scope)) {
        int primitive = find_primitive(operator->symbol);
        if (primitive >= 0 && takes_arguments(primitive, count) && count <= MAX_INLINE_OPERANDS && !primitives[primitive].is_special)
            return expand_primitive(primitive, operands, count, form);
    }
    return call_node(expand(operator, scope), operands, count, form);
}

// ---- The table of special forms --------------------------------------------------------------------------------------------------

static const struct {
    const char *keyword;
    Expand *expand;
} special_forms[] = {
    {0, 0},
    {"quote", expand_quote},
    {"quasiquote", expand_quasiquote},
    {"unquote", expand_stray},
    {"unquote-splicing", expand_stray},
    {"lambda", expand_lambda_form},
    {"define", expand_define},
    {"set!", expand_set},
    {"if", expand_if},
    {"cond", expand_cond},
    {"case", expand_case},
    {"and", expand_and},
    {"or", expand_or},
    {"when", expand_when},
    {"unless", expand_unless},
    {"begin", expand_begin},
    {"let", expand_let},
    {"let*", expand_let_star},
    {"letrec", expand_letrec},
    {"letrec*", expand_letrec},
    {"do", expand_do},
    {"else", expand_stray},
    {"=>", expand_stray},
};

void initialise_expander(void) {
    for (unsigned i = 1; i < sizeof special_forms / sizeof *special_forms; i++) intern_text(special_forms[i].keyword)->keyword = (int8_t)i;
}

static Node *expand(Syntax *s, Scope *scope) {
    switch (s->kind) {
    case SYNTAX_CONSTANT: return constant_node(s->constant, s);
    case SYNTAX_SYMBOL: return expand_reference(s, scope);
    case SYNTAX_VECTOR: return constant_node(syntax_to_value(s), s);
    case SYNTAX_LIST: break;
    }
    require(!s->tail, s, "a call cannot have a dot");
    require(s->count > 0, s, "() is no expression; write '()");
    Syntax *head = s->elements[0];
    bool is_special = head->kind == SYNTAX_SYMBOL && head->symbol->keyword && !find_variable(head->symbol, scope);
    return is_special ? special_forms[head->symbol->keyword].expand(s, scope) : expand_call(s, scope);
}

static void count_definition(Symbol *symbol) {
    if (symbol->definitions < UINT8_MAX) symbol->definitions++;
}

void note_definitions(Syntax *s) {
    if (s->kind != SYNTAX_LIST) return;
    if (s->count >= 2 && (is_symbol(s->elements[0], "define") || is_symbol(s->elements[0], "set!"))) {
        Syntax *target = s->elements[1];
        if (target->kind == SYNTAX_LIST && target->count) target = target->elements[0];
        if (target->kind == SYNTAX_SYMBOL) count_definition(target->symbol);
    }
    for (int i = 0; i < s->count; i++) note_definitions(s->elements[i]);
}

Lambda *expand_program(Syntax *form) {
    Lambda *lambda = new_lambda(form, 0, 0);
    lambda->is_refused = true; // it runs once
    Scope scope = {0, lambda, 0, 0};
    lambda->body = expand(form, &scope);
    resolve(lambda);
    return lambda;
}
