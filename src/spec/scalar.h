/*
 * scalar.h: what a plain YAML scalar is, and how numbers are written.
 *
 * The rules are those of YAML 1.2's core schema with what Docker Compose reads besides: 0o17 and
 * 017 are octal, 0b11 is binary, digits may be grouped by `_`, a date is text in one form.
 */
#ifndef SPEC_SCALAR_H
#define SPEC_SCALAR_H

#include "spec/tree.h"

/* Give a node the kind and value of a plain scalar. */
void scalar_resolve(struct arena *arena, struct node *node, const char *text);
bool scalar_to_integer(const char *text, long long *ret); /* 010, 0x10, 1_000 */
bool scalar_to_float(const char *text, double *ret);
/* The shortest text that reads back to the same number: 1.5, 1000, 1e+30. */
char *scalar_float_text(struct arena *arena, double number, bool single);

#endif
