/*
 * file.h: whole files, and what is read for the project or for an include.
 */
#ifndef SPEC_FILE_H
#define SPEC_FILE_H

#include "spec/parse.h"
#include "spec/passes.h"

/* A file's documents, untouched. */
bool file_parse(struct context *context, const char *path, struct position from,
                struct documents *documents, struct err *err);

/* Take documents through the passes and merge them over a tree. */
bool documents_apply(const struct scope *scope, const struct documents *documents,
                     struct node *into, struct err *err);

/* Read a file that a service extends: every pass but extends, include and check. */
struct node *file_read_base(const struct scope *scope, const char *path, struct position from,
                            struct err *err);

/* The passes for when all files of a project or an include are in. */
bool tree_finish(const struct scope *scope, struct node *root, struct err *err);

#endif
