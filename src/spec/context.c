#include "spec/context.h"

#include "base/buffer.h"
#include "base/path.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

void context_warn(struct context *context, struct position at, const char *format, ...) {
    autobuffer struct buffer text = BUFFER_INIT;
    va_list args;
    if (at.file)
        buffer_printf(&text, "%s:%d:%d: ", at.file, at.line, at.column);
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    if (context->warnings.length < 1000 && !strings_has(&context->warnings, text.data))
        strings_add(&context->warnings, text.data);
}

const char *context_file_name(const struct context *context, const char *path) {
    const struct model_input *input = context->input;
    const char *from = input->shown_from ? input->shown_from : input->directory;
    size_t length = strlen(from);
    if (!strncmp(path, from, length) && path[length] == '/' && length > 1)
        path += length + 1;
    return arena_strdup(context->arena, path);
}

bool context_read(struct context *context, const char *path, struct position from,
                  struct buffer *into, struct err *err) {
    if (context->files++ >= SPEC_FILES_MAX)
        return err_at(err, from, "more than %d files are read", SPEC_FILES_MAX);
    if (strcmp(path, "-") && !path_exists(path))
        return from.file ? err_at(err, from, "the file %s does not exist",
                                  context_file_name(context, path))
                         : err_set(err, ERR_FILE, "the file %s does not exist",
                                   context_file_name(context, path));
    if (path_is_directory(path))
        return err_at(err, from, "%s is a directory, not a file", context_file_name(context, path));
    if (path_read(strcmp(path, "-") ? path : "/dev/stdin", into, err))
        return true;
    return err_locate(err, from);
}

/* ---- Variables ---- */

static size_t hash_of(const char *name) { /* FNV-1a */
    size_t hash = 14695981039346656037u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

static size_t *slot_of(const struct variables *variables, const char *name) {
    size_t count = variables->capacity * 2, slot = hash_of(name) % count;
    while (variables->slots[slot] && strcmp(variables->at[variables->slots[slot] - 1].name, name))
        slot = (slot + 1) % count;
    return &variables->slots[slot];
}

static void grow(struct variables *variables) {
    size_t capacity = variables->capacity ? variables->capacity * 2 : 32;
    struct variable *at = arena_alloc(variables->arena, capacity * sizeof *at);
    if (variables->length)
        memcpy(at, variables->at, variables->length * sizeof *at);
    variables->at = at;
    variables->capacity = capacity;
    variables->slots = arena_alloc(variables->arena, capacity * 2 * sizeof *variables->slots);
    for (size_t i = 0; i < variables->length; i++)
        *slot_of(variables, at[i].name) = i + 1;
}

const char *variables_get(const struct variables *variables, const char *name) {
    if (!variables->length)
        return NULL;
    size_t index = *slot_of(variables, name);
    return index ? variables->at[index - 1].value : NULL;
}

void variables_set(struct variables *variables, const char *name, const char *value) {
    if (variables->length == variables->capacity)
        grow(variables);
    size_t *slot = slot_of(variables, name);
    if (!*slot) {
        variables->at[variables->length++].name = arena_strdup(variables->arena, name);
        *slot = variables->length;
    }
    variables->at[*slot - 1].value = arena_strdup(variables->arena, value);
}

void variables_update(struct variables *variables, const struct variables *more) {
    for (size_t i = 0; i < more->length; i++)
        variables_set(variables, more->at[i].name, more->at[i].value);
}

void variables_merge(struct variables *variables, const struct variables *more) {
    for (size_t i = 0; i < more->length; i++)
        if (!variables_get(variables, more->at[i].name))
            variables_set(variables, more->at[i].name, more->at[i].value);
}
