/*
 * err.h: what went wrong, as a value.
 *
 * An error is owned by the caller, who passes it as the last argument, initialised with ERR_INIT
 * and released with err_release(). A function that can fail answers false (or NULL) and fills it
 * in; one that succeeds leaves it untouched. Each floor adds what it was doing with err_prefix(),
 * so that the message reads as one sentence from the user's file down to the engine's answer.
 *
 * Thread rule: none; envrun has one thread.
 */
#ifndef ENVRUN_ERR_H
#define ENVRUN_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_USAGE,       /* the command line is wrong */
    ERR_FILE,        /* a YAML file, an env file or a seed file is wrong or missing */
    ERR_ENGINE,      /* no engine answers, it is too old, or it vanished */
    ERR_ANSWER,      /* the engine answered with an error; code is the HTTP status */
    ERR_ENVIRONMENT, /* a service did not come up: build, start, ready or seed failed */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_SUITE,       /* the suite could not start; code is 126 or 127 */
    ERR_INTERRUPTED, /* a signal asked envrun to stop; code is its number */
    ERR_LEFTOVER,    /* something could not be removed */
    ERR_BUG,         /* envrun itself is wrong */
};

/* A place in a file. line and column count from 1; line 0 means "the file as a whole". */
struct position {
    const char *file; /* not owned; NULL: no place */
    int line;
    int column;
};

struct err {
    enum err_kind kind;
    int code;         /* HTTP status, signal number or exit code; see the kind */
    char *message;    /* one sentence without a final full stop; owned */
    char *file;       /* the place in the user's file, or NULL; owned */
    int line;         /* from 1; 0: the whole file */
    int column;       /* from 1; 0: the whole line */
    bool is_private;  /* the file's lines are not to be shown */
    struct err *next; /* a further, independent mistake; owned */
};

#define ERR_INIT ((struct err){0})

/* Set kind and message. Answers false, so that a caller can write `return err_set(...)`.
 * An error that is already set is replaced. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set(), with the place that is to blame. The file's name is copied. */
bool err_at(struct err *err, struct position at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set() with a code. */
bool err_code(struct err *err, enum err_kind kind, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Why the system refused something: strerror(), and what to do where a limit is reached. */
const char *err_reason(int number);

/* "MESSAGE: REASON", for what the system should give to everybody: ERR_ENVIRONMENT if it has run
 * out of it, else ERR_BUG. Answers false. */
bool err_system(struct err *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " before the message. Answers false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Name the place, if none is named yet. Answers false. */
bool err_locate(struct err *err, struct position at);

/* Append a further, independent mistake and leave `from` empty. Answers false. */
bool err_join(struct err *err, struct err *from);

/* Move an error; the source becomes empty. Answers false. */
bool err_move(struct err *to, struct err *from);

void err_copy(struct err *to, const struct err *from);

static inline bool err_is(const struct err *err) {
    return err->kind != ERR_NONE;
}

/* "FILE:LINE:COLUMN: MESSAGE" for the first mistake; to be freed by the caller. */
char *err_text(const struct err *err);

/* "FILE:LINE:COLUMN", as far as they are known, or NULL; to be freed by the caller. */
char *err_place(const struct err *err);

/* The exit code for this kind of error, as sysexits.h has it (docs/exit-codes.md). */
int err_exit_code(const struct err *err);

void err_release(struct err *err);

#endif
