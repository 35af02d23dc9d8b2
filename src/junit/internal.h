/*
 * internal.h: between the reader and its two formats.
 */
#ifndef JUNIT_INTERNAL_H
#define JUNIT_INTERNAL_H

#include "base/buffer.h"
#include "junit/junit.h"

/* A format: `begin` answers its state. */
struct junit_format {
    void *(*begin)(struct tests *into);
    bool (*push)(void *state, const char *data, size_t length, struct err *err);
    bool (*end)(void *state, struct err *err);
    void (*free)(void *state);
};

extern const struct junit_format junit_xml, junit_go;

/* A new test at the end of the list, its strings empty; NULL and ERR_FILE if they are too many. */
struct test *tests_add(struct tests *tests, struct err *err);
/* Replace a string of a test by no more than `most` bytes of another. */
void test_put(char **at, const char *text, size_t length, size_t most);
/* "2024-05-01T12:00:02.5+02:00" to nanoseconds; false if it is none. Without a zone it is taken as
 * UTC, and `ret_is_local` is true. */
bool test_time(const char *text, long long *ret, bool *ret_is_local);
/* "1,234.5" or "1.5" seconds to nanoseconds; 0 if it is none. */
long long test_seconds(const char *text);
/* The first line of a text with something in it, without the blanks around it. */
char *test_first_line(const char *text);

#endif
