/*
 * envrun logs: what the services wrote, each line behind its container's name.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/lines.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 64 << 10 }; /* bytes */

struct source {
    struct session *session;
    char *name;
    int width; /* of the longest name */
    bool bare; /* one container was asked for: no names */
    struct lines out, errors;
};

static void on_line(void *context, char *line, size_t length) {
    const struct source *source = context;
    if (!source->bare)
        printf("%-*s | ", source->width, source->name);
    fwrite(line, 1, length, stdout);
    putchar('\n');
}

static void on_data(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct source *source = context;
    lines_push(stream == STREAM_STDERR ? &source->errors : &source->out, data, length);
    if (fflush(stdout))
        source->session->signal = SIGPIPE; /* nobody reads it any more: as if it had arrived */
}

/* The stream of a container with a TTY has no frames; only inspecting it tells. */
static bool has_tty(struct session *session, const char *id) {
    struct task *inspect = container_inspect(session->engine, id);
    task_start(inspect, NULL);
    loop_run(session->loop, inspect);
    bool tty = json_true(request_answer(inspect), "Config.Tty");
    task_free(inspect);
    return tty;
}

static struct task *follow(struct session *session, const cJSON *container, struct source *source) {
    const char *id = json_text_or(container, "Id", "");
    struct log_options options = {
        .follow = session->options->follow,
        .timestamps = session->options->timestamps,
        .tail = session->options->tail,
        .tty = has_tty(session, id),
    };
    lines_init(&source->out, LOG_LINE_MAX, on_line, source);
    lines_init(&source->errors, LOG_LINE_MAX, on_line, source);
    return container_logs(session->engine, id, &options, (struct output_sink){on_data, source});
}

/* The containers of one service, or of all (NULL). */
static size_t add(const cJSON *containers, const char *word, long index, const cJSON **to) {
    const cJSON *container;
    size_t count = 0;
    cJSON_ArrayForEach (container, containers) {
        if (!word || container_is_of(container, word, index))
            to[count++] = container;
    }
    return count;
}

/* The containers of the services that were named, or all of them. */
static bool choose(const struct options *options, const cJSON *containers, const cJSON **ret,
                   size_t *ret_count, struct err *err) {
    *ret_count = 0;
    for (size_t i = 0; i < options->word_count; i++) {
        if (!containers_service(containers, options->words[i], options->index, err))
            return false;
        *ret_count += add(containers, options->words[i], options->index, ret + *ret_count);
    }
    if (!options->word_count)
        *ret_count = add(containers, NULL, 0, ret);
    return true;
}

static bool show(struct session *session, const cJSON *containers, struct err *err) {
    size_t all = (size_t)cJSON_GetArraySize(containers), words = session->options->word_count;
    size_t most = all * (words ? words : 1), count;
    autofree const cJSON **chosen = xcalloc(most, sizeof *chosen);
    autofree struct source *sources = xcalloc(most, sizeof *sources);
    int width = 0;

    if (!choose(session->options, containers, chosen, &count, err))
        return false;
    struct task_group *group = task_group_new(session->loop, GROUP_COLLECT, 0);
    for (size_t i = 0; i < count; i++) {
        sources[i].session = session;
        sources[i].name = container_name(chosen[i]);
        sources[i].bare = words == 1 && count == 1;
        if ((int)strlen(sources[i].name) > width)
            width = (int)strlen(sources[i].name);
    }
    for (size_t i = 0; i < count; i++) {
        sources[i].width = width;
        task_group_add(group, follow(session, chosen[i], &sources[i]));
    }
    bool ok = session_drive(session, (struct task *)group, true, err);
    for (size_t i = 0; i < count; i++) {
        lines_end(&sources[i].out);
        lines_end(&sources[i].errors);
        lines_release(&sources[i].out);
        lines_release(&sources[i].errors);
        free(sources[i].name);
    }
    return ok;
}

int command_logs(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;

    if (options->run)
        return command_recorded_logs(options);
    session_init(&session, options);
    cJSON *containers = NULL;
    if (session_name(&session, &err) && session_open(&session, &err))
        containers = session_containers(&session, &err);
    if (!containers || !show(&session, containers, &err))
        code = err.kind == ERR_INTERRUPTED ? err_exit_code(&err) : session_fail(&session, &err);
    cJSON_Delete(containers);
    session_release(&session);
    err_release(&err);
    return code;
}
