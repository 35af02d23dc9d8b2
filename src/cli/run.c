/*
 * envrun run: up, suites, down.
 */
#include "cli/cli.h"
#include "report/services_junit.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "loop/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- The suites ---- */

struct chosen {
    struct suites suites; /* NULL-terminated */
    struct suite bare;    /* for a command and a file without a suite */
};

/* getopt takes no value of a long option that may go without one but behind `=`. */
static bool keeps_on_failure(const struct options *options) {
    return options->keep == KEEP_ALWAYS && options->word_count == 1 &&
           !strcmp(options->words[0], "on-failure");
}

static bool choose_named(struct session *session, struct chosen *chosen, struct err *err) {
    struct options *options = session->options;
    if (keeps_on_failure(options))
        return err_set(err, ERR_USAGE,
                       "`on-failure` is taken for a suite here: write --keep=on-failure");
    for (size_t i = 0; i < options->word_count; i++)
        strings_add(&options->suites, options->words[i]);
    return session_suites(session, &chosen->suites, err);
}

static bool choose_all(struct session *session, struct chosen *chosen, struct err *err) {
    const struct model *model = session->model;
    if (!model->suite_count && !session->options->command)
        return err_set(err, ERR_USAGE,
                       "the files name no suite; add `suite:` or give a command: envrun run -- "
                       "COMMAND");
    if (!model->suite_count) {
        chosen->bare = (struct suite){.name = "suite", .timeout = SUITE_TIMEOUT_DEFAULT};
        vec_push(&chosen->suites, &chosen->bare);
    }
    for (size_t i = 0; i < model->suite_count; i++)
        vec_push(&chosen->suites, &model->suites[i]);
    return true;
}

static bool choose_suites(struct session *session, struct chosen *chosen, struct err *err) {
    bool named = session->options->suites.length || session->options->word_count;
    if (named ? !choose_named(session, chosen, err) : !choose_all(session, chosen, err))
        return false;
    if (session->options->command && chosen->suites.length > 1)
        return err_set(err, ERR_USAGE,
                       "a command behind -- takes one suite's place: name it with --suite");
    vec_push(&chosen->suites, NULL);
    return true;
}

/* ---- The environment ---- */

/* Every run has a name of its own, so that two of one file do not meet; and a record. */
void session_name_run(struct session *session) {
    autofree char *id = session_new_id();
    session->name = xasprintf("%s-%s", session->model->name, id);
    session_record(session, "run", id);
}

static bool is_same_file(int a, int b) {
    struct stat first, second;
    return !fstat(a, &first) && !fstat(b, &second) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static char *out_folder(const struct session *session) {
    autofree char *here = getcwd(NULL, 0);
    return path_join(here ? here : "/",
                     session->options->out ? session->options->out : "envrun-out");
}

/* As it was on another host, whatever there is here. */
static void take_output(const cJSON *suite, struct environment_options *options) {
    enum { MOST = 1000 };
    const char *output = json_text(suite, "output");
    long long rows = json_number(suite, "rows", 0), columns = json_number(suite, "columns", 0);
    if (!output)
        return;
    options->output_is_terminal = !strcmp(output, "terminal");
    options->output_is_shared = strcmp(output, "two pipes") != 0;
    options->rows = rows > 0 && rows <= MOST ? (int)rows : 0;
    options->columns = columns > 0 && columns <= MOST ? (int)columns : 0;
}

void session_make_environment(struct session *session, const struct suite *const *suites) {
    struct winsize size = {0};
    bool json = session->options->json;
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    struct environment_options options = session_environment_options(session, "run");
    options.suite_variables = (const char *const *)strings_argv(&session->options->variables);
    options.suites = suites;
    options.command = (const char *const *)session->options->command;
    options.out = session->out = out_folder(session);
    options.output = STDOUT_FILENO;
    /* With --json nothing but events is on stderr: the suite has stdout for both. */
    options.errors = json ? STDOUT_FILENO : STDERR_FILENO;
    options.output_is_shared = json || is_same_file(STDOUT_FILENO, STDERR_FILENO);
    options.rows = size.ws_row;
    options.columns = size.ws_col;
    options.output_is_terminal = isatty(STDOUT_FILENO) && options.output_is_shared;
    take_output(session->output, &options);
    options.keeping =
        session->output ? "envrun repro --keep BUNDLE" : "envrun run --keep=on-failure";
    options.data = session->data;
    options.data_count = session->data_count;
    session->run = options;
    session->environment = environment_new(session->loop, session->engine, &session->run);
}

/* ---- The end ---- */

static bool is_kept(const struct session *session, bool failed) {
    enum keep keep = session->options->keep;
    return keep == KEEP_ALWAYS || (keep == KEEP_ON_FAILURE && failed);
}

static void tell_kept(struct session *session) {
    struct event event = {
        .kind = EVENT_NOTE,
        .text =
            xasprintf("the environment %s is kept: look with `envrun ps -p %s` or `envrun exec -p "
                      "%s SERVICE sh`, take it down with `envrun down -p %s`",
                      session->name, session->name, session->name, session->name)};
    session_tell(session, &event);
    environment_tell_endpoints(session->environment);
}

enum { CI_TTL = 7200000 /* ms: nobody comes back to a job's environment */ };

bool cli_is_ci(void) {
    const char *ci = getenv("CI");
    return ci && *ci && strcmp(ci, "false") != 0 && strcmp(ci, "0") != 0;
}

long long session_ttl(const struct session *session) {
    long long ttl = session->options->ttl;
    return ttl >= 0 ? ttl : cli_is_ci() ? CI_TTL : 0;
}

static bool hold(struct session *session, struct err *err) {
    struct task *task = environment_hold(session->environment, session_ttl(session));
    return session_drive(session, task, true, err);
}

/* Remove what is there; answers the code that the run has in the end. */
int session_finish(struct session *session, int code, bool failed) {
    struct err err = ERR_INIT;
    if (is_kept(session, failed) && !session->signal && hold(session, &err)) {
        tell_kept(session);
        return code;
    }
    struct task *removal = environment_remove(session->environment);
    if (!session_drive(session, removal, false, &err) && !code)
        code = err_exit_code(&err);
    err_release(&err);
    return code;
}

/* The word for what has failed. */
const char *outcome_of(const struct err *err) {
    switch (err->kind) {
    case ERR_INTERRUPTED:
        return "interrupted";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_ENVIRONMENT:
    case ERR_ANSWER:
        return "environment";
    default:
        return "error";
    }
}

/* The code and the word of a run that went as err says. */
static int code_of(struct session *session, const struct err *err, const char **ret_outcome) {
    int code = environment_suite_code(session->environment);
    int deaths = environment_deaths(session->environment);
    *ret_outcome = "passed";
    if (err_is(err)) {
        *ret_outcome = outcome_of(err);
        return err_exit_code(err);
    }
    if (code) {
        *ret_outcome = "failed";
        return code;
    }
    if (deaths && session->options->strict) {
        *ret_outcome = "environment";
        return EX_TEMPFAIL;
    }
    return 0;
}

static bool run_suites(struct session *session, struct err *err) {
    bool ran = session_drive(session, environment_run_suites(session->environment), false, err);
    if (session->signal) {
        err_code(err, ERR_INTERRUPTED, session->signal, "interrupted by signal %d (%s)",
                 session->signal, strsignal(session->signal));
        return false;
    }
    return ran;
}

int session_run(struct session *session, const struct run_steps *steps, struct err *err,
                const char **ret_outcome) {
    bool up = session_drive(session, environment_up(session->environment), true, err);
    if (up && steps->at_hand)
        steps->at_hand(session, err);
    else if (up)
        run_suites(session, err);
    int code = code_of(session, err, ret_outcome);
    if (!environment_has_begun(session->environment))
        return code;
    session_collect(session);
    if (steps->leaving)
        steps->leaving(session, code);
    int finished = session_finish(session, code, code != 0);
    if (finished != code)
        *ret_outcome = "error";
    return finished;
}

static int run_all(struct session *session, struct err *err) {
    const char *outcome;
    session->ending.directory = xstrdup(session->model->directory);
    int code = session_run(session, &(struct run_steps){.leaving = session_capture}, err, &outcome);
    ending_end(&session->ending, outcome, code);
    session_write_junit(session, code);
    session_write_bundle(session, session_close_record(session, outcome, code));
    return session_outcome(session, outcome, code);
}

int command_run(struct options *options) {
    struct session session;
    struct chosen chosen = {0};
    struct err err = ERR_INIT;
    int code;

    session_init(&session, options);
    children_adopt();
    if (session_load(&session, &err) && session_lock(&session, &err) &&
        choose_suites(&session, &chosen, &err) && session_open(&session, &err)) {
        session_report(&session);
        session.junit = services_junit_new();
        session_name_run(&session);
        session_make_environment(&session, chosen.suites.at);
        code = run_all(&session, &err);
    } else {
        code = session_refuse(&session, &err);
    }
    session_release(&session);
    vec_free(&chosen.suites);
    err_release(&err);
    return code;
}
