/*
 * dotenv.h: files of variables: .env, --env-file, env_file, label_file (Compose Specification,
 * "Env_file format").
 *
 *     NAME=value # a comment      variables are put in
 *     NAME="a\nb"                 escapes and variables, over several lines if need be
 *     NAME='as it is'
 *     export NAME=value
 *     NAME                        the value that is set already, if any
 */
#ifndef SPEC_DOTENV_H
#define SPEC_DOTENV_H

#include "spec/context.h"

/* Where ${NAME} and a bare NAME in such a file get their values: the first that has it. */
struct lookup {
    const struct variables *first, *second; /* NULL: none */
};

const char *lookup_get(const struct lookup *lookup, const char *name);

bool dotenv_parse(struct context *context, const char *text, const char *name,
                  const struct lookup *lookup, struct variables *into, struct err *err);
/* Read a file; `from` is the place that names it. In the format `raw` a value is what stands behind
 * the '='. */
bool dotenv_read(struct context *context, const char *path, struct position from,
                 const struct lookup *lookup, struct variables *into, struct err *err);
bool dotenv_read_raw(struct context *context, const char *path, struct position from,
                     struct variables *into, struct err *err);

#endif
