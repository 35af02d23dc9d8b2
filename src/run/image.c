/*
 * Have a service's image: find it, pull it or build it (docs/images.md). What is built is used by
 * its ID, since a concurrent job may move the tag.
 */
#include "run/environment.h"

#include "base/text.h"
#include "run/pull.h"

#include <string.h>
#include <time.h>

static const char *reference(const struct life *life) {
    return life->planned->image;
}

/* ---- Is it there, and will it do? ---- */

/* A policy that asks the registry comes before the build. */
static bool is_asked_for(const struct planned_service *planned) {
    return planned->image &&
           (!strcmp(planned->pull_policy, "always") || planned->refresh_after >= 0);
}

/* Is it for the platform that the file wants ("linux/arm64/v8"; the variant is not compared)? */
static bool fits_platform(const struct planned_service *planned, const cJSON *image) {
    const char *wanted = planned->platform;
    autofree char *has =
        xasprintf("%s/%s", json_text_or(image, "Os", ""), json_text_or(image, "Architecture", ""));
    size_t length = strlen(has);
    return !wanted || !strchr(wanted, '/') ||
           (text_starts(wanted, has) && (!wanted[length] || wanted[length] == '/'));
}

/* Docker notes when a name was last given to an image. A digest never changes. */
static bool is_fresh(const struct planned_service *planned, const cJSON *image) {
    long long since = image_time(json_text(image, "Metadata.LastTagTime"));
    if (planned->refresh_after < 0 || strchr(planned->image, '@'))
        return true;
    return since && (long long)time(NULL) - since < planned->refresh_after / 1000;
}

static struct task *begin_find(void *subject, struct err *err) {
    static const int missing_too[] = {404, 0};
    struct life *life = subject;
    (void)err;
    if (!strcmp(life->planned->pull_policy, "always"))
        return NULL;
    if (life->planned->build && !is_asked_for(life->planned))
        return NULL;
    struct task *find = image_inspect(life->environment->engine, reference(life));
    request_accept(find, missing_too);
    return find;
}

static bool learn_image(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)err;
    if (request_status(work) == 200) {
        cJSON_Delete(life->image);
        life->image = request_take_answer(work);
    }
    return true;
}

static bool end_find(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    learn_image(subject, work, err);
    if (life->image && fits_platform(life->planned, life->image) &&
        is_fresh(life->planned, life->image))
        return true;
    cJSON_Delete(life->image);
    life->image = NULL;
    return true;
}

/* ---- Pull ---- */

static void tell_amount(void *context, const char *text, const struct pull_amount *amount) {
    struct life *life = context;
    struct event event = {.kind = EVENT_PROGRESS,
                          .service = xstrdup(life->name),
                          .phase = life->phase,
                          .count = (long long)amount->done,
                          .total = (long long)amount->total,
                          .text = xstrdup(text)};
    free(life->reason);
    life->reason = xstrdup(text);
    environment_tell(life->environment, &event);
}

static void tell_trouble(void *context, const char *text) {
    struct life *life = context;
    free(life->reason);
    life->reason = xstrdup(text);
    environment_warn(life->environment, "%s", text);
}

static bool refuse_to_pull(const struct life *life, struct err *err) {
    const char *policy = life->planned->pull_policy;
    if (!strcmp(policy, "never"))
        err_at(err, life->planned->at, "image `%s` is not there, and pull_policy is `never`",
               reference(life));
    else if (!strcmp(policy, "build"))
        err_at(err, life->planned->at,
               "image `%s` is not there, pull_policy is `build`, and nothing says how to build it",
               reference(life));
    if (!err_is(err))
        return false;
    err->kind = ERR_ENVIRONMENT;
    return true;
}

static struct task *pull(struct life *life, const char *name) {
    struct environment *environment = life->environment;
    life_tell_image_verb(life, "pull");
    return pull_new(&(struct pull_options){
        .loop = environment->loop,
        .engine = environment->engine,
        .credentials = environment_credentials(environment),
        .reference = name,
        .platform = life->planned->platform,
        .told = tell_amount,
        .warned = tell_trouble,
        .context = life,
    });
}

static struct task *begin_pull(void *subject, struct err *err) {
    struct life *life = subject;
    bool builds = life->planned->build;
    if (life->image || (builds && !is_asked_for(life->planned)) ||
        (!builds && refuse_to_pull(life, err)))
        return NULL;
    struct task *work = pull(life, reference(life));
    return builds ? tolerate(life->environment->loop, work, &life->not_pulled) : work;
}

/* A build can stand in for an image that could not be pulled. */
static bool end_pull(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)work;
    (void)err;
    life->is_pulled = !err_is(&life->not_pulled);
    err_release(&life->not_pulled);
    return true;
}

/* Giving it its own name once more notes the time, for the next look at its age. */
static struct task *begin_note(void *subject, struct err *err) {
    struct life *life = subject;
    const char *name = life->planned->image;
    (void)err;
    if (!life->is_pulled || life->planned->refresh_after < 0 || strchr(name, '@'))
        return NULL;
    return tolerate(life->environment->loop, image_tag(life->environment->engine, name, name),
                    NULL);
}

/* ---- Build ---- */

static bool is_built(const struct life *life) {
    return life->planned->build && !life->is_pulled && !life->image;
}

static struct task *begin_build(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return is_built(life) ? build_new(life) : NULL;
}

static struct task *begin_look(void *subject, struct err *err) {
    struct life *life = subject;
    const char *id = json_text(life->image, "Id");
    (void)err;
    if (json_get(life->image, "Config"))
        return NULL;
    return image_inspect(life->environment->engine, id ? id : reference(life));
}

static const struct stage image_stages[] = {
    {"find", begin_find, end_find}, {"pull", begin_pull, end_pull},    {"note", begin_note, NULL},
    {"build", begin_build, NULL},   {"look", begin_look, learn_image}, {0},
};

/* ---- Services of one image: the first does the work ---- */

static bool same_build(const struct planned_build *a, const struct planned_build *b) {
    return !strcmp(a->context, b->context) && text_equal(a->dockerfile, b->dockerfile) &&
           text_equal(a->inlined, b->inlined) && cJSON_Compare(a->query, b->query, true) &&
           cJSON_Compare(a->arguments, b->arguments, true);
}

static bool same_image(const struct planned_service *a, const struct planned_service *b) {
    if (!text_equal(a->platform, b->platform) || !a->build != !b->build ||
        !text_equal(a->pull_policy, b->pull_policy))
        return false;
    return a->build ? same_build(a->build, b->build) && text_equal(a->image, b->image)
                    : text_equal(a->image, b->image);
}

static struct life *find_twin(const struct life *life) {
    struct life *first = life->environment->lives;
    for (; first < life; first++)
        if (!first->is_idle && same_image(first->planned, life->planned))
            return first;
    return NULL;
}

static enum task_status twin_is_done(void *context, struct err *err) {
    struct life *life = context;
    const struct life *twin = life->twin;
    if (twin->image && json_get(twin->image, "Config")) {
        life->image = cJSON_Duplicate(twin->image, true);
        return TASK_DONE;
    }
    if (!twin->failed_softly)
        return TASK_PENDING;
    err_set(err, ERR_ENVIRONMENT, "service `%s` has the same image, and failed", twin->name);
    return TASK_FAILED;
}

static struct task *prepare_own(struct life *life) {
    struct environment *environment = life->environment;
    life->twin = find_twin(life);
    if (life->twin)
        return life->gate = gate_new(environment->loop, twin_is_done, life);
    return &sequence_new(environment->loop, image_stages, life, NULL)->task;
}

/* ---- Images beside its own: of hooks and mounts; found, or pulled as the service's own is ---- */

struct further {
    struct task task;
    struct life *life;
    const struct planned_image *planned;
    struct task *find, *pull;
};

static enum task_status further_failed(struct further *further, struct err *err) {
    if (err)
        err_move(&further->task.err, err);
    else
        err_set(&further->task.err, ERR_ENVIRONMENT,
                "image `%s` is not there, and pull_policy is `never`", further->planned->reference);
    err_locate(&further->task.err, further->planned->at);
    return TASK_FAILED;
}

static enum task_status further_step(struct task *task) {
    struct further *further = (struct further *)task;
    const char *policy = further->life->planned->pull_policy;
    task_start(further->find, task);
    if (further->find->status == TASK_PENDING)
        return TASK_PENDING;
    if (further->find->status == TASK_FAILED)
        return further_failed(further, &further->find->err);
    if (!further->pull) {
        if (request_status(further->find) == 200 && strcmp(policy, "always") != 0)
            return TASK_DONE;
        if (!strcmp(policy, "never"))
            return further_failed(further, NULL);
        further->pull = pull(further->life, further->planned->reference);
        task_start(further->pull, task);
    }
    return further->pull->status == TASK_FAILED ? further_failed(further, &further->pull->err)
                                                : further->pull->status;
}

static void further_release(struct task *task) {
    struct further *further = (struct further *)task;
    task_free(further->find);
    task_free(further->pull);
}

static struct task *further_new(struct life *life, const struct planned_image *planned) {
    static const int missing_too[] = {404, 0};
    static const struct task_type type = {
        .name = "further image", .step = further_step, .release = further_release};
    struct further *further = task_new(sizeof *further, &type, life->environment->loop);
    further->life = life;
    further->planned = planned;
    further->find = image_inspect(life->environment->engine, planned->reference);
    request_accept(further->find, missing_too);
    return &further->task;
}

static struct task *begin_own(void *subject, struct err *err) {
    (void)err;
    return prepare_own(subject);
}

/* A gate is freed with its stage: nobody may wake it any more. */
static bool end_own(void *subject, struct task *work, struct err *err) {
    (void)work;
    (void)err;
    ((struct life *)subject)->gate = NULL;
    return true;
}

static struct task *begin_further(void *subject, struct err *err) {
    struct life *life = subject;
    const struct planned_service *planned = life->planned;
    (void)err;
    if (!planned->further_image_count)
        return NULL;
    struct task_group *group = task_group_new(life->environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < planned->further_image_count; i++)
        task_group_add(group, further_new(life, &planned->further_images[i]));
    return (struct task *)group;
}

static const struct stage prepare_stages[] = {
    {"own", begin_own, end_own},
    {"further", begin_further, NULL},
    {0},
};

struct task *image_prepare(struct life *life) {
    return &sequence_new(life->environment->loop, prepare_stages, life, NULL)->task;
}
