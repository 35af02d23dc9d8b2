/*
 * Have a service's image: build it, or find it, or pull it. What is built is used by its ID, since
 * a concurrent job may move the tag.
 */
#include "run/environment.h"

#include "base/text.h"

#include <string.h>

static const char *reference(const struct life *life) {
    return life->planned->image;
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

static bool is_pull_policy_known(const char *policy) {
    static const char *const known[] = {"missing", "if_not_present", "always", "never", "build"};
    for (size_t i = 0; i < lengthof(known); i++)
        if (!strcmp(known[i], policy))
            return true;
    return false;
}

static struct task *begin_find(void *subject, struct err *err) {
    static const int missing_too[] = {404, 0};
    struct life *life = subject;
    const char *policy = life->planned->pull_policy;

    if (!is_pull_policy_known(policy)) {
        err_at(err, life->planned->at, "services.%s.pull_policy: envrun does not handle `%s` yet",
               life->name, policy);
        return NULL;
    }
    if (life->planned->build || !strcmp(policy, "always"))
        return NULL;
    struct task *find = image_inspect(life->environment->engine, reference(life));
    request_accept(find, missing_too);
    return find;
}

static struct task *begin_build(struct life *life) {
    const struct planned_build *build = life->planned->build;
    struct build_options options = {
        .context = build->context,
        .dockerfile = build->dockerfile,
        .target = build->target,
        .platform = build->platform,
        .args = build->args,
        .labels = build->labels,
        .tag = build->tag,
        .network = build->network,
        .no_cache = build->no_cache,
        .pull = build->pull,
    };
    return image_build(life->environment->engine, &options,
                       (struct engine_progress){.line = life_emit_progress, .context = life});
}

static struct task *begin_get(void *subject, struct err *err) {
    struct life *life = subject;
    if (life->image)
        return NULL;
    if (life->planned->build) {
        life_tell_image_verb(life, "build");
        return begin_build(life);
    }
    if (!strcmp(life->planned->pull_policy, "never")) {
        err_at(err, life->planned->at, "image `%s` is not there, and pull_policy is `never`",
               reference(life));
        err->kind = ERR_ENVIRONMENT;
        return NULL;
    }
    life_tell_image_verb(life, "pull");
    return image_pull(life->environment->engine, reference(life), life->planned->platform, NULL,
                      (struct engine_progress){.line = life_emit_progress, .context = life});
}

/* What the last step needs of a build: its ID, kept in `image` until the inspect replaces it. */
static bool end_get(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)err;
    if (!life->planned->build)
        return true;
    cJSON_Delete(life->image);
    life->image = cJSON_CreateObject();
    json_put_text(life->image, "Id", image_build_id(work));
    return true;
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
    {"find", begin_find, learn_image},
    {"get", begin_get, end_get},
    {"look", begin_look, learn_image},
    {0},
};

/* ---- Services of one image: the first does the work ---- */

static bool same_build(const struct planned_build *a, const struct planned_build *b) {
    return !strcmp(a->context, b->context) && !strcmp(a->dockerfile, b->dockerfile) &&
           text_equal(a->target, b->target) && text_equal(a->network, b->network) &&
           cJSON_Compare(a->args, b->args, true) && cJSON_Compare(a->labels, b->labels, true);
}

static bool same_image(const struct planned_service *a, const struct planned_service *b) {
    if (!text_equal(a->platform, b->platform) || !a->build != !b->build)
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

struct task *image_prepare(struct life *life) {
    struct environment *environment = life->environment;
    life->twin = find_twin(life);
    if (life->twin)
        return life->gate = gate_new(environment->loop, twin_is_done, life);
    return &sequence_new(environment->loop, image_stages, life, NULL)->task;
}
