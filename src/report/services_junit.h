/*
 * services_junit.h: an environment that did not come up, as JUnit XML: CI systems show that.
 *
 * One test suite, `envrun.environment`, with a test case for each service: passed, failed (with the
 * cause and the last lines of its log), or skipped because it did not come to that. Events are
 * redacted before they come here.
 */
#ifndef REPORT_SERVICES_JUNIT_H
#define REPORT_SERVICES_JUNIT_H

#include <envrun/event.h>

struct services_junit;

struct services_junit *services_junit_new(void);
void services_junit_event(struct services_junit *junit, const struct event *event);
/* Make the file, and the folders above it. */
bool services_junit_write(const struct services_junit *junit, const char *path, struct err *err);
struct services_junit *services_junit_free(struct services_junit *junit);

#endif
