/*
 * mistakes.h: what is wrong in the files is gathered while a model is made, and told together.
 *
 * A pass takes note of a mistake, marks the node and goes on. Behind each pass what is marked is
 * left out (a service's key as a whole, a resource but for its name), so that the next pass sees a
 * sound tree and no mistake is told twice. A model with mistakes is never given out.
 */
#ifndef SPEC_MISTAKES_H
#define SPEC_MISTAKES_H

#include "spec/context.h"

/* Note a mistake; node may be NULL. At most SPEC_MISTAKES_MAX are kept. */
void mistake(struct context *context, struct node *node, struct position at, const char *format,
             ...) __attribute__((format(printf, 4, 5)));
/* The same with an error that somebody else made; it is left empty. */
void mistake_take(struct context *context, struct node *node, struct err *one);
/* Leave out what is marked. Marks go up to the root: a pass that marks sees to it. */
void mistakes_mend(struct context *context, struct node *root);
/* All of them in the files' order, put before what err has; false if there is any. */
bool mistakes_tell(struct context *context, struct err *err);

#endif
