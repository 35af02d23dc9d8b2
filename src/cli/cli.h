/*
 * cli.h: the command line: options, one file per command, and what the commands share.
 *
 * A command takes the parsed options and answers the exit code; only main() exits.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <envrun/engine.h>
#include <envrun/err.h>
#include <envrun/run.h>
#include <envrun/spec.h>

#include "base/vector.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "record/record.h"
#include "replay/ending.h"
#include "report/report.h"
#include "run/lease.h"

#include <stdbool.h>
#include <stdio.h>

/* ---- Options ---- */

enum keep { KEEP_NEVER, KEEP_ON_FAILURE, KEEP_ALWAYS };
enum bundle_when { BUNDLE_UNSAID, BUNDLE_NEVER, BUNDLE_ON_FAILURE, BUNDLE_ALWAYS };

struct options {
    struct strings files;     /* -f */
    struct strings env_files; /* --env-file */
    struct strings profiles;  /* --profile */
    struct strings variables; /* -e */
    struct strings suites;    /* --suite */
    const char *environment;  /* --environment */
    const char *name;         /* -p */
    const char *directory;    /* --project-directory */
    const char *format;       /* --format */
    const char *tail;         /* --tail */
    const char *run;          /* --run */
    const char *user;         /* --user */
    const char *working_dir;  /* --workdir */
    const char *protocol;     /* --protocol */
    long index;               /* --index; 0: none was given */
    const char *subnets;      /* --subnets */
    long max_parallel;        /* --max-parallel; 0: none was given */
    long long max_wait;       /* --max-wait, in ms */
    const char *out;          /* --out */
    const char *secrets_file; /* --secrets-file */
    long bundle_mib;          /* --bundle-size; 0: none was given */
    enum keep keep;
    long long ttl; /* --ttl, in ms; 0: none; -1: not given */
    enum bundle_when bundle;
    bool bundle_data, bundle_all_images; /* --bundle-data, --bundle-images=all */
    bool locked;                         /* --locked */
    bool at_failure, like_ci, shell;     /* of repro */
    bool ports_as_written, hermetic, strict, json, verbose, follow, timestamps, no_tty, quiet, all,
        yes, images, help;
    char **words; /* what is no option: the command's arguments, NULL-terminated */
    size_t word_count;
    char **command; /* what stands behind `--`, or NULL */
};

struct cli_command {
    const char *name;
    int (*run)(struct options *options);
    const char *summary;   /* one line */
    const char *arguments; /* "[SUITE...] [-- COMMAND...]" */
    const char *flags;     /* the options it takes, as letters of the table in options.c */
    const char *details;   /* a few lines for its help; or NULL */
    int most_words;        /* arguments that it takes; -1: any number */
    bool stops_at_word;    /* what follows the first word belongs to another program */
};

/* The table of commands, in the order of the help; the last one has no name. */
extern const struct cli_command cli_commands[];
const struct cli_command *cli_command_named(const char *name);

/* Parse what follows the command's name. False: err says what is wrong. */
bool options_parse(struct options *options, const struct cli_command *command, int argc,
                   char **argv, struct err *err);
void options_release(struct options *options);
void options_print_help(const struct cli_command *command, FILE *to);

/* ---- What the commands share ---- */

/* Everything that a command may need, made as far as it asks for it. */
struct session {
    struct options *options;
    struct loop *loop;
    struct engine *engine;
    struct model *model;
    struct report *report;        /* or NULL */
    struct services_junit *junit; /* of `run`, or NULL */
    struct redactor *redactor;    /* whose values are in nothing that is told, recorded or packed */
    struct record_writer *record; /* of this run; or NULL */
    struct timer tick;
    char *name;   /* the environment's on the engine */
    char *out;    /* --out, absolute */
    char *folder; /* keeps options->directory, where it was not given */
    long long began;
    int signal;  /* the first that asked to stop; 0: none */
    int signals; /* how many have */
    struct bundle *bundle;
    struct environment *environment;
    cJSON *lock;                     /* envrun.lock, or NULL */
    const struct initial_data *data; /* what its volumes begin with, data_count of them */
    size_t data_count;
    struct environment_options run;           /* what it was made with */
    struct ending ending;                     /* how the run ends, so far */
    const cJSON *output;                      /* what a suite wrote to (suite.json); or NULL */
    const char *const *services;              /* only these and what they need; or NULL */
    void (*resized)(struct session *session); /* the terminal has a new size; or NULL */
    void *context;                            /* the command's own */
};

void session_init(struct session *session, struct options *options);
void session_release(struct session *session);
/* Read the files. */
bool session_load(struct session *session, struct err *err);
struct suites {
    const struct suite **at;
    size_t length, capacity;
};
/* Add those that --suite names; ERR_USAGE if there is none of a name. */
bool session_suites(const struct session *session, struct suites *to, struct err *err);
/* Make loop and engine, and take the signals. */
bool session_open(struct session *session, struct err *err);
/* Begin the record of a run, whose ID makes its name unique. What cannot be written is said once.
 */
void session_record(struct session *session, const char *verb, const char *id);
/* Have the rest of the logs, and how all objects are, in the record; before anything is taken down.
 */
void session_collect(struct session *session);
/* It has come to this: put the record into its final form. What is told later is no part of
 * it. Answers its folder, or NULL. */
const char *session_close_record(struct session *session, const char *outcome, int code);
/* The same for one whose outcome has been told as an event. */
void session_end_record(struct session *session);
/* A listener's: take an event into it. */
void session_record_event(void *session, const struct event *event);
/* An ID for a run: six hexadecimal digits. To be freed by the caller. */
char *session_new_id(void);
/* Make the report on stderr, unless it is there. */
void session_report(struct session *session);
struct event_listener session_listener(struct session *session);
/* The environment that `up` holds for these files, or the one that -p names: no file is read then.
 */
bool session_name(struct session *session, struct err *err);
/* Start a task and run the loop until it ends; a signal cuts it short only if `cut_short`. Answers
 * whether it is done; why not goes to err. The task is freed. */
bool session_drive(struct session *session, struct task *task, bool cut_short, struct err *err);
/* What every environment of these options is made with; `verb` is "run" or "up". */
struct environment_options session_environment_options(struct session *session, const char *verb);
/* How long an environment that outlives us may, in ms: as --ttl says, or in CI for two hours; 0: no
 * limit. */
long long session_ttl(const struct session *session);

/* ---- run.c: what `run` and `repro` have in common ---- */

/* Does a CI system run us? */
bool cli_is_ci(void);
/* An environment that did not come up, as JUnit XML in the folder --out, for CI systems. */
void session_write_junit(struct session *session, int code);
/* A name of its own for each run. */
void session_name_run(struct session *session);
/* Make the environment, with these suites (NULL-terminated). */
void session_make_environment(struct session *session, const struct suite *const *suites);
/* Up, the suites, down; answers the code, and the word for how it went. `at_hand` (or NULL) takes
 * the suites' place; `leaving` (or NULL) is called before the environment is taken down. */
struct run_steps {
    void (*at_hand)(struct session *session, struct err *err);
    void (*leaving)(struct session *session, int code);
    void *context;
};
int session_run(struct session *session, const struct run_steps *steps, struct err *err,
                const char **ret_outcome);

/* ---- lock.c ---- */

/* Read envrun.lock, if it is there; say that it is stale, or with --locked fail then. */
bool session_lock(struct session *session, struct err *err);

/* ---- bundle.c: a run's bundle ---- */

/* Ask the engine for what the bundle needs, if there is to be one. */
void session_capture(struct session *session, int code);
/* Write it, once the run is over and its ending known; `record` as in bundle_write(). */
void session_write_bundle(struct session *session, const char *record);

/* Take the environment down unless it is to be kept; answers the code that counts then. */
int session_finish(struct session *session, int code, bool failed);
/* A warning before there is a report; it may make one. */
void session_warn(struct session *session, const char *warning);
/* A label from the engine, which may hold anything, made fit for a terminal; to be freed. */
char *cli_harmless(const char *text);
/* Tell an event, which is released. */
void session_tell(struct session *session, struct event *event);
/* As cli_fail(), without the values that came from outside. */
int session_fail(struct session *session, struct err *err);
/* It cannot even begin: say why, as cli_fail() or, with --json, in events. Answers the code. */
int session_refuse(struct session *session, struct err *err);
/* The word for what has failed: "interrupted", "timeout", "environment", "error". */
const char *outcome_of(const struct err *err);
/* The last event. */
struct event session_outcome_event(const struct session *session, const char *outcome, int code);
/* Tell it; answers the code. */
int session_outcome(struct session *session, const char *outcome, int code);

/* "envrun: FILE:LINE:COLUMN: MESSAGE" on stderr. Answers the exit code. */
int cli_fail(const struct err *err);

/* ---- containers.c: those of an environment that is up ---- */

/* As the engine lists them; ERR_USAGE if there are none. */
cJSON *session_containers(struct session *session, struct err *err);
/* "api", and "api-2" for a second container of the service; to be freed by the caller. */
char *container_name(const cJSON *container);
/* Does the word mean it: its service's name (with its number as the index; 0: any), or its own? */
bool container_is_of(const cJSON *container, const char *word, long index);
/* The first that the word means; NULL and ERR_USAGE, with a suggestion, if there is none. */
const cJSON *containers_service(const cJSON *containers, const char *word, long index,
                                struct err *err);

/* ---- ls.c: all environments on the engine ---- */

/* To be released by the caller. */
bool session_leases(struct session *session, struct leases *ret, struct err *err);
/* "2 containers, 1 network"; to be freed by the caller. */
char *lease_objects(const struct lease *lease);
/* --format: `table` (the default) or `json`. */
bool format_is_listing(const char *format, struct err *err);

extern char **environ;

/* ---- The commands ---- */

/* The hidden one: is it meant? It takes no options. */
bool is_reaper(const char *word);
int command_reaper(void);
int command_run(struct options *options);
int command_up(struct options *options);
int command_down(struct options *options);
int command_ps(struct options *options);
int command_ls(struct options *options);
int command_gc(struct options *options);
int command_doctor(struct options *options);
int command_logs(struct options *options);
/* `logs --run`: of a run that is over. */
int command_recorded_logs(struct options *options);
int command_runs(struct options *options);
int command_show(struct options *options);
int command_exec(struct options *options);
int command_port(struct options *options);
int command_env(struct options *options);
int command_config(struct options *options);
int command_lock(struct options *options);
int command_repro(struct options *options);
int command_version(struct options *options);
int command_help(struct options *options);

#endif
