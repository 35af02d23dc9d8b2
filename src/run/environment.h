/*
 * environment.h: what the files of the run floor share.
 *
 * One `struct environment` holds everything; one `struct life` is a service's way from its image to
 * "up". A life advances on its own and waits for others only where it needs them; whoever changes
 * what others may wait for calls environment_changed().
 */
#ifndef RUN_ENVIRONMENT_H
#define RUN_ENVIRONMENT_H

#include <envrun/run.h>

#include "base/json.h"
#include "base/vector.h"
#include "loop/relay.h"
#include "loop/task.h"
#include "plan/subnets.h"
#include "run/lease.h"
#include "run/reaper.h"

enum {
    LAST_LINES = 20,               /* of a log or a build, shown with a failure */
    EXEC_OUTPUT_MAX = 64 << 10,    /* bytes kept of a command's output */
    SEED_TIMEOUT_DEFAULT = 600000, /* ms for one seed */
    STOP_GRACE = 10000,            /* ms between a suite's SIGTERM and SIGKILL */
};

struct collector;
struct credentials;

struct life {
    struct environment *environment;
    struct planned_service *planned;
    const char *name;
    struct sequence *sequence; /* its way up; or NULL */
    struct life *twin;         /* an earlier life with the same image, whose work it waits for */

    /* Its image */
    cJSON *image;           /* GET /images/NAME/json */
    const char *image_verb; /* \"build\", \"pull\"; NULL: it was there */
    bool is_pulled;
    struct err not_pulled;     /* why not, where it is built then */
    struct strings registries; /* that its build, or its container, may want credentials for */
    struct err buildkit;       /* what of its build only BuildKit can do, and where */
    struct err no_buildx;      /* why that cannot be had here */

    /* Its container */
    char *id;
    char *address;    /* where its own ports answer from here; NULL: they do not */
    cJSON *published; /* .NetworkSettings.Ports */
    bool is_suite;    /* only a suite's; not part of what comes up */
    bool is_idle;     /* the service of a suite that is not run now */
    bool is_prepared; /* its pre_start hooks are done */
    bool is_starting; /* the engine is asked to start it */
    bool is_base;     /* idle, but another image is built upon its own */
    bool started, ready, up;
    bool failed_softly;       /* nothing that is required needs it */
    struct life *let_down_by; /* the job it waited for, which failed; or NULL */

    /* What the events said */
    bool running, exited; /* exited: for good */
    bool out_of_memory;
    int exit_code;
    int deaths;
    long long ended_at;   /* the latest death, */
    long long starved_at; /* and when a process of it was killed for its memory, and that was not
                             told yet: UNIX time in ns, of the engine; or 0 */
    int samples_in_vain;  /* looks at what it uses that said nothing, in a row */

    /* What is going on */
    enum event_phase phase;
    long long phase_began;
    char *reason;              /* why the latest probe was not ready; or NULL */
    struct strings last_words; /* what its build, or a hook that failed, said last */
    struct task *gate;
    struct task *probing;
    size_t seed_at;
};

struct environment {
    struct loop *loop;
    struct engine *engine;
    struct environment_options options;
    struct log_redactor *logs; /* their lines go through it */
    const struct model *model;
    struct plan *plan;
    char *name;
    char *owner;
    long long deadline;              /* of its lease: UNIX time in seconds, by the engine */
    struct reaper *reaper;           /* takes it down when we cannot; or NULL */
    char *self;                      /* the container envrun runs in, if it joins its networks */
    cJSON *own_mounts;               /* its mounts */
    struct credentials *credentials; /* of registries; or NULL: none has been asked for */
    enum reach reach;
    char *publish_address; /* where published ports are bound */
    char *publish_host;    /* where they answer */
    char *publish_number;  /* the same as a numeric address */
    long long began;       /* loop_now() */

    struct life *lives; /* as plan->services */
    size_t life_count;
    size_t networks_missing;
    struct subnet_range subnet_range;
    struct subnets subnets_taken; /* as far as is known */
    bool observing;               /* the engine's events come in, and none was missed */
    struct task *observer;
    struct task *observe_gate; /* waits until they do */
    struct task *coming_up;
    bool has_begun; /* from here on the engine may have something of it */
    struct timer heartbeat;
    struct timer come_up_limit;
    struct leases namesakes; /* what the engine had of this name before */

    struct life *culprit; /* whose failure ended it */
    enum event_phase culprit_phase;
    struct err doom; /* a service that was up died before all were */
    bool is_up;      /* all services are, or were */
    bool stopping;   /* deaths are expected */

    struct collector *collector; /* what a record wants; or NULL */
    struct suite_run *suite;     /* the one that runs; or NULL */
    int suite_code;
    int suite_deaths;
    struct strings variables; /* for the host */
};

/* ---- environment.c ---- */

/* Wake whoever may wait for what has changed. */
void environment_changed(struct environment *environment);
/* Stamp, tell and release an event. */
void environment_tell(struct environment *environment, struct event *event);
/* ... one in which no hidden value is any more. */
void environment_tell_clean(struct environment *environment, struct event *event);
void environment_warn(struct environment *environment, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A value that came from outside of the files: from now on nothing that is told holds it, unless it
 * may be seen. */
void environment_hide(struct environment *environment, const char *name, const char *value);
struct life *environment_life(struct environment *environment, const char *service);
struct credentials *environment_credentials(struct environment *environment);
/* A service that was up has died before all were: the environment does not come up. `err` is taken.
 */
void environment_doom(struct environment *environment, struct life *life, struct err *err);

/* ---- prepare.c: stages before anything is made ---- */

struct task *prepare_connection(void *environment, struct err *err);
struct task *prepare_reach(void *environment, struct err *err);
struct task *prepare_plan(void *environment, struct err *err);
/* List the containers that carry the environment's name. */
struct task *prepare_containers(void *environment, struct err *err);

/* ---- ends.c: the name is free, and there is a reaper ---- */

struct task *begin_namesakes(void *environment, struct err *err);
bool end_namesakes(void *environment, struct task *work, struct err *err);
struct task *begin_clear_name(void *environment, struct err *err);
struct task *begin_reaper(void *environment, struct err *err);

/* ---- objects.c: networks and volumes ---- */

struct task *objects_begin_volumes(void *environment, struct err *err);
/* Let a container join {NETWORK: body of the request}; NULL: there are none. */
struct task *objects_connect(struct environment *environment, const cJSON *connections,
                             const char *container);
/* Add a task for each network that some service uses, and count it as missing until it is there. */
void objects_add_networks(struct environment *environment, struct task_group *group);

/* ---- subnets.c: networks with a small subnet of their own ---- */

/* Ask the engine and the host which subnets are taken. */
struct task *subnets_ask(void *environment, struct err *err);
bool subnets_learn(void *environment, struct task *networks, struct err *err);
/* Make a network for so many containers; where another process took its subnet meanwhile, in
 * another one. */
struct task *subnets_make_network(struct environment *environment,
                                  const struct planned_network *network, size_t containers);

/* ---- line.c: with --max-parallel, wait until few enough others are there ---- */

struct task *line_begin(void *environment, struct err *err);

/* ---- life.c ---- */

struct task *life_new(struct life *life);
void life_release(struct life *life);
/* Where a port of the service answers from here. False: it does not. */
bool life_endpoint(const struct life *life, int port, const char **ret_host, int *ret_port);
/* Take in what inspecting its container says. */
void life_learn(struct life *life, const cJSON *container);
void life_emit_progress(void *life, const char *line);
/* Its image is being built ("build") or pulled ("pull"). */
void life_tell_image_verb(struct life *life, const char *verb);
/* Does nothing that must come up need it? */
bool life_is_optional(const struct life *life);
/* It does not come up, and what depends on it goes on without it. */
void life_fail_softly(struct life *life);

/* ---- death.c ---- */

/* It ended for good while it was wanted. */
void life_died(struct life *life);
void life_fill_death(const struct life *life, struct buffer *sentence);
/* When it ended, as its container says, or else when that was seen (UNIX time in ns). */
long long life_finished_at(const cJSON *container, long long seen_at);

/* ---- image.c: have a service's image: built, found or pulled ---- */

struct task *image_prepare(struct life *life);

/* ---- build.c: build it ---- */

/* Done when `life->image` has the ID of what was built. */
struct task *build_new(struct life *life);

/* ---- files.c: what is copied into a container before its start; NULL: nothing ---- */

struct task *files_copy(struct life *life, const char *container);
struct task *files_copy_credentials(struct life *life);

/* ---- life.c: post_start ---- */

/* NULL: there are none. */
struct task *post_start_new(struct life *life);

/* ---- init.c: pre_start ---- */

/* NULL: there are none. */
struct task *inits_new(struct life *life);
/* A gate of a life: those of its service's first container are done. */
enum task_status inits_of_first_are_done(void *life, struct err *err);

/* ---- observe.c: the engine's events ---- */

struct task *observer_new(struct environment *environment);
/* Look at every container that counts as running: word of its end may still be on its way. */
struct task *observer_begin_look(void *environment, struct err *err);

/* ---- reach.c: how this host reaches containers ---- */

struct task *reach_decide(struct environment *environment);
/* The ID of the container that this process runs in, or NULL; to be freed by the caller. */
char *reach_own_container(void);

/* ---- probe.c ---- */

struct task *probe_new(struct life *life);

/* ---- seed.c ---- */

/* Are the files of its seeds there? Those that an earlier seed may make are left out. */
bool seeds_check(struct life *life, struct err *err);
struct task *seeds_new(struct life *life);

/* ---- command.c: a command in a container, its output kept ---- */

struct container_command {
    const char *id;
    struct exec_options exec;
    const char *input; /* a file that is fed to it, or NULL */
    const char *what;  /* as it is named in an error; NULL: "it" */
    bool any_code;     /* a code other than 0 is no failure */
};

struct task *command_new(struct loop *loop, struct engine *engine,
                         const struct container_command *command);
int command_exit_code(const struct task *command);
/* The end of its output (stdout and stderr as they came); belongs to the task. */
const char *command_output(const struct task *command);
/* The last line of a text that says something, for a sentence; to be freed by the caller. */
char *last_line(const char *text);

/* ---- variables.c ---- */

/* Add what any command on this host has: the process environment, and .env beside it. */
void variables_add_host(const struct environment *environment, struct strings *to);
/* Add NAME=VALUE for every service. */
bool variables_add(struct environment *environment, bool inside, struct strings *to,
                   struct err *err);
/* `suite.environment`, which may use what is in `to` and the process environment; then -e. */
bool variables_add_suite(struct environment *environment, const struct suite *suite, bool inside,
                         struct strings *to, struct err *err);
const char *environ_get(const struct strings *list, const char *name);
void environ_set(struct strings *list, const char *name, const char *value);

/* ---- suite.c ---- */

/* A suite's container is being created: give it its command and its variables. */
bool suite_prepare_body(struct life *life, cJSON *body, struct err *err);
/* What it may wait for has changed. */
void suite_wake(struct environment *environment);
/* A service died while the suite ran, for good or to be started `again`; or the suite's own
 * container ended. */
void suite_life_ended(struct environment *environment, struct life *life, bool again);

/* ---- explain.c ---- */

/* Tell EVENT_FAILED (or EVENT_DIED) with the last lines of the service that is to blame. `err` is
 * completed with what is found out, and must outlive the task. */
struct task *explain_failure(struct environment *environment, struct err *err);
/* Tell why a suite failed, with what the services logged meanwhile that looks like trouble. */
struct task *explain_suite(struct environment *environment, const struct err *err, long long since);
struct task *explain_death(struct environment *environment, struct life *life, bool again,
                           const char *during);

#endif
