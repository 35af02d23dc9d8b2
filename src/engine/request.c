#include "engine/request.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

enum { ACCEPT_MAX = 4 };

struct request {
    struct task task;
    struct engine *engine;
    const char *method;
    char *path, *header;
    cJSON *body;
    bool shielded, unversioned, removal;
    int accept[ACCEPT_MAX + 1];
    struct transfer *transfer;
    long long began;
    int status;
    cJSON *answer;
};

/* ---- Paths ---- */

static void add_escaped(struct buffer *to, const char *text, const char *bare) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (isascii(c) && (isalnum(c) || strchr(bare, c)))
            buffer_putc(to, (char)c);
        else
            buffer_printf(to, "%%%02X", c);
    }
}

char *engine_escape(const char *text) {
    struct buffer escaped = BUFFER_INIT;
    add_escaped(&escaped, text, "-._~");
    return buffer_detach(&escaped);
}

struct query query_new(const char *format, ...) {
    struct query query = {.path = BUFFER_INIT};
    va_list args;
    va_start(args, format);
    buffer_vprintf(&query.path, format, args);
    va_end(args);
    query.asked = strchr(query.path.data, '?');
    return query;
}

void query_segments(struct query *query, const char *text) {
    add_escaped(&query->path, text, "-._~/:@");
}

void query_text(struct query *query, const char *name, const char *value) {
    if (!value)
        return;
    buffer_printf(&query->path, "%c%s=", query->asked ? '&' : '?', name);
    add_escaped(&query->path, value, "-._~");
    query->asked = true;
}

void query_number(struct query *query, const char *name, long long value) {
    autofree char *text = xasprintf("%lld", value);
    query_text(query, name, text);
}

void query_json(struct query *query, const char *name, const cJSON *value) {
    if (!value)
        return;
    autofree char *text = json_line(value);
    query_text(query, name, text);
}

void query_release(struct query *query) {
    buffer_release(&query->path);
}

/* ---- The task ---- */

static bool is_accepted(const struct request *request) {
    for (const int *status = request->accept; *status; status++)
        if (*status == request->status)
            return true;
    return false;
}

/* "removal of container ID is already in progress": what was asked for happens. */
static bool is_removal_under_way(const struct request *request) {
    const struct buffer *answer = &request->transfer->answer;
    return request->removal && request->status == 409 &&
           memmem(answer->data, answer->length, "already in progress", 19);
}

static bool is_json(const struct transfer *transfer) {
    const char *type = transfer_header(transfer, "Content-Type");
    return type && text_starts(type, "application/json") && transfer->answer.length;
}

static enum task_status take_answer(struct request *request) {
    struct transfer *transfer = request->transfer;
    struct err *err = &request->task.err;
    if (!transfer_answered(transfer, err))
        return TASK_FAILED;
    request->status = (int)transfer->status;
    if (!is_accepted(request) && !is_removal_under_way(request) &&
        !transfer_succeeded(transfer, err))
        return TASK_FAILED;
    if (!is_json(transfer))
        return TASK_DONE;
    request->answer = cJSON_ParseWithLength(transfer->answer.data, transfer->answer.length);
    if (request->answer)
        return TASK_DONE;
    err_code(err, ERR_ENGINE, request->status,
             "the answer of the Docker engine at %s to %s %.*s is not JSON", request->engine->url,
             request->method, (int)strcspn(request->path, "?"), request->path);
    return TASK_FAILED;
}

static bool request_send(struct request *request) {
    struct transfer_options options = {.method = request->method,
                                       .path = request->path,
                                       .unversioned = request->unversioned,
                                       .shielded = request->shielded,
                                       .header = request->header,
                                       .body = request->body ? json_line(request->body) : NULL};
    request->transfer =
        transfer_start(request->engine, &request->task, &options, &request->task.err);
    cJSON_Delete(steal(request->body));
    return request->transfer;
}

static enum task_status request_step(struct task *task) {
    struct request *request = (struct request *)task;
    if (!request->transfer)
        return request_send(request) ? TASK_PENDING : TASK_FAILED;
    return request->transfer->done ? take_answer(request) : TASK_PENDING;
}

static void drop_transfer(struct request *request) {
    request->transfer = transfer_free(request->transfer);
}

static void request_expire(struct task *task) {
    struct request *request = (struct request *)task;
    autofree char *time = text_milliseconds(loop_now() - request->began);
    err_set(&task->err, ERR_ENGINE, "the Docker engine at %s did not answer %s %.*s within %s",
            request->engine->url, request->method, (int)strcspn(request->path, "?"), request->path,
            time);
}

static void request_cancel(struct task *task) {
    drop_transfer((struct request *)task);
}

static void request_release(struct task *task) {
    struct request *request = (struct request *)task;
    drop_transfer(request);
    cJSON_Delete(request->answer);
    cJSON_Delete(request->body);
    free(request->path);
    free(request->header);
}

struct task *request_new(struct engine *engine, const char *method, cJSON *body,
                         struct query *query) {
    static const struct task_type type = {.name = "request",
                                          .step = request_step,
                                          .cancel = request_cancel,
                                          .expire = request_expire,
                                          .release = request_release};
    struct request *request = task_new(sizeof *request, &type, engine->loop);
    request->engine = engine;
    request->method = method;
    request->body = body;
    request->path = buffer_detach(&query->path);
    request->shielded = strcmp(method, "GET") && strcmp(method, "HEAD");
    request->began = loop_now();
    task_limit(&request->task, request->began + engine->patience);
    return &request->task;
}

struct task *engine_request(struct engine *engine, const char *method, cJSON *body,
                            const char *path, ...) {
    struct query query = {.path = BUFFER_INIT};
    va_list args;
    va_start(args, path);
    buffer_vprintf(&query.path, path, args);
    va_end(args);
    return request_new(engine, method, body, &query);
}

struct task *request_removal(struct engine *engine, struct query *query) {
    struct task *request = request_new(engine, "DELETE", NULL, query);
    request_accept(request, (const int[]){404, 0});
    ((struct request *)request)->removal = true;
    return request;
}

struct task *request_list(struct engine *engine, struct query *query, const char *label) {
    if (label) {
        autojson cJSON *filters = cJSON_CreateObject();
        json_append_text(json_array_at(filters, "label"), label);
        query_json(query, "filters", filters);
    }
    return request_new(engine, "GET", NULL, query);
}

void request_unshield(struct task *task) {
    ((struct request *)task)->shielded = false;
}

void request_unversion(struct task *task) {
    ((struct request *)task)->unversioned = true;
}

void request_add_header(struct task *task, char *header) {
    ((struct request *)task)->header = header;
}

void request_accept(struct task *task, const int *statuses) {
    struct request *request = (struct request *)task;
    size_t count = 0;
    for (; statuses[count]; count++)
        if (count == ACCEPT_MAX)
            abort();
    memcpy(request->accept, statuses, (count + 1) * sizeof *statuses);
}

int request_status(const struct task *task) {
    return ((const struct request *)task)->status;
}

const cJSON *request_answer(const struct task *task) {
    return ((const struct request *)task)->answer;
}

cJSON *request_take_answer(struct task *task) {
    return steal(((struct request *)task)->answer);
}

const char *request_text(const struct task *task, size_t *ret_length) {
    const struct transfer *transfer = ((const struct request *)task)->transfer;
    *ret_length = transfer ? transfer->answer.length : 0;
    return transfer ? transfer->answer.data : "";
}

const char *request_header(const struct task *task, const char *name) {
    const struct transfer *transfer = ((const struct request *)task)->transfer;
    return transfer ? transfer_header(transfer, name) : NULL;
}
