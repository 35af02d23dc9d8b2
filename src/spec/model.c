#include "spec/model.h"

#include "spec/passes.h"
#include "spec/print.h"

#include "base/text.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

struct typing {
    struct context *context;
    struct arena *arena;
    struct model *model;
    struct err *err;
};

/* ---- Values ---- */

static long long milliseconds(const struct node *map, const char *key, long long otherwise) {
    return node_milliseconds(map, key, otherwise);
}

/* 201, "201" or "200-299" */
static bool status_range(struct typing *t, const struct node *node, int *least, int *most) {
    int used = 0;
    if (!node)
        return true;
    const char *text = node->text ? node->text : "";
    int count = sscanf(text, "%3d%n-%3d%n", least, &used, most, &used);
    if (count == 1)
        *most = *least;
    if (count < 1 || text[used] || *least < 100 || *most > 599 || *least > *most)
        return err_at(t->err, node->at,
                      "a status must be a number like 200 or a range like 200-299, not `%.50s`",
                      text);
    return true;
}

static bool check_regex(struct typing *t, const struct node *node) {
    regex_t compiled;
    char reason[200];
    if (!node)
        return true;
    int failed = regcomp(&compiled, node->text, REG_EXTENDED | REG_NOSUB);
    if (!failed) {
        regfree(&compiled);
        return true;
    }
    regerror(failed, &compiled, reason, sizeof reason);
    return err_at(t->err, node->at, "`%.100s` is not a regular expression: %s", node->text, reason);
}

static struct command command_of(struct typing *t, const struct node *node) {
    struct command command = {0};
    if (!node)
        return command;
    bool shell = node->kind == NODE_STRING;
    size_t count = shell ? 3 : node->length, i = 0;
    command.shell = shell;
    command.argv = arena_alloc(t->arena, (count + 1) * sizeof *command.argv);
    if (shell) {
        command.argv[0] = "sh";
        command.argv[1] = "-c";
        command.argv[2] = node->text;
    }
    node_each (item, node)
        command.argv[i++] = item->text;
    return command;
}

static bool check_command(struct typing *t, const struct node *node) {
    if (node && (node->kind == NODE_LIST ? !node->length : !*node->text))
        return err_at(t->err, node->at, "the command is empty");
    return true;
}

static const char **texts_of(struct typing *t, const struct node *list) {
    size_t i = 0;
    const char **texts = arena_alloc(t->arena, ((list ? list->length : 0) + 1) * sizeof *texts);
    node_each (item, list)
        texts[i++] = item->text;
    return texts;
}

/* The one key of several that is there. */
static const struct node *one_of(struct typing *t, const struct node *map, const char *what,
                                 const char *const *keys) {
    const struct node *found = NULL;
    autobuffer struct buffer list = BUFFER_INIT;
    for (size_t i = 0; keys[i]; i++) {
        const struct node *entry = node_get(map, keys[i]);
        buffer_printf(&list, "%s`%s`", i ? keys[i + 1] ? ", " : " or " : "", keys[i]);
        if (found && entry) {
            err_at(t->err, entry->key_at, "%s can only be one of `%s` and `%s`", what, found->key,
                   entry->key);
            return NULL;
        }
        found = entry ? entry : found;
    }
    if (!found)
        err_at(t->err, map->at, "%s needs one of %s", what, list.data);
    return found;
}

/* ---- ready ---- */

static bool http_probe(struct typing *t, const struct node *http, struct probe *probe) {
    const char *path = node_text(http, "path", "/");
    probe->kind = PROBE_HTTP;
    probe->port = (int)node_integer(http, "port", 0);
    probe->scheme = node_text(http, "scheme", "http");
    probe->method = node_text(http, "method", "GET");
    probe->path = *path == '/' ? path : arena_printf(t->arena, "/%s", path);
    probe->body = node_text(http, "body", NULL);
    probe->status_least = 200;
    probe->status_most = 399;
    return check_regex(t, node_get(http, "body")) &&
           status_range(t, node_get(http, "status"), &probe->status_least, &probe->status_most);
}

static bool healthcheck_probe(struct typing *t, const struct node *service, struct probe *probe,
                              const struct node *ready) {
    const struct node *check = node_get(service, "healthcheck"), *test = node_get(check, "test");
    probe->kind = PROBE_HEALTHCHECK;
    if (!test || !test->length || !strcmp(test->first->text, "NONE") ||
        node_bool(check, "disable", false)) {
        if (check && ready)
            return err_at(t->err, ready->at,
                          "`ready: healthcheck` needs a test, but the service's healthcheck has "
                          "none");
        return true; /* the image's own */
    }
    bool shell = !strcmp(test->first->text, "CMD-SHELL");
    struct node rest = *test;
    rest.first = test->first->next;
    rest.length--;
    probe->command = command_of(t, shell && rest.first ? rest.first : &rest);
    return true;
}

static bool type_ready(struct typing *t, const struct node *service, struct probe *probe) {
    static const char *const kinds[] = {"tcp", "http", "exec", "log", "healthcheck", NULL};
    const struct node *ready = node_get(service, "x-ready");
    if (!ready)
        return true;
    const struct node *kind = one_of(t, ready, "`ready`", kinds);
    if (!kind)
        return false;
    probe->at = ready->key_at;
    probe->timeout = milliseconds(ready, "timeout", 0);
    if (!strcmp(kind->key, "http"))
        return http_probe(t, kind, probe);
    if (!strcmp(kind->key, "healthcheck"))
        return healthcheck_probe(t, service, probe, ready);
    if (!strcmp(kind->key, "tcp")) {
        probe->kind = PROBE_TCP;
        probe->port = (int)node_integer(ready, "tcp", 0);
    } else if (!strcmp(kind->key, "exec")) {
        probe->kind = PROBE_EXEC;
        probe->command = command_of(t, kind);
        return check_command(t, kind);
    } else {
        probe->kind = PROBE_LOG;
        probe->regex = node_text(kind, "regex", "");
        probe->count = (int)node_integer(kind, "count", 1);
        return check_regex(t, node_get(kind, "regex"));
    }
    return true;
}

/* ---- seed ---- */

static void type_headers(struct typing *t, const struct node *headers, struct seed *seed) {
    if (!headers)
        return;
    seed->headers = arena_alloc(t->arena, (headers->length + 1) * sizeof *seed->headers);
    node_each (header, headers)
        seed->headers[seed->header_count++] = (struct seed_header){header->key, header->text};
}

static bool type_http_seed(struct typing *t, const struct node *http, struct seed *seed) {
    const struct node *json = node_get(http, "json"), *text = node_get(http, "text");
    const char *path = node_text(http, "path", "/");
    seed->kind = SEED_HTTP;
    seed->port = (int)node_integer(http, "port", 0);
    seed->scheme = node_text(http, "scheme", "http");
    seed->path = *path == '/' ? path : arena_printf(t->arena, "/%s", path);
    seed->body = node_text(http, "body", NULL);
    seed->text = node_text(http, "text", NULL);
    if ((json != NULL) + (text != NULL) + (seed->body != NULL) > 1)
        return err_at(t->err, http->at, "only one of `body`, `text` and `json` can be sent");
    if (json) {
        autobuffer struct buffer line = BUFFER_INIT;
        print_json_line(&line, json);
        seed->text = arena_strdup(t->arena, line.data);
    }
    seed->method = node_text(http, "method", seed->body || seed->text ? "POST" : "GET");
    seed->expect_least = 200;
    seed->expect_most = 299;
    type_headers(t, node_get(http, "headers"), seed);
    return status_range(t, node_get(http, "expect"), &seed->expect_least, &seed->expect_most);
}

static bool type_copy_seed(struct typing *t, const struct node *copy, struct seed *seed) {
    const struct node *to = node_get(copy, "to");
    seed->kind = SEED_COPY;
    seed->from = node_text(copy, "from", "");
    seed->to = node_text(copy, "to", "");
    if (*seed->to != '/')
        return err_at(t->err, to ? to->at : copy->at,
                      "`to` must be an absolute path in the container");
    return true;
}

static bool belongs(struct typing *t, const struct node *item, const char *key, const char *to) {
    const struct node *entry = node_get(item, key);
    if (!entry || node_get(item, to))
        return true;
    return err_at(t->err, entry->key_at, "`%s` only belongs to `%s`", key, to);
}

static bool type_seed(struct typing *t, const struct node *item, struct seed *seed) {
    static const char *const kinds[] = {"sql", "copy", "http", "exec", "run", NULL};
    const struct node *kind = one_of(t, item, "a seed", kinds);
    if (!kind || !belongs(t, item, "database", "sql") || !belongs(t, item, "user", "exec"))
        return false;
    seed->at = item->at;
    seed->timeout = milliseconds(item, "timeout", 0);
    if (!strcmp(kind->key, "http"))
        return type_http_seed(t, kind, seed);
    if (!strcmp(kind->key, "copy"))
        return type_copy_seed(t, kind, seed);
    if (!strcmp(kind->key, "sql")) {
        seed->kind = SEED_SQL;
        seed->files = texts_of(t, kind);
        seed->database = node_text(item, "database", NULL);
        return true;
    }
    seed->kind = !strcmp(kind->key, "exec") ? SEED_EXEC : SEED_RUN;
    seed->command = command_of(t, kind);
    seed->user = node_text(item, "user", NULL);
    return check_command(t, kind);
}

static bool type_seeds(struct typing *t, const struct node *list, struct service *service) {
    if (!list)
        return true;
    service->seeds = arena_alloc(t->arena, (list->length + 1) * sizeof *service->seeds);
    node_each (item, list)
        if (!type_seed(t, item, &service->seeds[service->seed_count++]))
            return false;
    return true;
}

/* ---- Services ---- */

static enum condition condition_of(const struct node *dependency) {
    const char *condition = node_text(dependency, "condition", "");
    if (node_get(dependency, "x-condition"))
        return CONDITION_READY;
    if (!strcmp(condition, "service_healthy"))
        return CONDITION_HEALTHY;
    return strcmp(condition, "service_completed_successfully") ? CONDITION_STARTED
                                                               : CONDITION_COMPLETED;
}

static void type_dependencies(struct typing *t, const struct node *node, struct service *service) {
    const struct node *list = node_get(node, "depends_on"),
                      *services = node_get(t->model->root, "services");
    if (!list)
        return;
    service->dependencies =
        arena_alloc(t->arena, (list->length + 1) * sizeof *service->dependencies);
    node_each (entry, list)
        if (node_get(services, entry->key))
            service->dependencies[service->dependency_count++] = (struct dependency){
                .service = entry->key,
                .condition = condition_of(entry),
                .required = node_bool(entry, "required", true),
                .at = entry->key_at,
            };
}

static bool type_service(struct typing *t, const struct node *node, struct service *service) {
    service->name = node->key;
    service->at = node->key_at;
    service->node = node;
    service->kind = node_text(node, "x-kind", NULL);
    service->snapshot = node_bool(node, "x-snapshot", false);
    type_dependencies(t, node, service);
    return type_ready(t, node, &service->ready) && type_seeds(t, node_get(node, "x-seed"), service);
}

static bool type_services(struct typing *t) {
    const struct node *services = node_get(t->model->root, "services");
    bool ok = true;
    t->model->services =
        arena_alloc(t->arena, ((services ? services->length : 0) + 1) * sizeof(struct service));
    node_each (node, services) {
        struct err one = ERR_INIT;
        struct typing each = {t->context, t->arena, t->model, &one};
        ok &= type_service(&each, node, &t->model->services[t->model->service_count++]);
        err_join(t->err, &one);
    }
    return ok;
}

/* ---- Suites ---- */

static void type_environment(struct typing *t, const struct node *map, struct suite *suite) {
    if (!map)
        return;
    suite->environment = arena_alloc(t->arena, (map->length + 1) * sizeof *suite->environment);
    node_each (entry, map)
        suite->environment[suite->environment_count++] =
            (struct variable){entry->key, entry->text, entry->at};
}

static bool type_suite(struct typing *t, const struct node *node, const char *name) {
    struct suite *suite = &t->model->suites[t->model->suite_count++];
    const struct node *command = node_get(node, "command"), *service = node_get(node, "service");
    suite->name = name;
    suite->at = node->key_at;
    suite->command = command_of(t, command);
    suite->service = node_text(node, "service", NULL);
    suite->working_dir =
        node_text(node, "working_dir", suite->service ? NULL : t->model->directory);
    suite->timeout = milliseconds(node, "timeout", SUITE_TIMEOUT_DEFAULT);
    suite->junit = texts_of(t, node_get(node, "junit"));
    suite->artifacts = texts_of(t, node_get(node, "artifacts"));
    type_environment(t, node_get(node, "environment"), suite);
    if (!command && !service)
        return err_at(t->err, node->key_at, "the suite needs a `command` or a `service`");
    return check_command(t, command);
}

static bool type_suites(struct typing *t) {
    const struct node *one = node_get(t->model->root, "x-suite"),
                      *several = node_get(t->model->root, "x-suites");
    bool ok = true;
    t->model->suites =
        arena_alloc(t->arena, ((several ? several->length : 0) + 2) * sizeof(struct suite));
    if (one && several)
        return err_at(t->err, one->key_at, "`suite` and `suites` exclude each other");
    if (one)
        return type_suite(t, one, "suite");
    node_each (suite, several)
        ok = ok && type_suite(t, suite, suite->key);
    return ok;
}

bool model_type(struct model_whole *whole, struct context *context, struct err *err) {
    struct typing t = {context, whole->arena, &whole->model, err};
    bool services = type_services(&t);
    struct err more = ERR_INIT;
    t.err = &more;
    bool suites = type_suites(&t);
    err_join(err, &more);
    return services && suites;
}

/* ---- spec.h ---- */

const struct service *model_service(const struct model *model, const char *name) {
    for (size_t i = 0; i < model->service_count; i++)
        if (!strcmp(model->services[i].name, name))
            return &model->services[i];
    return NULL;
}

const struct suite *model_suite(const struct model *model, const char *name) {
    for (size_t i = 0; i < model->suite_count; i++)
        if (!strcmp(model->suites[i].name, name))
            return &model->suites[i];
    return NULL;
}

static const struct model_whole *whole_of(const struct model *model) {
    return (const struct model_whole *)model; /* its first member */
}

const char *model_variable(const struct model *model, const char *name) {
    return variables_get(&whole_of(model)->variables, name);
}

static char *print(const struct model *model, bool complete, const struct model_texts *texts,
                   void (*printer)(struct printing *p, const struct node *root)) {
    struct printing p = {.out = BUFFER_INIT_MAX(PRINT_MAX),
                         .complete = complete,
                         .services = node_get(model->root, "services"),
                         .texts = texts};
    printer(&p, model->root);
    return buffer_detach(&p.out);
}

char *model_to_yaml(const struct model *model) {
    return print(model, whole_of(model)->own_keys, NULL, print_yaml);
}

char *model_to_json(const struct model *model) {
    return print(model, whole_of(model)->own_keys, NULL, print_json);
}

char *model_to_record(const struct model *model) {
    return print(model, true, NULL, print_json);
}

char *model_to_record_elsewhere(const struct model *model, const struct model_texts *texts) {
    return print(model, true, texts, print_json);
}

void model_free(struct model *model) {
    struct model_whole *whole = (struct model_whole *)model;
    if (!whole)
        return;
    strings_release(&whole->texts);
    arena_free(whole->arena);
    free(whole);
}
