#include "run/removal.h"

#include "base/text.h"
#include "run/environment.h"

#include <string.h>

enum { HOOK_LIMIT = 60000 }; /* ms for one pre_stop hook */

/* What an exec needs, as arrays. */
struct hook_words {
    const char **argv;
    const char **environment;
};

struct removal {
    struct task task;
    struct engine *engine;
    char *id;
    long grace; /* seconds; -1: none is given */
    cJSON *hooks;
    vec(struct hook_words) words;
    struct sequence *sequence;
};

/* ---- pre_stop ---- */

static const char **texts(const cJSON *array) {
    const char **list = xcalloc((size_t)cJSON_GetArraySize(array) + 1, sizeof *list);
    const cJSON *item;
    size_t count = 0;
    cJSON_ArrayForEach (item, array) {
        if (cJSON_IsString(item))
            list[count++] = item->valuestring;
    }
    return list;
}

static struct task *run_hook(struct removal *removal, const cJSON *hook) {
    struct hook_words words = {texts(json_get(hook, "argv")), texts(json_get(hook, "environment"))};
    struct container_command command = {
        .id = removal->id,
        .exec = {.argv = words.argv,
                 .environment = words.environment,
                 .user = json_text(hook, "user"),
                 .working_dir = json_text(hook, "working_dir"),
                 .privileged = json_true(hook, "privileged")},
        .what = "a pre_stop hook",
    };
    vec_push(&removal->words, words);
    struct task *task = command_new(removal->task.loop, removal->engine, &command);
    task_limit(task, loop_now() + HOOK_LIMIT);
    return task;
}

static struct task *begin_hooks(void *subject, struct err *err) {
    struct removal *removal = subject;
    const cJSON *hook;
    (void)err;
    if (!cJSON_GetArraySize(removal->hooks))
        return NULL;
    struct task_group *group = task_group_new(removal->task.loop, GROUP_COLLECT, 1);
    cJSON_ArrayForEach (hook, removal->hooks) {
        task_group_add(group, run_hook(removal, hook));
    }
    return tolerate(removal->task.loop, (struct task *)group, NULL);
}

/* ---- Stop and remove ---- */

static struct task *begin_stop(void *subject, struct err *err) {
    struct removal *removal = subject;
    (void)err;
    if (removal->grace < 0)
        return NULL;
    struct task *stop = container_stop(removal->engine, removal->id, (int)removal->grace);
    task_limit(stop, loop_now() + REMOVE_LIMIT + removal->grace * 1000LL);
    return tolerate(removal->task.loop, stop, NULL);
}

static struct task *begin_remove(void *subject, struct err *err) {
    struct removal *removal = subject;
    (void)err;
    struct task *remove = container_remove(removal->engine, removal->id);
    task_limit(remove, engine_deadline(removal->engine, REMOVE_LIMIT));
    return remove;
}

static const struct stage stages[] = {
    {"hooks", begin_hooks, NULL},
    {"stop", begin_stop, NULL},
    {"remove", begin_remove, NULL},
    {0},
};

static enum task_status removal_step(struct task *task) {
    struct removal *removal = (struct removal *)task;
    struct task *sequence = &removal->sequence->task;
    task_start(sequence, task);
    if (sequence->status == TASK_FAILED)
        err_move(&task->err, &sequence->err);
    return sequence->status;
}

static void removal_release(struct task *task) {
    struct removal *removal = (struct removal *)task;
    task_free(removal->sequence);
    vec_each (words, &removal->words) {
        free(words->argv);
        free(words->environment);
    }
    vec_free(&removal->words);
    cJSON_Delete(removal->hooks);
    free(removal->id);
}

struct task *removal_new(struct loop *loop, struct engine *engine, const cJSON *container) {
    static const struct task_type type = {
        .name = "removal", .step = removal_step, .release = removal_release};
    struct removal *removal = task_new(sizeof *removal, &type, loop);
    bool running = !strcmp(json_text_or(container, "State", ""), "running");

    removal->engine = engine;
    removal->id = xstrdup(json_text_or(container, "Id", ""));
    removal->grace = -1;
    if (running) {
        text_to_long(container_label(container, LABEL_GRACE), 0, 86400, &removal->grace);
        removal->hooks = cJSON_Parse(container_label(container, LABEL_PRE_STOP));
    }
    removal->sequence = sequence_new(loop, stages, removal, NULL);
    return &removal->task;
}
