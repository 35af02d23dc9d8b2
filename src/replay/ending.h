/*
 * ending.h: how a run ended, as far as another one can be compared with it.
 *
 * It is filled from the run's events, and stored in the bundle. Texts are normalised: times,
 * durations, hexadecimal numbers, addresses, ports, UUIDs, temporary paths and the environment's
 * name say nothing about a cause (docs/bundles.md, "The same cause").
 */
#ifndef REPLAY_ENDING_H
#define REPLAY_ENDING_H

#include <envrun/event.h>

#include "base/vector.h"

#include <cjson/cJSON.h>

enum { ENDING_LINES = 20 /* of the suite's output, compared where there is no JUnit */ };

struct ending_test {
    char *name;    /* "suite: class.name" */
    char *message; /* normalised */
};

struct ending {
    char *environment; /* its name, and the */
    char *directory;   /* project's folder: normalised away, not stored */
    char *outcome;     /* as EVENT_OUTCOME */
    int code;
    char *cause;                   /* normalised; or NULL */
    char *service, *phase;         /* to blame; or NULL */
    bool has_tests;                /* the suite wrote JUnit files */
    vec(struct ending_test) tests; /* those that failed, by name */
    struct strings last;           /* lines of the suite, normalised */
};

void ending_take(struct ending *ending, const struct event *event);
void ending_add_test(struct ending *ending, const char *name, const char *message);
void ending_add_line(struct ending *ending, const char *line);
void ending_release(struct ending *ending);

cJSON *ending_encode(const struct ending *ending);
/* It may come from anywhere; ERR_FILE. */
bool ending_decode(const cJSON *json, struct ending *ret, struct err *err);

enum ending_verdict { VERDICT_REPRODUCED, VERDICT_PASSES, VERDICT_DIFFERS };

/* How the second compares with the first; each difference as a line for people. `ret_by` is what
 * was compared: "the failing tests and their messages". */
enum ending_verdict ending_compare(const struct ending *then, const struct ending *now,
                                   struct strings *differences, const char **ret_by);

/* To be freed by the caller. */
char *ending_normalise(const struct ending *ending, const char *text);

#endif
