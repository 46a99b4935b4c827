// Syntax to tree.
#pragma once

#include "ast.h"
#include "reader.h"

void initialise_expander(void);
// Notes which global names a program defines or assigns anywhere, and how often, before any of it is expanded. What is defined is not taken for a primitive;
// what is defined once does not change after that.
void note_definitions(Syntax *form);
// A top-level form as a lambda without parameters.
Lambda *expand_program(Syntax *form);
bool is_definition(Syntax *form);
// The resolver (resolver.c): places of variables, and what is simple or in tail position.
void resolve(Lambda *lambda);
