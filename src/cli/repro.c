/*
 * envrun repro: a bundle's run again, and whether it fails in the same way.
 */
#include "replay/replay.h"

#include "base/json.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "loop/child.h"
#include "replay/host.h"
#include "replay/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { SETTLE_LIMIT = 20000 /* ms for requests that are under way */ };

struct repro {
    struct session session;
    char *bundle, *base, *folder; /* the file; our folder; what is unpacked in it */
    struct replay replay;
    struct suites suites; /* NULL-terminated */
    struct suite bare;    /* for a command and a model without a suite */
    struct strings environment;
    bool images_loaded;
};

/* ---- The bundle ---- */

/* A run's bundle has its ID in its name. */
static char *find_by_run(const char *folder, const char *run, struct err *err) {
    const char *id = strrchr(run, '-');
    autofree char *ending = xasprintf("-%s.tar.zst", id ? id + 1 : run);
    DIR *directory = opendir(folder);
    char *found = NULL;
    for (struct dirent *entry; directory && !found && (entry = readdir(directory));)
        if (text_starts(entry->d_name, "envrun-") && text_ends(entry->d_name, ending))
            found = path_join(folder, entry->d_name);
    if (directory)
        closedir(directory);
    if (!found)
        err_set(err, ERR_USAGE,
                "there is neither a file nor, in %s, the bundle of a run `%s`; `envrun run "
                "--bundle=always` writes one",
                folder, run);
    return found;
}

static bool find_bundle(struct repro *repro, struct err *err) {
    const struct options *options = repro->session.options;
    if (options->word_count != 1)
        return err_set(err, ERR_USAGE, "a bundle's file is expected, or a run's ID");
    if (path_exists(options->words[0]))
        repro->bundle = xstrdup(options->words[0]);
    else
        repro->bundle =
            find_by_run(options->out ? options->out : "envrun-out", options->words[0], err);
    return repro->bundle;
}

/* Never over files of the user's: in a folder that was not there. */
static bool make_base(struct repro *repro, struct err *err) {
    const char *temporary = getenv("TMPDIR");
    autofree char *template =
        path_join(temporary && *temporary == '/' ? temporary : "/tmp", "envrun-repro-XXXXXX");
    if (!mkdtemp(template))
        return err_set(err, ERR_FILE, "cannot make the folder %s: %s", template, strerror(errno));
    repro->base = steal(template);
    repro->folder = path_join(repro->base, "bundle");
    return true;
}

static bool interrupted(const struct session *session, struct err *err) {
    return err_code(err, ERR_INTERRUPTED, session->signal, "interrupted by signal %d (%s)",
                    session->signal, strsignal(session->signal));
}

static bool unpack(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    struct task *task = unpack_new(session->loop, repro->bundle, repro->folder);
    task_start(task, NULL);
    while (task->status == TASK_PENDING && !session->signal)
        loop_turn(session->loop, -1);
    bool ok = task->status == TASK_DONE;
    if (ok)
        ok = replay_read(repro->folder, unpack_manifest(task), &repro->replay, err) ||
             err_prefix(err, "%s", repro->bundle);
    else if (task->status == TASK_FAILED)
        err_move(err, &task->err);
    else
        interrupted(session, err);
    task_free(task);
    return ok;
}

/* ---- The model ---- */

/* They are the model's, and end with it. */
static bool choose_suites(struct repro *repro, struct err *err) {
    vec_free(&repro->suites);
    vec_each (name, &repro->replay.suites) {
        const struct suite *suite = model_suite(repro->session.model, *name);
        if (suite) {
            vec_push(&repro->suites, suite);
        } else if (repro->replay.command.length) {
            repro->bare = (struct suite){.name = "suite", .timeout = SUITE_TIMEOUT_DEFAULT};
            vec_push(&repro->suites, &repro->bare);
        } else {
            return err_set(err, ERR_FILE, "%s: its model has no suite `%s`", repro->bundle, *name);
        }
    }
    vec_push(&repro->suites, NULL);
    return true;
}

/* Values come from the environment or --secrets-file, and only those that are asked for. */
static bool load(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    const char *secrets = session->options->secrets_file;
    autofree char *path = replay_write_model(&repro->replay, err);
    autofree char *here = getcwd(NULL, 0);
    if (!path)
        return false;
    strings_release(&repro->environment);
    replay_environment(&repro->replay, (const char *const *)environ, &repro->environment);
    model_free(session->model);
    session->model = model_load(
        &(struct model_input){
            .directory = here ? here : "/",
            .environment = (const char *const *)strings_argv(&repro->environment),
            .files = (const char *const[]){path, NULL},
            .env_files = (const char *const[]){secrets ? secrets : "/dev/null", NULL},
            .project_directory = repro->replay.project,
        },
        err);
    return session->model && choose_suites(repro, err);
}

static bool has_all_values(const struct repro *repro, struct err *err) {
    autostrings struct strings missing = {0};
    vec_each (name, &repro->replay.asked)
        if (!model_variable(repro->session.model, *name))
            strings_add(&missing, *name);
    if (!missing.length)
        return true;
    autofree char *names = strings_join(&missing, ", ");
    return err_set(err, ERR_USAGE,
                   "values that are not in the bundle are needed for %s: set them in the "
                   "environment, or give --secrets-file FILE with NAME=VALUE lines",
                   names);
}

static bool hide_values(struct repro *repro, struct err *err) {
    vec_each (name, &repro->replay.asked) {
        const char *value = model_variable(repro->session.model, *name);
        if (value && !redactor_add_named(repro->session.redactor, *name, value))
            return err_set(err, ERR_FILE, "the values for the bundle are too long");
    }
    return true;
}

/* ---- Before anything of it runs ---- */

static void show_plan(const struct repro *repro) {
    const struct replay *replay = &repro->replay;
    autostrings struct strings lines = {0};
    replay_describe(replay, repro->session.model, &lines);
    fprintf(stderr, "envrun: %s is a run that ended as `%s`. To run it again means:\n",
            repro->bundle, replay->then.outcome);
    vec_each (line, &lines) {
        struct buffer visible = BUFFER_INIT;
        utf8_put_visible(&visible, *line);
        fprintf(stderr, "  %s\n", visible.data);
        buffer_release(&visible);
    }
    autofree char *names = strings_join(&replay->asked, ", ");
    if (*names)
        fprintf(stderr, "  it is given the values of %s\n", names);
}

struct question {
    struct watch input;
    char answer; /* its first character; 0: none yet */
};

/* A terminal hands out whole lines. */
static void take_answer(struct watch *watch, uint32_t events) {
    struct question *question = container_of(watch, struct question, input);
    char line[256];
    ssize_t length = read(watch->fd, line, sizeof line);
    (void)events;
    question->answer = length > 0 ? *line : '\n';
    watch_set(watch, 0);
}

/* In the loop, so that a signal is an answer too. */
static bool ask(struct session *session, const char *text) {
    struct question question = {0};
    fputs(text, stderr);
    watch_init(&question.input, session->loop, STDIN_FILENO, take_answer);
    watch_set(&question.input, EPOLLIN);
    while (!question.answer && !session->signal)
        loop_turn(session->loop, -1);
    watch_set(&question.input, 0);
    if (session->signal)
        fputc('\n', stderr);
    return question.answer == 'y' || question.answer == 'Y';
}

static bool agree(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    if (!session->options->json)
        show_plan(repro);
    if (session->options->yes)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return err_set(err, ERR_USAGE,
                       "nothing was run: what a bundle runs was written by somebody else; give "
                       "--yes if you trust it");
    if (ask(session, "envrun: run it? [y/N] "))
        return true;
    if (session->signal)
        return interrupted(session, err);
    return err_set(err, ERR_USAGE, "nothing was run");
}

/* ---- As it was run ---- */

/* -e of that run, its locale, its umask. */
static void take_circumstances(struct repro *repro) {
    const cJSON *suite = repro->replay.suite, *item;
    struct strings *variables = &repro->session.options->variables;
    const char *mask = json_text(suite, "umask");
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(suite, "locale")) {
        if (cJSON_IsString(item) && strchr(item->valuestring, '='))
            strings_add(variables, item->valuestring);
    }
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(suite, "variables")) {
        if (cJSON_IsString(item) && strchr(item->valuestring, '='))
            strings_add(variables, item->valuestring);
    }
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(suite, "asked")) {
        const char *name = cJSON_GetStringValue(item);
        const char *value = name ? model_variable(repro->session.model, name) : NULL;
        if (value)
            strings_printf(variables, "%s=%s", name, value);
    }
    repro->session.output = suite;
    if (mask)
        umask((mode_t)strtol(mask, NULL, 8) & 0777);
}

/* The suite on this host has that many CPUs too. */
static void take_limits(struct repro *repro) {
    long cpus = (long)json_number(repro->replay.host, "cpus", 0);
    cpu_set_t set;
    if (!repro->session.options->like_ci)
        return;
    replay_limit(&repro->replay);
    if (cpus < 1 || cpus >= sysconf(_SC_NPROCESSORS_ONLN))
        return;
    CPU_ZERO(&set);
    for (int i = 0; i < cpus; i++)
        CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static bool take_data(struct repro *repro, struct err *err) {
    if (!repro->session.options->at_failure)
        return true;
    if (!repro->replay.volumes.length)
        return err_set(err, ERR_USAGE,
                       "%s has no volumes as they were at the failure: `envrun run --bundle-data` "
                       "packs them",
                       repro->bundle);
    replay_from_failure(&repro->replay);
    repro->session.data = repro->replay.volumes.at;
    repro->session.data_count = repro->replay.volumes.length;
    return true;
}

static bool load_images(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    repro->images_loaded = true;
    return session_drive(session, engine_connect(session->engine), true, err) &&
           session_drive(
               session,
               replay_load_images(&repro->replay, session->engine, session->loop, session->name),
               true, err);
}

/* A load that a signal has cut short may still take effect. */
static void settle(struct session *session) {
    struct err ignored = ERR_INIT;
    struct task *settle = engine_settle(session->engine);
    task_limit(settle, deadline_in(SETTLE_LIMIT));
    session_drive(session, settle, false, &ignored);
    err_release(&ignored);
}

static bool is_kept(const struct session *session) {
    return session->options->keep != KEEP_NEVER && session->environment;
}

static void remove_images(struct repro *repro) {
    struct session *session = &repro->session;
    struct err err = ERR_INIT;
    if (!repro->images_loaded || is_kept(session))
        return;
    settle(session);
    session_drive(
        session,
        replay_remove_images(&repro->replay, session->engine, session->loop, session->name), false,
        &err);
    for (const struct err *one = &err; one && err_is(one); one = one->next) {
        struct event event = {.kind = EVENT_WARNING, .text = xstrdup(one->message)};
        session_tell(session, &event);
    }
    err_release(&err);
}

static void tell(struct session *session, char *text) {
    struct event event = {.kind = EVENT_NOTE, .text = text};
    session_tell(session, &event);
}

/* ---- A shell in the suite's place ---- */

static void open_shell(struct session *session, struct err *err) {
    struct repro *repro = container_of(session, struct repro, session);
    const char *shell = getenv("SHELL");
    const char *const argv[] = {shell && *shell ? shell : "/bin/sh", NULL};
    const char *const *variables;
    autostrings struct strings all = {0};
    if (!environment_variables(session->environment, &variables, err))
        return;
    for (char **entry = environ; *entry; entry++)
        strings_add(&all, *entry);
    for (; *variables; variables++)
        strings_add(&all, *variables);
    tell(session, xasprintf("a shell in the suite's place, in %s: `exit` takes everything down",
                            repro->replay.project));
    struct child_options options = {.argv = argv,
                                    .environment = (const char *const *)strings_argv(&all),
                                    .directory = repro->replay.project,
                                    .input = STDIN_FILENO,
                                    .output = STDOUT_FILENO,
                                    .errors = STDERR_FILENO,
                                    .terminal = isatty(STDOUT_FILENO)};
    session_drive(session, child_new(session->loop, &options), false, err);
}

/* ---- The verdict ---- */

static void tell_hosts(struct repro *repro) {
    struct session *session = &repro->session;
    struct host_differences differences = {0};
    autojson cJSON *engine = cJSON_CreateObject();
    struct err ignored = ERR_INIT;
    static const char *const questions[][2] = {{"info", "/info"}, {"version", "/version"}};
    for (size_t i = 0; i < lengthof(questions); i++) {
        struct task *ask = engine_request(session->engine, "GET", NULL, "%s", questions[i][1]);
        task_start(ask, NULL);
        loop_run(session->loop, ask);
        if (ask->status == TASK_DONE)
            json_put(engine, questions[i][0], request_take_answer(ask));
        task_free(ask);
    }
    autojson cJSON *now = host_facts(engine);
    host_compare(repro->replay.host, now, &differences);
    if (differences.length)
        tell(session, xasprintf("%-16s %-28s %s", "what differs", "then", "here"));
    else
        tell(session, xstrdup("nothing that envrun looks at differs between the hosts"));
    vec_each (one, &differences)
        tell(session, xasprintf("%-16s %-28s %s", one->what, one->then, one->now));
    host_differences_release(&differences);
    err_release(&ignored);
}

static int tell_verdict(struct repro *repro) {
    static const struct {
        const char *word, *sentence;
        int code;
    } verdicts[] = {
        [VERDICT_REPRODUCED] = {"reproduced", "reproduced: it ends here as it did then", 0},
        [VERDICT_PASSES] = {"passes", "passes here", 1},
        [VERDICT_DIFFERS] = {"differs", "fails differently", 2},
    };
    struct session *session = &repro->session;
    autostrings struct strings differences = {0};
    const char *by;
    enum ending_verdict verdict =
        ending_compare(&repro->replay.then, &session->ending, &differences, &by);
    vec_each (line, &differences)
        tell(session, xstrdup(*line));
    if (verdict != VERDICT_REPRODUCED)
        tell_hosts(repro);
    tell(session, xasprintf("%s (compared by %s)", verdicts[verdict].sentence, by));
    return session_outcome(session, verdicts[verdict].word, verdicts[verdict].code);
}

/* ---- The run ---- */

static int run(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    const char *outcome;
    struct run_steps steps = {.at_hand = session->options->shell ? open_shell : NULL};
    session->ending.directory = xstrdup(repro->replay.project);
    int code = session_run(session, &steps, err, &outcome);
    remove_images(repro);
    ending_end(&session->ending, outcome, code);
    if (is_kept(session))
        tell(session, xasprintf("its files are in %s", repro->replay.project));
    bool is_own = !strcmp(outcome, "interrupted") || !strcmp(outcome, "error");
    if (session->options->shell || is_own)
        return session_outcome(session, outcome, code);
    return tell_verdict(repro);
}

static bool prepare(struct repro *repro, struct err *err) {
    struct session *session = &repro->session;
    if (!find_bundle(repro, err) || !session_open(session, err) || !make_base(repro, err) ||
        !unpack(repro, err) || !take_data(repro, err) || !load(repro, err) ||
        !has_all_values(repro, err) || !hide_values(repro, err) || !agree(repro, err))
        return false;
    take_limits(repro);
    session_name_run(session);
    session_report(session);
    if (!load_images(repro, err) || !load(repro, err))
        return false;
    take_circumstances(repro);
    return true;
}

static void repro_release(struct repro *repro) {
    if (repro->base && !is_kept(&repro->session))
        folder_remove(repro->base);
    session_release(&repro->session);
    replay_release(&repro->replay);
    vec_free(&repro->suites);
    strings_release(&repro->environment);
    free(repro->bundle);
    free(repro->base);
    free(repro->folder);
}

int command_repro(struct options *options) {
    struct repro repro = {0};
    struct err err = ERR_INIT;
    int code;
    session_init(&repro.session, options);
    children_adopt();
    if (prepare(&repro, &err)) {
        if (repro.replay.command.length)
            options->command = strings_argv(&repro.replay.command);
        session_make_environment(&repro.session, repro.suites.at);
        code = run(&repro, &err);
    } else {
        remove_images(&repro);
        code = session_refuse(&repro.session, &err);
    }
    repro_release(&repro);
    err_release(&err);
    return code;
}
