/*
 * spec.h: from YAML files to a checked model.
 *
 * The files are Compose files (Compose Specification, https://github.com/compose-spec/compose-spec)
 * with envrun's own keys: ready, seed, kind and snapshot in a service, suite and suites at the top;
 * each may be written with an x- prefix. The resolver is a pipeline of passes over one tree of
 * nodes in which each node keeps the place it was written at; what comes out is canonical: long
 * forms only, interpolated, merged, every value of the type that the specification names.
 *
 * Pure: the current directory and the environment are arguments; only the files named by them and
 * by each other are read. Everything in a model belongs to the model and lives until model_free().
 */
#ifndef ENVRUN_SPEC_H
#define ENVRUN_SPEC_H

#include <envrun/err.h>

#include <stdbool.h>
#include <stddef.h>

/* ---- The tree ---- */

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INT,
    NODE_FLOAT,
    NODE_STRING,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind kind;
    struct position at;     /* of the value */
    struct position key_at; /* of its key, if it is a map's entry */
    const char *key;        /* its key, if it is a map's entry, else NULL */
    const char *text;       /* NODE_STRING: the value; other scalars: as a string would hold it */
    union {
        bool boolean;
        long long integer;
        double number;
        struct node_index *index; /* NODE_MAP: the spec floor's own */
    };
    struct node *first, *last; /* NODE_LIST, NODE_MAP: the children, in order */
    struct node *next;         /* the next sibling */
    size_t length;             /* how many children */
    unsigned flags;            /* the spec floor's own */
};

#define node_each(item, parent)                                                                    \
    for (const struct node *item = (parent) ? (parent)->first : NULL; item; item = item->next)

/* A map's entry, or NULL; NULL and other kinds have none. The path form walks "a.b.c". */
const struct node *node_get(const struct node *map, const char *key);
const struct node *node_path(const struct node *map, const char *path);
/* Readers that answer `otherwise` where the entry is not there or null. */
const char *node_text(const struct node *map, const char *key, const char *otherwise);
bool node_bool(const struct node *map, const char *key, bool otherwise);
long long node_integer(const struct node *map, const char *key, long long otherwise);
/* A canonical duration ("1h30m0s") in milliseconds. */
long long node_milliseconds(const struct node *map, const char *key, long long otherwise);

/* "1m30s", "90s", "1.5h", "250ms" in milliseconds (Compose Specification, "Specifying durations").
 */
bool duration_parse(const char *text, long long *ret_milliseconds);
/* As in `pull_policy: every_1w2d12h`: with weeks and days before the rest. */
bool duration_parse_days(const char *text, long long *ret_milliseconds);

/* ---- The model ---- */

/* A command of ready, seed or suite: a string is run by `sh -c`, a list is an argv. Not
 * interpolated. */
struct command {
    bool shell;
    const char **argv; /* NULL-terminated; {"sh", "-c", TEXT, NULL} if it was a string */
};

enum probe_kind {
    PROBE_NONE,        /* running is ready */
    PROBE_TCP,         /* the port accepts a connection */
    PROBE_HTTP,        /* an answer with the wanted status and body */
    PROBE_EXEC,        /* a command in the container exits 0 */
    PROBE_LOG,         /* a line of the log matches, count times */
    PROBE_HEALTHCHECK, /* the healthcheck's test, run by envrun at its own beat */
};

enum { PROBE_TIMEOUT_DEFAULT = 60000 }; /* ms */

struct probe {
    enum probe_kind kind;
    struct position at;
    int port;               /* tcp, http */
    const char *scheme;     /* http: "http" or "https" */
    const char *path;       /* http: "/" if none is given */
    const char *method;     /* http: "GET" if none is given */
    int status_least;       /* http: 200 if none is given */
    int status_most;        /* http: 399 if none is given */
    const char *body;       /* http: an extended regular expression, or NULL */
    struct command command; /* exec; healthcheck of the file: its test */
    const char *regex;      /* log: an extended regular expression */
    int count;              /* log: how many matching lines; 1 if none is given */
    long long timeout;      /* ms until the wait is given up; 0: not given */
};

enum seed_kind { SEED_SQL, SEED_COPY, SEED_HTTP, SEED_EXEC, SEED_RUN };

struct seed_header {
    const char *name, *value;
};

struct seed {
    enum seed_kind kind;
    struct position at;
    const char **files; /* sql: absolute names or patterns as written, in order, NULL-terminated */
    const char *database;        /* sql: the database, or NULL for the kind's own */
    const char *from;            /* copy: absolute */
    const char *to;              /* copy: absolute in the container */
    int port;                    /* http; 0: the kind's or the first */
    const char *scheme;          /* http */
    const char *method;          /* http: POST if there is a body, else GET */
    const char *path;            /* http */
    const char *body;            /* http: the absolute name of a file, or NULL */
    const char *text;            /* http: the body itself (`json:` and `text:`), or NULL */
    struct seed_header *headers; /* http */
    size_t header_count;
    int expect_least, expect_most; /* http: the status; 200 to 299 if none is given */
    struct command command;        /* exec, run */
    const char *user;              /* exec: or NULL */
    long long timeout;             /* ms; 0: not given */
};

enum condition {
    CONDITION_READY,     /* the short form: ready and seeded; a job that exits 0 is done */
    CONDITION_STARTED,   /* service_started */
    CONDITION_HEALTHY,   /* service_healthy */
    CONDITION_COMPLETED, /* service_completed_successfully */
};

struct dependency {
    const char *service;
    enum condition condition;
    bool required; /* false: a failure of it is only said */
    struct position at;
};

struct service {
    const char *name;
    struct position at;
    const struct node *node; /* the canonical service, envrun's keys (with x-) among its entries */
    const char *kind;        /* `kind:` as written, or NULL */
    struct probe ready;      /* kind PROBE_NONE and at.file NULL: not given in the file */
    struct seed *seeds;
    size_t seed_count;
    struct dependency *dependencies; /* by name; those of links, volumes_from, ... among them */
    size_t dependency_count;
    bool snapshot;
};

struct variable {
    const char *name, *value;
    struct position at; /* where it is written, if it is */
};

enum { SUITE_TIMEOUT_DEFAULT = 3600000 }; /* ms */

struct suite {
    const char *name; /* "suite" if the file has just the one */
    struct position at;
    struct command command;  /* argv NULL: the service's own command */
    const char *service;     /* run inside the graph as this service, or NULL: on the host */
    const char *working_dir; /* on the host: absolute, the project's directory if none is given; in
                                the graph: as seen from the container's own, or NULL */
    struct variable *environment; /* not interpolated; may use envrun's variables */
    size_t environment_count;
    long long timeout; /* ms */
    /* Patterns, NULL-terminated: absolute; in the graph as written, to be seen from the container's
     * working directory. */
    const char **junit, **artifacts;
};

/* What came from outside of the committed files: the process environment, .env and --env-file,
 * env_file, the files and variables of secrets. It is never to be recorded (docs/redaction.md). */
struct outside {
    const char *name;  /* the variable's; of a secret's file: the secret's */
    const char *value; /* REDACT_LEAST bytes at least */
    const char *from;  /* "the process environment", or the file as it is named in messages */
};

struct model {
    const char *name;         /* the project's name */
    const char *directory;    /* the project's directory, absolute */
    const char **files;       /* the files it was read from, absolute, NULL-terminated */
    const char **dotenv;      /* NAME=VALUE of .env or --env-file, but for what the process
                                 environment has too; NULL-terminated */
    const struct node *root;  /* the canonical tree; "#content" beside a secret's or config's
                                 `environment` is what that variable holds (never printed) */
    struct service *services; /* sorted by name; those whose profiles are not active are left out */
    size_t service_count;
    struct suite *suites; /* in the file's order */
    size_t suite_count;
    const struct outside *outside; /* each name with each of its values; without those that
                                      model_may_show() */
    size_t outside_count;
    const char **warnings; /* sentences for the user, with their place; NULL-terminated */
};

/* What a model is made from. Lists are NULL-terminated and may be NULL. */
struct model_input {
    const char *directory;          /* the current directory, absolute */
    const char *const *environment; /* NAME=VALUE as in environ(7) */
    const char *const *files;     /* -f; none: Compose's names, then envrun.yaml (docs/files.md) */
    const char *const *env_files; /* --env-file; none: .env */
    const char *const *profiles;  /* --profile */
    const char *const *services;  /* only these and their dependencies; their profiles are active */
    const char *name;             /* -p, or NULL */
    const char *project_directory; /* --project-directory, or NULL */
    const char *shown_from; /* files are named as seen from here, absolute; NULL: from directory */
};

/* NULL and err (ERR_FILE; several mistakes are joined, and behind them the warnings) if the files
 * do not make a model. */
struct model *model_load(const struct model_input *input, struct err *err);
void model_free(struct model *model);

/* A variable of the process environment or .env, or NULL. */
const char *model_variable(const struct model *model, const char *name);

/* May a value from outside be seen: because it is short, a path that exists, a word that the files
 * have in them anyway, or one that is never a secret (docs/redaction.md)? */
bool model_may_show(const struct model *model, const char *name, const char *value);

const struct service *model_service(const struct model *model, const char *name);
const struct suite *model_suite(const struct model *model, const char *name);

/* The resolved model as `docker compose config` prints it, envrun's keys as x- keys; every literal
 * $ is doubled. To be freed by the caller. */
char *model_to_yaml(const struct model *model);
char *model_to_json(const struct model *model);
/* The same as JSON, with what Compose's form has no place for: it reads back to an equal model even
 * where the file has none of envrun's keys (docs/files.md, "Round trip"). For records. */
char *model_to_record(const struct model *model);

/* How a model is written for another place. Each answers a text to be freed, or NULL for as it is.
 */
struct model_texts {
    /* A file or a folder of this host, absolute. */
    char *(*path)(void *context, const char *path);
    /* Any other text. The answer is written as it is: a literal $ is doubled in it. `raw`: it is a
     * command, which is not interpolated: nothing is doubled. */
    char *(*text)(void *context, const char *text, bool raw);
    void *context;
};
/* As model_to_record(), with other texts. */
char *model_to_record_elsewhere(const struct model *model, const struct model_texts *texts);

/* Put variables into a text by Compose's rules ($NAME, ${NAME:-default}, $$, ...), as for
 * suite.environment. A variable for which lookup() answers NULL and that has no default is an error
 * at the place; names (NULL-terminated, or NULL) are those it may have been meant to be. *ret is to
 * be freed by the caller. */
bool spec_interpolate(const char *text, const char *(*lookup)(void *context, const char *name),
                      void *context, const char *const *names, struct position at, char **ret,
                      struct err *err);

/* Read one YAML text that is part of the program or a test, as a tree; for data such as the table
 * of service kinds. The tree belongs to ret_document. */
struct document;
const struct node *document_parse(const char *text, size_t length, const char *name,
                                  struct document **ret_document, struct err *err);
struct document *document_free(struct document *document);

#endif
