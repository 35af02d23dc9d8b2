#include <envrun/err.h>

#include "base/buffer.h"
#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>

static bool fill(struct err *err, enum err_kind kind, int code, const char *format, va_list args) {
    /* The arguments may point into the message that is being replaced. */
    struct buffer text = BUFFER_INIT;
    buffer_vprintf(&text, format, args);
    err_release(err);
    err->kind = kind;
    err->code = code;
    err->message = buffer_detach(&text);
    return false;
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, kind, 0, format, args);
    va_end(args);
    return false;
}

bool err_code(struct err *err, enum err_kind kind, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, kind, code, format, args);
    va_end(args);
    return false;
}

bool err_at(struct err *err, struct position at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, ERR_FILE, 0, format, args);
    va_end(args);
    return err_locate(err, at);
}

const char *err_reason(int number) {
    switch (number) {
    case EMFILE:
        return "envrun may open no more files: raise the limit (ulimit -n)";
    case ENFILE:
        return "this host may open no more files: raise its limit (sysctl fs.file-max)";
    default:
        return strerror(number);
    }
}

static bool is_shortage(int number) {
    return number == EMFILE || number == ENFILE || number == ENOMEM || number == EAGAIN ||
           number == ENOBUFS || number == ENOSPC;
}

bool err_system(struct err *err, int number, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, is_shortage(number) ? ERR_ENVIRONMENT : ERR_BUG, 0, format, args);
    va_end(args);
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s: %s", err->message, err_reason(number));
    free(err->message);
    err->message = buffer_detach(&text);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...) {
    struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    buffer_printf(&text, ": %s", err->message ? err->message : "unknown error");
    free(err->message);
    err->message = buffer_detach(&text);
    return false;
}

bool err_locate(struct err *err, struct position at) {
    if (err->file || !at.file)
        return false;
    err->file = xstrdup(at.file);
    err->line = at.line;
    err->column = at.column;
    return false;
}

bool err_move(struct err *to, struct err *from) {
    err_release(to);
    *to = *from;
    *from = ERR_INIT;
    return false;
}

bool err_join(struct err *err, struct err *from) {
    if (!err_is(from))
        return false;
    if (!err_is(err))
        return err_move(err, from);
    struct err *last = err;
    while (last->next)
        last = last->next;
    last->next = xnew(struct err);
    return err_move(last->next, from);
}

void err_copy(struct err *to, const struct err *from) {
    err_release(to);
    *to = *from;
    to->message = xstrdup_or_null(from->message);
    to->file = xstrdup_or_null(from->file);
    to->next = NULL;
    if (from->next) {
        to->next = xnew(struct err);
        err_copy(to->next, from->next);
    }
}

char *err_place(const struct err *err) {
    if (!err->file)
        return NULL;
    if (!err->line)
        return xstrdup(err->file);
    return err->column ? xasprintf("%s:%d:%d", err->file, err->line, err->column)
                       : xasprintf("%s:%d", err->file, err->line);
}

char *err_text(const struct err *err) {
    struct buffer text = BUFFER_INIT;
    autofree char *place = err_place(err);
    if (place)
        buffer_printf(&text, "%s: ", place);
    buffer_puts(&text, err->message ? err->message : "unknown error");
    return buffer_detach(&text);
}

static const int exit_codes[] = {
    [ERR_NONE] = EX_OK,         [ERR_USAGE] = EX_USAGE,
    [ERR_FILE] = EX_DATAERR,    [ERR_ENGINE] = EX_UNAVAILABLE,
    [ERR_ANSWER] = EX_TEMPFAIL, [ERR_ENVIRONMENT] = EX_TEMPFAIL,
    [ERR_TIMEOUT] = 124,        [ERR_SUITE] = 126,
    [ERR_INTERRUPTED] = 128,    [ERR_LEFTOVER] = EX_SOFTWARE,
    [ERR_BUG] = EX_SOFTWARE,
};

int err_exit_code(const struct err *err) {
    if (err->kind == ERR_SUITE && err->code)
        return err->code;
    if (err->kind == ERR_INTERRUPTED)
        return 128 + err->code;
    return exit_codes[err->kind];
}

void err_release(struct err *err) {
    free(err->message);
    free(err->file);
    if (err->next) {
        err_release(err->next);
        free(err->next);
    }
    *err = ERR_INIT;
}
