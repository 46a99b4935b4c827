// The symbol table, which is also that of global variables.
#pragma once

#include "value.h"

Symbol *intern(const char *bytes, uint32_t size);
Symbol *intern_text(const char *text);
void for_each_symbol(void (*visit)(Symbol *));
