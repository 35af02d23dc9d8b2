/*
 * What is done with each key: docs/keys.md is made from this table and the two of container.c.
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
static const char buildkit[] =
    "needs BuildKit; envrun speaks to the engine's classic builder so far";

/* What is not here is refused; of `services` only what is in neither table of container.c is here.
 */
static const struct covered_key covered_keys[] = {
    {"", "configs", KEY_WORKS, ""},
    {"", "include", KEY_WORKS, ""},
    {"", "name", KEY_WORKS, ""},
    {"", "networks", KEY_WORKS, ""},
    {"", "secrets", KEY_WORKS, ""},
    {"", "services", KEY_WORKS, ""},
    {"", "version", KEY_IGNORED, "is obsolete: the specification has one version"},
    {"", "volumes", KEY_WORKS, ""},

    {"services", "attach", KEY_IGNORED, "says only what `docker compose up` shows"},
    {"services", "develop", KEY_IGNORED, "is for editing, not for a run"},
    {"services", "extends", KEY_WORKS, ""},

    {"build", "additional_contexts", KEY_REFUSED, buildkit},
    {"build", "args", KEY_WORKS, ""},
    {"build", "context", KEY_WORKS, ""},
    {"build", "dockerfile", KEY_WORKS, ""},
    {"build", "entitlements", KEY_REFUSED, buildkit},
    {"build", "labels", KEY_WORKS, ""},
    {"build", "network", KEY_WORKS, ""},
    {"build", "no_cache", KEY_WORKS, ""},
    {"build", "pull", KEY_WORKS, ""},
    {"build", "secrets", KEY_REFUSED, buildkit},
    {"build", "ssh", KEY_REFUSED, buildkit},
    {"build", "target", KEY_WORKS, ""},

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

    {"secrets", "environment", KEY_WORKS, ""},
    {"secrets", "file", KEY_WORKS, ""},
    {"secrets", "labels", KEY_IGNORED, swarm},
    {"secrets", "name", KEY_WORKS, ""},

    {"configs", "content", KEY_WORKS, ""},
    {"configs", "environment", KEY_WORKS, ""},
    {"configs", "file", KEY_WORKS, ""},
    {"configs", "labels", KEY_IGNORED, swarm},
    {"configs", "name", KEY_WORKS, ""},
};

struct key_coverage plan_coverage(const char *section, const char *key) {
    for (size_t i = 0; i < lengthof(covered_keys); i++) {
        const struct covered_key *row = &covered_keys[i];
        if (!strcmp(row->section, section) && !strcmp(row->key, key))
            return (struct key_coverage){row->coverage, row->reason};
    }
    if (!strcmp(section, "services") && container_takes_key(key))
        return (struct key_coverage){KEY_WORKS, ""};
    return (struct key_coverage){KEY_REFUSED, "is not handled yet"};
}

bool check_key(const char *section, const char *owner, const struct node *value, struct err *err) {
    struct key_coverage coverage = plan_coverage(section, value->key);
    bool in_service = !strcmp(section, "build") || !strcmp(section, "deploy");
    if (coverage.coverage != KEY_REFUSED || text_starts(value->key, "x-"))
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
