/* What a newcomer to envrun's keys most likely meant. */
#include "spec/hints.h"

#include "base/text.h"

#include <string.h>

#define PROBES                                                                                     \
    "write `{tcp: 5432}`, `{http: {port: 80, path: /}}`, `{exec: COMMAND}`, `{log: REGEX}` or "    \
    "`healthcheck`"
#define SUITE "the test suite is `suite: {command: COMMAND}` at the top of the file"
#define PATIENCE "envrun asks again at short intervals, until `timeout`"

/* Names that are no keys there, by the table entry that they were written under. */
static const struct {
    const char *under, *name, *hint;
} strangers[] = {
    {"service", "timeout",
     "a `timeout` belongs into `ready`, into a step of `seed` or into `suite`"},
    {"service", "env", "did you mean `environment`?"},
    {"service", "wait_for", "`ready` says when it is ready, and `depends_on` waits for that"},
    {"service", "readiness", "`ready` says when it is ready"},
    {"service", "probe", "`ready` says when it is ready"},
    {"service", "data", "what is put into it is `seed`"},
    {"service", "fixtures", "what is put into it is `seed`"},
    {"file", "test", SUITE},
    {"file", "tests", SUITE},
    {"file", "command", SUITE},
    {"x-ready", "command", "a command is `exec`"},
    {"x-ready", "cmd", "a command is `exec`"},
    {"x-ready", "test", "a command is `exec`"},
    {"x-ready", "port", "write `tcp: PORT` or `http: {port: PORT, path: /}`"},
    {"x-ready", "path", "write `http: {port: PORT, path: /}`"},
    {"x-ready", "url", "write `http: {port: PORT, path: /}`"},
    {"x-ready", "interval", PATIENCE},
    {"x-ready", "retries", PATIENCE},
    {"x-ready", "start_period", PATIENCE},
    {"seed step", "command", "a command is `exec` (in the container) or `run` (on the host)"},
    {"seed step", "file", "a file is `sql` or `copy: {from: FILE, to: /PATH}`"},
    {"seed step", "url", "write `http: {port: PORT, path: /PATH, body: FILE}`"},
    {"x-suite", "run", "did you mean `command`?"},
    {"x-suite", "exec", "did you mean `command`?"},
    {"x-suite", "env", "did you mean `environment`?"},
    {"x-suite", "image", "name one of the services in `service`, and the suite runs inside it"},
    {"http", "url", "write `port` and `path`; the address is known to envrun"},
    {"http", "data", "write `text`, `json` or `body: FILE`"},
    {"http", "content", "write `text`, `json` or `body: FILE`"},
};

/* Values of a kind that is not taken there. */
static const struct {
    const char *name, *hint;
} shapes[] = {
    {"x-ready", PROBES},
    {"tcp", "write `tcp: PORT`"},
    {"x-seed", "write `seed: [{sql: FILE}]`"},
    {"seed step", "a step is a mapping such as `sql: FILE` or `exec: COMMAND`"},
    {"copy", "write `copy: {from: FILE, to: /PATH}`"},
    {"x-suite", "write `suite: {command: COMMAND}`"},
    {"x-suites", "write `suites: {NAME: {command: COMMAND}}`"},
};

static const char *place_of(const struct key *key) {
    if (key == &schema_root)
        return "file";
    return key == &schema_service ? "service" : key->name ? key->name : "";
}

static bool is_service(const struct node *node) {
    return node_get(node, "image") || node_get(node, "build");
}

const char *hint_stranger(const struct key *under, const struct node *entry) {
    const char *place = place_of(under), *name = entry->key;
    for (size_t i = 0; i < lengthof(strangers); i++)
        if (!strcmp(strangers[i].under, place) && !strcmp(strangers[i].name, name))
            return strangers[i].hint;
    if (under == &schema_root && is_service(entry))
        return "services stand under `services:`";
    if (under == &schema_root && schema_known(schema_service.keys, name))
        return "it belongs to a service";
    if (under == &schema_service && schema_known(schema_root.keys, name))
        return "it stands at the top of the file";
    return NULL;
}

const char *hint_shape(const struct key *key, const struct node *node) {
    if (key->form == AS_DURATION && node->kind == NODE_INT)
        return "a duration has a unit, like 90s or 2m";
    for (size_t i = 0; i < lengthof(shapes); i++)
        if (key->name && !strcmp(shapes[i].name, key->name))
            return shapes[i].hint;
    return NULL;
}
