/*
 * Files that are copied into a container before its start: secrets and configs, and the
 * credentials of one that may use the engine's socket.
 */
#include "run/environment.h"

#include "run/credentials.h"

#include <string.h>

static struct task *copy_file(struct life *life, const char *id, const struct planned_file *file) {
    struct engine *engine = life->environment->engine;
    struct copy_options options = {
        .from = file->source,
        .to = file->target,
        .parents = true,
        .uid = file->uid,
        .gid = file->gid,
        .mode = file->mode,
    };
    if (!file->source)
        return container_write_file(engine, id, file->target, file->content, strlen(file->content),
                                    file->uid, file->gid, file->mode);
    return container_copy_in(engine, id, &options);
}

struct task *files_copy(struct life *life, const char *id) {
    if (!life->planned->file_count)
        return NULL;
    struct task_group *group = task_group_new(life->environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < life->planned->file_count; i++)
        task_group_add(group, copy_file(life, id, &life->planned->files[i]));
    return (struct task *)group;
}

/* ---- The registries' credentials ---- */

static struct task *begin_ask(void *subject, struct err *err) {
    struct life *life = subject;
    struct credentials *credentials = environment_credentials(life->environment);
    (void)err;
    strings_release(&life->registries); /* its build may have asked for some */
    credentials_named(credentials, NULL, &life->registries);
    struct task_group *group = task_group_new(life->environment->loop, GROUP_COLLECT, 0);
    vec_each (registry, &life->registries)
        task_group_add(group, credentials_ask(credentials, *registry));
    return (struct task *)group;
}

static struct task *begin_write(void *subject, struct err *err) {
    struct life *life = subject;
    struct environment *environment = life->environment;
    (void)err;
    char *text = credentials_config(environment->credentials, &life->registries);
    struct task *write =
        container_write_file(environment->engine, life->id, life->planned->registry_config, text,
                             strlen(text), 0, 0, 0444);
    explicit_bzero(text, strlen(text));
    free(text);
    return write;
}

static const struct stage credentials_stages[] = {
    {"ask", begin_ask, NULL},
    {"write", begin_write, NULL},
    {0},
};

struct task *files_copy_credentials(struct life *life) {
    return &sequence_new(life->environment->loop, credentials_stages, life, NULL)->task;
}
