/*
 * board.h: what the services are doing, put together from events.
 *
 * Both human styles look at the board; it knows nothing of how they look.
 */
#ifndef REPORT_BOARD_H
#define REPORT_BOARD_H

#include <envrun/event.h>

#include "base/vector.h"

#include <stdbool.h>

struct board_service {
    char *name;
    enum event_phase phase;
    enum event_status status;
    char *what;    /* text of the phase's event, such as a failure's reason */
    char *how;     /* PHASE_IMAGE: "build" or "pull"; "": one of them; NULL: only looked up */
    char *tail;    /* the last line of progress, why the latest probe failed, or the seed */
    char *awaited; /* the services it waited for, as long as that is known: "db, cache" */
    long long seed_count, seed_total;
    long long since;                 /* ms, when the phase began */
    long long ended;                 /* ms, when it failed or came up */
    long long spent[PHASE_STOP + 1]; /* ms in each phase that ended */
    bool stopping;                   /* teardown is at it */
    bool listed;                     /* a style's own mark: it has a line on the screen */
};

struct board_endpoint {
    char *service, *address;
};

struct board {
    char *name, *verb;
    vec(struct board_service) services;
    vec(struct board_endpoint) endpoints; /* not shown yet */
    bool everything_up; /* every service that was named at the beginning is up, or a suite began */
    bool up_said;       /* a style's own mark: that everything is up has been told */
    bool suite_running;
    bool teardown_running;
    long long teardown_since;
    long long now; /* ms since the run began */
};

/* Takes an event in; the first event of a run empties the board. */
void board_take(struct board *board, const struct event *event);
void board_release(struct board *board);
/* NULL if there is none. */
struct board_service *board_find(const struct board *board, const char *name);
void board_clear_endpoints(struct board *board);

bool board_is_up(const struct board_service *service);
bool board_failed(const struct board_service *service);
/* Neither up nor failed nor only waiting for others. */
bool board_is_under_way(const struct board_service *service);
/* A phase ended and none followed: a suite's service until the suite starts it. */
bool board_is_prepared(const struct board_service *service);
/* Milliseconds: up: since the beginning of the run until then; else in the phase. */
long long board_elapsed(const struct board *board, const struct board_service *service);
/* Milliseconds of its own, without waiting for others. */
long long board_own_time(const struct board_service *service);

struct board_step {
    const struct board_service *service;
    long long ms;
};
struct board_steps {
    struct board_step *at;
    size_t length, capacity;
};
/* The services that decided how long it took until everything was up, in their order: each came up
 * last among those that the next one waited for. Their times add up to the last one's. The rest of
 * the services that are up follow in ret_others, with their own times, longest first. */
void board_critical_path(const struct board *board, struct board_steps *ret_path,
                         struct board_steps *ret_others);

#endif
