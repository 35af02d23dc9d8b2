/*
 * The list of tests, and which format a file has.
 */
#include "junit/junit.h"

#include "base/instant.h"
#include "base/text.h"
#include "junit/internal.h"

#include <ctype.h>
#include <string.h>

#define SECOND 1000000000LL
enum { DAY_SECONDS = 24 * 60 * 60 };

/* ---- Tests ---- */

static void test_release(struct test *test) {
    free(test->suite);
    free(test->class);
    free(test->name);
    free(test->file);
    free(test->message);
    free(test->text);
}

void tests_release(struct tests *tests) {
    vec_each (test, &tests->list)
        test_release(test);
    vec_free(&tests->list);
}

struct test *tests_add(struct tests *tests, struct err *err) {
    if (tests->list.length >= JUNIT_TESTS_MOST) {
        err_set(err, ERR_FILE, "it has more than %d tests", JUNIT_TESTS_MOST);
        return NULL;
    }
    vec_push(&tests->list, (struct test){.suite = xstrdup(""),
                                         .class = xstrdup(""),
                                         .name = xstrdup(""),
                                         .file = xstrdup(""),
                                         .message = xstrdup(""),
                                         .text = xstrdup(""),
                                         .began = -1});
    return &tests->list.at[tests->list.length - 1];
}

void test_put(char **at, const char *text, size_t length, size_t most) {
    if (length > most)
        length = most - text_utf8_tail(text, most);
    free(*at);
    *at = xstrndup(text, length);
}

bool test_has_failed(const struct test *test) {
    return test->status == TEST_FAILED || test->status == TEST_ERROR;
}

char *test_label(const struct test *test) {
    if (!*test->class || text_starts(test->name, test->class))
        return xstrdup(*test->name ? test->name : test->suite);
    return *test->name ? xasprintf("%s.%s", test->class, test->name) : xstrdup(test->class);
}

char *test_first_line(const char *text) {
    text += strspn(text, " \t\r\n");
    size_t length = strcspn(text, "\r\n");
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    return xstrndup(text, length);
}

/* ---- Times ---- */

/* "+02:00" or "-0330" in seconds. */
static bool zone_seconds(const char *text, long long *ret) {
    const char *minutes = text[3] ? text + 3 + (text[3] == ':') : "00";
    for (size_t i = 1; i < 3; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    if (!isdigit((unsigned char)minutes[0]) || !isdigit((unsigned char)minutes[1]))
        return false;
    long long seconds = ((text[1] - '0') * 10 + text[2] - '0') * 3600LL +
                        ((minutes[0] - '0') * 10 + minutes[1] - '0') * 60LL;
    *ret = *text == '-' ? -seconds : seconds;
    return seconds <= DAY_SECONDS;
}

bool test_time(const char *text, long long *ret, bool *ret_is_local) {
    enum { WHOLE_SECONDS = 19 }; /* characters */
    long long zone = 0;
    if (strlen(text) < WHOLE_SECONDS)
        return false;
    size_t length = WHOLE_SECONDS + strcspn(text + WHOLE_SECONDS, "Zz+-");
    const char *behind = text + length;
    bool has_offset = *behind == '+' || *behind == '-';
    if (has_offset && (strlen(behind) < 3 || !zone_seconds(behind, &zone)))
        return false;
    autofree char *utc = xasprintf("%.*sZ", (int)(length < 64 ? length : 64), text);
    if (utc[10] == ' ')
        utc[10] = 'T';
    long long at;
    if (!instant_parse(utc, &at))
        return false;
    *ret = at - zone * SECOND;
    *ret_is_local = !*behind;
    return true;
}

/* Surefire writes thousands with a comma: "1,234.5". */
long long test_seconds(const char *text) {
    autobuffer struct buffer digits = BUFFER_INIT;
    for (; *text && digits.length < 32; text++)
        if (*text != ',')
            buffer_putc(&digits, *text);
    double seconds = strtod(digits.data, NULL);
    return seconds > 0 && seconds < 1e6 ? (long long)(seconds * SECOND) : 0;
}

static bool lies_in(long long at, struct test_window run) {
    return at >= run.from - SECOND && at <= run.to + SECOND;
}

/* A time without a zone is that of the runner's: whole quarters of an hour off, if off at all. */
static long long settle(const struct test *test, struct test_window run) {
    const long long quarter = 15 * 60 * SECOND;
    long long at = test->began;
    if (!test->is_local || lies_in(at, run))
        return at;
    long long off = (at - run.from + (at > run.from ? quarter : -quarter) / 2) / quarter * quarter;
    return off > DAY_SECONDS * SECOND || off < -DAY_SECONDS * SECOND ? at : at - off;
}

struct test_window test_window(const struct test *test, struct test_window run) {
    long long at = test->began < 0 ? -1 : settle(test, run);
    if (at < 0 || !lies_in(at, run) || !lies_in(at + test->duration, run))
        return run;
    /* What is between two tests is in no test's time: a sum lags behind more and more. */
    long long slack = test->is_exact ? SECOND / 10 : SECOND;
    struct test_window window = {at - slack, at + test->duration + slack};
    window.from = window.from < run.from ? run.from : window.from;
    window.to = window.to > run.to ? run.to : window.to;
    return window;
}

/* ---- Reading ---- */

struct junit_reader {
    struct tests *into;
    size_t bytes;
    const struct junit_format *format; /* once it is known */
    void *state;
};

struct junit_reader *junit_reader_new(struct tests *into) {
    struct junit_reader *reader = xnew(struct junit_reader);
    reader->into = into;
    return reader;
}

/* Blanks and a byte order mark stand before neither format's first character. */
static size_t skip_front(const char *data, size_t length) {
    size_t i = 0;
    while (i < length && strchr("\xef\xbb\xbf \t\r\n", data[i]) && data[i])
        i++;
    return i;
}

/* A build may have written something before the first event of `go test -json`. */
static void choose(struct junit_reader *reader, char first) {
    reader->format = first == '<' ? &junit_xml : &junit_go;
    reader->state = reader->format->begin(reader->into);
}

bool junit_reader_push(struct junit_reader *reader, const char *data, size_t length,
                       struct err *err) {
    reader->bytes += length;
    if (reader->bytes > JUNIT_BYTES_MOST)
        return err_set(err, ERR_FILE, "it is larger than %d MiB", JUNIT_BYTES_MOST >> 20);
    if (!reader->format) {
        size_t front = skip_front(data, length);
        data += front;
        length -= front;
        if (!length)
            return true;
        choose(reader, *data);
    }
    return reader->format->push(reader->state, data, length, err);
}

bool junit_reader_end(struct junit_reader *reader, struct err *err) {
    if (!reader->format)
        return err_set(err, ERR_FILE, "it is empty");
    return reader->format->end(reader->state, err);
}

struct junit_reader *junit_reader_free(struct junit_reader *reader) {
    if (reader && reader->format)
        reader->format->free(reader->state);
    free(reader);
    return NULL;
}
