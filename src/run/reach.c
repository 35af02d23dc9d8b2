/*
 * How this host reaches a container: by its own address where the engine's bridge is an interface
 * of ours; through networks that envrun's own container joins; else through published ports.
 */
#include "run/environment.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct reach_work {
    struct task task;
    struct environment *environment;
    struct sequence *sequence;
    bool bridge_is_ours, same_host;
    char *candidate; /* the ID of the container that we may be in */
};

/* ---- The engine's bridge ---- */

/* Has an interface of this host an address in the subnet? (A fresh engine does not name the
 * bridge's gateway.) */
static bool is_our_subnet(const char *text) {
    struct ifaddrs *all;
    struct subnet subnet;
    bool found = false;
    if (!subnet_parse(text, &subnet) || getifaddrs(&all))
        return false;
    for (struct ifaddrs *item = all; item && !found; item = item->ifa_next) {
        const struct sockaddr_in *own = (const void *)item->ifa_addr;
        if (own && own->sin_family == AF_INET)
            found = subnet_has(subnet, ntohl(own->sin_addr.s_addr));
    }
    freeifaddrs(all);
    return found;
}

static struct task *begin_bridge(void *subject, struct err *err) {
    static const int missing_too[] = {404, 0};
    struct reach_work *work = subject;
    (void)err;
    struct task *bridge =
        engine_request(work->environment->engine, "GET", NULL, "/networks/bridge");
    request_accept(bridge, missing_too);
    return bridge;
}

static bool end_bridge(void *subject, struct task *task, struct err *err) {
    struct reach_work *work = subject;
    const cJSON *config = json_get(request_answer(task), "IPAM.Config");
    const char *subnet = json_text(cJSON_GetArrayItem(config, 0), "Subnet");
    (void)err;
    work->bridge_is_ours = subnet && is_our_subnet(subnet);
    return true;
}

/* Two hosts may both have a docker0 of the same address: the engine must also be of this host. */
static struct task *begin_info(void *subject, struct err *err) {
    struct reach_work *work = subject;
    (void)err;
    if (!work->bridge_is_ours)
        return NULL;
    return engine_request(work->environment->engine, "GET", NULL, "/info");
}

static bool end_info(void *subject, struct task *task, struct err *err) {
    struct reach_work *work = subject;
    char host[256] = "";
    (void)err;
    gethostname(host, sizeof host - 1);
    work->same_host = text_equal(json_text(request_answer(task), "Name"), host);
    return true;
}

/* ---- The container that envrun itself may run in ---- */

/* A container's /etc/hostname is a mount of .../containers/ID/hostname. */
char *reach_own_container(void) {
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    char *id = NULL;
    while (mounts && !id && fgets(line, sizeof line, mounts)) {
        const char *at = strstr(line, "/containers/");
        if (!at || !strstr(line, " /etc/hostname "))
            continue;
        at += strlen("/containers/");
        if (strspn(at, "0123456789abcdef") == 64)
            id = xstrndup(at, 64);
    }
    if (mounts)
        fclose(mounts);
    return id;
}

static struct task *begin_self(void *subject, struct err *err) {
    static const int missing_too[] = {404, 0};
    struct reach_work *work = subject;
    (void)err;
    if (work->bridge_is_ours && work->same_host)
        return NULL;
    work->candidate = reach_own_container();
    if (!work->candidate)
        return NULL;
    struct task *self = container_inspect(work->environment->engine, work->candidate);
    request_accept(self, missing_too);
    return self;
}

static bool end_self(void *subject, struct task *task, struct err *err) {
    struct reach_work *work = subject;
    (void)err;
    if (request_status(task) != 200)
        return true; /* a container of another engine */
    work->environment->self = steal(work->candidate);
    work->environment->own_mounts = cJSON_Duplicate(json_get(request_answer(task), "Mounts"), true);
    return true;
}

/* ---- The decision ---- */

/* "docker" -> "172.17.0.3"; a name that is not found stays as it is. This may block, but the
 * engine's host was looked up just now to reach it. */
static char *numeric_address(const char *host) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char text[INET_ADDRSTRLEN];
    if (getaddrinfo(host, NULL, &hints, &found))
        return xstrdup(host);
    bool ok =
        !getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return xstrdup(ok ? text : host);
}

static void publish(struct environment *environment) {
    const struct engine_address *address = engine_address(environment->engine);
    bool here = address->unix_socket || !strcmp(address->host, "127.0.0.1") ||
                !strcmp(address->host, "localhost") || !strcmp(address->host, "::1");
    environment->reach = REACH_PUBLISH;
    environment->publish_address = xstrdup(here ? "127.0.0.1" : "0.0.0.0");
    environment->publish_host = xstrdup(here ? "127.0.0.1" : address->host);
    environment->publish_number = numeric_address(environment->publish_host);
}

static void decide(const struct reach_work *work) {
    struct environment *environment = work->environment;
    if (work->bridge_is_ours && work->same_host) {
        environment->reach = REACH_DIRECT;
    } else if (environment->self) {
        environment->reach = REACH_JOIN;
    } else {
        publish(environment);
        return;
    }
    environment->publish_address = xstrdup("127.0.0.1");
    environment->publish_host = xstrdup("127.0.0.1");
    environment->publish_number = xstrdup("127.0.0.1");
}

static const struct stage stages[] = {
    {"bridge", begin_bridge, end_bridge},
    {"info", begin_info, end_info},
    {"self", begin_self, end_self},
    {0},
};

static enum task_status reach_step(struct task *task) {
    struct reach_work *work = (struct reach_work *)task;
    if (!work->sequence) {
        work->sequence = sequence_new(task->loop, stages, work, NULL);
        task_start(&work->sequence->task, task);
    }
    if (work->sequence->task.status == TASK_FAILED)
        err_move(&task->err, &work->sequence->task.err);
    if (work->sequence->task.status == TASK_DONE)
        decide(work);
    return work->sequence->task.status;
}

static void reach_release(struct task *task) {
    struct reach_work *work = (struct reach_work *)task;
    task_free(work->sequence);
    free(work->candidate);
}

struct task *reach_decide(struct environment *environment) {
    static const struct task_type type = {
        .name = "reach", .step = reach_step, .release = reach_release};
    struct reach_work *work = task_new(sizeof *work, &type, environment->loop);
    work->environment = environment;
    return &work->task;
}
