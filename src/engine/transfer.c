#include "engine/transfer.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

enum {
    MESSAGE_MAX = 4096,        /* bytes of the engine's sentence */
    UPLOAD_BUFFER = 256 << 10, /* bytes sent at a time where much is sent */
    STATUS_ERROR = 400,        /* from here on the answer is an error */
    STATUS_FINAL = 200,        /* below, another head follows */
};

/* ---- What libcurl calls ---- */

static size_t on_body(char *data, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t length = one * count;
    if (transfer->handle.dropped)
        return CURL_WRITEFUNC_ERROR;
    if (transfer->held)
        return CURL_WRITEFUNC_PAUSE;
    if (transfer->options.take && transfer->status < STATUS_ERROR)
        return transfer->options.take(transfer->options.context, data, length)
                   ? length
                   : CURL_WRITEFUNC_ERROR;
    transfer->too_long = !buffer_add_capped(&transfer->answer, data, length);
    return transfer->too_long ? CURL_WRITEFUNC_ERROR : length;
}

/* Called once per line of the head; the empty one is the last. */
static size_t on_head(char *data, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t length = one * count;
    if (transfer->handle.dropped)
        return 0;
    if (length > 2 || (*data != '\r' && *data != '\n'))
        return length;
    curl_easy_getinfo(transfer->handle.easy, CURLINFO_RESPONSE_CODE, &transfer->status);
    if (transfer->status >= STATUS_FINAL && transfer->status < STATUS_ERROR &&
        transfer->options.opened)
        transfer->options.opened(transfer->options.context);
    return length;
}

static size_t on_source(char *into, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    const struct transfer_source *source = &transfer->options.source;
    if (transfer->handle.dropped)
        return CURL_READFUNC_ABORT;
    ssize_t length = source->read(source->context, into, one * count);
    return length < 0 ? CURL_READFUNC_ABORT : (size_t)length;
}

/* ---- Its end ---- */

static void unshield(struct transfer *transfer, struct engine *engine) {
    if (!transfer->shielded)
        return;
    transfer->shielded = false;
    engine_unshield(engine);
}

static void transfer_destroy(struct handle *handle) {
    struct transfer *transfer = container_of(handle, struct transfer, handle);
    curl_slist_free_all(transfer->headers);
    buffer_release(&transfer->answer);
    err_release(&transfer->err);
    free(transfer->options.body);
    free(transfer->path);
    free(transfer);
}

static void transfer_ended(struct handle *handle, CURLcode code) {
    struct transfer *transfer = container_of(handle, struct transfer, handle);
    struct engine *engine = transfer->engine;
    const struct transfer_options *options = &transfer->options;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
    if (transfer->too_long)
        err_set(&transfer->err, ERR_ENGINE, "the answer to %s %s is longer than %d MiB",
                options->method, transfer->path, ENGINE_ANSWER_MAX >> 20);
    else if (code)
        connection_error(engine, handle->easy, code, options->method, transfer->path,
                         &transfer->err);
    transfer->done = true;
    unshield(transfer, engine);
    if (transfer->owner)
        task_wake(transfer->owner);
    else
        handle_drop(handle);
}

struct transfer *transfer_free(struct transfer *transfer) {
    if (!transfer)
        return NULL;
    transfer->owner = NULL;
    if (transfer->done || !transfer->shielded)
        handle_drop(&transfer->handle);
    return NULL;
}

/* ---- Its beginning ---- */

static void add_header(struct transfer *transfer, const char *line) {
    struct curl_slist *more = curl_slist_append(transfer->headers, line);
    if (!more)
        abort();
    transfer->headers = more;
}

static void set_body(struct transfer *transfer) {
    CURL *easy = transfer->handle.easy;
    const struct transfer_options *options = &transfer->options;
    if (options->source.read) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_source);
        curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
        add_header(transfer, "Content-Type: application/x-tar");
    } else if (strcmp(options->method, "GET") && strcmp(options->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, options->body ? strlen(options->body) : 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options->body ? options->body : "");
        add_header(transfer, options->body ? "Content-Type: application/json" : "Content-Type:");
        add_header(transfer, "Expect:");
    }
}

static void set_method(struct transfer *transfer) {
    CURL *easy = transfer->handle.easy;
    const char *method = transfer->options.method;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    if (!strcmp(method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    /* libcurl sends a request again, whatever its method, if a kept connection turns out to be
     * closed. One that changes something must not run twice. */
    if (strcmp(method, "GET") && strcmp(method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_answer(struct transfer *transfer) {
    CURL *easy = transfer->handle.easy;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

struct transfer *transfer_start(struct engine *engine, struct task *owner,
                                const struct transfer_options *options, struct err *err) {
    struct transfer *transfer = xnew(struct transfer);
    transfer->engine = engine;
    transfer->owner = owner;
    transfer->options = *options;
    transfer->answer = BUFFER_INIT_MAX(ENGINE_ANSWER_MAX);
    transfer->path = xasprintf("%s%s", options->unversioned ? "" : engine->version, options->path);
    transfer->handle = (struct handle){.easy = engine_easy(engine, transfer->path),
                                       .ended = transfer_ended,
                                       .destroy = transfer_destroy};
    set_method(transfer);
    set_body(transfer);
    if (options->header)
        add_header(transfer, options->header);
    set_answer(transfer);
    if (!handle_add(&transfer->handle, engine, err)) {
        handle_drop(&transfer->handle);
        return NULL;
    }
    transfer->shielded = options->shielded;
    if (options->shielded)
        engine_shield(engine);
    return transfer;
}

void transfer_hold(struct transfer *transfer, bool hold) {
    bool resume = transfer->held && !hold;
    transfer->held = hold;
    if (resume && !transfer->done)
        handle_resume(&transfer->handle);
}

/* ---- What the answer says ---- */

const char *transfer_header(const struct transfer *transfer, const char *name) {
    struct curl_header *header;
    if (curl_easy_header(transfer->handle.easy, name, 0, CURLH_HEADER, -1, &header))
        return NULL;
    return header->value;
}

char *transfer_message(const char *body, size_t length) {
    autojson cJSON *answer = cJSON_ParseWithLength(body, length);
    const char *text = json_text(answer, "message");
    if (!text)
        return NULL;
    size_t end = strlen(text);
    if (end > MESSAGE_MAX) {
        end = MESSAGE_MAX;
        end -= text_utf8_tail(text, end);
    }
    while (end && strchr(" \r\n.", text[end - 1]))
        end--;
    return end ? xstrndup(text, end) : NULL;
}

bool transfer_answered(struct transfer *transfer, struct err *err) {
    return err_is(&transfer->err) ? err_move(err, &transfer->err) : true;
}

bool transfer_succeeded(struct transfer *transfer, struct err *err) {
    int status = (int)transfer->status;
    if (!transfer_answered(transfer, err))
        return false;
    if (status < STATUS_ERROR)
        return true;
    autofree char *message = transfer_message(transfer->answer.data, transfer->answer.length);
    if (message)
        return err_code(err, ERR_ANSWER, status, "%s", message);
    return err_code(err, ERR_ANSWER, status, "the Docker engine answered %s %.*s with HTTP %d",
                    transfer->options.method, (int)strcspn(transfer->path, "?"), transfer->path,
                    status);
}
