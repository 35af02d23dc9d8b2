/*
 * words.h: what both human styles say, as lines that end with '\n'.
 *
 * A paragraph's first line says what it is; further lines are indented.
 */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "report/board.h"
#include "report/style.h"

/* What an event says, in a paragraph of its own; nothing for those that only move the board. A
 * suite's command is cut to a number of columns. */
void words_event(struct buffer *into, const struct style *style, int columns,
                 const struct event *event);
/* What has become known and is to be said before an event that was just taken in: that everything
 * is up, and where. */
void words_before(struct buffer *into, const struct style *style, struct board *board,
                  const struct event *event);
/* Which services decided how long it took until everything was up; nothing if none is. */
void words_up(struct buffer *into, const struct style *style, const struct board *board);
/* The last line of all: "envrun: outcome=passed code=0 duration=12.3s". */
void words_outcome(struct buffer *into, const struct event *event);

/* What a service is doing, from outside in part: "seeding 2/4", "waiting for db, cache". */
void words_phase(struct buffer *into, const struct board_service *service);
/* "not ready", for a phase that failed. */
const char *words_failed(enum event_phase phase);
/* Where the time went until it was up: "build 1.1 s, ready 0.8 s"; what took no time is left out.
 */
void words_times(struct buffer *into, const struct board_service *service);

#endif
