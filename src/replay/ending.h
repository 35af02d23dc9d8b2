/*
 * ending.h: how a run ended, as far as another one can be compared with it.
 *
 * It is filled from the run's events, and stored in the bundle. Texts are normalised
 * (normaliser.h). Of a suite's output the last lines of either stream are kept; where there are no
 * JUnit files, each of the very last ones has to be among those of the other run, in whatever
 * order.
 */
#ifndef REPLAY_ENDING_H
#define REPLAY_ENDING_H

#include <envrun/event.h>

#include "base/vector.h"
#include "replay/normaliser.h"

#include <cjson/cJSON.h>

enum {
    ENDING_LINES = 20,      /* of each stream of the suite that are compared */
    ENDING_LINES_KEPT = 60, /* among which they are looked for */
};

struct ending_test {
    char *name;    /* "suite: class.name" */
    char *message; /* normalised */
};

struct ending_output {
    struct strings written; /* as it is, until the suite has ended */
    struct strings last;    /* normalised */
    bool goes_on;           /* the line before does */
};

struct ending {
    char *environment; /* its name, and the */
    char *directory;   /* project's folder: normalised away, not stored */
    char *outcome;     /* as EVENT_OUTCOME */
    int code;
    char *cause;                     /* normalised; or NULL */
    char *service, *phase;           /* to blame; or NULL */
    bool has_tests;                  /* the suite wrote JUnit files */
    vec(struct ending_test) tests;   /* those that failed, by name */
    struct ending_output outputs[2]; /* of the last suite: stdout, stderr */
    struct normaliser *normaliser;   /* made when it is needed */
};

void ending_take(struct ending *ending, const struct event *event);
void ending_add_test(struct ending *ending, const char *name, const char *message);
/* `goes_on`: of a long line its beginning, or a piece: only the beginning counts. */
void ending_add_line(struct ending *ending, size_t stream, const char *line, bool goes_on);
/* No more lines come. */
void ending_settle(struct ending *ending);
/* So it ended. */
void ending_end(struct ending *ending, const char *outcome, int code);
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
char *ending_normalise(struct ending *ending, const char *text);

#endif
