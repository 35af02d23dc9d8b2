/*
 * redact_log.h: values are taken out of the lines of logs, also where one goes on in the next line.
 *
 * EVENT_LOG carries a line, so that a value that was broken over two lines is in no single event. A
 * line is therefore held back while its end may be the beginning of a value, until the next line of
 * its stream comes, or the end of it.
 */
#ifndef EVENT_REDACT_LOG_H
#define EVENT_REDACT_LOG_H

#include <envrun/event.h>

struct log_redactor;

/* Both must outlive it. */
struct log_redactor *log_redactor_new(const struct event_listener *listener);
struct log_redactor *log_redactor_free(struct log_redactor *logs);
/* Tell a line, now or later, and release the event: EVENT_LOG, but no gap. */
void log_redactor_tell(struct log_redactor *logs, struct event *event);
/* Tell what is held back of a service's log, or a suite's; of all: NULL, NULL. */
void log_redactor_end(struct log_redactor *logs, const char *service, const char *suite);

#endif
