#include "engine/hijack.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/transfer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    HEAD_MAX = 64 << 10,  /* bytes of the answer's head, or of an error's body */
    PIECE = 16 << 10,     /* bytes read at a time: a TLS record, so none wait in libcurl */
    PIECES_PER_TURN = 16, /* then the others have their turn */
    SWITCHED = 101,
};

enum hijack_state {
    HIJACK_CONNECTING,
    HIJACK_ASKING,  /* the request goes out, the answer's head comes in */
    HIJACK_REFUSED, /* it was another answer than 101: its body comes in */
    HIJACK_OPEN,
    HIJACK_OVER,
};

/* libcurl's part; it may outlive the task for as long as libcurl is busy. */
struct line {
    struct handle handle;
    struct hijack *hijack; /* NULL: nobody waits any more */
};

struct hijack {
    struct task task;
    struct engine *engine;
    enum hijack_state state;
    char *path;
    struct line *line;
    struct watch watch;
    struct buffer request; /* what is left of it to send */
    struct buffer head;    /* of the answer; then an error's body */
    int status;
    struct frames frames;
    struct buffer input; /* waits to be sent */
    bool input_over, input_shut, held;
    void (*room)(void *context);
    void *room_context;
};

/* ---- The end ---- */

static void line_destroy(struct handle *handle) {
    free(container_of(handle, struct line, handle));
}

static void hang_up(struct hijack *hijack) {
    if (!hijack->line)
        return;
    watch_set(&hijack->watch, 0);
    hijack->line->hijack = NULL;
    handle_drop(&hijack->line->handle);
    hijack->line = NULL;
}

static void over(struct hijack *hijack) {
    if (hijack->state == HIJACK_OVER)
        return;
    hijack->state = HIJACK_OVER;
    hang_up(hijack);
    task_wake(&hijack->task);
}

static void broke_off(struct hijack *hijack, CURLcode code) {
    if (!err_is(&hijack->task.err))
        connection_error(hijack->engine, hijack->line->handle.easy, code, "POST", hijack->path,
                         &hijack->task.err);
    over(hijack);
}

/* ---- Out ---- */

/* Send from a buffer; false once the other side takes no more for good. */
static bool send_from(struct hijack *hijack, struct buffer *from) {
    CURL *easy = hijack->line->handle.easy;
    while (from->length) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(easy, from->data, from->length, &sent);
        if (code && code != CURLE_AGAIN)
            return false;
        if (code || !sent)
            return true;
        buffer_consume(from, sent);
    }
    return true;
}

static void shut_input(struct hijack *hijack) {
    hijack->input_shut = true;
    buffer_truncate(&hijack->input, 0);
    shutdown(hijack->watch.fd, SHUT_WR);
}

static void send_input(struct hijack *hijack) {
    bool full = !hijack_room(&hijack->task);
    if (hijack->input_shut)
        return;
    if (!send_from(hijack, &hijack->input) || (hijack->input_over && !hijack->input.length))
        shut_input(hijack);
    if (full && hijack_room(&hijack->task) && hijack->room)
        hijack->room(hijack->room_context);
}

static void watch_what_is_due(struct hijack *hijack) {
    if (!hijack->line || hijack->state < HIJACK_ASKING)
        return;
    const struct buffer *out = hijack->state == HIJACK_ASKING ? &hijack->request : &hijack->input;
    bool in = hijack->state != HIJACK_OPEN || !hijack->held;
    watch_set(&hijack->watch,
              (in ? (uint32_t)EPOLLIN : 0) | (out->length ? (uint32_t)EPOLLOUT : 0));
}

/* ---- In ---- */

static void opened(struct hijack *hijack) {
    hijack->state = HIJACK_OPEN;
    if (hijack->task.parent)
        task_wake(hijack->task.parent);
}

static void take_output(struct hijack *hijack, const char *data, size_t length) {
    if (length && !frames_push(&hijack->frames, data, length, &hijack->task.err))
        over(hijack);
}

/* An error's body has no need to be read to its end: it is short, and its JSON says where it ends.
 */
static bool take_refusal(struct hijack *hijack, bool last) {
    autofree char *message = transfer_message(hijack->head.data, hijack->head.length);
    if (!message && !last && buffer_fits(&hijack->head, 1))
        return false;
    if (message)
        err_code(&hijack->task.err, ERR_ANSWER, hijack->status, "%s", message);
    else
        err_code(&hijack->task.err, ERR_ANSWER, hijack->status,
                 "the Docker engine answered POST %s with HTTP %d", hijack->path, hijack->status);
    over(hijack);
    return true;
}

/* "HTTP/1.1 101 UPGRADED" and lines of headers up to an empty one; behind it is stream already. */
static void take_head(struct hijack *hijack, const char *data, size_t length) {
    bool fits = buffer_add_capped(&hijack->head, data, length);
    char *end = memmem(hijack->head.data, hijack->head.length, "\r\n\r\n", 4);
    if (!end && fits)
        return;
    if (!end || sscanf(hijack->head.data, "HTTP/1.%*d %d", &hijack->status) != 1) {
        err_set(&hijack->task.err, ERR_ENGINE, "what answers at %s does not speak HTTP",
                hijack->engine->url);
        over(hijack);
        return;
    }
    buffer_consume(&hijack->head, (size_t)(end + 4 - hijack->head.data));
    if (hijack->status == SWITCHED || hijack->status == 200) {
        opened(hijack);
        take_output(hijack, hijack->head.data, hijack->head.length);
        buffer_release(&hijack->head);
    } else {
        hijack->state = HIJACK_REFUSED;
        take_refusal(hijack, false);
    }
}

static void take(struct hijack *hijack, const char *data, size_t length) {
    if (hijack->state == HIJACK_OPEN) {
        take_output(hijack, data, length);
    } else if (hijack->state == HIJACK_ASKING) {
        take_head(hijack, data, length);
    } else if (hijack->state == HIJACK_REFUSED) {
        buffer_add_capped(&hijack->head, data, length);
        take_refusal(hijack, false);
    }
}

/* The other side closed, or was reset because it had not read all of our input. */
static void closed(struct hijack *hijack, CURLcode code) {
    if (hijack->state == HIJACK_OPEN) {
        frames_end(&hijack->frames, &hijack->task.err);
        over(hijack);
    } else if (hijack->state == HIJACK_REFUSED) {
        take_refusal(hijack, true);
    } else {
        broke_off(hijack, code ? code : CURLE_GOT_NOTHING);
    }
}

static void receive(struct hijack *hijack) {
    char piece[PIECE];
    for (int i = 0; i < PIECES_PER_TURN && hijack->line && !hijack->held; i++) {
        size_t length = 0;
        CURLcode code = curl_easy_recv(hijack->line->handle.easy, piece, sizeof piece, &length);
        if (code == CURLE_AGAIN)
            return;
        if (code || !length)
            closed(hijack, code);
        else
            take(hijack, piece, length);
    }
}

/* ---- The connection ---- */

static void line_ready(struct watch *watch, uint32_t events) {
    struct hijack *hijack = container_of(watch, struct hijack, watch);
    if (hijack->state == HIJACK_ASKING && !send_from(hijack, &hijack->request))
        broke_off(hijack, CURLE_SEND_ERROR);
    if (hijack->state == HIJACK_OPEN)
        send_input(hijack);
    if (events & ~(uint32_t)EPOLLOUT)
        receive(hijack);
    if (hijack->state == HIJACK_OPEN)
        send_input(hijack);
    watch_what_is_due(hijack);
}

static void line_ended(struct handle *handle, CURLcode code) {
    struct line *line = container_of(handle, struct line, handle);
    struct hijack *hijack = line->hijack;
    curl_socket_t fd;
    if (!hijack)
        return;
    if (code || curl_easy_getinfo(handle->easy, CURLINFO_ACTIVESOCKET, &fd)) {
        broke_off(hijack, code ? code : CURLE_COULDNT_CONNECT);
        return;
    }
    hijack->state = HIJACK_ASKING;
    watch_init(&hijack->watch, hijack->engine->loop, fd, line_ready);
    watch_what_is_due(hijack);
}

static bool dial(struct hijack *hijack) {
    struct line *line = xnew(struct line);
    hijack->line = line;
    line->hijack = hijack;
    line->handle = (struct handle){.easy = engine_easy(hijack->engine, hijack->path),
                                   .ended = line_ended,
                                   .destroy = line_destroy};
    curl_easy_setopt(line->handle.easy, CURLOPT_CONNECT_ONLY, 1L);
    return handle_add(&line->handle, hijack->engine, &hijack->task.err);
}

/* ---- The task ---- */

static enum task_status hijack_step(struct task *task) {
    struct hijack *hijack = (struct hijack *)task;
    if (hijack->state == HIJACK_OVER)
        return err_is(&task->err) ? TASK_FAILED : TASK_DONE;
    if (!hijack->line)
        return dial(hijack) ? TASK_PENDING : TASK_FAILED;
    return TASK_PENDING;
}

static void hijack_release(struct task *task) {
    struct hijack *hijack = (struct hijack *)task;
    hang_up(hijack);
    free(hijack->path);
    buffer_release(&hijack->request);
    buffer_release(&hijack->head);
    buffer_release(&hijack->input);
}

static void hijack_cancel(struct task *task) {
    hang_up((struct hijack *)task);
}

struct task *hijack_new(struct engine *engine, bool tty, struct output_sink sink) {
    static const struct task_type type = {
        .name = "hijack", .step = hijack_step, .cancel = hijack_cancel, .release = hijack_release};
    struct hijack *hijack = task_new(sizeof *hijack, &type, engine->loop);
    hijack->engine = engine;
    hijack->request = BUFFER_INIT;
    hijack->head = BUFFER_INIT_MAX(HEAD_MAX);
    hijack->input = BUFFER_INIT_MAX(HIJACK_INPUT_MAX);
    hijack->frames = (struct frames){.raw = tty, .sink = sink};
    return &hijack->task;
}

void hijack_request(struct task *task, const char *path, cJSON *body) {
    struct hijack *hijack = (struct hijack *)task;
    autojson cJSON *owned = body;
    autofree char *text = json_line(owned);
    const char *host = strstr(hijack->engine->base, "://") + 3;
    hijack->path = xasprintf("%s%s", hijack->engine->version, path);
    buffer_printf(&hijack->request,
                  "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: envrun/" ENVRUN_VERSION "\r\n"
                  "Connection: Upgrade\r\nUpgrade: tcp\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  hijack->path, host, strlen(text), text);
}

bool hijack_is_open(const struct task *task) {
    return ((const struct hijack *)task)->state == HIJACK_OPEN;
}

/* ---- Input ---- */

size_t hijack_room(const struct task *task) {
    const struct hijack *hijack = (const struct hijack *)task;
    return hijack->input.max - hijack->input.length;
}

void hijack_on_room(struct task *task, void (*room)(void *context), void *context) {
    struct hijack *hijack = (struct hijack *)task;
    hijack->room = room;
    hijack->room_context = context;
}

void hijack_send(struct task *task, const char *data, size_t length) {
    struct hijack *hijack = (struct hijack *)task;
    if (hijack->input_over || hijack->input_shut || hijack->state == HIJACK_OVER)
        return;
    buffer_add(&hijack->input, data, length);
    watch_what_is_due(hijack);
}

void hijack_end_input(struct task *task) {
    struct hijack *hijack = (struct hijack *)task;
    hijack->input_over = true;
    if (hijack->state == HIJACK_OPEN && !hijack->input.length && !hijack->input_shut)
        shut_input(hijack);
}

void hijack_hold(struct task *task, bool hold) {
    struct hijack *hijack = (struct hijack *)task;
    hijack->held = hold;
    watch_what_is_due(hijack);
}
