/* Values are taken out of texts, however these are written and cut. */
#include "base/base64.h"
#include "base/json.h"
#include "base/redact.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct redactor *with(const char *value) {
    struct redactor *redactor = redactor_new();
    cr_assert(redactor_add(redactor, value));
    return redactor;
}

static void check(const char *value, const char *text, const char *expected) {
    struct redactor *redactor = with(value);
    struct buffer got autobuffer = BUFFER_INIT;
    redact(redactor, text, strlen(text), &got);
    cr_assert_str_eq(got.data, expected, "`%s` in `%s`: `%s`", value, text, got.data);
    redactor_free(redactor);
}

Test(redact, as_it_stands) {
    check("s3cr3t-value", "before s3cr3t-value after", "before [redacted] after");
    check("s3cr3t-value", "s3cr3t-values3cr3t-value", "[redacted]");
    check("s3cr3t-value", "s3cr3t-valu! s3cr3t-value", "s3cr3t-valu! [redacted]");
    check("aaaaaab", "aaaaaaaaaaab", "aaaaa[redacted]");
    check("ähnlich", "sehr ähnlich.", "sehr [redacted].");
    check("short", "a short text", "a short text");
    check("  padded-value\n", "<padded-value>", "<[redacted]>");
}

Test(redact, across_lines) {
    check("s3cr3t-value", "x s3cr\n3t-value y\n", "x [redacted]\n[redacted] y\n");
    check("s3cr3t-value", "x s3cr\r\n3t-value y", "x [redacted]\n[redacted] y");
    check("first line\nsecond line", "<first line>, <second line>", "<[redacted]>, <[redacted]>");
    check("first line\nsecond line", "<first line\nsecond line>", "<[redacted]\n[redacted]>");
    check("first line\nsecond line", "{\"k\":\"first line\\nsecond line\"}",
          "{\"k\":\"[redacted]\"}");
}

Test(redact, escaped) {
    check("p@ss/w&rd", "a=p%40ss%2fw%26rd&b", "a=[redacted]&b");
    check("p@ss/w&rd", "a=p@ss%2Fw%26rd&b", "a=[redacted]&b");
    check("pass word", "a=pass+word&b=pass%20word", "a=[redacted]&b=[redacted]");
    check("100%pure", "say 100%pure or 100%25pure", "say [redacted] or [redacted]");
    check("a\"b\\c/d\te", "{\"k\":\"a\\\"b\\\\c\\/d\\te\"}", "{\"k\":\"[redacted]\"}");
    check("gr\xc3\xbc\xc3\x9f dich", "\"gr\\u00fc\\u00df dich\"", "\"[redacted]\"");
    check("gr\xc3\xbc\xc3\x9f dich", "b'gr\\xc3\\xbc\\xc3\\x9f dich'", "b'[redacted]'");
    check("smile \xf0\x9f\x98\x80!", "\"smile \\ud83d\\ude00!\"", "\"[redacted]\"");
    check("<p@ss&w\"rd>", "<v>&lt;p@ss&amp;w&quot;rd&#62;</v>", "<v>[redacted]</v>");
    check("it's secret", "echo 'it'\\''s secret' it\\'s\\ secret", "echo '[redacted]' [redacted]");
}

static void check_base64(const char *prefix, const char *value, const char *suffix) {
    char *whole autofree = xasprintf("%s%s%s", prefix, value, suffix);
    char *text autofree = base64_encode_url(whole, strlen(whole));
    struct redactor *redactor = with(value);
    struct buffer got autobuffer = BUFFER_INIT;
    char *shown autofree = xasprintf("Basic %s.", text);
    redact(redactor, shown, strlen(shown), &got);
    cr_assert(strstr(got.data, REDACTED), "%s: %s", whole, got.data);
    cr_assert_lt(strlen(got.data), strlen("Basic .") + strlen(REDACTED) +
                                       (strlen(prefix) + strlen(suffix)) * 4 / 3 + 8);
    redactor_free(redactor);
}

Test(redact, base64_at_each_alignment) {
    static const char *const affixes[] = {"", "u", "us", "use", "user", "user:", "a\n"};
    for (size_t i = 0; i < lengthof(affixes); i++)
        for (size_t j = 0; j < lengthof(affixes); j++) {
            check_base64(affixes[i], "s3cr3t", affixes[j]);
            check_base64(affixes[i], ">>??\xff\xfe~~", affixes[j]);
        }
    /* wrapped, as base64(1) does */
    check("a value that is long enough to be wrapped by base64(1), at 76 columns",
          "YSB2YWx1ZSB0aGF0IGlzIGxvbmcgZW5vdWdoIHRvIGJlIHdyYXBwZWQgYnkgYmFzZTY0KDEpLCBh\n"
          "dCA3NiBjb2x1bW5z\n",
          "[redacted]\n[redacted]\n");
}

Test(redact, long_values_piece_by_piece) {
    char value[1001], text[1100];
    for (size_t i = 0; i < 1000; i++)
        value[i] = (char)('A' + (i * i / 7 + i * 11) % 57);
    value[1000] = '\0';
    snprintf(text, sizeof text, "<%s>", value);
    check(value, text, "<[redacted]>");
    snprintf(text, sizeof text, "<%.300s>", value + 200); /* a part of it */
    struct redactor *redactor = with(value);
    struct buffer got autobuffer = BUFFER_INIT;
    redact(redactor, text, strlen(text), &got);
    cr_assert_lt(got.length, 90, "%s", got.data);
    redactor_free(redactor);
}

Test(redact, what_is_cut) {
    check("0123456789abcdef", "it is 0123456789ab", "it is [redacted]");
    check("0123456789abcdef", "456789abcdef it was", "[redacted] it was");
    check("0123456789abcdef", "cdef it was 0123", "cdef it was 0123");
    check("password-of-the-postgres-server", "the user is password", "the user is password");
}

/* ---- Pieces ---- */

static void take(void *context, const char *data, size_t length) {
    buffer_add(context, data, length);
}

static char *in_pieces(struct redactor *redactor, const char *text, size_t piece) {
    struct buffer got = BUFFER_INIT;
    struct redaction *redaction = redaction_new(redactor, take, &got);
    for (size_t at = 0, length = strlen(text); at < length; at += piece)
        redaction_push(redaction, text + at, length - at < piece ? length - at : piece);
    redaction_end(redaction);
    redaction_free(redaction);
    return buffer_detach(&got);
}

Test(redact, however_it_is_cut_into_chunks) {
    static const char text[] = "first s3cr3t-value\nand czNjcjN0LXZhbHVl, then s3cr3t%2Dvalue\n"
                               "{\"k\": \"s3cr3t\\u002dvalue\"} s3cr3t\n-value the end s3cr3t-val";
    struct redactor *redactor = with("s3cr3t-value");
    char *whole autofree = in_pieces(redactor, text, sizeof text);
    cr_assert_str_eq(whole, "first [redacted]\nand [redacted], then [redacted]\n"
                            "{\"k\": \"[redacted]\"} [redacted]\n[redacted] the end [redacted]");
    for (size_t piece = 1; piece < 40; piece++) {
        char *got autofree = in_pieces(redactor, text, piece);
        cr_assert_str_eq(got, whole);
    }
    redactor_free(redactor);
}

Test(redact, little_is_held_back) {
    struct redactor *redactor = with("s3cr3t-value");
    struct buffer got autobuffer = BUFFER_INIT;
    struct redaction *redaction = redaction_new(redactor, take, &got);
    for (int i = 0; i < 2000; i++)
        redaction_push(redaction, i % 3 ? "\n" : "s3cr3t-", i % 3 ? 1 : 7);
    cr_assert_gt(got.length, 2000);
    redaction_push(redaction, "value", 5);
    redaction_end(redaction);
    redaction_free(redaction);
    cr_assert(strstr(got.data, REDACTED));
    redactor_free(redactor);
}

Test(redact, a_value_that_is_added_meanwhile) {
    struct redactor *redactor = redactor_new();
    struct buffer got autobuffer = BUFFER_INIT;
    struct redaction *redaction = redaction_new(redactor, take, &got);
    redaction_push(redaction, "later-value-1 later-", 20);
    redactor_add(redactor, "later-value");
    redaction_push(redaction, "value later-value\n", 18);
    redaction_end(redaction);
    redaction_free(redaction);
    cr_assert(!strstr(got.data, "later-value later-value"), "%s", got.data);
    cr_assert(strstr(got.data, "[redacted]\n"), "%s", got.data);
    redactor_free(redactor);
}

/* ---- Lines, JSON, errors ---- */

Test(redact, lines_stay_lines) {
    char *lines[] = {xstrdup("one s3cr"), xstrdup("3t-value two"), xstrdup(""), xstrdup("a\nb")};
    struct redactor *redactor = with("s3cr3t-value");
    redact_lines(redactor, lines, lengthof(lines));
    cr_assert_str_eq(lines[0], "one [redacted]");
    cr_assert_str_eq(lines[1], "[redacted] two");
    cr_assert_str_eq(lines[2], "");
    cr_assert_str_eq(lines[3], "a\nb");
    for (size_t i = 0; i < lengthof(lines); i++)
        free(lines[i]);
    redactor_free(redactor);
}

Test(redact, json_keeps_its_form) {
    cJSON *json = cJSON_Parse("{\"Env\":[\"A=s3cr3t-value\",\"B=1\"],\"s3cr3t-value\":123456}");
    struct redactor *redactor = with("s3cr3t-value");
    redactor_add(redactor, "123456");
    redact_json(redactor, json);
    char *text autofree = json_line(json);
    cr_assert_str_eq(text, "{\"Env\":[\"A=[redacted]\",\"B=1\"],\"[redacted]\":123456}");
    cJSON_Delete(json);
    redactor_free(redactor);
}

Test(redact, errors_and_nothing_at_all) {
    struct err err = ERR_INIT, more = ERR_INIT;
    struct redactor *redactor = with("s3cr3t-value");
    err_set(&err, ERR_FILE, "no s3cr3t-value here");
    err_set(&more, ERR_FILE, "nor s3cr3t-value there");
    err_join(&err, &more);
    redact_err(redactor, &err);
    cr_assert_str_eq(err.message, "no [redacted] here");
    cr_assert_str_eq(err.next->message, "nor [redacted] there");
    err_release(&err);
    redactor_free(redactor);

    char *same autofree = xstrdup("s3cr3t-value");
    redact_string(NULL, &same);
    cr_assert_str_eq(same, "s3cr3t-value");
    redactor = redactor_new();
    check("", "s3cr3t-value", "s3cr3t-value");
    redactor_free(redactor);
}

Test(redact, there_is_a_maximum) {
    struct redactor *redactor = redactor_new();
    char *large autofree = xmalloc(REDACT_TOTAL_MAX + 2);
    memset(large, 'x', REDACT_TOTAL_MAX + 1);
    large[REDACT_TOTAL_MAX + 1] = '\0';
    cr_assert_not(redactor_add(redactor, large));
    for (int i = 0; i < 5000; i++) {
        char value[40];
        snprintf(value, sizeof value, "value-%08d-%08d", i * 7919, i);
        cr_assert(redactor_add(redactor, value));
    }
    char *got autofree = in_pieces(redactor, "a value-00007919-00000001 b", 5);
    cr_assert_str_eq(got, "a [redacted] b");
    redactor_free(redactor);
}

Test(redact, names_of_what_is_looked_for) {
    struct redactor *redactor = redactor_new();
    cr_assert(redactor_add_named(redactor, "TOKEN", "first-value"));
    cr_assert(redactor_add_named(redactor, "TOKEN", "second-value"));
    cr_assert(redactor_add_named(redactor, "SHORT", " 12345 "));
    cr_assert(redactor_add_named(redactor, "KEY", "third-value"));
    const struct strings *names = redactor_names(redactor);
    cr_assert_eq(names->length, 2);
    cr_assert_str_eq(names->at[0], "KEY");
    cr_assert_str_eq(names->at[1], "TOKEN");
    cr_assert_eq(redactor_names(NULL)->length, 0);
    redactor_free(redactor);
}
