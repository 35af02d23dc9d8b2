/*
 * results.h: the result files of suites, as files of a record: junit/SUITE/N-PATH.
 */
#ifndef RECORD_RESULTS_H
#define RECORD_RESULTS_H

#include <envrun/event.h>

struct result_files {
    int fd;          /* the one that is being written; -1: none */
    long long bytes; /* of all; no more than RECORD_RESULTS_MOST */
};

/* Write an EVENT_RESULTS to the record whose folder that is; false, with errno set, if it cannot be
 * written. */
bool result_files_put(struct result_files *files, int folder, const struct event *event);
void result_files_close(struct result_files *files);

#endif
