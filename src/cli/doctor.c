/*
 * envrun doctor: is everything there that envrun needs, and what to do if not.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"
#include "plan/subnets.h"
#include "run/overlay_try.h"
#include "run/subnets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    DISK_LITTLE = 2048, /* MiB that are free: builds and databases may not fit */
    DISK_NONE = 200,    /* MiB */
};

enum verdict { FINE, WARNING, FAILURE };

struct doctor {
    struct session session;
    cJSON *info, *version;
    bool failed;
};

/* ---- Saying it ---- */

/* One line; `advice` says what to do about it, or is NULL. The text is taken. */
static void say(struct doctor *doctor, enum verdict verdict, const char *what, char *text,
                const char *advice) {
    static const char *const words[] = {"ok", "warn", "fail"};
    doctor->failed = doctor->failed || verdict == FAILURE;
    printf("%-5s %-12s %s%s%s\n", words[verdict], what, text, advice ? ": " : "",
           advice ? advice : "");
    free(text);
}

/* The answer, to be deleted by the caller; NULL and err. */
static cJSON *ask(struct doctor *doctor, struct task *request, struct err *err) {
    task_start(request, NULL);
    loop_run(doctor->session.loop, request);
    cJSON *answer = request->status == TASK_DONE ? request_take_answer(request) : NULL;
    if (!answer)
        err_move(err, &request->err);
    task_free(request);
    return answer;
}

/* ---- The engine ---- */

static bool check_engine(struct doctor *doctor) {
    struct session *session = &doctor->session;
    struct err err = ERR_INIT;
    bool ok = session_open(session, &err) &&
              session_drive(session, engine_connect(session->engine), true, &err);
    if (ok)
        doctor->version =
            ask(doctor, engine_request(session->engine, "GET", NULL, "/version"), &err);
    if (doctor->version)
        doctor->info = ask(doctor, engine_request(session->engine, "GET", NULL, "/info"), &err);
    if (doctor->info)
        say(doctor, FINE, "engine",
            xasprintf("%s at %s", json_text_or(doctor->version, "Version", "?"),
                      engine_address(session->engine)->url),
            NULL);
    else
        say(doctor, FAILURE, "engine", xstrdup(err.message ? err.message : "no answer"), NULL);
    err_release(&err);
    return doctor->info != NULL;
}

/* Whoever may use the socket is root on this host. */
static void check_socket(struct doctor *doctor) {
    const struct engine_address *address = engine_address(doctor->session.engine);
    struct stat status;
    if (!address->unix_socket) {
        bool safe = engine_tls(doctor->session.engine).directory != NULL;
        say(doctor, safe ? FINE : WARNING, "permissions",
            xasprintf("a TCP port %s TLS", safe ? "with" : "without"),
            safe ? NULL : "whoever reaches it is root on the engine's host; use certificates");
        return;
    }
    if (stat(address->socket, &status))
        return;
    bool open = status.st_mode & S_IWOTH;
    say(doctor, open ? WARNING : FINE, "permissions",
        xasprintf("%s has mode %04o", address->socket, (unsigned)status.st_mode & 07777),
        open ? "every user of this host can become root by it; chmod o-rw" : NULL);
}

static void check_api(struct doctor *doctor) {
    say(doctor, FINE, "API",
        xasprintf("1.%d is spoken; the engine knows %s to %s",
                  engine_info(doctor->session.engine)->api_minor,
                  json_text_or(doctor->version, "MinAPIVersion", "?"),
                  json_text_or(doctor->version, "ApiVersion", "?")),
        NULL);
}

/* ---- Where things are kept ---- */

static void check_storage(struct doctor *doctor) {
    const char *driver = json_text_or(doctor->info, "Driver", "?");
    bool copies = !strcmp(driver, "vfs");
    say(doctor, copies ? WARNING : FINE, "storage", xstrdup(driver),
        copies ? "every container copies its whole image; let the engine use overlay2" : NULL);
}

static void check_snapshots(struct doctor *doctor) {
    struct session *session = &doctor->session;
    struct err err = ERR_INIT;
    if (session_drive(session, overlay_try_new(session->loop, session->engine), false, &err))
        say(doctor, FINE, "snapshots", xstrdup("an overlay can be mounted as a volume"), NULL);
    else
        say(doctor, WARNING, "snapshots",
            xasprintf("no overlay can be mounted as a volume (%s)", err.message),
            "seeded data is copied instead, which takes longer");
    err_release(&err);
}

static void check_disk(struct doctor *doctor) {
    const char *root = json_text(doctor->info, "DockerRootDir");
    struct statvfs disk;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    if (!root || !text_equal(json_text(doctor->info, "Name"), host) || statvfs(root, &disk)) {
        say(doctor, FINE, "disk", xasprintf("%s cannot be seen from here", root ? root : "?"),
            NULL);
        return;
    }
    unsigned long long available = (unsigned long long)disk.f_bavail * disk.f_frsize;
    autofree char *amount = text_bytes(available);
    enum verdict verdict = available >> 20 < DISK_NONE     ? FAILURE
                           : available >> 20 < DISK_LITTLE ? WARNING
                                                           : FINE;
    say(doctor, verdict, "disk", xasprintf("%s are free in %s", amount, root),
        verdict ? "make room, as with `envrun gc --images --yes` or `docker builder prune`" : NULL);
}

/* ---- What containers get ---- */

static void check_subnets(struct doctor *doctor) {
    const char *setting = getenv("ENVRUN_SUBNETS");
    struct subnets taken = {0};
    struct subnet_range range;
    struct subnet free_one;
    struct err err = ERR_INIT;
    if (setting && !strcmp(setting, "engine")) {
        say(doctor, WARNING, "subnets", xstrdup("the engine chooses them (ENVRUN_SUBNETS)"),
            "its own pools hold about 31 networks");
        return;
    }
    const char *text = setting && *setting ? setting : SUBNETS_DEFAULT;
    autojson cJSON *networks = ask(doctor, network_list(doctor->session.engine, NULL), &err);
    if (!networks || !subnet_range_parse(text, &range, &err)) {
        say(doctor, FAILURE, "subnets", xstrdup(err.message), NULL);
    } else {
        subnets_learn_taken(&taken, doctor->session.engine, networks);
        bool found = subnet_find(range.whole, range.bits, &taken, 0, &free_one);
        say(doctor, found ? FINE : WARNING, "subnets",
            xasprintf("%s %s", text, found ? "has free ones" : "has none that is free"),
            found ? NULL : "set ENVRUN_SUBNETS to another range");
    }
    vec_free(&taken);
    err_release(&err);
}

static void check_cgroups(struct doctor *doctor) {
    static const struct {
        const char *field, *key;
    } limits[] = {
        {"MemoryLimit", "mem_limit"}, {"CpuCfsQuota", "cpus"}, {"PidsLimit", "pids_limit"}};
    autostrings struct strings missing = {0};
    for (size_t i = 0; i < lengthof(limits); i++)
        if (!json_true(doctor->info, limits[i].field))
            strings_add(&missing, limits[i].key);
    autofree char *keys = strings_join(&missing, ", ");
    autofree char *advice =
        xasprintf("the engine cannot enforce %s; mount those controllers", keys);
    say(doctor, missing.length ? WARNING : FINE, "cgroups",
        xasprintf("version %s", json_text_or(doctor->info, "CgroupVersion", "?")),
        missing.length ? advice : NULL);
}

static void check_buildx(struct doctor *doctor) {
    struct session *session = &doctor->session;
    struct err err = ERR_INIT;
    struct task *check = buildx_check(session->engine, (const char *const *)environ);
    if (session_drive(session, check, true, &err))
        say(doctor, FINE, "buildx", xstrdup("is installed"), NULL);
    else
        say(doctor, WARNING, "buildx", xstrdup(err.message),
            "files that need BuildKit cannot be built; install docker-buildx");
    err_release(&err);
}

/* ---- What is left ---- */

static void check_leftovers(struct doctor *doctor) {
    struct leases leases = {0};
    struct err err = ERR_INIT;
    int over = 0;
    if (!session_leases(&doctor->session, &leases, &err)) {
        say(doctor, FAILURE, "leftovers", xstrdup(err.message), NULL);
        err_release(&err);
        return;
    }
    vec_each (lease, &leases)
        over += lease_is_over(lease);
    say(doctor, over ? WARNING : FINE, "leftovers",
        xasprintf("%d of %zu environments %s nobody's", over, leases.length,
                  over == 1 ? "is" : "are"),
        over ? "`envrun gc --yes` removes what was left" : NULL);
    leases_release(&leases);
}

int command_doctor(struct options *options) {
    static void (*const checks[])(struct doctor * doctor) = {
        check_socket,  check_api,     check_storage, check_snapshots, check_disk,
        check_subnets, check_cgroups, check_buildx,  check_leftovers,
    };
    struct doctor doctor = {0};
    session_init(&doctor.session, options);
    bool connected = check_engine(&doctor);
    for (size_t i = 0; connected && i < lengthof(checks); i++)
        checks[i](&doctor);
    cJSON_Delete(doctor.info);
    cJSON_Delete(doctor.version);
    session_release(&doctor.session);
    return doctor.failed ? EX_UNAVAILABLE : EX_OK;
}
