/*
 * helper.h: ask docker-credential-HELPER for the credentials of a registry.
 *
 * The registry is told on its standard input, the secret comes on its standard output: neither is
 * an argument. It has half a minute and 64 KiB.
 */
#ifndef RUN_HELPER_H
#define RUN_HELPER_H

#include "loop/task.h"

/* Done when it has answered, failed (ERR_ENVIRONMENT) if it did not; the environment must live
 * until then. */
struct task *helper_new(struct loop *loop, const char *helper, const char *server,
                        const char *const *environment);
/* What it printed: JSON; belongs to the task. NULL: it knows no credentials for the registry. */
const char *helper_reply(const struct task *helper);

#endif
