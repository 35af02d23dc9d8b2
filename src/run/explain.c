/*
 * What is told of a failure: one sentence, the place, the last lines of what is to blame, and how
 * to go on.
 */
#include "run/environment.h"

#include "base/lines.h"
#include "base/text.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_SHOWN = 4 << 10, LOG_LIMIT = 5000 }; /* bytes; ms to fetch a log */

struct explanation {
    struct task task;
    struct environment *environment;
    struct life *life; /* or NULL */
    struct err *err;   /* what is explained; or NULL */
    struct event event;
    struct task *logs;
    struct lines lines;
    struct task *disk; /* where the engine keeps its things, if that may be full */
    bool is_death;
    struct task *inspect; /* of what died */
};

static void on_line(void *context, char *line, size_t length) {
    struct explanation *explanation = context;
    (void)length;
    event_add_line(&explanation->event, line);
}

static void on_log(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct explanation *explanation = context;
    (void)stream;
    lines_push(&explanation->lines, data, length);
}

static void begin_logs(struct explanation *explanation) {
    struct life *life = explanation->life;
    struct log_options options = {.tail = "20", .tty = life->planned->tty};
    lines_init(&explanation->lines, LINE_MAX_SHOWN, on_line, explanation);
    explanation->logs = container_logs(explanation->environment->engine, life->id, &options,
                                       (struct output_sink){on_log, explanation});
    task_limit(explanation->logs, loop_now() + LOG_LIMIT);
    task_start(explanation->logs, &explanation->task);
}

/* ---- A full disk ---- */

/* The engine's own words are Go's, in lower case; those of a C library begin with a capital. */
static bool engine_found_no_space(const struct explanation *explanation) {
    const char *message = explanation->err ? explanation->err->message : NULL;
    return message && strstr(message, "no space left on device");
}

static bool somebody_found_no_space(const struct explanation *explanation) {
    const struct event *event = &explanation->event;
    static const char words[] = "no space left on device";
    for (size_t i = 0; i < event->list_length; i++)
        if (strcasestr(event->list[i], words))
            return true;
    return strcasestr(event->text, words);
}

/* Say which disk it is. What a build fills is the engine's; a container may have a tmpfs. */
static void name_disk(struct explanation *explanation) {
    struct event *event = &explanation->event;
    const char *root = explanation->disk->status == TASK_DONE
                           ? json_text_or(request_answer(explanation->disk), "DockerRootDir", "?")
                           : "?";
    if (engine_found_no_space(explanation) || event->phase == PHASE_IMAGE) {
        err_prefix(explanation->err, "the engine's disk is full (%s)", root);
        free(event->text);
        event->text = xstrdup(explanation->err->message);
    } else {
        event_add_hint(event,
                       "no space was left: the engine's disk (%s) is full, or a tmpfs of "
                       "the container",
                       root);
    }
}

static void begin_disk(struct explanation *explanation) {
    explanation->disk = engine_request(explanation->environment->engine, "GET", NULL, "/info");
    task_limit(explanation->disk, loop_now() + LOG_LIMIT);
    task_start(explanation->disk, &explanation->task);
}

static bool is_pending(const struct task *task) {
    return task && task->status == TASK_PENDING;
}

/* ---- What the container says of its end ---- */

static void begin_inspect(struct explanation *explanation) {
    explanation->inspect =
        container_inspect(explanation->environment->engine, explanation->life->id);
    task_limit(explanation->inspect, loop_now() + LOG_LIMIT);
    task_start(explanation->inspect, &explanation->task);
}

/* Some engines say by an event that it was killed for its memory, some only here. */
static void describe_death(struct explanation *explanation) {
    struct life *life = explanation->life;
    struct event *event = &explanation->event;
    autobuffer struct buffer sentence = BUFFER_INIT;
    bool known = explanation->inspect->status == TASK_DONE;
    const cJSON *container = known ? request_answer(explanation->inspect) : NULL;
    if (!life->running && json_true(container, "State.OOMKilled"))
        life->out_of_memory = true;
    life_fill_death(life, &sentence);
    event->at = life_finished_at(container, event->at);
    event->text = xasprintf("service `%s` %s%s", life->name, sentence.data,
                            event->status == STATUS_BEGAN ? ", and is started again" : "");
}

static bool has_last_words(const struct explanation *explanation) {
    return explanation->life && explanation->life->id && !explanation->event.list_length &&
           explanation->event.status != STATUS_BEGAN;
}

static enum task_status explanation_step(struct task *task) {
    struct explanation *explanation = (struct explanation *)task;
    bool has_log = has_last_words(explanation);
    if (explanation->is_death && !explanation->inspect)
        begin_inspect(explanation);
    if (is_pending(explanation->inspect))
        return TASK_PENDING;
    if (explanation->is_death && !explanation->event.text)
        describe_death(explanation);
    if (!explanation->logs && !explanation->disk && has_log)
        begin_logs(explanation);
    if (is_pending(explanation->logs) || is_pending(explanation->disk))
        return TASK_PENDING;
    if (explanation->logs)
        lines_end(&explanation->lines);
    if (explanation->err && !explanation->disk && somebody_found_no_space(explanation)) {
        begin_disk(explanation);
        return TASK_PENDING;
    }
    if (explanation->disk)
        name_disk(explanation);
    environment_tell(explanation->environment, &explanation->event);
    return TASK_DONE;
}

static void explanation_release(struct task *task) {
    struct explanation *explanation = (struct explanation *)task;
    task_free(explanation->logs);
    task_free(explanation->disk);
    task_free(explanation->inspect);
    if (explanation->lines.line)
        lines_release(&explanation->lines);
    event_release(&explanation->event);
}

static struct explanation *explanation_new(struct environment *environment, struct life *life) {
    static const struct task_type type = {
        .name = "explanation", .step = explanation_step, .release = explanation_release};
    struct explanation *explanation = task_new(sizeof *explanation, &type, environment->loop);
    explanation->environment = environment;
    explanation->life = life;
    if (life)
        explanation->event.service = xstrdup(life->name);
    return explanation;
}

/* ---- A failure ---- */

/* A run that was given other ports than the file has may fail because of it. */
static void hint_at_ports(struct environment *environment, struct event *event) {
    for (size_t i = 0; i < environment->life_count; i++) {
        const struct life *life = &environment->lives[i];
        for (size_t p = 0; p < life->planned->port_count; p++) {
            const struct planned_port *port = &life->planned->ports[p];
            autofree char *key = xasprintf("%d/%s", port->target, port->protocol);
            const cJSON *bound = cJSON_GetObjectItemCaseSensitive(life->published, key);
            const char *now = json_text(cJSON_GetArrayItem(bound, 0), "HostPort");
            if (!port->written || !*port->written || !now || !strcmp(now, port->written))
                continue;
            event_add_hint(event,
                           "port %s of service %s was remapped to 127.0.0.1:%s; --ports=written "
                           "keeps the file's",
                           port->written, life->name, now);
        }
    }
}

static void add_hints(struct environment *environment, struct event *event) {
    const char *keeping = environment->options.keeping;
    if (event->phase == PHASE_IMAGE && environment->culprit->planned->build)
        event_add_hint(event, "see every line of the build: add --verbose");
    if ((event->phase >= PHASE_START || environment->is_up) && keeping)
        event_add_hint(event, "look inside: %s, then envrun exec -p NAME SERVICE sh", keeping);
    if (!environment->options.ports_as_written)
        hint_at_ports(environment, event);
}

static void add_last_words(const struct life *life, struct event *event) {
    vec_each (line, &life->last_words)
        event_add_line(event, *line);
}

static void add_further_mistakes(const struct err *err, struct event *event) {
    for (const struct err *more = err->next; more; more = more->next) {
        autofree char *line = err_text(more);
        event_add_line(event, line);
    }
}

/* The place in the file that is to blame, where the error names none itself. */
static struct position blame(const struct life *life, enum event_phase phase) {
    const struct service *service = life->planned->service;
    const struct node *image = node_get(service->node, "build");
    if (!image)
        image = node_get(service->node, "image");
    if (phase == PHASE_IMAGE && image)
        return image->at;
    return phase == PHASE_READY && service->ready.at.file ? service->ready.at : service->at;
}

static char *place(const struct err *err, const struct life *life, enum event_phase phase) {
    if (err->file || !life)
        return err_place(err);
    struct position at = blame(life, phase);
    return err_place(&(struct err){.file = (char *)at.file, .line = at.line, .column = at.column});
}

struct task *explain_failure(struct environment *environment, struct err *err) {
    struct life *life = environment->culprit;
    struct explanation *explanation = explanation_new(environment, life);
    struct event *event = &explanation->event;

    explanation->err = err;
    event->kind = EVENT_FAILED;
    event->phase = life ? environment->culprit_phase : PHASE_NONE;
    event->text = xstrdup(err->message ? err->message : "unknown error");
    event->detail = place(err, life, event->phase);
    event->code = err_exit_code(err);
    add_further_mistakes(err, event);
    if (life && (event->phase == PHASE_IMAGE || event->phase == PHASE_START))
        add_last_words(life, event);
    if (event->phase < PHASE_START)
        explanation->life = NULL; /* it has no log yet */
    add_hints(environment, event);
    return &explanation->task;
}

/* ---- A death ---- */

struct task *explain_death(struct environment *environment, struct life *life, bool again,
                           const char *during) {
    struct explanation *explanation = explanation_new(environment, life);
    struct event *event = &explanation->event;

    explanation->is_death = true;
    event->kind = EVENT_DIED;
    event->status = again ? STATUS_BEGAN : STATUS_NONE;
    event->code = life->exit_code;
    event->at = life->ended_at;
    event->detail = xstrdup(during);
    return &explanation->task;
}

/* ---- A suite that failed: the services' own errors stand beside it ---- */

enum { TROUBLE_PER_SERVICE = 6, TROUBLE_IN_ALL = 24 }; /* lines shown */

struct trouble {
    struct suite_explanation *explanation;
    struct life *life;
    struct lines lines;
    struct strings found;
};

struct suite_explanation {
    struct task task;
    struct environment *environment;
    struct event event;
    struct task_group *logs;
    struct trouble *troubles; /* one per life */
    regex_t regex;
    char since[32];
};

static void on_trouble_line(void *context, char *line, size_t length) {
    struct trouble *trouble = context;
    struct strings *found = &trouble->found;
    (void)length;
    if (regexec(&trouble->explanation->regex, line, 0, NULL, 0) || strings_has(found, line))
        return;
    strings_add_last(found, line, TROUBLE_PER_SERVICE);
}

static void on_trouble_log(void *context, enum stream_tag stream, const char *data, size_t length) {
    (void)stream;
    lines_push(&((struct trouble *)context)->lines, data, length);
}

static struct task *trouble_logs(struct suite_explanation *explanation, struct trouble *trouble) {
    struct log_options options = {
        .since = explanation->since, .tail = "2000", .tty = trouble->life->planned->tty};
    lines_init(&trouble->lines, LINE_MAX_SHOWN, on_trouble_line, trouble);
    struct task *logs = container_logs(explanation->environment->engine, trouble->life->id,
                                       &options, (struct output_sink){on_trouble_log, trouble});
    task_limit(logs, loop_now() + LOG_LIMIT);
    return tolerate(explanation->task.loop, logs, NULL);
}

static void begin_trouble(struct suite_explanation *explanation) {
    struct environment *environment = explanation->environment;
    explanation->logs = task_group_new(explanation->task.loop, GROUP_COLLECT, 0);
    for (size_t i = 0; i < environment->life_count; i++) {
        struct trouble *trouble = &explanation->troubles[i];
        *trouble = (struct trouble){.explanation = explanation, .life = &environment->lives[i]};
        if (trouble->life->id && trouble->life->started)
            task_group_add(explanation->logs, trouble_logs(explanation, trouble));
    }
    task_start((struct task *)explanation->logs, &explanation->task);
}

static void add_trouble(struct suite_explanation *explanation) {
    for (size_t i = 0; i < explanation->environment->life_count; i++) {
        struct trouble *trouble = &explanation->troubles[i];
        if (trouble->lines.line)
            lines_end(&trouble->lines);
        vec_each (line, &trouble->found) {
            autofree char *shown = xasprintf("%s | %s", trouble->life->name, *line);
            if (explanation->event.list_length < TROUBLE_IN_ALL)
                event_add_line(&explanation->event, shown);
        }
    }
}

static enum task_status suite_explanation_step(struct task *task) {
    struct suite_explanation *explanation = (struct suite_explanation *)task;
    if (!explanation->logs)
        begin_trouble(explanation);
    if (((struct task *)explanation->logs)->status == TASK_PENDING)
        return TASK_PENDING;
    add_trouble(explanation);
    add_hints(explanation->environment, &explanation->event);
    environment_tell(explanation->environment, &explanation->event);
    return TASK_DONE;
}

static void suite_explanation_release(struct task *task) {
    struct suite_explanation *explanation = (struct suite_explanation *)task;
    task_free(explanation->logs);
    for (size_t i = 0; i < explanation->environment->life_count; i++) {
        strings_release(&explanation->troubles[i].found);
        if (explanation->troubles[i].lines.line)
            lines_release(&explanation->troubles[i].lines);
    }
    free(explanation->troubles);
    regfree(&explanation->regex);
    event_release(&explanation->event);
}

struct task *explain_suite(struct environment *environment, const struct err *err,
                           long long since) {
    static const struct task_type type = {.name = "suite's explanation",
                                          .step = suite_explanation_step,
                                          .release = suite_explanation_release};
    static const char words[] = "error|exception|traceback|fatal|panic|critical|segfault";
    struct suite_explanation *explanation = task_new(sizeof *explanation, &type, environment->loop);
    struct event *event = &explanation->event;

    explanation->environment = environment;
    explanation->troubles = xcalloc(environment->life_count, sizeof *explanation->troubles);
    snprintf(explanation->since, sizeof explanation->since, "%lld", since);
    if (regcomp(&explanation->regex, words, REG_EXTENDED | REG_ICASE | REG_NOSUB))
        abort(); /* a constant */
    event->kind = EVENT_FAILED;
    event->text = xstrdup(err->message);
    event->code = err_is(err) ? err_exit_code(err) : environment->suite_code;
    return &explanation->task;
}
