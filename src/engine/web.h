/*
 * web.h: an HTTP request to a service, for probes and seeds; it shares the engine's libcurl.
 */
#ifndef ENGINE_WEB_H
#define ENGINE_WEB_H

#include "loop/task.h"

enum { WEB_ANSWER_MAX = 64 << 10 }; /* bytes kept of an answer; the rest is read and dropped */

struct engine;

struct web_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
    const char *body;           /* or NULL; must live until the task has ended */
    size_t length;
};

/* Done with any answer; ERR_ENVIRONMENT if there is none. Certificates are not checked: a test's
 * service signs its own. Limit it with task_limit(). */
struct task *web_new(struct engine *engine, const struct web_request *request);
int web_status(const struct task *web);
/* The answer's beginning; belongs to the task. */
const char *web_body(const struct task *web);

#endif
