/*
 * plan.h: from a model to what the engine is asked for.
 *
 * Pure: no engine, no clock, no files (but the table of service kinds, which is part of the
 * program). A plan holds the bodies of the create requests as the Engine API has them (from 1.41
 * on), the order in which services wait for each other, and how each is probed and seeded. What
 * depends on an image (its VOLUME paths, its EXPOSEd ports, its HEALTHCHECK) is settled by
 * plan_settle_image() once the image is there.
 *
 * A plan belongs to its caller and points into the model, which must outlive it.
 */
#ifndef ENVRUN_PLAN_H
#define ENVRUN_PLAN_H

#include <envrun/err.h>
#include <envrun/spec.h>

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- Labels: how everything of an environment is found again ---- */

#define LABEL_VERSION "envrun.version" /* of the labels' format: "1" */
#define LABEL_ENVIRONMENT "envrun.environment"
#define LABEL_SERVICE "envrun.service"
#define LABEL_FOLDER "envrun.folder" /* the project's directory */
#define LABEL_FILES "envrun.files"   /* the files, separated by commas */
#define LABEL_VERB "envrun.verb"     /* "run" or "up" */
#define LABEL_OWNER "envrun.owner"
#define LABEL_DEADLINE "envrun.deadline" /* UNIX time in seconds, by the engine's clock */
#define LABEL_IMAGE "envrun.image"       /* of a built image: the name it was given */
#define LABEL_HOLD "envrun.hold"         /* of a volume: the environment outlives its owner */
#define LABEL_PLACE "envrun.place"       /* of a volume: its number in the line, or that it comes */
#define LABEL_GUEST "envrun.guest"     /* the container envrun runs in, which joins the networks */
#define LABEL_CREATED "envrun.created" /* UNIX time in seconds */
#define LABEL_GRACE                                                                                \
    "envrun.grace" /* seconds between stop signal and SIGKILL, if the file says so */
#define LABEL_PRE_STOP "envrun.pre_stop" /* the hooks, as JSON */
#define LABEL_HOOK "envrun.hook" /* "pre_start": the container of a hook, not of its service */
#define LABEL_NUMBER "com.docker.compose.container-number" /* from 1, within a service */
#define LABEL_KEY "envrun.key" /* a network's or volume's name in the file */

/* ---- Kinds of service: data, from src/plan/kinds.yaml ---- */

struct service_kind {
    const char *name;
    const char **images; /* the last part of an image's name, or its last two, without tag */
    int port;            /* what NAME_PORT means; 0: none */
    const char *url;     /* interpolated with the container's environment, HOST and PORT; or NULL */
    struct kind_ready {
        int port;           /* accepts a connection; 0: not asked */
        const char *send;   /* bytes sent on it, as hexadecimal digits; or NULL */
        const char *expect; /* what answers them, an extended regular expression; or NULL */
        const char *inside; /* a shell command in the container; or NULL */
        const char *log;    /* a line of its log, an extended regular expression; or NULL */
        struct probe http;  /* kind PROBE_NONE: not asked */
    } ready;                /* asked in this order */
    const char *sql;        /* a shell command in the container that reads a seed file; or NULL */
    const char *sql_error; /* finds an error in its output: group 1 the line, group 2 the message */
};

struct kinds;
struct kinds *kinds_load(struct err *err);
struct kinds *kinds_free(struct kinds *kinds);
const struct service_kind *kinds_named(const struct kinds *kinds, const char *name);
/* By an image's reference, such as "docker.io/library/postgres:15"; NULL if none is known. */
const struct service_kind *kinds_of_image(const struct kinds *kinds, const char *reference);

/* ---- Coverage: what is done with each key of the Compose Specification ---- */

enum coverage {
    KEY_WORKS,
    KEY_IGNORED, /* it has no effect here; the reason says why */
    KEY_REFUSED, /* it is an error that names it; the reason says why */
};

struct key_coverage {
    enum coverage coverage;
    const char *reason; /* or, if it works, what it takes; "": nothing */
};

/* section: "services", "build", "deploy", "networks", "volumes", "secrets", "configs", "" (the
 * top). */
struct key_coverage plan_coverage(const char *section, const char *key);

/* ---- The plan ---- */

enum reach {
    REACH_DIRECT,  /* this host reaches a container's own address */
    REACH_JOIN,    /* envrun runs in a container of this engine and joins the networks */
    REACH_PUBLISH, /* known ports are published on ephemeral ones */
};

struct plan_options {
    const char *name;   /* the environment's name on the engine */
    const char *verb;   /* "run", "up" */
    const char *owner;  /* LABEL_OWNER's value, or NULL */
    const char *guest;  /* LABEL_GUEST's value, or NULL */
    long long deadline; /* LABEL_DEADLINE's value; 0: none */
    long long created;  /* UNIX time in seconds */
    int api_minor;      /* what the engine speaks */
    const char *socket; /* the engine's own, as the engine sees it; NULL: /var/run/docker.sock */
    enum reach reach;
    const char
        *publish_address;  /* REACH_PUBLISH: where ports are bound, "127.0.0.1" or "0.0.0.0" */
    bool ports_as_written; /* publish what the file says where it says */
    bool hermetic;         /* nothing of it reaches beyond its networks; no port is published */
    const cJSON *proxies;  /* {NAME: VALUE} for each container's environment and each classic build,
                              where the file has no other; or NULL */
};

/* The body of POST /volumes/create for the environment's hold (src/run/lease.h), with a deadline or
 * 0; to be deleted by the caller. */
struct plan;
cJSON *plan_hold(const struct plan *plan, long long deadline);

struct planned_network {
    const char *key;  /* in the file */
    const char *name; /* on the engine */
    bool external;
    bool wants_subnet; /* of envrun's own range: the file gives it none */
    cJSON *body;       /* POST /networks/create; NULL if external */
    struct position at;
};

struct planned_volume {
    const char *key;
    const char *name;
    bool external;
    cJSON *body; /* POST /volumes/create; NULL if external */
    struct position at;
};

/* A file that is copied in before the start: a secret or a config. */
struct planned_file {
    const char *target; /* absolute in the container */
    const char *source; /* absolute on the host, or NULL: content */
    const char *content;
    int uid, gid, mode;
    struct position at;
};

/* How an image is built: by the engine's classic builder, or by BuildKit where it takes that. */
struct planned_build {
    const char *context;    /* a directory, absolute; or a URL or repository */
    const char *dockerfile; /* relative to the context or absolute; NULL: inlined */
    const char *inlined;    /* its text, or NULL */
    struct position inlined_at;
    const char *tag;
    cJSON *query;      /* further parameters of POST /build: {NAME: text, object or array} */
    cJSON *arguments;  /* the same for `docker buildx build`, an array of words */
    cJSON *variables;  /* {NAME: VALUE} that these speak of */
    const char *needs; /* the key that only BuildKit can do, or NULL */
    struct position needs_at;
    const char **bases; /* services whose images it is built upon, by name */
    size_t base_count;
    struct position at;
};

/* A command in a container that runs. */
struct planned_hook {
    const char **argv, **environment; /* NULL-terminated */
    const char *user, *working_dir;   /* or NULL */
    bool privileged;
    struct position at;
};

/* A container that runs to its end before the service starts. */
struct planned_init {
    const char *container_name; /* on the engine */
    const char *what;           /* for a sentence: "pre_start hook `./migrate`" */
    const char *image;          /* the reference; NULL: the service's image */
    cJSON *body;                /* POST /containers/create, but for Image */
    cJSON *connections;         /* as planned_service.connections */
    struct position at;
};

/* An image that must be there beside the service's own. */
struct planned_image {
    const char *reference;
    struct position at;
};

struct planned_edge {
    size_t to; /* index of the service that is waited for */
    enum condition condition;
    bool required;
};

struct planned_port {
    int target;
    const char *protocol;   /* "tcp", "udp", "sctp" */
    const char *written;    /* "8080" as the file has it, or NULL if it is not published there */
    const char *written_ip; /* or NULL */
};

struct planned_service {
    const struct service *service;
    const char *name;            /* the service's; of a second container "NAME-2" */
    int number;                  /* which container of the service, from 1 */
    const char *container_name;  /* on the engine */
    const char *image;           /* the reference; NULL if it is only built */
    const char *pull_policy;     /* "missing" if none is given */
    long long refresh_after;     /* ms: an image that is older is pulled again; -1: it is not */
    struct planned_build *build; /* or NULL */
    const char *platform;        /* or NULL */
    cJSON *body;                 /* POST /containers/create, but for what its image settles */
    cJSON *connections; /* {NETWORK: body of POST /networks/NETWORK/connect}, engines < 1.44 */
    struct planned_edge *edges;
    size_t edge_count;
    struct planned_file *files;
    size_t file_count;
    struct planned_port *ports; /* those of the file; plan_settle_image() adds the image's */
    size_t port_count;
    const struct service_kind *kind;       /* or NULL */
    struct probe probe;                    /* settled by plan_settle_image() */
    const struct service_kind *probe_kind; /* the kind whose protocol is asked behind the connect */
    const char **networks;                 /* names on the engine, the first first */
    struct planned_init *inits;            /* one after the other */
    size_t init_count;
    struct planned_image *further_images;
    size_t further_image_count;
    const char *seccomp; /* a profile, absolute: its text belongs into SecurityOpt; or NULL */
    const char *registry_config; /* where the container wants the registries' credentials as the
                                    docker CLI's configuration, absolute; or NULL */
    struct planned_hook *post_start;
    size_t post_start_count;
    const char *network_mode; /* "host", "none", "container:..."; NULL: it has networks */
    const char *network_of;   /* the service whose network it shares, or NULL */
    const char **needed;      /* services whose containers must be created before its own */
    size_t needed_count;
    bool restarts;        /* its restart policy may start it again after a failure */
    bool restarts_always; /* ... and after a success */
    int restart_most;     /* how often on failure; 0: no limit */
    long long grace;      /* ms between its stop signal and SIGKILL; -1: the engine's own */
    bool tty;
    struct position at;
    cJSON *image_environment; /* the image's own Env, or NULL */
    cJSON *image_volumes;     /* bodies of POST /volumes/create for its VOLUME paths, an array */
};

struct plan {
    const struct model *model;
    struct kinds *kinds;
    char *name;
    enum reach reach;
    int api_minor;
    char *socket;
    char *publish_address;
    bool ports_as_written, hermetic;
    cJSON *labels; /* those that every object of the environment carries */
    cJSON *proxies;
    struct planned_network *networks;
    size_t network_count;
    struct planned_volume *volumes;
    size_t volume_count;
    struct planned_service *services; /* in the model's order */
    size_t service_count;
    struct arena *arena;
};

/* NULL and err if the model asks for what envrun or this engine cannot do; several are joined. */
struct plan *plan_make(const struct model *model, const struct plan_options *options,
                       struct err *err);
struct plan *plan_free(struct plan *plan);

/* Complete body, ports and probe with what the image says (GET /images/NAME/json). */
bool plan_settle_image(struct plan *plan, struct planned_service *service, const cJSON *image,
                       struct err *err);

/* NAME=VALUE of the service's environment as the container will have it (after settling), or NULL.
 */
const char *plan_environment(const struct planned_service *service, const char *name);
/* The port that NAME_PORT means: the kind's, else the first that the file publishes, else the first
 * that it or the image exposes; or 0. */
int plan_main_port(const struct planned_service *service);

/* The name `up` gives: the folder's, and a short hash of host, real path, user and CI job. */
char *plan_name_for_folder(const char *project, const char *host, const char *path,
                           const char *user, const char *job);

/* How a command looks in a sentence: "pytest -q". To be freed by the caller. */
char *command_text(const struct command *command);

#endif
