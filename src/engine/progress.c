#include "engine/progress.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ERROR_LINE_STATUS = 200 };

static void say(struct progress *progress, const char *text) {
    if (progress->reader.line)
        progress->reader.line(progress->reader.context, text);
}

static void words_line(void *context, char *text, size_t length) {
    static const char built[] = "Successfully built ";
    struct progress *progress = context;
    if (text_starts(text, built) && !*progress->image_id)
        snprintf(progress->image_id, sizeof progress->image_id, "%s", text + strlen(built));
    if (length)
        say(progress, text);
}

static void take_error(struct progress *progress, const char *text) {
    size_t end = strlen(text);
    while (end && strchr(" \r\n.", text[end - 1]))
        end--;
    if (!err_is(progress->err))
        err_code(progress->err, ERR_ANSWER, ERROR_LINE_STATUS, "%.*s", (int)end, text);
}

/* {"status": "Downloading", "progress": "[==> ] 1MB/2MB", "id": "c4f233729dc8"} */
static void take_status(struct progress *progress, const cJSON *object, const char *status) {
    if (progress->reader.amount && layers_take(&progress->layers, object)) {
        struct pull_amount amount = layers_amount(&progress->layers);
        progress->reader.amount(progress->reader.context, &amount);
        return;
    }
    const char *id = json_text(object, "id"), *bar = json_text(object, "progress");
    autofree char *line = xasprintf("%s%s%s%s%s", id ? id : "", id ? ": " : "", status,
                                    bar ? " " : "", bar ? bar : "");
    lines_end(&progress->words);
    say(progress, line);
}

static void take_object(struct progress *progress, const cJSON *object) {
    const char *error = json_text(object, "errorDetail.message");
    const char *status = json_text(object, "status"), *words = json_text(object, "stream");
    const char *id = json_text(object, "aux.ID");
    if (!error)
        error = json_text(object, "error");
    if (error)
        take_error(progress, error);
    if (words)
        lines_push(&progress->words, words, strlen(words));
    if (status)
        take_status(progress, object, status);
    if (id)
        snprintf(progress->image_id, sizeof progress->image_id, "%s", id);
}

static void json_object_line(void *context, char *text, size_t length) {
    struct progress *progress = context;
    autojson cJSON *object = cJSON_ParseWithLength(text, length);
    if (object)
        take_object(progress, object);
    else if (length && !err_is(progress->err))
        err_set(progress->err, ERR_ENGINE, "a line of the Docker engine's answer is not JSON");
}

void progress_init(struct progress *progress, struct engine_progress reader, struct err *err) {
    *progress = (struct progress){.reader = reader, .err = err};
    lines_init(&progress->json, ENGINE_LINE_MAX, json_object_line, progress);
    lines_init(&progress->words, ENGINE_LINE_MAX, words_line, progress);
}

bool progress_push(struct progress *progress, const char *data, size_t length) {
    lines_push(&progress->json, data, length);
    return !err_is(progress->err);
}

bool progress_end(struct progress *progress) {
    lines_end(&progress->json);
    lines_end(&progress->words);
    return !err_is(progress->err);
}

void progress_release(struct progress *progress) {
    lines_release(&progress->json);
    lines_release(&progress->words);
    layers_release(&progress->layers);
}
