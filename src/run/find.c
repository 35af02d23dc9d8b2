/*
 * Finding an environment that is up, instead of making it: the engine is asked by label.
 */
#include "run/environment.h"

#include "base/text.h"

#include <string.h>

static struct life *life_of_container(struct environment *environment, const cJSON *container) {
    const char *service = container_label(container, LABEL_SERVICE);
    int number = atoi(container_label(container, LABEL_NUMBER));
    for (size_t i = 0; i < environment->life_count; i++) {
        const struct planned_service *planned = environment->lives[i].planned;
        if (!strcmp(planned->service->name, service) && planned->number == number)
            return &environment->lives[i];
    }
    return NULL;
}

static bool take_containers(void *subject, struct task *work, struct err *err) {
    struct environment *environment = subject;
    const cJSON *container;
    cJSON_ArrayForEach (container, request_answer(work)) {
        struct life *life = life_of_container(environment, container);
        if (!life)
            continue;
        free(life->id);
        life->id = xstrdup(json_text_or(container, "Id", ""));
        life->started = !strcmp(json_text_or(container, "State", ""), "running");
    }
    if (cJSON_GetArraySize(request_answer(work)))
        return true;
    return err_set(err, ERR_USAGE, "no environment named `%s` is up; `envrun up` makes one",
                   environment->name);
}

static struct task *begin_find_container(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return container_inspect(life->environment->engine, life->id);
}

static bool end_find_container(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)err;
    life_learn(life, request_answer(work));
    life->image = cJSON_CreateObject();
    json_put_text(life->image, "Id", json_text(request_answer(work), "Image"));
    return true;
}

static struct task *begin_find_image(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return image_inspect(life->environment->engine, json_text_or(life->image, "Id", ""));
}

static bool end_find_image(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    cJSON_Delete(life->image);
    life->image = request_take_answer(work);
    return plan_settle_image(life->environment->plan, life->planned, life->image, err);
}

static const struct stage find_life_stages[] = {
    {"container", begin_find_container, end_find_container},
    {"image", begin_find_image, end_find_image},
    {0},
};

static struct task *begin_find_lives(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].id)
            task_group_add(group, &sequence_new(environment->loop, find_life_stages,
                                                &environment->lives[i], NULL)
                                       ->task);
    return (struct task *)group;
}

static const struct stage find_stages[] = {
    {"connect", prepare_connection, NULL}, {"reach", prepare_reach, NULL},
    {"plan", prepare_plan, NULL},          {"containers", prepare_containers, take_containers},
    {"lives", begin_find_lives, NULL},     {0},
};

struct task *environment_find(struct environment *environment) {
    return &sequence_new(environment->loop, find_stages, environment, NULL)->task;
}
