/*
 * outside.h: values that came from outside of the files, and which of them may be seen all the same
 * (docs/redaction.md).
 */
#ifndef SPEC_OUTSIDE_H
#define SPEC_OUTSIDE_H

#include "spec/context.h"
#include "spec/model.h"

/* A value that was put into the model, or may be; from: NULL: the process environment. */
void outside_add(struct context *context, const char *name, const char *value, const char *from);
/* The files of secrets. */
void outside_add_secrets(struct context *context, const struct node *root);
/* Does a variable's name say that it is a secret? Then it must not be seen even if no file uses it:
 * suites and seeds on the host have the whole process environment. */
bool outside_is_secret(const char *name);
/* A YAML file: what it has in it may be seen. */
void outside_keep_text(struct context *context, const char *text, size_t length);
/* Fill in the model's list. */
void outside_list(const struct context *context, struct model_whole *whole);

#endif
