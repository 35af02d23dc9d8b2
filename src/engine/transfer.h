/*
 * transfer.h: one HTTP exchange with the engine.
 *
 * The transfer wakes the task that started it when it is done. The request's body is a text or is
 * pulled from a source; the answer is collected (bounded) or pushed to a taker as it comes. An
 * answer of 400 or more is always collected, for the engine's sentence is in it.
 *
 * A shielded transfer that is freed while it is under way goes on alone and frees itself.
 */
#ifndef ENGINE_TRANSFER_H
#define ENGINE_TRANSFER_H

#include "base/buffer.h"
#include "engine/connection.h"

/* A body that is made as it is sent. */
struct transfer_source {
    /* Up to `size` bytes; 0 at the end, -1 if it failed. */
    ssize_t (*read)(void *context, char *into, size_t size);
    void *context;
};

struct transfer_options {
    const char *method;
    const char *path;              /* without the version */
    bool unversioned;              /* ask for the path as it is */
    bool shielded;                 /* go on when the task is cancelled */
    char *body;                    /* JSON, or NULL; belongs to the transfer from now on */
    struct transfer_source source; /* in place of `body`: a tar stream */
    const char *header;            /* one more header line, or NULL */
    /* The answer's head is there and says success. May be NULL. */
    void (*opened)(void *context);
    /* A piece of a successful answer; false ends the transfer. NULL: the answer is collected. The
     * taker may not free the transfer's task. */
    bool (*take)(void *context, const char *data, size_t length);
    void *context;
};

struct transfer {
    struct handle handle;
    struct engine *engine;
    struct task *owner; /* woken when done; NULL: nobody waits any more */
    struct transfer_options options;
    struct curl_slist *headers;
    char *path; /* with the version */
    struct buffer answer;
    bool shielded; /* under way and counted by the engine */
    bool done, held, too_long;
    long status;    /* 0: no answer */
    struct err err; /* why there is no answer, or no whole one */
};

/* The options are copied, but not what they point to (`path`, `header`) beyond this call. NULL: err
 * says why. */
struct transfer *transfer_start(struct engine *engine, struct task *owner,
                                const struct transfer_options *options, struct err *err);
/* Takes NULL, answers NULL. */
struct transfer *transfer_free(struct transfer *transfer);

/* Once it is done: did a whole answer come? */
bool transfer_answered(struct transfer *transfer, struct err *err);
/* ... and does it say success? The engine's sentence is in the error otherwise. */
bool transfer_succeeded(struct transfer *transfer, struct err *err);
/* A header of the answer, or NULL; valid until the transfer is freed. */
const char *transfer_header(const struct transfer *transfer, const char *name);
/* Stop (and go on) reading the answer, so that the engine has to wait. */
void transfer_hold(struct transfer *transfer, bool hold);

/* The sentence of an error answer's body ({"message": ...}), or NULL; to be freed. */
char *transfer_message(const char *body, size_t length);

#endif
