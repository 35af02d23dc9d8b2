/*
 * A service's keys, and where each goes in the body of POST /containers/create. A key that is in
 * neither table is refused by its name: nothing the file says is dropped in silence.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

/* ---- Keys that are one value ---- */

enum scalar_type {
    TEXT,
    BOOL,
    INTEGER,
    BYTES,   /* "67108864" */
    TEXTS,   /* a list of strings */
    MAP,     /* of strings */
    SECONDS, /* a duration, rounded up */
    NANO,    /* a number of CPUs, in billionths */
    PERCENT, /* in hundredths */
};

struct scalar_key {
    const char *key;
    const char *field; /* a leading '.' means HostConfig */
    enum scalar_type type;
    int api; /* the API's minor version that it needs; 0: any */
};

static const struct scalar_key scalar_keys[] = {
    {"annotations", ".Annotations", MAP, 43},
    {"cap_add", ".CapAdd", TEXTS, 0},
    {"cap_drop", ".CapDrop", TEXTS, 0},
    {"cgroup", ".CgroupnsMode", TEXT, 0},
    {"cgroup_parent", ".CgroupParent", TEXT, 0},
    {"command", "Cmd", TEXTS, 0},
    {"cpu_count", ".CpuCount", INTEGER, 0},
    {"cpu_percent", ".CpuPercent", PERCENT, 0},
    {"cpu_period", ".CpuPeriod", INTEGER, 0},
    {"cpu_quota", ".CpuQuota", INTEGER, 0},
    {"cpu_rt_period", ".CpuRealtimePeriod", INTEGER, 0},
    {"cpu_rt_runtime", ".CpuRealtimeRuntime", INTEGER, 0},
    {"cpu_shares", ".CpuShares", INTEGER, 0},
    {"cpus", ".NanoCpus", NANO, 0},
    {"cpuset", ".CpusetCpus", TEXT, 0},
    {"device_cgroup_rules", ".DeviceCgroupRules", TEXTS, 0},
    {"dns", ".Dns", TEXTS, 0},
    {"dns_opt", ".DnsOptions", TEXTS, 0},
    {"dns_search", ".DnsSearch", TEXTS, 0},
    {"domainname", "Domainname", TEXT, 0},
    {"entrypoint", "Entrypoint", TEXTS, 0},
    {"group_add", ".GroupAdd", TEXTS, 0},
    {"hostname", "Hostname", TEXT, 0},
    {"init", ".Init", BOOL, 0},
    {"isolation", ".Isolation", TEXT, 0},
    {"mem_limit", ".Memory", BYTES, 0},
    {"mem_reservation", ".MemoryReservation", BYTES, 0},
    {"mem_swappiness", ".MemorySwappiness", BYTES, 0},
    {"memswap_limit", ".MemorySwap", BYTES, 0},
    {"oom_kill_disable", ".OomKillDisable", BOOL, 0},
    {"oom_score_adj", ".OomScoreAdj", INTEGER, 0},
    {"pids_limit", ".PidsLimit", INTEGER, 0},
    {"privileged", ".Privileged", BOOL, 0},
    {"read_only", ".ReadonlyRootfs", BOOL, 0},
    {"runtime", ".Runtime", TEXT, 0},
    {"shm_size", ".ShmSize", BYTES, 0},
    {"stdin_open", "OpenStdin", BOOL, 0},
    {"stop_grace_period", "StopTimeout", SECONDS, 0},
    {"stop_signal", "StopSignal", TEXT, 0},
    {"storage_opt", ".StorageOpt", MAP, 0},
    {"sysctls", ".Sysctls", MAP, 0},
    {"tty", "Tty", BOOL, 0},
    {"user", "User", TEXT, 0},
    {"userns_mode", ".UsernsMode", TEXT, 0},
    {"uts", ".UTSMode", TEXT, 0},
    {"working_dir", "WorkingDir", TEXT, 0},
};

bool bytes_parse(const char *text, long long *ret_bytes) {
    static const char units[] = "bkmgtp";
    char *end;
    double number = strtod(text, &end);
    if (end == text)
        return false;
    for (const char *unit = *end ? strchr(units, *end | 0x20) : units; unit > units; unit--)
        number *= 1024;
    if (*end && !strchr(units, *end | 0x20))
        return false;
    if (*end && strcasecmp(end + 1, "b") && end[1])
        return false;
    *ret_bytes = (long long)number;
    return number < 9e18;
}

const char *scalar_text(const struct node *node) {
    return node && node->kind != NODE_NULL && node->text ? node->text : "";
}

cJSON *texts_to_json(const struct node *list) {
    cJSON *array = cJSON_CreateArray();
    if (list->kind == NODE_STRING)
        json_append_text(array, list->text);
    node_each (item, list)
        json_append_text(array, scalar_text(item));
    return array;
}

cJSON *map_to_json(const struct node *map) {
    cJSON *object = cJSON_CreateObject();
    node_each (item, map)
        json_put_text(object, item->key, scalar_text(item));
    return object;
}

static bool put_bytes(struct draft *draft, cJSON *object, const char *field,
                      const struct node *value) {
    long long bytes;
    if (!bytes_parse(scalar_text(value), &bytes))
        return err_at(draft->err, value->at, "`%s` is not a size such as 64m", scalar_text(value));
    json_put_number(object, field, bytes);
    return true;
}

static bool put_seconds(struct draft *draft, cJSON *object, const char *field,
                        const struct node *value) {
    long long milliseconds;
    if (!duration_parse(scalar_text(value), &milliseconds))
        return err_at(draft->err, value->at, "`%s` is not a duration", scalar_text(value));
    json_put_number(object, field, (milliseconds + 999) / 1000);
    return true;
}

/* A number that may be written as a string, so many times. */
static long long number_times(const struct node *value, double times) {
    double number = strtod(scalar_text(value), NULL) * times;
    return (long long)(number < 0 ? number - 0.5 : number + 0.5);
}

bool needs_api(const struct plan *plan, struct position at, const char *what, int minor,
               struct err *err) {
    return plan->api_minor >= minor ||
           err_at(err, at, "%s needs an engine with API 1.%d; this one has 1.%d", what, minor,
                  plan->api_minor);
}

bool draft_needs_api(struct draft *draft, const struct node *value, int minor) {
    autofree char *what = xasprintf("services.%s.%s", draft->service->name, value->key);
    return needs_api(draft->plan, value->key_at.file ? value->key_at : value->at, what, minor,
                     draft->err);
}

static bool put_scalar(struct draft *draft, const struct scalar_key *rule,
                       const struct node *value) {
    bool in_host = *rule->field == '.';
    cJSON *object = in_host ? draft->host : draft->body;
    const char *field = rule->field + in_host;

    if (rule->api && !draft_needs_api(draft, value, rule->api))
        return false;
    switch (rule->type) {
    case TEXT:
        json_put_text(object, field, scalar_text(value));
        return true;
    case BOOL:
        json_put_bool(object, field, value->kind == NODE_BOOL && value->boolean);
        return true;
    case INTEGER:
        json_put_number(object, field, number_times(value, 1));
        return true;
    case NANO:
        json_put_number(object, field, number_times(value, 1e9));
        return true;
    case PERCENT:
        json_put_number(object, field, number_times(value, 100));
        return true;
    case BYTES:
        return put_bytes(draft, object, field, value);
    case SECONDS:
        return put_seconds(draft, object, field, value);
    case TEXTS:
        json_put(object, field, texts_to_json(value));
        return true;
    case MAP:
        json_put(object, field, map_to_json(value));
        return true;
    }
    return true;
}

/* ---- Keys with a form of their own ---- */

void environment_add(cJSON *list, const struct node *variable) {
    if (variable->kind == NODE_NULL) {
        json_append_text(list, variable->key); /* the container has it not, nor the image's own */
        return;
    }
    autofree char *entry = xasprintf("%s=%s", variable->key, scalar_text(variable));
    json_append_text(list, entry);
}

static bool put_environment(struct draft *draft, const struct node *map) {
    cJSON *list = json_array_at(draft->body, "Env");
    node_each (item, map)
        environment_add(list, item);
    return true;
}

static bool put_labels(struct draft *draft, const struct node *map) {
    labels_add(cJSON_GetObjectItem(draft->body, "Labels"), map);
    return true;
}

/* An interval in the nanoseconds of the engine. */
static void put_interval(cJSON *object, const char *field, const struct node *map,
                         const char *key) {
    long long milliseconds = node_milliseconds(map, key, 0);
    if (milliseconds)
        json_put_number(object, field, milliseconds * 1000000);
}

static bool put_healthcheck(struct draft *draft, const struct node *map) {
    cJSON *health = json_put(draft->body, "Healthcheck", cJSON_CreateObject());
    const struct node *test = node_get(map, "test");

    if (node_bool(map, "disable", false)) {
        json_append_text(json_array_at(health, "Test"), "NONE");
        return true;
    }
    if (test)
        json_put(health, "Test", texts_to_json(test));
    put_interval(health, "Interval", map, "interval");
    put_interval(health, "Timeout", map, "timeout");
    put_interval(health, "StartPeriod", map, "start_period");
    if (draft->plan->api_minor >= 44)
        put_interval(health, "StartInterval", map, "start_interval");
    if (node_get(map, "retries"))
        json_put_number(health, "Retries", node_integer(map, "retries", 0));
    return true;
}

/* "NAME=ADDRESS"; the engine wants a ':', and an address may hold one itself. */
cJSON *hosts_to_json(const struct node *list) {
    cJSON *hosts = cJSON_CreateArray();
    node_each (item, list) {
        autofree char *host = xstrdup(scalar_text(item));
        char *equals = strchr(host, '=');
        if (equals)
            *equals = ':';
        json_append_text(hosts, host);
    }
    return hosts;
}

static bool put_extra_hosts(struct draft *draft, const struct node *list) {
    json_put(draft->host, "ExtraHosts", hosts_to_json(list));
    return true;
}

static bool put_logging(struct draft *draft, const struct node *map) {
    cJSON *config = json_put(draft->host, "LogConfig", cJSON_CreateObject());
    const struct node *options = node_get(map, "options");
    json_put_text(config, "Type", node_text(map, "driver", NULL));
    if (options)
        json_put(config, "Config", map_to_json(options));
    return true;
}

void draft_restart_policy(struct draft *draft, const char *name, long most) {
    struct planned_service *service = draft->service;
    cJSON_DeleteItemFromObjectCaseSensitive(draft->host, "RestartPolicy");
    cJSON *policy = json_object_at(draft->host, "RestartPolicy");
    json_put_text(policy, "Name", name);
    if (most)
        json_put_number(policy, "MaximumRetryCount", most);
    service->restarts = strcmp(name, "no") != 0;
    service->restarts_always = !strcmp(name, "always") || !strcmp(name, "unless-stopped");
    service->restart_most = (int)most;
}

static bool put_restart(struct draft *draft, const struct node *value) {
    const char *policy = scalar_text(value);
    long most = 0;

    if (node_path(draft->node, "deploy.restart_policy"))
        return true; /* it is that which counts */
    if (text_starts(policy, "on-failure")) {
        const char *count = policy + strlen("on-failure");
        if (*count && !(*count == ':' && text_to_long(count + 1, 0, 1 << 20, &most)))
            return err_at(draft->err, value->at, "`%s` is not a restart policy", policy);
        draft_restart_policy(draft, "on-failure", most);
    } else if (!strcmp(policy, "no") || !strcmp(policy, "always") ||
               !strcmp(policy, "unless-stopped")) {
        draft_restart_policy(draft, policy, 0);
    } else {
        return err_at(draft->err, value->at,
                      "`%s` is not a restart policy: no, always, on-failure[:N] or unless-stopped",
                      policy);
    }
    return true;
}

/* NULL: another part of the plan, the model or the run has taken it in. */
struct key_rule {
    const char *key;
    bool (*put)(struct draft *draft, const struct node *value);
};

static const struct key_rule key_rules[] = {
    {"blkio_config", draft_blkio},
    {"build", NULL},
    {"configs", draft_files},
    {"container_name", NULL},
    {"credential_spec", draft_credential_spec},
    {"depends_on", NULL},
    {"deploy", draft_deploy},
    {"devices", draft_devices},
    {"env_file", NULL},
    {"environment", put_environment},
    {"expose", draft_expose},
    {"external_links", NULL},
    {"extra_hosts", put_extra_hosts},
    {"gpus", draft_gpus},
    {"healthcheck", put_healthcheck},
    {"image", NULL},
    {"ipc", draft_ipc},
    {"kind", NULL},
    {"label_file", NULL},
    {"labels", put_labels},
    {"links", NULL},
    {"logging", put_logging},
    {"mac_address", NULL},
    {"network_mode", draft_network_mode},
    {"networks", draft_networks},
    {"pid", draft_pid},
    {"platform", NULL},
    {"ports", draft_ports},
    {"post_start", draft_post_start},
    {"pre_start", NULL},
    {"pre_stop", draft_pre_stop},
    {"profiles", NULL},
    {"pull_policy", NULL},
    {"pull_refresh_after", NULL},
    {"ready", NULL},
    {"restart", put_restart},
    {"scale", NULL},
    {"secrets", draft_files},
    {"security_opt", draft_security_opt},
    {"seed", NULL},
    {"snapshot", NULL},
    {"tmpfs", draft_tmpfs},
    {"ulimits", draft_ulimits},
    {"use_api_socket", draft_api_socket},
    {"volumes", draft_volumes},
    {"volumes_from", draft_volumes_from},
};

static const struct key_rule *rule_for(const char *key) {
    for (size_t i = 0; i < lengthof(key_rules); i++)
        if (!strcmp(key_rules[i].key, key))
            return &key_rules[i];
    return NULL;
}

static const struct scalar_key *scalar_for(const char *key) {
    for (size_t i = 0; i < lengthof(scalar_keys); i++)
        if (!strcmp(scalar_keys[i].key, key))
            return &scalar_keys[i];
    return NULL;
}

bool container_takes_key(const char *key) {
    return rule_for(key) || scalar_for(key);
}

static bool put_key(struct draft *draft, const struct node *value) {
    const struct key_rule *rule = rule_for(value->key);
    const struct scalar_key *scalar = scalar_for(value->key);

    if (value->kind == NODE_NULL && (scalar || !strcmp(value->key, "build")))
        return true;
    if (scalar)
        return put_scalar(draft, scalar, value);
    return !rule || !rule->put || rule->put(draft, value);
}

/* Engines before 26 hand on to the host's own resolver what they cannot answer, also for internal
 * networks (CVE-2024-29018): let nobody listen there. */
static void stay_inside(struct draft *draft) {
    if (draft->plan->hermetic && !cJSON_HasObjectItem(draft->host, "Dns"))
        json_append_text(json_array_at(draft->host, "Dns"), "127.0.0.1");
}

bool draft_container(struct draft *draft) {
    struct err *all = draft->err;
    bool ok = true;

    node_each (value, draft->node) {
        struct err one = ERR_INIT;
        draft->err = &one;
        if (!check_key("services", draft->service->name, value, &one) || !put_key(draft, value))
            ok = err_join(all, &one);
    }
    stay_inside(draft);
    if (draft->plan->proxies)
        proxies_add(draft->plan, json_array_at(draft->body, "Env"));
    draft->err = all;
    return ok;
}
