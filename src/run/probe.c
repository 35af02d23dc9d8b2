/*
 * Is a service ready? A probe is a few steps, each tried at once and then at its beat until it
 * works: a plain connect first, the protocol behind it, a command in the container last.
 *
 * A connect counts only at the container's own address. Where only a published port can be reached,
 * the engine's proxy accepts for a service that sleeps: there the container's own table of
 * listening sockets is read from inside, or the connection must outlive a moment.
 */
#include "run/environment.h"

#include "base/lines.h"
#include "base/text.h"
#include "engine/web.h"
#include "run/dial.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum probe_step_kind { STEP_CONNECT, STEP_LISTENS, STEP_HTTP, STEP_COMMAND, STEP_LOG };

struct probe_step {
    enum probe_step_kind kind;
    int port;
    const char *send, *expect; /* STEP_CONNECT */
    const struct probe *http;  /* STEP_HTTP */
    const char *const *argv;   /* STEP_COMMAND */
    const char *regex;         /* STEP_LOG */
    int count;                 /* STEP_LOG */
};

/* The beats: a connect costs 0.1 ms, a request about one, a command in a container 40 ms of the
 * engine's time. */
static const struct retry_beat beats[] = {
    [STEP_CONNECT] = {5, 25},   [STEP_LISTENS] = {50, 250}, [STEP_HTTP] = {15, 100},
    [STEP_COMMAND] = {50, 500}, [STEP_LOG] = {100, 500},
};

enum {
    HTTP_TIMEOUT = 5000,     /* ms for one try */
    COMMAND_TIMEOUT = 30000, /* ms for one try */
    LOG_LINE_MAX = 64 << 10, /* bytes */
};

struct probing {
    struct task task;
    struct life *life;
    struct probe_step steps[6];
    size_t step_count, at;
    struct retry *retry;
    regex_t regex; /* of the current step */
    bool has_regex;
    long long tries;
    bool cannot_look; /* the container has no `cat` */
    const char *argv_inside[4];
};

/* Keep, and tell, why the latest try did not find it ready. */
static void on_failed(void *context, const struct err *why, unsigned tries) {
    struct probing *probing = context;
    struct life *life = probing->life;
    if (text_equal(life->reason, why->message))
        return;
    free(life->reason);
    life->reason = xstrdup(why->message);
    struct event event = {.kind = EVENT_PROBE,
                          .service = xstrdup(life->name),
                          .phase = PHASE_READY,
                          .text = xstrdup(why->message),
                          .count = tries};
    environment_tell(life->environment, &event);
}

/* ---- One try ---- */

enum { TRY_OUTPUT_MOST = 4 << 10 }; /* bytes told of what a probe wrote or was answered */

struct attempt {
    struct task task;
    struct probing *probing;
    const struct probe_step *step;
    struct task *work;
    struct lines lines; /* STEP_LOG */
    int matches;
    long long began;
};

/* Does one line of /proc/net/tcp show a socket that listens on the port, and not only on loopback?
 * "  0: 00000000:1538 00000000:0000 0A ..." */
static bool line_listens(const char *line, int port) {
    char address[40];
    unsigned local_port, state;
    if (sscanf(line, " %*d: %39[0-9A-F]:%4x %*[0-9A-F]:%*4x %2x", address, &local_port, &state) !=
        3)
        return false;
    return state == 0x0a && (int)local_port == port && strcmp(address, "0100007F") != 0 &&
           strcmp(address, "00000000000000000000000001000000") != 0;
}

static bool table_listens(const char *table, int port) {
    for (const char *line = table; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (line_listens(line, port))
            return true;
    }
    return false;
}

static bool judge_listens(struct attempt *attempt) {
    int port = attempt->step->port;
    if (command_exit_code(attempt->work) > 1) {
        attempt->probing->cannot_look = true; /* the next try connects instead */
        return err_set(&attempt->task.err, ERR_ENVIRONMENT, "cannot look inside");
    }
    return table_listens(command_output(attempt->work), port) ||
           err_set(&attempt->task.err, ERR_ENVIRONMENT,
                   "nothing listens on port %d in the container", port);
}

static bool judge_http(struct attempt *attempt) {
    const struct probe *http = attempt->step->http;
    const char *body = web_body(attempt->work);
    int status = web_status(attempt->work);
    if (status < http->status_least || status > http->status_most) {
        autofree char *last = last_line(*body == '<' ? "" : body); /* nobody reads HTML */
        return err_set(&attempt->task.err, ERR_ENVIRONMENT, "%s %s answers HTTP %d%s%s",
                       http->method, http->path, status, *last ? ": " : "", last);
    }
    if (attempt->probing->has_regex && regexec(&attempt->probing->regex, body, 0, NULL, 0))
        return err_set(&attempt->task.err, ERR_ENVIRONMENT,
                       "the answer of %s %s does not match `%s`", http->method, http->path,
                       http->body);
    return true;
}

static bool log_falls_short(const struct attempt *attempt, struct err *err) {
    return err_set(err, ERR_ENVIRONMENT, "%d of %d lines of its log match `%s`", attempt->matches,
                   attempt->step->count, attempt->step->regex);
}

static bool judge(struct attempt *attempt) {
    switch (attempt->step->kind) {
    case STEP_LISTENS:
        return attempt->probing->cannot_look && !attempt->probing->life->address
                   ? true
                   : judge_listens(attempt);
    case STEP_HTTP:
        return judge_http(attempt);
    case STEP_LOG:
        return log_falls_short(attempt, &attempt->task.err);
    default:
        return true;
    }
}

/* A log is followed and so does not fail: say meanwhile what is missing. */
static void tell_log(struct attempt *attempt) {
    struct err why = ERR_INIT;
    log_falls_short(attempt, &why);
    on_failed(attempt->probing, &why, 1);
    err_release(&why);
}

static void on_log_line(void *context, char *line, size_t length) {
    struct attempt *attempt = context;
    (void)length;
    if (regexec(&attempt->probing->regex, line, 0, NULL, 0))
        return;
    attempt->matches++;
    if (attempt->matches < attempt->step->count)
        tell_log(attempt);
}

static void on_log(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct attempt *attempt = context;
    (void)stream;
    lines_push(&attempt->lines, data, length);
    if (attempt->matches >= attempt->step->count)
        task_wake(&attempt->task);
}

static struct task *begin_dial(struct attempt *attempt, const char *host, int port) {
    const struct probe_step *step = attempt->step;
    const struct life *life = attempt->probing->life;
    struct dial_options options = {
        .host = life->address ? host : life->environment->publish_number,
        .port = port,
        .send = step->send,
        .expect = attempt->probing->has_regex ? &attempt->probing->regex : NULL,
        .hold = !life->address,
    };
    return dial_new(attempt->task.loop, &options);
}

static struct task *begin_http(struct attempt *attempt, const char *host, int port) {
    const struct probe *http = attempt->step->http;
    autofree char *url = xasprintf("%s://%s:%d%s", http->scheme, host, port, http->path);
    struct task *web = web_new(attempt->probing->life->environment->engine,
                               &(struct web_request){.method = http->method, .url = url});
    task_limit(web, loop_now() + HTTP_TIMEOUT);
    return web;
}

static struct task *begin_command(struct attempt *attempt, const char *const *argv, bool any_code) {
    struct life *life = attempt->probing->life;
    struct container_command command = {
        .id = life->id, .exec.argv = argv, .what = "the command", .any_code = any_code};
    struct task *task = command_new(life->environment->loop, life->environment->engine, &command);
    task_limit(task, loop_now() + COMMAND_TIMEOUT);
    return task;
}

static struct task *begin_log(struct attempt *attempt) {
    struct life *life = attempt->probing->life;
    struct log_options options = {.follow = true, .tty = life->planned->tty};
    lines_init(&attempt->lines, LOG_LINE_MAX, on_log_line, attempt);
    tell_log(attempt);
    return container_logs(life->environment->engine, life->id, &options,
                          (struct output_sink){on_log, attempt});
}

static struct task *begin_work(struct attempt *attempt) {
    static const char *const look[] = {"cat", "/proc/net/tcp", "/proc/net/tcp6", NULL};
    struct probing *probing = attempt->probing;
    const struct probe_step *step = attempt->step;
    const char *host;
    int port;

    if (step->kind == STEP_COMMAND)
        return begin_command(attempt, step->argv, false);
    if (step->kind == STEP_LOG)
        return begin_log(attempt);
    if (step->kind == STEP_LISTENS && !probing->cannot_look)
        return begin_command(attempt, look, true);
    if (!life_endpoint(probing->life, step->port, &host, &port)) {
        err_set(&attempt->task.err, ERR_ENVIRONMENT, "port %d cannot be reached from this host",
                step->port);
        return NULL;
    }
    return step->kind == STEP_HTTP ? begin_http(attempt, host, port)
                                   : begin_dial(attempt, host, port);
}

/* ---- What a try found, for a record ---- */

/* What it wrote or was answered; "" if it got nothing. */
static const char *output_of(const struct attempt *attempt) {
    bool answered = attempt->work && attempt->work->started;
    if (answered && attempt->step->kind == STEP_HTTP && attempt->work->status == TASK_DONE)
        return web_body(attempt->work);
    if (answered && attempt->step->kind == STEP_COMMAND)
        return command_output(attempt->work);
    return "";
}

static void tell_try(const struct attempt *attempt, enum event_status status, const char *why) {
    struct life *life = attempt->probing->life;
    if (!life->environment->options.record)
        return;
    const char *output = output_of(attempt);
    size_t length = strnlen(output, TRY_OUTPUT_MOST);
    length -= text_utf8_tail(output, length);
    struct event event = {
        .kind = EVENT_TRY,
        .service = xstrdup(life->name),
        .phase = PHASE_READY,
        .status = status,
        .duration = loop_now() - attempt->began,
        .count = ++attempt->probing->tries,
        .text = xstrdup_or_null(why),
        .detail = length ? xstrndup(output, length) : NULL,
    };
    environment_tell(life->environment, &event);
}

static void attempt_cancel(struct task *task) {
    tell_try((struct attempt *)task, STATUS_FAILED, "broken off");
}

/* ---- The try as a task ---- */

static enum task_status attempt_go(struct attempt *attempt) {
    struct task *task = &attempt->task;
    if (!attempt->work) {
        attempt->began = loop_now();
        attempt->work = begin_work(attempt);
        if (!attempt->work)
            return TASK_FAILED;
        task_start(attempt->work, task);
    }
    if (attempt->step->kind == STEP_LOG && attempt->matches >= attempt->step->count)
        return TASK_DONE;
    if (attempt->work->status == TASK_FAILED)
        err_move(&task->err, &attempt->work->err);
    if (attempt->work->status != TASK_DONE)
        return attempt->work->status;
    return judge(attempt) ? TASK_DONE : TASK_FAILED;
}

static enum task_status attempt_step(struct task *task) {
    struct attempt *attempt = (struct attempt *)task;
    enum task_status status = attempt_go(attempt);
    if (status != TASK_PENDING)
        tell_try(attempt, status == TASK_DONE ? STATUS_DONE : STATUS_FAILED, task->err.message);
    return status;
}

static void attempt_release(struct task *task) {
    struct attempt *attempt = (struct attempt *)task;
    task_free(attempt->work);
    if (attempt->lines.line)
        lines_release(&attempt->lines);
}

static struct task *attempt_new(void *context) {
    static const struct task_type type = {.name = "attempt",
                                          .step = attempt_step,
                                          .cancel = attempt_cancel,
                                          .release = attempt_release};
    struct probing *probing = context;
    struct attempt *attempt = task_new(sizeof *attempt, &type, probing->task.loop);
    attempt->probing = probing;
    attempt->step = &probing->steps[probing->at];
    return &attempt->task;
}

/* ---- The steps of a service's probe ---- */

static void add_step(struct probing *probing, struct probe_step step) {
    probing->steps[probing->step_count++] = step;
}

static void add_connect(struct probing *probing, int port, const char *send, const char *expect) {
    bool direct = probing->life->address != NULL;
    add_step(probing, (struct probe_step){
                          .kind = direct || expect ? STEP_CONNECT : STEP_LISTENS,
                          .port = port,
                          .send = send,
                          .expect = expect,
                      });
}

static void add_http(struct probing *probing, const struct probe *http) {
    if (probing->life->address)
        add_connect(probing, http->port, NULL, NULL);
    add_step(probing, (struct probe_step){.kind = STEP_HTTP, .port = http->port, .http = http});
}

static void add_log(struct probing *probing, const char *regex, int count) {
    add_step(probing,
             (struct probe_step){.kind = STEP_LOG, .regex = regex, .count = count ? count : 1});
}

static void add_kind(struct probing *probing, const struct service_kind *kind) {
    const struct kind_ready *ready = &kind->ready;
    if (ready->port)
        add_connect(probing, ready->port, ready->send, ready->expect);
    if (ready->inside) {
        probing->argv_inside[0] = "sh";
        probing->argv_inside[1] = "-c";
        probing->argv_inside[2] = ready->inside;
        add_step(probing, (struct probe_step){.kind = STEP_COMMAND, .argv = probing->argv_inside});
    }
    if (ready->log)
        add_log(probing, ready->log, 1);
    if (ready->http.kind == PROBE_HTTP)
        add_http(probing, &ready->http);
}

static void add_probe(struct probing *probing, const struct probe *probe) {
    switch (probe->kind) {
    case PROBE_NONE:
        break;
    case PROBE_TCP:
        add_connect(probing, probe->port, NULL, NULL);
        break;
    case PROBE_HTTP:
        add_http(probing, probe);
        break;
    case PROBE_EXEC:
    case PROBE_HEALTHCHECK:
        add_step(probing, (struct probe_step){.kind = STEP_COMMAND,
                                              .argv = (const char *const *)probe->command.argv});
        break;
    case PROBE_LOG:
        add_log(probing, probe->regex, probe->count);
        break;
    }
}

/* ---- The probe as a task ---- */

/* The expression that the current step needs, compiled once. */
static bool compile_regex(struct probing *probing) {
    const struct probe_step *step = &probing->steps[probing->at];
    const char *text = step->kind == STEP_LOG    ? step->regex
                       : step->kind == STEP_HTTP ? step->http->body
                                                 : step->expect;
    if (probing->has_regex)
        regfree(&probing->regex);
    probing->has_regex = false;
    if (!text)
        return true;
    if (regcomp(&probing->regex, text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE))
        return err_set(&probing->task.err, ERR_FILE, "`%s` is not a regular expression", text);
    probing->has_regex = true;
    return true;
}

static bool begin_step(struct probing *probing) {
    const struct probe_step *step = &probing->steps[probing->at];
    if (!compile_regex(probing))
        return false;
    probing->retry = retry_new(probing->task.loop, attempt_new, probing, beats[step->kind]);
    probing->retry->failed = on_failed;
    task_start(&probing->retry->task, &probing->task);
    return true;
}

static enum task_status probing_step(struct task *task) {
    struct probing *probing = (struct probing *)task;
    for (; probing->at < probing->step_count; probing->at++) {
        if (!probing->retry && !begin_step(probing))
            return TASK_FAILED;
        if (probing->retry->task.status == TASK_PENDING)
            return TASK_PENDING;
        task_free(probing->retry);
        probing->retry = NULL;
    }
    return TASK_DONE;
}

static long long probe_timeout(const struct life *life) {
    long long given = life->planned->probe.timeout;
    return given ? given : PROBE_TIMEOUT_DEFAULT;
}

static void drop_retry(struct probing *probing) {
    task_free(probing->retry);
    probing->retry = NULL;
}

/* Say what was still wrong. */
static void probing_expire(struct task *task) {
    struct probing *probing = (struct probing *)task;
    struct life *life = probing->life;
    autofree char *time = text_milliseconds(probe_timeout(life));
    autobuffer struct buffer restarts = BUFFER_INIT;
    if (life->deaths)
        buffer_printf(&restarts, " (it ended %d times, last with code %d)", life->deaths,
                      life->exit_code);
    err_set(&task->err, ERR_ENVIRONMENT, "service `%s` was not ready within %s: %s%s", life->name,
            time, life->reason ? life->reason : "no answer yet", restarts.data);
    err_locate(&task->err, life->planned->probe.at);
}

static void probing_cancel(struct task *task) {
    drop_retry((struct probing *)task);
}

static void probing_release(struct task *task) {
    struct probing *probing = (struct probing *)task;
    drop_retry(probing);
    if (probing->has_regex)
        regfree(&probing->regex);
}

struct task *probe_new(struct life *life) {
    static const struct task_type type = {.name = "probe",
                                          .step = probing_step,
                                          .cancel = probing_cancel,
                                          .expire = probing_expire,
                                          .release = probing_release};
    struct probing *probing = task_new(sizeof *probing, &type, life->environment->loop);
    probing->life = life;
    if (life->planned->probe_kind)
        add_kind(probing, life->planned->probe_kind);
    else
        add_probe(probing, &life->planned->probe);
    task_limit(&probing->task, loop_now() + probe_timeout(life));
    return &probing->task;
}
