/*
 * capture.h: what only the engine can say of a run, asked before the run is taken down.
 *
 * Each thing by itself: what fails is left out and noted, and never fails the run. Volumes come
 * first, with the containers that use them paused: they are as they were at the failure.
 */
#ifndef REPLAY_CAPTURE_H
#define REPLAY_CAPTURE_H

#include <envrun/run.h>

#include "base/redact.h"
#include "replay/contents.h"

struct capture_options {
    const char *folder;        /* where it is spooled: images/ and data/ are made in it */
    bool data;                 /* the volumes, too */
    bool all_images;           /* those that can be pulled, too */
    unsigned long long most;   /* bytes of each */
    struct redactor *redactor; /* whose values no image may hold */
};

/* What was captured. */
struct captured {
    cJSON *engine; /* GET /info and /version: {"info": ..., "version": ...} */
    cJSON *images; /* [{"service", "reference", "digest" or "config", "manifest", "name"}] */
    cJSON *data;   /* [{"service", "path", "file", "services"}] */
    cJSON *left_out;
};

/* Always done; limit it with task_limit(). The environment must live as long. */
struct task *capture_new(struct environment *environment, const struct capture_options *options);
/* Also of one that was cut short: what there is by now. */
void capture_take(struct task *capture, struct captured *ret);
void captured_release(struct captured *captured);

#endif
