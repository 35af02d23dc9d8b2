/*
 * timeline.h: what each service did when, as bars of characters.
 */
#ifndef REPORT_TIMELINE_H
#define REPORT_TIMELINE_H

#include <envrun/event.h>

#include "base/vector.h"
#include "report/style.h"

struct span {
    char sign; /* what its columns show */
    enum style_color color;
    long long from, to; /* ms; to < 0: it goes on */
};

struct timeline_row {
    char *name;
    vec(struct span) spans;
};

struct timeline {
    vec(struct timeline_row) rows; /* services as they first appear, then suites, then teardown */
    long long end;                 /* ms, of the latest event */
};

void timeline_take(struct timeline *timeline, const struct event *event);
/* The rows, one line each, below a scale and above a legend of the signs that occur; none is wider
 * than `columns`. */
void timeline_put(struct buffer *into, const struct timeline *timeline, const struct style *style,
                  int columns);
void timeline_release(struct timeline *timeline);

#endif
