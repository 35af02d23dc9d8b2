/*
 * What most commands need: the model, the loop, the engine, the report, the signals.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/place.h"
#include "replay/bundle.h"
#include "replay/lock.h"
#include "report/services_junit.h"
#include "report/style.h"

#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TICK = 100 }; /* ms between two looks of a terminal */

void session_init(struct session *session, struct options *options) {
    *session =
        (struct session){.options = options, .began = loop_now(), .redactor = redactor_new()};
}

void session_release(struct session *session) {
    if (session->loop)
        timer_stop(&session->tick);
    bundle_free(session->bundle);
    environment_free(session->environment);
    session_end_record(session);
    session->record = record_free(session->record);
    ending_release(&session->ending);
    report_free(session->report);
    services_junit_free(session->junit);
    engine_free(session->engine);
    loop_free(session->loop);
    model_free(session->model);
    cJSON_Delete(session->lock);
    redactor_free(session->redactor);
    free(session->name);
    free(session->folder);
    free(session->out);
}

/* ---- The files ---- */

/* --environment NAME: environments/NAME.yaml, or the folder environments/NAME with its files. */
static bool find_environment(struct session *session, char **ret_file, char **ret_folder,
                             struct err *err) {
    const char *name = session->options->environment;
    if (strchr(name, '/') || !*name)
        return err_set(err, ERR_USAGE, "--environment takes a name, not `%s`", name);
    autofree char *folder = xasprintf("environments/%s", name);
    const char *const endings[] = {"yaml", "yml"};
    for (size_t i = 0; i < lengthof(endings); i++) {
        autofree char *file = xasprintf("%s.%s", folder, endings[i]);
        if (path_exists(file)) {
            *ret_file = steal(file);
            return true;
        }
    }
    if (path_is_directory(folder)) {
        *ret_folder = steal(folder);
        return true;
    }
    return err_set(err, ERR_USAGE, "there is neither environments/%s.yaml nor environments/%s/",
                   name, name);
}

/* Whoever reads events from stderr can do with nothing else there. */
void session_warn(struct session *session, const char *warning) {
    struct event event = {.kind = EVENT_WARNING, .text = xstrdup(warning)};
    if (!session->options->json)
        fprintf(stderr, "envrun: warning: %s\n", warning);
    else
        session_report(session);
    session_tell(session, &event);
}

static bool hide(struct session *session, const char *name, const char *value, struct err *err) {
    return redactor_add_named(session->redactor, name, value) ||
           err_set(err, ERR_FILE,
                   "the values that come from outside of the files are more than %d MiB: that is "
                   "more than can be kept out of records; move them into files that are mounted",
                   REDACT_TOTAL_MAX >> 20);
}

/* What the files took from outside, and what -e says. */
static bool hide_outside(struct session *session, struct err *err) {
    const struct model *model = session->model;
    for (size_t i = 0; i < model->outside_count; i++)
        if (!hide(session, model->outside[i].name, model->outside[i].value, err))
            return false;
    vec_each (variable, &session->options->variables) {
        const char *sign = strchr(*variable, '=');
        autofree char *name = xstrndup(*variable, strcspn(*variable, "="));
        if (sign && !model_may_show(model, name, sign + 1) && !hide(session, name, sign + 1, err))
            return false;
    }
    return true;
}

bool session_load(struct session *session, struct err *err) {
    struct options *options = session->options;
    autofree char *file = NULL, *folder = NULL, *here = getcwd(NULL, 0);
    if (!here)
        return err_set(err, ERR_USAGE, "the current folder is gone");
    if (options->environment && !find_environment(session, &file, &folder, err))
        return false;
    if (file)
        strings_add(&options->files, file);
    autofree char *directory = folder ? path_join(here, folder) : xstrdup(here);
    struct model_input input = {
        .directory = directory,
        .environment = (const char *const *)environ,
        .files = options->files.length ? (const char *const *)strings_argv(&options->files) : NULL,
        .env_files = options->env_files.length
                         ? (const char *const *)strings_argv(&options->env_files)
                         : NULL,
        .profiles = (const char *const *)strings_argv(&options->profiles),
        .services = session->services,
        .name = options->name,
        .project_directory = options->directory,
        .shown_from = here,
    };
    session->model = model_load(&input, err);
    if (!session->model || !hide_outside(session, err))
        return false;
    for (const char **warning = session->model->warnings; warning && *warning; warning++)
        session_warn(session, *warning);
    return true;
}

static bool unknown_suite(const struct model *model, const char *name, struct err *err) {
    autostrings struct strings names = {0};
    for (size_t i = 0; i < model->suite_count; i++)
        strings_add(&names, model->suites[i].name);
    autofree char *all = strings_join(&names, ", ");
    if (!names.length)
        return err_set(err, ERR_USAGE, "there is no suite `%s`: the files name none", name);
    return err_set(err, ERR_USAGE, "there is no suite `%s`; the files name %s", name, all);
}

bool session_suites(const struct session *session, struct suites *to, struct err *err) {
    vec_each (name, &session->options->suites) {
        const struct suite *suite = model_suite(session->model, *name);
        if (!suite)
            return unknown_suite(session->model, *name, err);
        vec_push(to, suite);
    }
    return true;
}

/* ---- Loop, engine, signals ---- */

/* At once: taking it down may last. */
static void tell_signal(struct session *session) {
    if (!session->environment || !environment_has_begun(session->environment))
        return;
    struct event event = {.kind = EVENT_NOTE,
                          .text = xasprintf("interrupted by signal %d (%s): taking it down",
                                            session->signal, strsignal(session->signal))};
    session_tell(session, &event);
}

static void on_signal(void *context, int number) {
    struct session *session = context;
    if (number == SIGWINCH) {
        struct winsize size;
        if (session->report && !ioctl(STDERR_FILENO, TIOCGWINSZ, &size))
            report_resize(session->report, size.ws_row, size.ws_col);
        if (session->resized)
            session->resized(session);
        return;
    }
    if (!session->signal) {
        session->signal = number;
        tell_signal(session);
    }
    session->signals++;
    if (session->environment)
        environment_stop_suite(session->environment);
}

/* ENVRUN_ENGINE_TIMEOUT: seconds that the engine may take to answer. */
static bool set_patience(struct engine *engine, struct err *err) {
    enum { SECONDS_MOST = 86400 };
    const char *text = getenv("ENVRUN_ENGINE_TIMEOUT");
    long seconds;
    if (!text || !*text)
        return true;
    if (!text_to_long(text, 1, SECONDS_MOST, &seconds))
        return err_set(err, ERR_USAGE, "ENVRUN_ENGINE_TIMEOUT is a number of seconds, not `%s`",
                       text);
    engine_set_patience(engine, seconds * 1000LL);
    return true;
}

static bool open_engine(struct session *session, struct err *err) {
    struct place place;
    bool found = place_find((const char *const *)environ, "/var/run/docker.sock", &place, err);
    if (found)
        session->engine = engine_new(session->loop, place.host, err);
    if (found && !session->engine && place.context)
        err_prefix(err, "docker context `%s`", place.context);
    if (session->engine && place.certificates)
        engine_use_tls(session->engine, &(struct engine_tls){.directory = place.certificates,
                                                             .verify = place.verify});
    place_release(&place);
    return session->engine && set_patience(session->engine, err);
}

/* Better now than in the middle: a graph of some services has that many open. */
static bool may_open_files(struct err *err) {
    enum { FILES_LEAST = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= FILES_LEAST)
        return true;
    return err_set(err, ERR_ENVIRONMENT,
                   "envrun may open no more than %llu files here, and needs %d or more: raise the "
                   "limit (ulimit -n)",
                   (unsigned long long)limit.rlim_cur, FILES_LEAST);
}

bool session_open(struct session *session, struct err *err) {
    if (!may_open_files(err))
        return false;
    session->loop = loop_new(err);
    if (!session->loop || !loop_take_signals(session->loop, on_signal, session, err))
        return false;
    timer_init(&session->tick, session->loop, NULL);
    return open_engine(session, err);
}

/* ---- Events: to the record and to the report ---- */

static void on_event(void *context, const struct event *event) {
    struct session *session = context;
    ending_take(&session->ending, event);
    if (session->junit)
        services_junit_event(session->junit, event);
    session_record_event(session, event);
    if (session->report)
        report_event(session->report, event);
}

struct event_listener session_listener(struct session *session) {
    return (struct event_listener){on_event, session, session->redactor};
}

static void on_tick(struct timer *timer) {
    struct session *session = container_of(timer, struct session, tick);
    report_tick(session->report, loop_now() - session->began);
    timer_set(timer, loop_now() + TICK);
}

void session_report(struct session *session) {
    if (session->report)
        return;
    struct report_options options = report_options_for(STDERR_FILENO, (const char *const *)environ);
    options.verbose = session->options->verbose;
    if (session->options->json)
        options.style = REPORT_JSON;
    session->report = report_new(&options);
    if (!session->loop || options.style != REPORT_TERMINAL)
        return; /* nothing moves */
    timer_init(&session->tick, session->loop, on_tick);
    timer_set(&session->tick, loop_now() + TICK);
}

void session_tell(struct session *session, struct event *event) {
    struct event_listener listener = session_listener(session);
    event->ms = loop_now() - session->began;
    event_tell(event, &listener);
}

struct event session_outcome_event(const struct session *session, const char *outcome, int code) {
    long long ms = loop_now() - session->began;
    return (struct event){
        .kind = EVENT_OUTCOME, .text = xstrdup(outcome), .code = code, .ms = ms, .duration = ms};
}

int session_outcome(struct session *session, const char *outcome, int code) {
    if (session->environment)
        environment_end_logs(session->environment);
    struct event event = session_outcome_event(session, outcome, code);
    session_tell(session, &event);
    return code;
}

char *cli_harmless(const char *text) {
    struct style style;
    struct buffer clean = BUFFER_INIT;
    style_init(&style, false, true);
    style_clean(&clean, &style, text, STYLE_UNCUT);
    style_release(&style);
    return buffer_detach(&clean);
}

/* ---- Names ---- */

/* A CI system runs several jobs of one folder on one host. */
static const char *ci_job(void) {
    static const char *const names[] = {"CI_JOB_ID", "GITHUB_RUN_ID", "BUILD_TAG", "BUILD_ID",
                                        "CIRCLE_WORKFLOW_JOB_ID"};
    for (size_t i = 0; i < lengthof(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* What model_load() would say of it, for the commands that read no file. */
static bool is_name(const char *name, struct err *err) {
    size_t allowed = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    if (*name && !name[allowed] && *name != '_' && *name != '-')
        return true;
    return err_set(err, ERR_USAGE,
                   "`%s` cannot be a name: only a-z, 0-9, _ and - are allowed, the "
                   "first a letter or a digit",
                   name);
}

bool session_name(struct session *session, struct err *err) {
    char host[256] = "", path[PATH_MAX], user[32];
    if (session->options->name) {
        session->name = xstrdup(session->options->name);
        return is_name(session->name, err);
    }
    if (!session->model && !session_load(session, err))
        return false;
    gethostname(host, sizeof host - 1);
    if (!realpath(session->model->directory, path))
        snprintf(path, sizeof path, "%s", session->model->directory);
    snprintf(user, sizeof user, "%ld", (long)getuid());
    session->name = plan_name_for_folder(session->model->name, host, path, user, ci_job());
    return true;
}

/* ---- The environment ---- */

struct environment_options session_environment_options(struct session *session, const char *verb) {
    const struct options *options = session->options;
    return (struct environment_options){
        .model = session->model,
        .name = session->name,
        .verb = verb,
        .began = session->began,
        .record = session->record != NULL,
        .ports_as_written = options->ports_as_written,
        .hermetic = options->hermetic,
        .subnets = options->subnets,
        .max_parallel = options->max_parallel,
        .max_wait = options->max_parallel ? options->max_wait : 0,
        .locked = session->lock ? lock_digest : NULL,
        .lock = session->lock,
        .process_environment = (const char *const *)environ,
        .listener = session_listener(session),
    };
}

/* ---- Tasks ---- */

bool session_drive(struct session *session, struct task *task, bool cut_short, struct err *err) {
    task_start(task, NULL);
    while (task->status == TASK_PENDING && !(cut_short && session->signal))
        loop_turn(session->loop, -1);
    bool done = task->status == TASK_DONE;
    if (task->status == TASK_FAILED)
        err_move(err, &task->err);
    else if (!done)
        err_code(err, ERR_INTERRUPTED, session->signal, "interrupted by signal %d (%s)",
                 session->signal, strsignal(session->signal));
    task_free(task);
    return done;
}

/* ---- Errors ---- */

static void show_line(const struct err *err) {
    FILE *file = err->file && err->line && !err->is_private ? fopen(err->file, "re") : NULL;
    char line[512];
    int number = 0;
    while (file && fgets(line, sizeof line, file))
        if (++number == err->line) {
            fprintf(stderr, "  %s%s", line, strchr(line, '\n') ? "" : "\n");
            if (err->column)
                fprintf(stderr, "  %*s^\n", err->column - 1, "");
            break;
        }
    if (file)
        fclose(file);
}

/* Names in it may be somebody else's: nothing in them makes a line of its own, or moves a terminal.
 */
static char *on_one_line(char *text) {
    struct buffer visible = BUFFER_INIT;
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    utf8_put_visible(&visible, text);
    return buffer_detach(&visible);
}

/* A terminal gets a line for each mistake, with the place shown; a log gets one line for all, that
 * a program can take whole. */
int cli_fail(const struct err *err) {
    bool terminal = isatty(STDERR_FILENO);
    for (const struct err *one = err; one; one = one->next) {
        autofree char *whole = err_text(one);
        autofree char *text = on_one_line(whole);
        bool more = one->next && !terminal;
        fprintf(stderr, "%s%s%s", terminal || one == err ? "envrun: " : "; also ", text,
                more ? "" : "\n");
        if (terminal)
            show_line(one);
    }
    return err_exit_code(err);
}

/* As an event for each mistake, with --json. */
static void tell_mistakes(struct session *session, const struct err *err) {
    for (const struct err *one = err; one; one = one->next) {
        struct event event = {.kind = EVENT_FAILED,
                              .text = xstrdup(one->message),
                              .detail = err_place(one),
                              .code = err_exit_code(err)};
        session_tell(session, &event);
    }
}

int session_fail(struct session *session, struct err *err) {
    redact_err(session->redactor, err);
    return cli_fail(err);
}

int session_refuse(struct session *session, struct err *err) {
    int code = session->options->json ? err_exit_code(err) : session_fail(session, err);
    session_report(session);
    if (session->options->json)
        tell_mistakes(session, err);
    return session_outcome(session, err->kind == ERR_INTERRUPTED ? "interrupted" : "error", code);
}
