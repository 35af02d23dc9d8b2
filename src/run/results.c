/*
 * The files in which a suite says how each test ended: found, read, told.
 */
#include "run/results.h"

#include "base/instant.h"
#include "base/path.h"
#include "base/text.h"
#include "junit/junit.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILES_MOST = 1000,      /* of a suite, */
    BYTES_MOST = 16 << 20,  /* in all: they are read in one go */
    FAILED_TOLD_MOST = 200, /* tests */
    STALE_NAMED = 3,
    PIECE = 64 << 10,
};
#define MILLISECOND 1000000LL

struct results {
    struct environment *environment;
    const struct suite *suite;
    long long since;
    struct strings files, stale; /* stale: written before the suite began */
    size_t bytes;                /* read */
    struct tests tests;
    size_t readable; /* files that were understood */
};

static void warn(struct results *results, const char *path, const char *why) {
    environment_warn(results->environment, "the results in %s are not read: %s", path, why);
}

/* ---- Finding them ---- */

static void look_at(struct results *results, const char *path) {
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode) || strings_has(&results->files, path))
        return;
    if (info.st_mtime >= results->since)
        strings_add(&results->files, path);
    else
        strings_add(&results->stale, path);
}

static void find(struct results *results) {
    for (const char **pattern = results->suite->junit; *pattern; pattern++) {
        glob_t paths = {0};
        if (!glob(*pattern, 0, NULL, &paths))
            for (size_t i = 0; i < paths.gl_pathc && results->files.length < FILES_MOST; i++)
                look_at(results, paths.gl_pathv[i]);
        globfree(&paths);
    }
}

/* Old results would be told as this run's. */
static void warn_of_missing(struct results *results) {
    autostrings struct strings named = {0};
    for (size_t i = 0; i < results->stale.length && i < STALE_NAMED; i++)
        strings_add(&named, results->stale.at[i]);
    autofree char *list = strings_join(&named, ", ");
    if (results->stale.length)
        environment_warn(results->environment, "results from before this run are not read: %s%s",
                         list, results->stale.length > STALE_NAMED ? " and more" : "");
    else if (!results->files.length)
        environment_warn(results->environment, "the suite left no results: nothing matches %s",
                         results->suite->junit[0]);
}

/* ---- Reading them ---- */

static bool read_from(struct results *results, int fd, struct junit_reader *reader,
                      struct err *err) {
    char piece[PIECE];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0) {
        results->bytes += (size_t)got;
        if (results->bytes > BYTES_MOST)
            return err_set(err, ERR_FILE, "a suite's results may have %d MiB in all",
                           BYTES_MOST >> 20);
        if (!junit_reader_push(reader, piece, (size_t)got, err))
            return false;
    }
    return got ? err_set(err, ERR_FILE, "%m") : junit_reader_end(reader, err);
}

static void read_one(struct results *results, const char *path) {
    struct err err = ERR_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct junit_reader *reader = junit_reader_new(&results->tests);
    bool good = fd >= 0 ? read_from(results, fd, reader, &err) : err_set(&err, ERR_FILE, "%m");
    if (good)
        results->readable++;
    else
        warn(results, path, err.message);
    junit_reader_free(reader);
    err_release(&err);
    if (fd >= 0)
        close(fd);
}

/* ---- Telling ---- */

static void tell_tests(struct results *results, size_t failed) {
    struct event event = {.kind = EVENT_TESTS,
                          .text = xstrdup(results->suite->name),
                          .count = (long long)failed,
                          .total = (long long)results->tests.list.length};
    environment_tell(results->environment, &event);
}

static void tell_failed(struct results *results, const struct test *test, struct test_window run,
                        size_t number, size_t failed) {
    const char *name = results->suite->name;
    const char *suite = text_equal(name, "suite") ? "" : name; /* the only one has no name */
    struct test_window window = test_window(test, run);
    autofree char *label = test_label(test);
    struct event event = {
        .kind = EVENT_TEST,
        .text = xasprintf("%s%s%s", suite, *suite ? ": " : "", label),
        .detail = xstrdup(test->message),
        .count = (long long)number,
        .total = (long long)failed,
        .at = window.from,
        .duration = (window.to - window.from) / MILLISECOND,
    };
    environment_tell(results->environment, &event);
}

static void tell(struct results *results) {
    struct test_window run = {results->since * 1000 * MILLISECOND, instant_now()};
    size_t failed = 0, number = 0;
    vec_each (test, &results->tests.list)
        failed += test_has_failed(test);
    tell_tests(results, failed);
    vec_each (test, &results->tests.list)
        if (test_has_failed(test) && number < FAILED_TOLD_MOST)
            tell_failed(results, test, run, ++number, failed);
}

void results_read(struct environment *environment, const struct suite *suite, long long since) {
    struct results results = {.environment = environment, .suite = suite, .since = since};
    if (suite->service || !suite->junit || !suite->junit[0])
        return;
    find(&results);
    warn_of_missing(&results);
    vec_each (path, &results.files)
        read_one(&results, *path);
    if (results.readable)
        tell(&results);
    strings_release(&results.files);
    strings_release(&results.stale);
    tests_release(&results.tests);
}
