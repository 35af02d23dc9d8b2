/*
 * report.h: how a run's events look.
 *
 * A report takes events and writes to a descriptor: in place on a terminal, append-only elsewhere,
 * or as newline-delimited JSON. It knows no run and no engine; a stored record shows through the
 * same code. It never exits and never fails: when nobody reads any more, it falls silent. The
 * caller ignores SIGPIPE.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <envrun/event.h>

#include <stdbool.h>

struct report;

enum report_style {
    REPORT_PLAIN,    /* lines that only append; a heartbeat names what is awaited */
    REPORT_TERMINAL, /* one line per service, redrawn in place */
    REPORT_JSON,     /* one event a line */
    REPORT_STORY,    /* one page, written at the end; takes bulky events too, in any order */
};

struct report_options {
    enum report_style style;
    int fd; /* where to write; stays the caller's */
    bool color;
    bool unicode;      /* signs beyond ASCII */
    bool verbose;      /* every line of builds and pulls */
    int rows, columns; /* REPORT_TERMINAL, REPORT_STORY; 0: unknown */
    const char *title; /* REPORT_STORY: its first line */
};

/* Terminal if fd is one and neither CI, NO_COLOR nor TERM=dumb say otherwise; then plain.
 * FORCE_COLOR gives colours to plain lines. environment: "NAME=VALUE", NULL-terminated. */
struct report_options report_options_for(int fd, const char *const *environment);

struct report *report_new(const struct report_options *options);
void report_event(struct report *report, const struct event *event);
/* Redraw what changes with time; on a terminal to be called about ten times a second. ms: since the
 * run began. */
void report_tick(struct report *report, long long ms);
void report_resize(struct report *report, int rows, int columns);
/* Something else is going to write to the terminal: finish the lines that are being redrawn. Done
 * by itself when a suite begins. */
void report_settle(struct report *report);
/* Writes what is still waiting to be written, for a few seconds at most. Answers NULL. */
struct report *report_free(struct report *report);

#endif
