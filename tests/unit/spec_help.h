/* Helps the tests of the spec floor: files in a directory of their own, and models made of them. */
#ifndef SPEC_HELP_H
#define SPEC_HELP_H

#include <envrun/spec.h>

#include "base/memory.h"
#include "base/path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct workplace {
    char directory[64];
};

static inline struct workplace workplace_new(void) {
    struct workplace w = {"/tmp/envrun-spec-XXXXXX"};
    cr_assert(mkdtemp(w.directory));
    return w;
}

static inline void workplace_write(const struct workplace *w, const char *name, const char *text) {
    struct err err = ERR_INIT;
    char *path autofree = path_join(w->directory, name);
    char *above autofree = path_directory(path);
    cr_assert(path_make_directories(above, &err));
    cr_assert(path_write(path, text, strlen(text), false, &err));
}

static inline void workplace_remove(const struct workplace *w) {
    char *command autofree = xasprintf("rm -rf %s", w->directory);
    cr_assert_eq(system(command), 0);
}

static inline struct model *workplace_load(const struct workplace *w, struct err *err) {
    static const char *const environment[] = {"HOME=/home/u", "SHELL_ONLY=from-shell", NULL};
    struct model_input input = {.directory = w->directory, .environment = environment};
    return model_load(&input, err);
}

/* A model of one compose.yaml. */
static inline struct model *load_text(const char *text, struct err *err) {
    struct workplace w = workplace_new();
    workplace_write(&w, "compose.yaml", text);
    struct model *model = workplace_load(&w, err);
    workplace_remove(&w);
    return model;
}

#endif
