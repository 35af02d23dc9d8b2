#include "run/room.h"

#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* What a container costs where the file sets no limit: the engine's shim has 11 threads, the start
 * some more for a moment, and a small service its own. */
enum { PROCESSES_EACH = 32 };

/* ---- What is wanted ---- */

/* The sum of a limit over all services; `otherwise` for one that has none. */
static long long sum_of(const struct environment *environment, const char *limit,
                        long long otherwise) {
    long long sum = 0;
    for (size_t i = 0; i < environment->life_count; i++) {
        const struct life *life = &environment->lives[i];
        long long most = json_number(life->planned->body, limit, 0);
        if (!life->is_idle)
            sum += most > 0 ? most : otherwise;
    }
    return sum;
}

/* ---- What is there ---- */

/* The number that follows `name` in a file (from its beginning if the name is ""). */
static long long number_in(const char *path, const char *name, long long otherwise) {
    struct err ignored = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT_MAX(64 << 10);
    const char *at = path_read(path, &text, &ignored) ? strstr(text.data, name) : NULL;
    long long number = otherwise;
    if (at)
        sscanf(at + strlen(name), "%lld", &number);
    err_release(&ignored);
    return number;
}

static long long lesser(long long a, long long b) {
    return a < b ? a : b;
}

static char *memory_missing(const struct environment *environment) {
    long long wanted = sum_of(environment, "HostConfig.Memory", 0);
    long long there = number_in("/proc/meminfo", "MemAvailable:", INT64_MAX >> 10) << 10;
    if (wanted <= there)
        return NULL;
    autofree char *need = text_bytes((unsigned long long)wanted);
    autofree char *have = text_bytes((unsigned long long)there);
    return xasprintf("memory: the services' limits come to %s, and the engine's host has %s left",
                     need, have);
}

/* The kernel's limits, and that of the cgroup (version 2, else 1) that is the root as seen from
 * here. The total of /proc/loadavg counts threads. */
static char *processes_missing(const struct environment *environment) {
    long long wanted = sum_of(environment, "HostConfig.PidsLimit", PROCESSES_EACH);
    long long left = lesser(number_in("/proc/sys/kernel/threads-max", "", INT64_MAX),
                            number_in("/proc/sys/kernel/pid_max", "", INT64_MAX)) -
                     number_in("/proc/loadavg", "/", 0);
    static const char *const cgroups[][2] = {
        {"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids.current"},
        {"/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids/pids.current"},
    };
    for (size_t i = 0; i < lengthof(cgroups); i++)
        left =
            lesser(left, number_in(cgroups[i][0], "", INT64_MAX) - number_in(cgroups[i][1], "", 0));
    if (wanted <= left)
        return NULL;
    return xasprintf("processes: the services may need %lld, and the engine's host has room for "
                     "%lld more",
                     wanted, left > 0 ? left : 0);
}

char *room_missing(const struct environment *environment) {
    if (!engine_address(environment->engine)->unix_socket)
        return NULL;
    char *missing = memory_missing(environment);
    return missing ? missing : processes_missing(environment);
}
