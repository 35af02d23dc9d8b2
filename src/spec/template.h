/*
 * template.h: ${NAME:-default} in a text (Compose Specification, "Interpolation").
 *
 *     $NAME  ${NAME}        the value, or nothing and a warning
 *     ${NAME-d} ${NAME:-d}  d if it is not set (or empty)
 *     ${NAME+a} ${NAME:+a}  a if it is set (and not empty)
 *     ${NAME?m} ${NAME:?m}  an error m if it is not set (or empty)
 *     $$                    a $; a $ before anything else is itself too
 *
 * d, a and m may hold variables again.
 */
#ifndef SPEC_TEMPLATE_H
#define SPEC_TEMPLATE_H

#include <envrun/err.h>

#include "base/buffer.h"

struct template_rules {
    /* The value, or NULL. */
    const char *(*lookup)(void *context, const char *name);
    /* A variable without a value and without a default: warn and answer true, or fail. */
    bool (*missing)(void *context, const char *name, struct position at, struct err *err);
    void *context;
};

/* The result is added to a buffer; more than fits is an error. */
bool template_expand(const char *text, const struct template_rules *rules, struct position at,
                     struct buffer *into, struct err *err);
bool template_has_variables(const char *text);

#endif
