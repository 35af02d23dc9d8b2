#include "spec/outside.h"

#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"

#include <string.h>

enum {
    SECRET_FILE_MAX = 64 << 10, /* bytes of a secret's file that are looked for */
    TEXTS_MAX = 4 << 20,        /* bytes of the files that are kept */
    SEARCH_MAX = 1 << 30,       /* values times bytes of the files that they are looked for in */
};

static const char process_environment[] = "the process environment";

void outside_add(struct context *context, const char *name, const char *value, const char *from) {
    if (strlen(value) < REDACT_LEAST)
        return;
    if (context->is_shown)
        variables_set(&context->shown, value, "");
    autofree char *entry = xasprintf("%s=%s", name, value);
    if (!variables_get(&context->outside, entry))
        variables_set(&context->outside, entry, from ? from : process_environment);
}

/* Of a file that is no text, what stands before the first NUL. */
static void add_file(struct context *context, const char *name, const char *path) {
    struct err unread = ERR_INIT; /* whoever needs the file says so; what was read is kept */
    autobuffer struct buffer text = BUFFER_INIT_MAX(SECRET_FILE_MAX);
    if (!path_is_file(path))
        return;
    path_read(path, &text, &unread);
    err_release(&unread);
    outside_add(context, name, text.data, context_file_name(context, path));
}

void outside_add_secrets(struct context *context, const struct node *root) {
    node_each (secret, node_get(root, "secrets")) {
        const char *path = node_text(secret, "file", NULL);
        if (path)
            add_file(context, secret->key, path);
    }
}

bool outside_is_secret(const char *name) {
    static const char *const words[] = {"TOKEN",   "SECRET", "PASSWORD", "PASSWD",    "PASSPHRASE",
                                        "PRIVATE", "APIKEY", "API_KEY",  "CREDENTIAL"};
    for (size_t i = 0; i < lengthof(words); i++)
        if (strcasestr(name, words[i]))
            return true;
    return text_ends(name, "_KEY") || text_ends(name, "_PASS") || text_ends(name, "_AUTH");
}

/* ---- What may be seen ---- */

void outside_keep_text(struct context *context, const char *text, size_t length) {
    if (length > TEXTS_MAX - context->texts_kept)
        return;
    context->texts_kept += length;
    strings_take(&context->texts, xstrndup(text, length));
}

/* POSIX, "Environment Variables", and those that Compose and envrun themselves are told by. */
static bool is_open_name(const char *name) {
    static const char *const names[] = {"HOME",  "HOSTNAME", "LANG",   "LOGNAME", "PATH", "PWD",
                                        "SHELL", "TERM",     "TMPDIR", "TZ",      "USER", NULL};
    for (size_t i = 0; names[i]; i++)
        if (!strcmp(name, names[i]))
            return true;
    return text_starts(name, "COMPOSE_") || text_starts(name, "LC_");
}

/* Found everywhere, so that texts without them could not be read. */
static bool is_open_word(const char *value) {
    static const char *const words[] = {"localhost", "127.0.0.1",   "0.0.0.0", "default",
                                        "enabled",   "disabled",    "latest",  "production",
                                        "staging",   "development", "testing"};
    for (size_t i = 0; i < lengthof(words); i++)
        if (!strcasecmp(value, words[i]))
            return true;
    return false;
}

static bool is_path(const char *directory, const char *value) {
    if (*value != '/' && !text_starts(value, "./") && !text_starts(value, "../"))
        return false;
    autofree char *path = path_join(directory, value);
    return path_exists(path);
}

/* A committed file has it for everyone to read. */
static bool is_in_files(const struct model_whole *whole, const char *value) {
    vec_each (text, &whole->texts)
        if (strstr(*text, value))
            return true;
    return false;
}

bool model_may_show(const struct model *model, const char *name, const char *value) {
    const struct model_whole *whole = container_of(model, const struct model_whole, model);
    return strlen(value) < REDACT_LEAST || is_open_name(name) || is_open_word(value) ||
           variables_get(&whole->shown, value) || is_path(model->directory, value) ||
           is_in_files(whole, value);
}

/* ---- The list ---- */

static bool are_too_many(const struct context *context, const struct model_whole *whole) {
    size_t bytes = 0;
    vec_each (text, &whole->texts)
        bytes += strlen(*text);
    return context->outside.length > SEARCH_MAX / (bytes + 1);
}

void outside_list(const struct context *context, struct model_whole *whole) {
    const struct variables *found = &context->outside;
    bool all = are_too_many(context, whole);
    struct outside *list = arena_alloc(whole->arena, (found->length + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < found->length; i++) {
        const char *sign = strchr(found->at[i].name, '=');
        struct outside one = {
            .name =
                arena_strndup(whole->arena, found->at[i].name, (size_t)(sign - found->at[i].name)),
            .value = sign + 1,
            .from = found->at[i].value,
        };
        if (all || !model_may_show(&whole->model, one.name, one.value))
            list[count++] = one;
    }
    whole->model.outside = list;
    whole->model.outside_count = count;
}
