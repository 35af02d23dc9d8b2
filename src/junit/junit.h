/*
 * junit.h: the results that a test runner leaves, as a list of tests.
 *
 * Read are JUnit XML, as pytest, Surefire and JUnit 5, go-junit-report and jest-junit write it
 * (there is no standard; what they share is that of Ant: testsuite, testcase, failure, error,
 * skipped), and the lines of `go test -json`. Which one it is says the first character.
 *
 * A file may come from anywhere: one with a document type (and so with entities) is refused, and
 * everything has a limit.
 */
#ifndef JUNIT_JUNIT_H
#define JUNIT_JUNIT_H

#include <envrun/err.h>

#include "base/vector.h"

enum test_status { TEST_PASSED, TEST_FAILED, TEST_ERROR, TEST_SKIPPED };

enum {
    JUNIT_BYTES_MOST = 64 << 20, /* of a file */
    JUNIT_TESTS_MOST = 100000,
    JUNIT_DEPTH_MOST = 64,
    JUNIT_NAME_MOST = 1 << 10,    /* bytes of a name */
    JUNIT_MESSAGE_MOST = 4 << 10, /* of a failure's message, */
    JUNIT_TEXT_MOST = 16 << 10,   /* of what stands below it; the rest is left out */
};

struct test {
    char *suite, *class, *name, *file; /* "" where the file says nothing */
    enum test_status status;
    char *message;      /* of one that failed, else "" */
    char *text;         /* its traceback, or what it wrote; "" */
    long long duration; /* ns */
    long long began;    /* UNIX time in ns, or -1: not known */
    bool is_local;      /* `began` was written without a zone: it may be UTC or the runner's */
    bool is_exact;      /* `began` was written for this test, not summed up from its suite's */
};

struct tests {
    vec(struct test) list;
};

void tests_release(struct tests *tests);
bool test_has_failed(const struct test *test);
/* What people call it, "class.name"; to be freed by the caller. */
char *test_label(const struct test *test);

/* ---- Reading, piece by piece ---- */

struct junit_reader;

/* Adds to `into`, which the caller owns. */
struct junit_reader *junit_reader_new(struct tests *into);
/* ERR_FILE, without the file's name; nothing may be pushed then. */
bool junit_reader_push(struct junit_reader *reader, const char *data, size_t length,
                       struct err *err);
bool junit_reader_end(struct junit_reader *reader, struct err *err);
struct junit_reader *junit_reader_free(struct junit_reader *reader);

/* ---- When a test ran ---- */

struct test_window {
    long long from, to; /* UNIX time in ns */
};

/* The time in which a test of a run from `run.from` to `run.to` ran, with some slack, since runners
 * round; the whole run where its file does not say, or says what cannot be. */
struct test_window test_window(const struct test *test, struct test_window run);

#endif
