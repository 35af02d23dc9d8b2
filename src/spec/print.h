/*
 * print.h: a canonical tree as YAML and as JSON, as `docker compose config` has it.
 */
#ifndef SPEC_PRINT_H
#define SPEC_PRINT_H

#include "spec/schema.h"

#include "base/buffer.h"

enum { PRINT_MAX = 512 << 20 }; /* bytes */

struct printing {
    struct buffer out;
    bool complete; /* also what Compose does not print, and all of it can be read back */
    const struct node *services;
    const struct model_texts *texts; /* or NULL */
};

/* Is an entry printed, given what the table says of it? */
bool print_has(const struct printing *p, const struct node *entry, const struct key *key, bool json,
               bool root);
void print_json(struct printing *p, const struct node *root);
void print_yaml(struct printing *p, const struct node *root);
/* One line, nothing doubled: for a request's body. */
void print_json_line(struct buffer *into, const struct node *node);

#endif
