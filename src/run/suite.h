/*
 * suite.h: the two ways to run a suite: a process on this host, or a service of the graph.
 *
 * Either is a task that is done when the suite has ended by itself or by a signal; its exit code is
 * then known. A suite that could not start fails with ERR_SUITE.
 */
#ifndef RUN_SUITE_H
#define RUN_SUITE_H

#include "run/environment.h"

/* The descriptors a suite writes to, as envrun was given them. */
struct suite_output {
    struct outlet output, errors;
};

struct suite_way {
    struct task *(*begin)(struct environment *environment, const struct suite *suite,
                          struct suite_output *output, struct err *err);
    int (*exit_code)(const struct task *way);
    void (*signal)(struct task *way, int signal);
};

extern const struct suite_way suite_on_host;
extern const struct suite_way suite_in_graph;

/* The suite's container has ended (suite_in_graph). */
void suite_container_ended(struct task *way);

#endif
