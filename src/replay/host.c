#include "replay/host.h"

#include "base/json.h"
#include "base/text.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

static void put_limit(cJSON *facts, const char *name, int resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit))
        return;
    if (limit.rlim_max == RLIM_INFINITY)
        json_put_text(facts, name, "unlimited");
    else
        json_put_number(facts, name, (long long)limit.rlim_max);
}

static void put_kernel(cJSON *facts) {
    struct utsname name;
    struct statfs cgroups;
    if (!uname(&name)) {
        json_put_text(facts, "kernel", name.release);
        json_put_text(facts, "architecture", name.machine);
    }
    if (!statfs("/sys/fs/cgroup", &cgroups))
        json_put_number(facts, "cgroup_version", cgroups.f_type == CGROUP2_SUPER_MAGIC ? 2 : 1);
}

static void put_engine(cJSON *facts, const cJSON *engine) {
    json_put_text(facts, "engine", json_text(engine, "version.Version"));
    json_put_text(facts, "engine_api", json_text(engine, "version.ApiVersion"));
    json_put_text(facts, "engine_host", json_text(engine, "info.OperatingSystem"));
    json_put_text(facts, "storage_driver", json_text(engine, "info.Driver"));
    json_put_text(facts, "cgroup_driver", json_text(engine, "info.CgroupDriver"));
    json_put_number(facts, "engine_cpus", json_number(engine, "info.NCPU", 0));
    json_put_number(facts, "engine_memory", json_number(engine, "info.MemTotal", 0));
}

cJSON *host_facts(const cJSON *engine) {
    cJSON *facts = cJSON_CreateObject();
    put_kernel(facts);
    json_put_number(facts, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
    json_put_number(facts, "memory", (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    put_limit(facts, "open_files", RLIMIT_NOFILE);
    put_limit(facts, "processes", RLIMIT_NPROC);
    if (engine)
        put_engine(facts, engine);
    return facts;
}

static char *shown(const cJSON *value) {
    if (cJSON_IsString(value))
        return xstrdup(value->valuestring);
    return cJSON_IsNumber(value) ? xasprintf("%.0f", value->valuedouble) : xstrdup("unknown");
}

void host_compare(const cJSON *then, const cJSON *now, struct host_differences *ret) {
    const cJSON *fact;
    cJSON_ArrayForEach (fact, then) {
        autofree char *before = shown(fact);
        autofree char *here = shown(cJSON_GetObjectItemCaseSensitive(now, fact->string));
        if (strcmp(before, here))
            vec_push(ret, (struct host_difference){fact->string, steal(before), steal(here)});
    }
}

void host_differences_release(struct host_differences *differences) {
    vec_each (one, differences) {
        free(one->then);
        free(one->now);
    }
    vec_free(differences);
}
