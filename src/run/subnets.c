/*
 * Networks with a small subnet of their own: which are taken is asked of the engine and of this
 * host's routes. The engine refuses a subnet that another process took meanwhile, and only that:
 * an address of the host in it is no reason for it.
 */
#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"
#include "run/subnets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    TRIES = 20,            /* of a network, before its subnets count as contended */
    ROUTES_MAX = 16 << 20, /* bytes of /proc/net/route */
};

static uint64_t chance(void) {
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        abort();
    return random;
}

/* ---- What is taken ---- */

static bool are_the_engines(const struct environment *environment) {
    return text_equal(environment->options.subnets, "engine");
}

static bool any_is_wanted(const struct environment *environment) {
    for (size_t i = 0; i < environment->plan->network_count; i++)
        if (environment->plan->networks[i].wants_subnet)
            return true;
    return false;
}

static struct task *list_all(struct environment *environment) {
    return network_list(environment->engine, NULL);
}

static void learn_network(struct subnets *taken, const cJSON *network) {
    const cJSON *config;
    cJSON_ArrayForEach (config, json_get(network, "IPAM.Config")) {
        struct subnet subnet;
        if (subnet_parse(json_text_or(config, "Subnet", ""), &subnet))
            vec_push(taken, subnet);
    }
}

/* The routes of an engine elsewhere are not ours to see. */
static void learn_routes(struct subnets *taken, const struct engine *engine) {
    struct err ignored = ERR_INIT;
    autobuffer struct buffer routes = BUFFER_INIT_MAX(ROUTES_MAX);
    if (engine_address(engine)->unix_socket && path_read("/proc/net/route", &routes, &ignored))
        subnets_add_routes(taken, routes.data);
    err_release(&ignored);
}

void subnets_learn_taken(struct subnets *taken, const struct engine *engine,
                         const cJSON *networks) {
    const cJSON *network;
    cJSON_ArrayForEach (network, networks) {
        learn_network(taken, network);
    }
    learn_routes(taken, engine);
}

struct task *subnets_ask(void *subject, struct err *err) {
    struct environment *environment = subject;
    const char *range = environment->options.subnets;
    if (are_the_engines(environment) || !any_is_wanted(environment) ||
        !subnet_range_parse(range ? range : SUBNETS_DEFAULT, &environment->subnet_range, err))
        return NULL;
    return list_all(environment);
}

bool subnets_learn(void *subject, struct task *networks, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    environment->subnets_taken.length = 0;
    subnets_learn_taken(&environment->subnets_taken, environment->engine, request_answer(networks));
    return true;
}

/* ---- A network ---- */

struct making {
    struct task task;
    struct environment *environment;
    const struct planned_network *network;
    size_t containers;
    struct task *work;
    bool is_listing;
    int tries;
};

static void put_subnet(cJSON *body, char *text) {
    cJSON *config = cJSON_CreateObject();
    json_put_text(config, "Subnet", text);
    cJSON_AddItemToArray(json_array_at(json_object_at(body, "IPAM"), "Config"), config);
    free(text);
}

/* False: all of the range is taken. Then the engine may choose, unless the range was asked for. */
static bool choose(struct making *making, cJSON *body) {
    struct environment *environment = making->environment;
    const struct subnet_range *range = &environment->subnet_range;
    int bits = subnet_bits_for(range, making->containers);
    struct subnet subnet;
    if (!subnet_find(range->whole, bits, &environment->subnets_taken, (uint32_t)chance(), &subnet))
        return !environment->options.subnets ||
               err_set(&making->task.err, ERR_ENVIRONMENT,
                       "no subnet of /%d is free in %s (--subnets)", bits,
                       environment->options.subnets);
    vec_push(&environment->subnets_taken, subnet); /* the next network's is another */
    put_subnet(body, subnet_text(subnet));
    if (json_true(body, "EnableIPv6"))
        put_subnet(body, subnet_unique_local(chance()));
    return true;
}

static struct task *begin_create(struct making *making) {
    cJSON *body = cJSON_Duplicate(making->network->body, true);
    bool chosen = !making->network->wants_subnet || are_the_engines(making->environment) ||
                  choose(making, body);
    if (chosen)
        return network_create(making->environment->engine, body);
    cJSON_Delete(body);
    return NULL;
}

/* "Pool overlaps with other one on this address space", "networks have overlapping IPv4" */
static bool was_taken(const struct making *making) {
    const struct err *err = &making->work->err;
    return making->network->wants_subnet && making->tries < TRIES && err->kind == ERR_ANSWER &&
           strstr(err->message, "overlap");
}

static enum task_status go_on(struct making *making) {
    making->is_listing = !making->is_listing && making->tries;
    task_free(making->work);
    making->work = making->is_listing ? list_all(making->environment) : begin_create(making);
    if (!making->work)
        return TASK_FAILED;
    task_start(making->work, &making->task);
    return TASK_PENDING;
}

static enum task_status making_step(struct task *task) {
    struct making *making = (struct making *)task;
    if (!making->work)
        return go_on(making);
    if (making->work->status == TASK_PENDING)
        return TASK_PENDING;
    if (making->work->status == TASK_FAILED && !making->is_listing && was_taken(making)) {
        making->tries++;
        return go_on(making);
    }
    if (making->work->status == TASK_FAILED) {
        err_move(&task->err, &making->work->err);
        return TASK_FAILED;
    }
    if (!making->is_listing)
        return TASK_DONE;
    subnets_learn(making->environment, making->work, &task->err);
    return go_on(making);
}

static void making_release(struct task *task) {
    task_free(((struct making *)task)->work);
}

struct task *subnets_make_network(struct environment *environment,
                                  const struct planned_network *network, size_t containers) {
    static const struct task_type type = {
        .name = "subnet", .step = making_step, .release = making_release};
    struct making *making = task_new(sizeof *making, &type, environment->loop);
    making->environment = environment;
    making->network = network;
    making->containers = containers;
    return &making->task;
}
