/*
 * What a bundle will do here, line by line, before it does.
 *
 * Of services, networks and volumes all is told but what is known to be a container's own: so a key
 * that is new is told too.
 */
#include "replay/replay.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>

/* ---- What runs on this host ---- */

struct describing {
    const struct replay *replay;
    struct strings paths; /* of this host */
};

static char *note_path(void *context, const char *path) {
    struct describing *describing = context;
    bool inside = path_is_within(path, describing->replay->folder);
    if (!inside && !strings_has(&describing->paths, path))
        strings_add(&describing->paths, path);
    return NULL;
}

static char *keep_text(void *context, const char *text, bool raw) {
    (void)context, (void)text, (void)raw;
    return NULL;
}

static void describe_suites(const struct replay *replay, const struct model *model,
                            struct strings *ret) {
    struct command instead = {.argv =
                                  (const char **)strings_argv((struct strings *)&replay->command)};
    autofree char *own = replay->command.length ? command_text(&instead) : NULL;
    vec_each (name, &replay->suites) {
        const struct suite *suite = model_suite(model, *name);
        autofree char *text = suite && suite->command.argv ? command_text(&suite->command) : NULL;
        const char *shown = own ? own : text ? text : "the command of its service";
        if (suite && suite->service)
            strings_printf(ret, "in service `%s`: %s", suite->service, shown);
        else
            strings_printf(ret, "on this host, in %s: %s",
                           suite && suite->working_dir ? suite->working_dir : replay->project,
                           shown);
    }
}

static void describe_seeds(const struct model *model, struct strings *ret) {
    for (size_t i = 0; i < model->service_count; i++)
        for (size_t k = 0; k < model->services[i].seed_count; k++) {
            const struct seed *seed = &model->services[i].seeds[k];
            autofree char *text = seed->kind == SEED_RUN ? command_text(&seed->command) : NULL;
            if (text)
                strings_printf(ret, "on this host, as a seed of service `%s`: %s",
                               model->services[i].name, text);
        }
}

/* ---- What gives containers more of this host than a container has ---- */

/* Words, a blank on either side of each. `build` and `privileged` are told by themselves. */
static const char own_of_service[] =
    " annotations attach blkio_config build cap_drop command configs container_name cpu_count "
    "cpu_percent cpu_period cpu_quota cpu_shares cpus cpuset depends_on deploy develop dns dns_opt "
    "dns_search domainname entrypoint environment expose extra_hosts healthcheck hostname image "
    "init labels links mac_address mem_limit mem_reservation mem_swappiness memswap_limit networks "
    "pids_limit platform ports privileged profiles pull_policy read_only restart scale secrets "
    "shm_size stdin_open stop_grace_period stop_signal tmpfs tty ulimits user volumes working_dir ";
static const char own_of_build[] =
    " additional_contexts args dockerfile_inline extra_hosts labels no_cache platforms provenance "
    "pull sbom shm_size tags target ulimits ";
static const char own_of_network[] =
    " attachable enable_ipv4 enable_ipv6 external internal ipam labels name ";
static const char own_of_volume[] = " external labels name ";

static bool is_listed(const char *words, const char *key) {
    autofree char *word = xasprintf(" %s ", key);
    return strstr(words, word);
}

/* What stands at a key, if it is short of structure: "a", "a, b", "a=1, b=2". */
static char *value_text(const struct node *node) {
    autostrings struct strings parts = {0};
    if (node->text)
        return xasprintf(": %s", node->text);
    node_each (item, node)
        if (item->text)
            strings_printf(&parts, "%s%s%s", item->key ? item->key : "", item->key ? "=" : "",
                           item->text);
    autofree char *joined = strings_join(&parts, ", ");
    return xasprintf("%s%s", *joined ? ": " : "", joined);
}

static bool is_usual(const struct node *entry) {
    bool off = entry->kind == NODE_NULL || (entry->kind == NODE_BOOL && !entry->boolean);
    bool usual_driver = !strcmp(entry->key, "driver") &&
                        (text_equal(entry->text, "bridge") || text_equal(entry->text, "local"));
    return off || usual_driver;
}

/* Every entry of a map that is not its own. What begins with x- is envrun's, or nobody's. */
static void describe_entries(const char *what, const char *name, const struct node *map,
                             const char *own, struct strings *ret) {
    node_each (entry, map) {
        if (text_starts(entry->key, "x-") || is_listed(own, entry->key) || is_usual(entry))
            continue;
        autofree char *value = value_text(entry);
        strings_printf(ret, "%s `%s` has `%s`%s", what, name, entry->key, value);
    }
}

static void describe_service(const struct service *service, struct strings *ret) {
    const struct node *build = node_get(service->node, "build");
    if (node_bool(service->node, "privileged", false))
        strings_printf(ret, "service `%s` has all rights of this host's root (privileged)",
                       service->name);
    if (node_path(service->node, "deploy.resources.reservations.devices"))
        strings_printf(ret, "service `%s` has devices of this host", service->name);
    describe_entries("service", service->name, service->node, own_of_service, ret);
    if (build)
        strings_printf(ret, "service `%s` is built", service->name);
    describe_entries("the build of service", service->name, build, own_of_build, ret);
}

/* Networks or volumes; an external one is somebody's on this host. */
static void describe_objects(const char *what, const struct node *objects, const char *own,
                             struct strings *ret) {
    node_each (object, objects) {
        if (node_bool(object, "external", false))
            strings_printf(ret, "the %s `%s` of this host is used", what,
                           node_text(object, "name", object->key));
        describe_entries(what, object->key, object, own, ret);
    }
}

static bool has_image(const struct replay *replay, const char *service) {
    const cJSON *image;
    cJSON_ArrayForEach (image, replay->images) {
        if (text_equal(json_text(image, "service"), service))
            return true;
    }
    return false;
}

static void describe_image(const struct replay *replay, const struct service *service,
                           struct strings *ret) {
    const char *image = node_text(service->node, "image", NULL);
    if (image && !has_image(replay, service->name))
        strings_printf(ret,
                       "service `%s`: its image is not in the bundle; what is called `%s` here "
                       "is used",
                       service->name, image);
}

void replay_describe(const struct replay *replay, const struct model *model, struct strings *ret) {
    struct describing describing = {.replay = replay};
    free(
        model_to_record_elsewhere(model, &(struct model_texts){note_path, keep_text, &describing}));
    describe_suites(replay, model, ret);
    describe_seeds(model, ret);
    for (size_t i = 0; i < model->service_count; i++) {
        describe_service(&model->services[i], ret);
        describe_image(replay, &model->services[i], ret);
    }
    describe_objects("network", node_get(model->root, "networks"), own_of_network, ret);
    describe_objects("volume", node_get(model->root, "volumes"), own_of_volume, ret);
    vec_each (path, &describing.paths)
        strings_printf(ret, "a path of this host is used: %s", *path);
    strings_release(&describing.paths);
}
