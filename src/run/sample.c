/*
 * What a container uses, as the engine's statistics say: of cgroup v1 and v2.
 */
#include "run/collect.h"

#include <strings.h>

enum { SAMPLE_LIMIT = 2000, MILLION = 1000000 }; /* ms; nanoseconds of a millisecond */
#define NO_LIMIT (1LL << 62) /* bytes: cgroup v1 says "none" with a very large number */

struct sample {
    struct task task;
    struct life *life;
    struct task *request;
};

static long long sum_networks(const cJSON *stats, const char *field) {
    const cJSON *network;
    long long sum = 0;
    cJSON_ArrayForEach (network, json_get(stats, "networks")) {
        sum += json_number(network, field, 0);
    }
    return sum;
}

/* v1 says "Read", v2 "read". */
static long long sum_disks(const cJSON *stats, const char *verb) {
    const cJSON *entry;
    long long sum = 0;
    cJSON_ArrayForEach (entry, json_get(stats, "blkio_stats.io_service_bytes_recursive")) {
        if (!strcasecmp(json_text_or(entry, "op", ""), verb))
            sum += json_number(entry, "value", 0);
    }
    return sum;
}

/* What can be dropped at once does not count, as `docker stats` has it. */
static long long used_memory(const cJSON *memory) {
    long long cache = json_number(memory, "stats.total_inactive_file",
                                  json_number(memory, "stats.inactive_file", 0));
    long long usage = json_number(memory, "usage", 0);
    return usage > cache ? usage - cache : usage;
}

bool sample_read(const cJSON *stats, struct event_usage *ret) {
    const cJSON *cpu = json_get(stats, "cpu_stats"), *memory = json_get(stats, "memory_stats");
    long long limit = json_number(memory, "limit", 0);
    long long nanoseconds = json_number(cpu, "cpu_usage.total_usage", 0);
    if (!json_get(memory, "usage") && !nanoseconds) /* a kernel may count one of them only */
        return false;
    *ret = (struct event_usage){
        .cpu = nanoseconds / MILLION,
        .throttled = json_number(cpu, "throttling_data.throttled_time", 0) / MILLION,
        .memory = used_memory(memory),
        .memory_limit = limit < NO_LIMIT ? limit : 0,
        .processes = json_number(stats, "pids_stats.current", 0),
        .received = sum_networks(stats, "rx_bytes"),
        .sent = sum_networks(stats, "tx_bytes"),
        .read = sum_disks(stats, "read"),
        .written = sum_disks(stats, "write"),
    };
    return true;
}

/* An engine that may not read cgroups has no numbers at all: it is not asked for ever. */
static void take(const struct sample *sample, const cJSON *stats) {
    struct life *life = sample->life;
    struct event event = {.kind = EVENT_SAMPLE, .service = xstrdup(life->name)};
    if (sample_read(stats, &event.usage)) {
        if (!json_number(life->planned->body, "HostConfig.Memory", 0))
            event.usage.memory_limit = 0; /* the engine says what its host has */
        life->samples_in_vain = 0;
        environment_tell(life->environment, &event);
        return;
    }
    life->samples_in_vain += life->running;
    event_release(&event);
}

static enum task_status sample_step(struct task *task) {
    struct sample *sample = (struct sample *)task;
    if (!sample->request) {
        sample->request = container_stats(sample->life->environment->engine, sample->life->id);
        task_limit(sample->request, loop_now() + SAMPLE_LIMIT);
        task_start(sample->request, task);
    }
    if (sample->request->status == TASK_DONE)
        take(sample, request_answer(sample->request));
    return sample->request->status == TASK_PENDING ? TASK_PENDING : TASK_DONE;
}

static void sample_release(struct task *task) {
    task_free(((struct sample *)task)->request);
}

struct task *sample_new(struct life *life) {
    static const struct task_type type = {
        .name = "sample", .step = sample_step, .release = sample_release};
    struct sample *sample = task_new(sizeof *sample, &type, life->environment->loop);
    sample->life = life;
    return &sample->task;
}
