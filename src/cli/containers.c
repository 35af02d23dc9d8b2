/*
 * The containers of an environment that is up, and the one that a command is for.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

/* Those of services: a pre_start hook's is there for a moment and nobody's to look into. */
static cJSON *without_hooks(cJSON *containers) {
    cJSON *container = containers ? containers->child : NULL;
    while (container) {
        cJSON *next = container->next;
        if (*container_label(container, LABEL_HOOK))
            cJSON_Delete(cJSON_DetachItemViaPointer(containers, container));
        container = next;
    }
    return containers;
}

cJSON *session_containers(struct session *session, struct err *err) {
    autofree char *label = xasprintf("%s=%s", LABEL_ENVIRONMENT, session->name);
    if (!session_drive(session, engine_connect(session->engine), true, err))
        return NULL;
    struct task *list = container_list(session->engine, label);
    task_start(list, NULL);
    loop_run(session->loop, list);
    cJSON *containers = list->status == TASK_DONE ? without_hooks(request_take_answer(list)) : NULL;
    if (!containers)
        err_move(err, &list->err);
    task_free(list);
    if (containers && !cJSON_GetArraySize(containers)) {
        cJSON_Delete(containers);
        err_set(err, ERR_USAGE, "no environment named `%s` is up; `envrun up` makes one",
                session->name);
        return NULL;
    }
    return containers;
}

static long number_of(const cJSON *container) {
    long number = 1;
    text_to_long(container_label(container, LABEL_NUMBER), 1, 1 << 20, &number);
    return number;
}

char *container_name(const cJSON *container) {
    const char *service = container_label(container, LABEL_SERVICE);
    long number = number_of(container);
    return number == 1 ? xstrdup(service) : xasprintf("%s-%ld", service, number);
}

bool container_is_of(const cJSON *container, const char *word, long index) {
    autofree char *name = container_name(container);
    if (!strcmp(container_label(container, LABEL_SERVICE), word))
        return !index || number_of(container) == index;
    return !index && !strcmp(name, word);
}

static bool refuse_service(const cJSON *containers, const char *word, long index, struct err *err) {
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = 0, found = 0;
    const cJSON *container;
    cJSON_ArrayForEach (container, containers) {
        const char *service = container_label(container, LABEL_SERVICE);
        found += !strcmp(service, word);
        if (count < MOST)
            names[count++] = service;
    }
    if (found)
        return err_set(err, ERR_USAGE, "service `%s` has no container %ld: it has %zu", word, index,
                       found);
    const char *nearest = text_nearest(word, names, count);
    return err_set(err, ERR_USAGE, "there is no service `%s` in this environment%s%s%s", word,
                   nearest ? "; did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
}

const cJSON *containers_service(const cJSON *containers, const char *word, long index,
                                struct err *err) {
    const cJSON *container, *first = NULL;
    cJSON_ArrayForEach (container, containers) {
        if (container_is_of(container, word, index) &&
            (!first || number_of(container) < number_of(first)))
            first = container;
    }
    if (!first)
        refuse_service(containers, word, index, err);
    return first;
}
