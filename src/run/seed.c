/*
 * Seeds: in the file's order, each must succeed. A pattern's files are taken sorted by name; each
 * file is one step, so that an error names it.
 */
#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"
#include "engine/web.h"
#include "loop/program.h"

#include <errno.h>
#include <glob.h>
#include <regex.h>
#include <signal.h>
#include <string.h>

enum { DEATH_MOMENT = 1000 }; /* ms between the engine's cutting an exec off and telling a death */

/* One thing to do: a seed, or one file of an sql seed. */
struct step {
    const struct seed *seed;
    char *file;  /* sql: absolute */
    char *title; /* as it is told: "sql seed/01.sql" */
};

struct seeds {
    struct task task;
    struct life *life;
    vec(struct step) steps; /* of the seeds that were reached: an earlier one may make files */
    size_t at, next_seed;
    struct task *work;
    long long began;
    struct buffer body;         /* http: what is sent */
    struct strings environment; /* run: its variables; sql: the database */
    const char *argv[4];        /* sql: the kind's client */
    struct buffer kept;         /* run: the end of what it prints */
    bool giving_up;             /* one has failed; `work` is a moment's pause */
};

/* ---- What is to be done ---- */

/* A path as the user would write it: below the project's folder, without it. */
static const char *short_path(const struct life *life, const char *path) {
    const char *folder = life->environment->model->directory;
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && path[length] == '/' ? path + length + 1 : path;
}

static void add_step(struct seeds *seeds, const struct seed *seed, const char *file, char *title) {
    vec_push(&seeds->steps,
             (struct step){.seed = seed, .file = xstrdup_or_null(file), .title = title});
}

/* A folder that is not there has no files; what must not be passed over is a lack of descriptors.
 */
static int glob_failed(const char *path, int reason) {
    (void)path;
    return reason == EMFILE || reason == ENFILE;
}

static bool add_files(struct seeds *seeds, const struct seed *seed, const char *pattern,
                      struct err *err) {
    struct life *life = seeds->life;
    glob_t found;
    int result = glob(pattern, 0, glob_failed, &found); /* sorted by name */
    int reason = errno;
    for (size_t i = 0; !result && i < found.gl_pathc; i++)
        add_step(seeds, seed, found.gl_pathv[i],
                 xasprintf("sql %s", short_path(life, found.gl_pathv[i])));
    if (!result)
        globfree(&found);
    if (result == GLOB_NOMATCH)
        return err_at(err, seed->at, "no seed file matches `%s`", short_path(life, pattern));
    return !result || err_at(err, seed->at, "cannot look for `%s`: %s", short_path(life, pattern),
                             err_reason(reason));
}

static bool add_sql(struct seeds *seeds, const struct seed *seed, struct err *err) {
    const struct service_kind *kind = seeds->life->planned->kind;
    if (!kind || !kind->sql)
        return err_at(err, seed->at,
                      "service `%s` has an `sql` seed, but envrun knows no client for %s%s",
                      seeds->life->name, kind ? "kind " : "its image; name its `kind`",
                      kind ? kind->name : "");
    for (const char **file = seed->files; *file; file++)
        if (!add_files(seeds, seed, *file, err))
            return false;
    return true;
}

static bool add_copy(struct seeds *seeds, const struct seed *seed, struct err *err) {
    if (!path_exists(seed->from))
        return err_at(err, seed->at, "there is no `%s` to copy",
                      short_path(seeds->life, seed->from));
    add_step(seeds, seed, NULL,
             xasprintf("copy %s to %s", short_path(seeds->life, seed->from), seed->to));
    return true;
}

static bool add_http(struct seeds *seeds, const struct seed *seed, struct err *err) {
    if (seed->body && !path_exists(seed->body))
        return err_at(err, seed->at, "there is no file `%s` for the body",
                      short_path(seeds->life, seed->body));
    bool settled = seeds->life->image != NULL; /* the image may still name a port */
    if (settled && !seed->port && !plan_main_port(seeds->life->planned))
        return err_at(err, seed->at, "`http` needs a `port`: service `%s` names none",
                      seeds->life->name);
    add_step(seeds, seed, NULL, xasprintf("http %s %s", seed->method, seed->path));
    return true;
}

/* Files go into every container of a service; what has an effect beyond it is done once. */
static bool is_for(const struct seed *seed, const struct life *life) {
    return life->planned->number == 1 || seed->kind == SEED_COPY;
}

static bool add_seed(struct seeds *seeds, const struct seed *seed, struct err *err) {
    if (!is_for(seed, seeds->life))
        return true;
    switch (seed->kind) {
    case SEED_SQL:
        return add_sql(seeds, seed, err);
    case SEED_COPY:
        return add_copy(seeds, seed, err);
    case SEED_HTTP:
        return add_http(seeds, seed, err);
    case SEED_EXEC:
    case SEED_RUN:
        break;
    }
    autofree char *command = command_text(&seed->command);
    add_step(seeds, seed, NULL,
             xasprintf("%s %s", seed->kind == SEED_EXEC ? "exec" : "run", command));
    return true;
}

/* ---- Doing one ---- */

static struct task *begin_sql(struct seeds *seeds, const struct step *step) {
    struct life *life = seeds->life;
    strings_release(&seeds->environment);
    strings_printf(&seeds->environment, "ENVRUN_DATABASE=%s",
                   step->seed->database ? step->seed->database : "");
    seeds->argv[0] = "sh";
    seeds->argv[1] = "-c";
    seeds->argv[2] = life->planned->kind->sql;
    struct container_command command = {
        .id = life->id,
        .exec.argv = seeds->argv,
        .exec.environment = (const char *const *)strings_argv(&seeds->environment),
        .input = step->file,
        .any_code = true,
    };
    return command_new(life->environment->loop, life->environment->engine, &command);
}

static struct task *begin_copy(struct seeds *seeds, const struct step *step) {
    struct copy_options options = {
        .from = step->seed->from,
        .to = step->seed->to,
        .contents = path_is_directory(step->seed->from),
        .parents = true,
    };
    return container_copy_in(seeds->life->environment->engine, seeds->life->id, &options);
}

/* What the body is, if the seed's own headers do not say. */
static const char *content_type(const struct seed *seed) {
    const char *text = seed->text ? seed->text + strspn(seed->text, " \t\r\n") : "";
    if (!seed->body && !seed->text)
        return NULL;
    for (size_t i = 0; i < seed->header_count; i++)
        if (!strcasecmp(seed->headers[i].name, "Content-Type"))
            return NULL;
    bool json = seed->body ? text_ends(seed->body, ".json") : *text == '{' || *text == '[';
    return json ? "application/json" : "application/octet-stream";
}

static void add_headers(const struct seed *seed, struct strings *headers) {
    const char *type = content_type(seed);
    for (size_t i = 0; i < seed->header_count; i++)
        strings_printf(headers, "%s: %s", seed->headers[i].name, seed->headers[i].value);
    if (type)
        strings_printf(headers, "Content-Type: %s", type);
}

static struct task *begin_http(struct seeds *seeds, const struct step *step, struct err *err) {
    const struct seed *seed = step->seed;
    struct life *life = seeds->life;
    const char *host;
    int port = seed->port ? seed->port : plan_main_port(life->planned);

    buffer_release(&seeds->body);
    if (seed->body && !path_read(seed->body, &seeds->body, err))
        return NULL;
    if (seed->text)
        buffer_puts(&seeds->body, seed->text);
    if (!life_endpoint(life, port, &host, &port)) {
        err_at(err, seed->at, "port %d of service `%s` cannot be reached from this host", port,
               life->name);
        return NULL;
    }
    autofree char *url = xasprintf("%s://%s:%d%s", seed->scheme, host, port, seed->path);
    autostrings struct strings headers = {0};
    add_headers(seed, &headers);
    struct web_request request = {
        .method = seed->method,
        .url = url,
        .headers = (const char *const *)strings_argv(&headers),
        .body = seed->body || seed->text ? seeds->body.data : NULL,
        .length = seeds->body.length,
    };
    return web_new(life->environment->engine, &request);
}

static struct task *begin_exec(struct seeds *seeds, const struct step *step) {
    struct container_command command = {
        .id = seeds->life->id,
        .exec.argv = (const char *const *)step->seed->command.argv,
        .exec.user = step->seed->user,
        .what = "it",
    };
    return command_new(seeds->task.loop, seeds->life->environment->engine, &command);
}

/* The end of what it prints says why it failed. */
static void keep_end(void *context, const char *data, size_t length) {
    buffer_add_last(&((struct seeds *)context)->kept, data, length);
}

/* On the host, with the suite's variables as far as services are up. */
static struct task *begin_run(struct seeds *seeds, const struct step *step, struct err *err) {
    struct environment *environment = seeds->life->environment;
    strings_release(&seeds->environment);
    buffer_release(&seeds->kept);
    variables_add_host(environment, &seeds->environment);
    if (!variables_add(environment, false, &seeds->environment, err))
        return NULL;
    struct program_options options = {
        .argv = (const char *const *)step->seed->command.argv,
        .environment = (const char *const *)strings_argv(&seeds->environment),
        .directory = environment->model->directory,
        .errors_too = true,
        .output = keep_end,
        .context = seeds,
        .guard = reaper_guard(environment->reaper),
    };
    return program_new(environment->loop, &options);
}

static struct task *begin_step(struct seeds *seeds, const struct step *step, struct err *err) {
    switch (step->seed->kind) {
    case SEED_SQL:
        return begin_sql(seeds, step);
    case SEED_COPY:
        return begin_copy(seeds, step);
    case SEED_HTTP:
        return begin_http(seeds, step, err);
    case SEED_EXEC:
        return begin_exec(seeds, step);
    case SEED_RUN:
        return begin_run(seeds, step, err);
    }
    return NULL;
}

/* ---- Judging one ---- */

/* The first line of a client's output that says an error: group 1 its line, group 2 what it is. */
static bool find_sql_error(const char *output, const char *expression, long *ret_line,
                           char **ret_message) {
    regex_t regex;
    regmatch_t groups[3];
    if (!expression || regcomp(&regex, expression, REG_EXTENDED | REG_NEWLINE))
        return false;
    bool found = !regexec(&regex, output, lengthof(groups), groups, 0);
    if (found) {
        *ret_line = groups[1].rm_so >= 0 ? strtol(output + groups[1].rm_so, NULL, 10) : 0;
        *ret_message =
            xstrndup(output + groups[2].rm_so, (size_t)(groups[2].rm_eo - groups[2].rm_so));
    }
    regfree(&regex);
    return found;
}

static bool judge_sql(struct seeds *seeds, const struct step *step, struct err *err) {
    const char *output = command_output(seeds->work);
    int code = command_exit_code(seeds->work);
    autofree char *message = NULL;
    struct position at = {.file = short_path(seeds->life, step->file)};
    long line = 0;

    if (find_sql_error(output, seeds->life->planned->kind->sql_error, &line, &message)) {
        at.line = (int)line;
        return err_at(err, at, "%s", message);
    }
    if (!code)
        return true;
    autofree char *last = last_line(output);
    return err_at(err, at, "the client of service `%s` exited with code %d: %s", seeds->life->name,
                  code, *last ? last : "it said nothing");
}

static bool judge_http(struct seeds *seeds, const struct step *step, struct err *err) {
    const struct seed *seed = step->seed;
    int status = web_status(seeds->work);
    if (status >= seed->expect_least && status <= seed->expect_most)
        return true;
    autofree char *wanted = seed->expect_least == seed->expect_most
                                ? xasprintf("%d", seed->expect_least)
                                : xasprintf("%d-%d", seed->expect_least, seed->expect_most);
    autofree char *last = last_line(web_body(seeds->work));
    return err_at(err, seed->at, "%s %s answered HTTP %d, expected %s%s%s", seed->method,
                  seed->path, status, wanted, *last ? ": " : "", last);
}

static bool judge_run(struct seeds *seeds, const struct step *step, struct err *err) {
    int code = program_exit_code(seeds->work);
    autofree char *last = last_line(seeds->kept.data);
    return !code ||
           err_at(err, step->seed->at, "it exited with code %d%s%s", code, *last ? ": " : "", last);
}

static bool judge(struct seeds *seeds, const struct step *step, struct err *err) {
    if (seeds->work->status == TASK_FAILED)
        return err_move(err, &seeds->work->err);
    switch (step->seed->kind) {
    case SEED_SQL:
        return judge_sql(seeds, step, err);
    case SEED_HTTP:
        return judge_http(seeds, step, err);
    case SEED_RUN:
        return judge_run(seeds, step, err);
    default:
        return true;
    }
}

/* Seeds that fail are the user's data being wrong only if a file is; else the environment did not
 * come up. Both say where. */
static bool seed_failed(struct seeds *seeds, const struct step *step) {
    struct err *err = &seeds->task.err;
    if (err->kind == ERR_TIMEOUT) {
        autofree char *time =
            text_milliseconds(step->seed->timeout ? step->seed->timeout : SEED_TIMEOUT_DEFAULT);
        err_set(err, ERR_ENVIRONMENT, "timed out after %s", time);
    }
    if (!err->file || step->seed->kind != SEED_SQL)
        err_prefix(err, "seed `%s` of service `%s`", step->title, seeds->life->name);
    else
        err_prefix(err, "seeding service `%s`", seeds->life->name);
    err_locate(err, step->seed->at);
    if (err->kind != ERR_ENGINE)
        err->kind = ERR_ENVIRONMENT;
    return false;
}

/* ---- One after the other ---- */

static size_t seeds_left(const struct seeds *seeds) {
    return seeds->life->planned->service->seed_count - seeds->next_seed;
}

static void tell(struct seeds *seeds, enum event_status status) {
    const struct step *step = &seeds->steps.at[seeds->at];
    struct event event = {
        .kind = EVENT_SEED,
        .service = xstrdup(seeds->life->name),
        .phase = PHASE_SEED,
        .status = status,
        .text = xstrdup(step->title),
        .count = (long long)seeds->at + 1,
        .total = (long long)(seeds->steps.length + seeds_left(seeds)),
        .duration = status == STATUS_BEGAN ? 0 : loop_now() - seeds->began,
    };
    environment_tell(seeds->life->environment, &event);
}

static bool begin_next(struct seeds *seeds) {
    const struct step *step = &seeds->steps.at[seeds->at];
    long long limit = step->seed->timeout ? step->seed->timeout : SEED_TIMEOUT_DEFAULT;
    seeds->began = loop_now();
    tell(seeds, STATUS_BEGAN);
    seeds->work = begin_step(seeds, step, &seeds->task.err);
    if (!seeds->work)
        return seed_failed(seeds, step);
    task_limit(seeds->work, loop_now() + limit);
    task_start(seeds->work, &seeds->task);
    return true;
}

/* A command that was killed and a connection that broke may be all that is seen yet of the
 * service's death. */
static bool looks_like_death(const struct seeds *seeds, enum seed_kind kind) {
    enum { KILLED = 128 + SIGKILL };
    if (kind == SEED_HTTP)
        return seeds->work->status == TASK_FAILED && seeds->task.err.kind != ERR_TIMEOUT;
    if (kind == SEED_SQL && seeds->work->status == TASK_DONE)
        return command_exit_code(seeds->work) == KILLED;
    return kind == SEED_EXEC && seeds->task.err.code == KILLED;
}

static bool end_current(struct seeds *seeds) {
    const struct step *step = &seeds->steps.at[seeds->at];
    bool ok = judge(seeds, step, &seeds->task.err);
    bool death = !ok && looks_like_death(seeds, step->seed->kind);
    tell(seeds, ok ? STATUS_DONE : STATUS_FAILED);
    seeds->work = task_free(seeds->work);
    if (death)
        seeds->work = pause_new(seeds->task.loop, DEATH_MOMENT);
    return ok || seed_failed(seeds, step);
}

/* A death ends the seeds from outside, and is the better reason: it gets a moment to be told. */
static enum task_status give_up(struct seeds *seeds) {
    seeds->giving_up = true;
    if (!seeds->work)
        return TASK_FAILED;
    task_start(seeds->work, &seeds->task);
    return seeds->work->status == TASK_PENDING ? TASK_PENDING : TASK_FAILED;
}

/* Is there a step at seeds->at? False with err set if its seed cannot be read. */
static bool has_step(struct seeds *seeds) {
    while (seeds->at == seeds->steps.length && seeds_left(seeds)) {
        const struct seed *seed = &seeds->life->planned->service->seeds[seeds->next_seed++];
        if (!add_seed(seeds, seed, &seeds->task.err))
            return false;
    }
    return seeds->at < seeds->steps.length;
}

static enum task_status seeds_step(struct task *task) {
    struct seeds *seeds = (struct seeds *)task;
    if (seeds->giving_up)
        return give_up(seeds);
    for (; has_step(seeds); seeds->at++) {
        if (!seeds->work && !begin_next(seeds))
            return TASK_FAILED;
        if (seeds->work->status == TASK_PENDING)
            return TASK_PENDING;
        if (!end_current(seeds))
            return give_up(seeds);
    }
    return err_is(&task->err) ? TASK_FAILED : TASK_DONE;
}

static void seeds_release(struct task *task) {
    struct seeds *seeds = (struct seeds *)task;
    task_free(seeds->work);
    vec_each (step, &seeds->steps) {
        free(step->file);
        free(step->title);
    }
    vec_free(&seeds->steps);
    buffer_release(&seeds->body);
    buffer_release(&seeds->kept);
    strings_release(&seeds->environment);
}

struct task *seeds_new(struct life *life) {
    static const struct task_type type = {
        .name = "seeds", .step = seeds_step, .release = seeds_release};
    struct seeds *seeds = task_new(sizeof *seeds, &type, life->environment->loop);
    seeds->life = life;
    seeds->body = BUFFER_INIT;
    seeds->kept = BUFFER_INIT_MAX(EXEC_OUTPUT_MAX);
    return &seeds->task;
}

bool seeds_check(struct life *life, struct err *err) {
    const struct service *service = life->planned->service;
    struct seeds *seeds = (struct seeds *)seeds_new(life);
    bool ok = true;
    for (size_t i = 0; ok && i < service->seed_count; i++) {
        if (service->seeds[i].kind == SEED_RUN)
            break; /* it may make the files of those behind it */
        ok = add_seed(seeds, &service->seeds[i], err);
    }
    task_free(seeds);
    return ok;
}
