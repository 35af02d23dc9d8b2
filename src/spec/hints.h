/*
 * hints.h: what to write instead, for mistakes that are often made with envrun's keys.
 */
#ifndef SPEC_HINTS_H
#define SPEC_HINTS_H

#include "spec/schema.h"

/* For a key that is not known under this entry of the table; NULL if there is nothing to say. */
const char *hint_stranger(const struct key *under, const struct node *entry);
/* For a value of the wrong kind. */
const char *hint_shape(const struct key *key, const struct node *node);

#endif
