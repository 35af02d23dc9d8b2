/*
 * context.h: what the passes of the spec floor share while one model is made.
 */
#ifndef SPEC_CONTEXT_H
#define SPEC_CONTEXT_H

#include "spec/tree.h"

/* Limits on what is read from outside. */
enum {
    SPEC_FILE_MAX = 16 << 20, /* bytes of one file */
    SPEC_DEPTH_MAX = 100,     /* nesting of a tree */
    SPEC_NODES_MAX = 1 << 20, /* of all trees of a model, aliases expanded */
    SPEC_TEXT_MAX = 64 << 20, /* bytes of interpolated text in all */
    SPEC_FILES_MAX = 256,     /* files in include and extends chains */
    SPEC_MISTAKES_MAX = 20,   /* reported together */
    SPEC_NESTING_MAX = 32,    /* of include, extends and ${A:-${B:-...}} */
};

/* Variables by name: a hash table in an arena. */
struct variables {
    struct arena *arena;
    struct variable *at; /* in the order they were added */
    size_t length, capacity;
    size_t *slots; /* index into at, plus 1; 0: free. Twice the capacity. */
};

struct context {
    struct arena *arena;
    const struct model_input *input;
    const char *home; /* of the process, or NULL */
    struct variables
        outside;            /* NAME=VALUE from the shell, .env, env files; its value: from where */
    struct variables shown; /* values from outside that the engine shows to everyone */
    bool is_shown;          /* what is put in now is one of those */
    struct strings texts;   /* of the YAML files */
    size_t texts_kept;      /* bytes of them */
    struct strings warnings;
    struct err mistakes; /* noted so far (mistakes.h) */
    size_t mistake_count;
    size_t nodes;                 /* made so far, against SPEC_NODES_MAX */
    size_t text;                  /* interpolated so far, against SPEC_TEXT_MAX */
    size_t files;                 /* read so far, against SPEC_FILES_MAX */
    bool own_keys;                /* one of envrun's keys was seen */
    struct base_file *base_files; /* those that services extend, read once */
};

/* A sentence for the user, once. */
void context_warn(struct context *context, struct position at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* How a file is called in messages: as seen from the current directory if it lies below. */
const char *context_file_name(const struct context *context, const char *path);
/* Read a whole file, within the limits. */
struct buffer;
bool context_read(struct context *context, const char *path, struct position from,
                  struct buffer *into, struct err *err);

#define VARIABLES_INIT(in) ((struct variables){.arena = (in)})
const char *variables_get(const struct variables *variables, const char *name);
void variables_set(struct variables *variables, const char *name, const char *value);
/* Set all of them. */
void variables_update(struct variables *variables, const struct variables *more);
/* Add those whose names are not there yet. */
void variables_merge(struct variables *variables, const struct variables *more);

#endif
