// Values as text.
#pragma once

#include "value.h"

// As `write` prints it, if `is_written`, else as `display` does.
void print_value(Value v, bool is_written);

// How many elements of a list or vector are printed.
extern uint32_t print_limit;
