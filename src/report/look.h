/*
 * look.h: the styles of a report, as entries of one table.
 */
#ifndef REPORT_LOOK_H
#define REPORT_LOOK_H

#include "report/output.h"
#include "report/report.h"

struct look {
    /* The output outlives what is created. */
    void *(*create)(const struct report_options *options, struct output *output);
    void (*destroy)(void *self);
    void (*event)(void *self, const struct event *event);
    /* NULL where there is nothing to do. */
    void (*tick)(void *self, long long ms);
    void (*resize)(void *self, int rows, int columns);
    void (*settle)(void *self);
    bool takes_bulky; /* event_is_bulky() */
};

extern const struct look look_plain, look_terminal, look_json, look_story;

#endif
