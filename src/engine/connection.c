#include "engine/connection.h"

#include "base/memory.h"
#include "engine/address.h"
#include "engine/tls.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    IDLE_CONNECTIONS = 16, /* kept open for the next request */
    CONNECT_SECONDS = 10,
};

/* ---- Descriptors: each one that libcurl wants watched ---- */

struct curl_socket {
    struct watch watch;
    struct engine *engine;
};

static void socket_ready(struct watch *watch, uint32_t events) {
    struct engine *engine = container_of(watch, struct curl_socket, watch)->engine;
    int what = 0, running;
    if (events & (EPOLLIN | EPOLLHUP))
        what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    engine_enter(engine);
    curl_multi_socket_action(engine->multi, watch->fd, what, &running);
    engine_leave(engine);
}

static void socket_forget(struct curl_socket *socket) {
    if (socket)
        watch_set(&socket->watch, 0);
    free(socket);
}

static struct curl_socket *socket_new(struct engine *engine, curl_socket_t fd) {
    struct curl_socket *socket = xnew(struct curl_socket);
    socket->engine = engine;
    watch_init(&socket->watch, engine->loop, fd, socket_ready);
    curl_multi_assign(engine->multi, fd, socket);
    return socket;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    struct curl_socket *socket = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(((struct engine *)context)->multi, fd, NULL);
        socket_forget(socket);
        return 0;
    }
    if (!socket)
        socket = socket_new(context, fd);
    watch_set(&socket->watch, (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                                  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0));
    return 0;
}

/* ---- The timeout ---- */

static int on_timer(CURLM *multi, long milliseconds, void *context) {
    struct engine *engine = context;
    (void)multi;
    if (milliseconds < 0)
        timer_stop(&engine->timer);
    else
        timer_set(&engine->timer, loop_now() + milliseconds);
    return 0;
}

static void timer_due(struct timer *timer) {
    struct engine *engine = container_of(timer, struct engine, timer);
    int running;
    engine_enter(engine);
    curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    engine_leave(engine);
}

/* ---- Handles ---- */

CURL *engine_easy(const struct engine *engine, const char *path) {
    CURL *easy = curl_easy_init();
    if (!easy)
        abort();
    autofree char *url = xasprintf("%s%s", engine->base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, engine->agent);
    tls_apply(engine, easy);
    if (engine->address.unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, engine->socket);
    else
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    return easy;
}

/* libcurl does not tell why there is no socket. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
    struct handle *handle = context;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    (void)purpose;
    handle->refused = fd < 0 ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

bool handle_add(struct handle *handle, struct engine *engine, struct err *err) {
    curl_easy_setopt(handle->easy, CURLOPT_PRIVATE, handle);
    curl_easy_setopt(handle->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(handle->easy, CURLOPT_OPENSOCKETDATA, handle);
    CURLMcode code = curl_multi_add_handle(engine->multi, handle->easy);
    if (code)
        return err_set(err, ERR_BUG, "libcurl: %s", curl_multi_strerror(code));
    handle->engine = engine;
    handle->previous = NULL;
    handle->next = engine->handles;
    if (handle->next)
        handle->next->previous = handle;
    engine->handles = handle;
    return true;
}

static void handle_leave(struct handle *handle) {
    struct engine *engine = handle->engine;
    if (!engine)
        return;
    if (handle->previous)
        handle->previous->next = handle->next;
    else
        engine->handles = handle->next;
    if (handle->next)
        handle->next->previous = handle->previous;
    curl_multi_remove_handle(engine->multi, handle->easy);
    handle->engine = NULL;
}

static void handle_destroy(struct handle *handle) {
    handle_leave(handle);
    curl_easy_cleanup(handle->easy);
    handle->easy = NULL;
    handle->destroy(handle);
}

void handle_drop(struct handle *handle) {
    if (handle->engine && handle->engine->calls) {
        handle->dropped = true;
        handle->engine->put_off = true;
    } else {
        handle_destroy(handle);
    }
}

void handle_resume(struct handle *handle) {
    struct engine *engine = handle->engine;
    if (!engine)
        return;
    handle->resumed = true;
    engine->put_off = true;
    engine_enter(engine);
    engine_leave(engine);
}

/* ---- In and out of libcurl ---- */

void engine_enter(struct engine *engine) {
    engine->calls++;
}

static void serve_ended(struct engine *engine) {
    CURLMsg *message;
    for (int left; (message = curl_multi_info_read(engine->multi, &left));) {
        struct handle *handle = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
        if (!handle->dropped)
            handle->ended(handle, code);
    }
}

/* The handle that waits for libcurl's return, or NULL. */
static struct handle *next_put_off(struct engine *engine) {
    for (struct handle *handle = engine->handles; handle; handle = handle->next)
        if (handle->dropped || handle->resumed)
            return handle;
    engine->put_off = false;
    return NULL;
}

static void serve_put_off(struct engine *engine) {
    for (struct handle *handle; engine->put_off && (handle = next_put_off(engine));) {
        if (handle->dropped) {
            handle_destroy(handle);
            continue;
        }
        handle->resumed = false;
        engine->calls++; /* resuming may deliver what was held back */
        curl_easy_pause(handle->easy, CURLPAUSE_CONT);
        engine->calls--;
    }
}

void engine_leave(struct engine *engine) {
    if (--engine->calls)
        return;
    serve_put_off(engine);
    serve_ended(engine);
}

/* ---- The engine ---- */

static void multi_init(struct engine *engine) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    engine->multi = curl_multi_init();
    if (!engine->multi)
        abort();
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
}

struct engine *engine_new(struct loop *loop, const char *host, struct err *err) {
    struct engine *engine = xnew(struct engine);
    engine->loop = loop;
    engine->version = xstrdup("");
    engine->patience = ENGINE_PATIENCE;
    engine_use_agent(engine, "envrun");
    timer_init(&engine->timer, loop, timer_due);
    multi_init(engine);
    return address_set(engine, host, err) ? engine : engine_free(engine);
}

struct engine *engine_free(struct engine *engine) {
    if (!engine)
        return NULL;
    for (struct handle *handle; (handle = engine->handles);) {
        handle_leave(handle);
        handle->ended(handle, CURLE_ABORTED_BY_CALLBACK);
    }
    curl_multi_cleanup(engine->multi);
    curl_global_cleanup();
    timer_stop(&engine->timer);
    address_release(engine);
    tls_release(engine);
    free(engine->os);
    free(engine->version);
    free(engine->agent);
    free(engine);
    return NULL;
}

void engine_set_patience(struct engine *engine, long long milliseconds) {
    engine->patience = milliseconds;
}

long long engine_at_most(const struct engine *engine, long long milliseconds) {
    return milliseconds < engine->patience ? milliseconds : engine->patience;
}

long long engine_deadline(const struct engine *engine, long long milliseconds) {
    return deadline_in(engine_at_most(engine, milliseconds));
}

void engine_use_agent(struct engine *engine, const char *name) {
    free(engine->agent);
    engine->agent = xasprintf("%s/" ENVRUN_VERSION, name);
}

const struct engine_address *engine_address(const struct engine *engine) {
    return &engine->address;
}

const struct engine_info *engine_info(const struct engine *engine) {
    return &engine->info;
}

/* ---- Settle ---- */

struct settle {
    struct task task;
    struct engine *engine; /* NULL: not among those who wait */
    struct settle *next;
};

void engine_shield(struct engine *engine) {
    engine->shielded++;
}

void engine_unshield(struct engine *engine) {
    if (--engine->shielded)
        return;
    for (struct settle *settle = engine->settling; settle; settle = settle->next)
        task_wake(&settle->task);
}

static enum task_status settle_step(struct task *task) {
    return ((struct settle *)task)->engine->shielded ? TASK_PENDING : TASK_DONE;
}

static void settle_cancel(struct task *task) {
    struct engine *engine = ((struct settle *)task)->engine;
    err_set(&task->err, ERR_TIMEOUT, "%zu request%s to the Docker engine at %s still unanswered",
            engine->shielded, engine->shielded == 1 ? "" : "s", engine->url);
}

static void settle_release(struct task *task) {
    struct settle *settle = (struct settle *)task;
    for (struct settle **at = &settle->engine->settling; *at; at = &(*at)->next)
        if (*at == settle) {
            *at = settle->next;
            return;
        }
}

struct task *engine_settle(struct engine *engine) {
    static const struct task_type type = {
        .name = "settle", .step = settle_step, .cancel = settle_cancel, .release = settle_release};
    struct settle *settle = task_new(sizeof *settle, &type, engine->loop);
    settle->engine = engine;
    settle->next = engine->settling;
    engine->settling = settle;
    return &settle->task;
}
