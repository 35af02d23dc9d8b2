/*
 * dial.h: connect to a service and, if asked, speak first and listen to what it answers.
 */
#ifndef RUN_DIAL_H
#define RUN_DIAL_H

#include "loop/task.h"

#include <regex.h>

struct dial_options {
    const char *host; /* a numeric address */
    int port;
    const char *send;      /* hexadecimal digits, or NULL */
    const regex_t *expect; /* what the answer must match, or NULL */
    bool hold; /* the connection must outlive a moment: a proxy that accepts for a service
                  that does not listen closes it at once */
};

/* Fails with ERR_ENVIRONMENT and a short reason: "connection refused at 172.18.0.2:5432". */
struct task *dial_new(struct loop *loop, const struct dial_options *options);

#endif
