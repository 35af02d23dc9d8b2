#include "engine/web.h"

#include "base/buffer.h"
#include "base/text.h"
#include "engine/connection.h"

#include <string.h>

struct web {
    struct task task;
    struct engine *engine;
    struct exchange *exchange;
};

/* Outlives the task where libcurl is still inside it. */
struct exchange {
    struct handle handle;
    struct task *owner;
    struct curl_slist *headers;
    struct buffer body;
    char *url;
    long status;
    CURLcode code;
    bool done;
};

static size_t on_body(char *data, size_t one, size_t count, void *context) {
    struct exchange *exchange = context;
    buffer_add_capped(&exchange->body, data, one * count);
    return one * count;
}

static void exchange_ended(struct handle *handle, CURLcode code) {
    struct exchange *exchange = container_of(handle, struct exchange, handle);
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
    exchange->code = code;
    exchange->done = true;
    if (exchange->owner)
        task_wake(exchange->owner);
}

static void exchange_destroy(struct handle *handle) {
    struct exchange *exchange = container_of(handle, struct exchange, handle);
    curl_slist_free_all(exchange->headers);
    buffer_release(&exchange->body);
    free(exchange->url);
    free(exchange);
}

static void set_headers(struct exchange *exchange, const struct web_request *request) {
    for (const char *const *header = request->headers; header && *header; header++)
        exchange->headers = curl_slist_append(exchange->headers, *header);
    exchange->headers = curl_slist_append(exchange->headers, "Expect:");
}

static CURL *easy_for(struct exchange *exchange, const struct web_request *request) {
    CURL *easy = curl_easy_init();
    if (!easy)
        abort();
    set_headers(exchange, request);
    curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* the graph is never behind the user's proxy */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (!strcmp(request->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    return easy;
}

static enum task_status web_step(struct task *task) {
    struct web *web = (struct web *)task;
    struct exchange *exchange = web->exchange;
    if (!exchange->owner) {
        exchange->owner = task;
        if (!handle_add(&exchange->handle, web->engine, &task->err))
            return TASK_FAILED;
        return TASK_PENDING;
    }
    if (!exchange->done)
        return TASK_PENDING;
    if (!exchange->code)
        return TASK_DONE;
    err_set(&task->err, ERR_ENVIRONMENT, "%s: %s", exchange->url,
            exchange->handle.refused ? err_reason(exchange->handle.refused)
                                     : curl_easy_strerror(exchange->code));
    return TASK_FAILED;
}

static void web_release(struct task *task) {
    struct web *web = (struct web *)task;
    web->exchange->owner = NULL;
    handle_drop(&web->exchange->handle);
}

struct task *web_new(struct engine *engine, const struct web_request *request) {
    static const struct task_type type = {.name = "web", .step = web_step, .release = web_release};
    struct web *web = task_new(sizeof *web, &type, engine->loop);
    struct exchange *exchange = xnew(struct exchange);
    web->engine = engine;
    web->exchange = exchange;
    exchange->url = xstrdup(request->url);
    exchange->body = BUFFER_INIT_MAX(WEB_ANSWER_MAX);
    exchange->handle = (struct handle){
        .easy = easy_for(exchange, request), .ended = exchange_ended, .destroy = exchange_destroy};
    return &web->task;
}

int web_status(const struct task *web) {
    return (int)((const struct web *)web)->exchange->status;
}

const char *web_body(const struct task *web) {
    return ((const struct web *)web)->exchange->body.data;
}
