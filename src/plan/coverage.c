/*
 * What is done with each key: docs/keys.md is made from this table, the two of container.c and the
 * one of build.c.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

struct covered_key {
    const char *section, *key;
    enum coverage coverage;
    const char *reason;
};

static const char swarm[] = "is about a swarm; Docker Compose does not look at it either";
static const char swarms_own[] = "is a swarm's; Docker Compose refuses it too";
static const char external_secret[] =
    "means one of a swarm, which only a swarm's services can read; use `file` or `environment`";
static const char model_runner[] =
    "needs Docker Model Runner, of which a host has one: no environment could have it to itself, "
    "nor take back what it was told; run the model in a service, or name a model's URL in "
    "`environment`";
static const char provider[] =
    "hands the service to a program of this host, which makes it outside the engine: where envrun "
    "was killed, nothing could find it and take it down; start it before envrun, and name where it "
    "answers in `environment`";

/* What is not here is refused; of `services` and `build` only what is in no table of container.c
 * and build.c is here. */
static const struct covered_key covered_keys[] = {
    {"", "configs", KEY_WORKS, ""},
    {"", "include", KEY_WORKS, ""},
    {"", "models", KEY_REFUSED, model_runner},
    {"", "name", KEY_WORKS, ""},
    {"", "networks", KEY_WORKS, ""},
    {"", "secrets", KEY_WORKS, ""},
    {"", "services", KEY_WORKS, ""},
    {"", "suite", KEY_WORKS, ""},
    {"", "suites", KEY_WORKS, ""},
    {"", "version", KEY_IGNORED, "is obsolete: the specification has one version"},
    {"", "volumes", KEY_WORKS, ""},

    {"services", "annotations", KEY_WORKS, "from API 1.43 on (Docker Engine 24)"},
    {"services", "attach", KEY_IGNORED, "says only what `docker compose up` shows"},
    {"services", "develop", KEY_IGNORED, "is for editing, not for a run"},
    {"services", "extends", KEY_WORKS, ""},
    {"services", "models", KEY_REFUSED, model_runner},
    {"services", "provider", KEY_REFUSED, provider},
    {"services", "snapshot", KEY_REFUSED, "is not handled yet"},

    {"deploy", "endpoint_mode", KEY_IGNORED, swarm},
    {"deploy", "labels", KEY_IGNORED, swarm},
    {"deploy", "mode", KEY_IGNORED, swarm},
    {"deploy", "placement", KEY_IGNORED, swarm},
    {"deploy", "replicas", KEY_WORKS, ""},
    {"deploy", "resources", KEY_WORKS, ""},
    {"deploy", "restart_policy", KEY_WORKS, ""},
    {"deploy", "rollback_config", KEY_IGNORED, swarm},
    {"deploy", "update_config", KEY_IGNORED, swarm},

    {"networks", "attachable", KEY_WORKS, ""},
    {"networks", "driver", KEY_WORKS, ""},
    {"networks", "driver_opts", KEY_WORKS, ""},
    {"networks", "enable_ipv4", KEY_WORKS, "from API 1.48 on (Docker Engine 28)"},
    {"networks", "enable_ipv6", KEY_WORKS, ""},
    {"networks", "external", KEY_WORKS, ""},
    {"networks", "internal", KEY_WORKS, ""},
    {"networks", "ipam", KEY_WORKS, ""},
    {"networks", "labels", KEY_WORKS, ""},
    {"networks", "name", KEY_WORKS, ""},

    {"volumes", "driver", KEY_WORKS, ""},
    {"volumes", "driver_opts", KEY_WORKS, ""},
    {"volumes", "external", KEY_WORKS, ""},
    {"volumes", "labels", KEY_WORKS, ""},
    {"volumes", "name", KEY_WORKS, ""},

    {"secrets", "driver", KEY_REFUSED, swarms_own},
    {"secrets", "driver_opts", KEY_REFUSED, swarms_own},
    {"secrets", "environment", KEY_WORKS, ""},
    {"secrets", "external", KEY_REFUSED, external_secret},
    {"secrets", "file", KEY_WORKS, ""},
    {"secrets", "labels", KEY_IGNORED, swarm},
    {"secrets", "name", KEY_WORKS, ""},
    {"secrets", "template_driver", KEY_REFUSED, swarms_own},

    {"configs", "content", KEY_WORKS, ""},
    {"configs", "environment", KEY_WORKS, ""},
    {"configs", "external", KEY_REFUSED, external_secret},
    {"configs", "file", KEY_WORKS, ""},
    {"configs", "labels", KEY_IGNORED, swarm},
    {"configs", "name", KEY_WORKS, ""},
    {"configs", "template_driver", KEY_REFUSED, swarms_own},
};

struct key_coverage plan_coverage(const char *section, const char *key) {
    for (size_t i = 0; i < lengthof(covered_keys); i++) {
        const struct covered_key *row = &covered_keys[i];
        if (!strcmp(row->section, section) && !strcmp(row->key, key))
            return (struct key_coverage){row->coverage, row->reason};
    }
    if (!strcmp(section, "build") && build_takes_key(key))
        return (struct key_coverage){KEY_WORKS, build_takes_key(key)};
    if (!strcmp(section, "services") && container_takes_key(key))
        return (struct key_coverage){KEY_WORKS, ""};
    return (struct key_coverage){KEY_REFUSED, "is not handled yet"};
}

bool check_key(const char *section, const char *owner, const struct node *value, struct err *err) {
    struct key_coverage coverage = plan_coverage(section, value->key);
    bool in_service = !strcmp(section, "build") || !strcmp(section, "deploy");
    bool is_ours = text_starts(value->key, "x-") || *value->key == '#'; /* or the resolver's */
    bool is_off = value->kind == NODE_BOOL && !value->boolean;          /* it asks for nothing */
    if (coverage.coverage != KEY_REFUSED || is_ours || is_off)
        return true;
    autofree char *path = in_service ? xasprintf("services.%s.%s.", owner, section)
                          : *section ? xasprintf("%s.%s.", section, owner)
                                     : xstrdup("");
    return err_at(err, value->key_at.file ? value->key_at : value->at, "%s%s: this key %s", path,
                  value->key, coverage.reason);
}

bool check_keys(const char *section, const char *owner, const struct node *map, struct err *err) {
    node_each (value, map)
        if (!check_key(section, owner, value, err))
            return false;
    return true;
}
