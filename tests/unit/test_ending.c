/* How two runs ended is compared, and what of a suite's last lines says nothing about a cause. */
#include "base/json.h"
#include "base/text.h"
#include "replay/ending.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { OUT, ERR };

static void tell_suite(struct ending *ending, enum event_status status) {
    struct event event = {.kind = EVENT_SUITE, .text = xstrdup("suite"), .status = status};
    ending_take(ending, &event);
    event_release(&event);
}

static void begin(struct ending *ending) {
    *ending = (struct ending){.environment = xstrdup("shop-1a2b3c"),
                              .directory = xstrdup("/home/me/shop")};
    tell_suite(ending, STATUS_BEGAN);
}

static void write_line(struct ending *ending, enum event_stream stream, const char *text) {
    struct event event = {
        .kind = EVENT_LOG, .detail = xstrdup("suite"), .stream = stream, .text = xstrdup(text)};
    ending_take(ending, &event);
    event_release(&event);
}

static void finish(struct ending *ending) {
    tell_suite(ending, STATUS_FAILED);
    ending_end(ending, "failed", 3);
}

/* As a bundle has it. */
static void store(struct ending *ending) {
    autojson cJSON *json = ending_encode(ending);
    struct err err = ERR_INIT;
    ending_release(ending);
    cr_assert(ending_decode(json, ending, &err), "%s", err.message);
}

/* Two runs with one line each; answers what differs, to be freed. */
static char *differences(const char *then_line, const char *now_line) {
    struct ending then, now;
    autostrings struct strings list = {0};
    const char *by;
    begin(&then);
    begin(&now);
    write_line(&then, EVENT_STDOUT, then_line);
    write_line(&now, EVENT_STDOUT, now_line);
    finish(&then);
    finish(&now);
    store(&then);
    ending_compare(&then, &now, &list, &by);
    cr_expect(text_starts(by, "exit code, cause and the suite's last lines"));
    ending_release(&then);
    ending_release(&now);
    return strings_join(&list, "\n");
}

static void are_one(const char *then, const char *now) {
    autofree char *got = differences(then, now);
    cr_expect_str_empty(got, "`%s`", got);
}

Test(ending, what_says_nothing_is_left_out) {
    are_one("took 0.52s on port 32768", "took 12.1 s on port 40001");
    are_one("2024-05-01T12:00:02.5Z ERROR: x", "2025-06-02 01:00:02,125 ERROR: x");
    are_one("2024-05-01 12:00:02.123 UTC [31] ERROR: x", "2024-05-03 02:00:02.1 UTC [7] ERROR: x");
    are_one("api[31]: gone", "api[4012]: gone");
    are_one("http://172.18.0.3:8080/a", "http://10.112.0.66:8080/a");
    are_one("postgres://127.0.0.1:32768/db", "postgres://localhost:32991/db");
    are_one("pid 12 wrote /tmp/tmp.aB3/x.log", "pid 4711 wrote /tmp/pytest-of-me/0/x.log");
    are_one("at /home/me/shop/a.py:12", "at /home/me/shop/a.py:12");
    are_one("\x1b[31mred\x1b[0m", "red");
    are_one("10%\r50%\rdone in 3s\r", "99%\rdone in 4s");
    are_one("connect to shop-1a2b3c-db-1", "connect to shop-1a2b3c-db-1");
}

Test(ending, last_lines_of_known_runners) {
    are_one("========= 1 failed, 3 passed in 0.52s =========",
            "======= 1 failed, 3 passed in 62.52s (0:01:02) =======");
    are_one("Time:        1.234 s, estimated 2 s", "Time:        0.9 s");
    are_one("  \xe2\x9c\x93 adds (5 ms)", "  \xe2\x9c\x93 adds");
    are_one("--- FAIL: TestAdd (0.00s)", "--- FAIL: TestAdd (1.25s)");
    are_one("FAIL\texample.com/shop\t0.005s", "FAIL\texample.com/shop\t1m2.1s");
    are_one("[ERROR] Tests run: 3, Failures: 1, Time elapsed: 0.032 s <<< FAILURE!",
            "[ERROR] Tests run: 3, Failures: 1, Time elapsed: 1.9 s <<< FAILURE!");
    are_one("Finished in 0.00123 seconds (files took 0.1 seconds to load)",
            "Finished in 1 minute 2.3 seconds (files took 1.1 seconds to load)");
    are_one("Time: 00:00.012, Memory: 4.00 MB", "Time: 00:01.5, Memory: 6.00 MB");
    are_one("# duration_ms 12.34", "# duration_ms 7");
}

Test(ending, what_a_cause_may_be_stays) {
    static const char *const pairs[][2] = {
        {"1 failed, 3 passed in 0.5s", "2 failed, 2 passed in 0.5s"},
        {"expected 4, got 5", "expected 4, got 6"},
        {"report 12 is wrong", "report 13 is wrong"},
        {"no such table: users", "no such table: orders"},
        {"at /home/me/shopping/a", "at /home/you/shopping/a"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        autofree char *got = differences(pairs[i][0], pairs[i][1]);
        autofree char *expected = xasprintf("the suite wrote then, and does not here: %s\n"
                                            "the suite writes here, and did not then: %s",
                                            pairs[i][0], pairs[i][1]);
        if (i)
            cr_expect_str_eq(got, expected);
        else
            cr_expect(*got);
    }
}

/* ---- Order ---- */

static enum ending_verdict compare(struct ending *then, struct ending *now, char **ret_text) {
    autostrings struct strings list = {0};
    const char *by;
    finish(then);
    finish(now);
    store(then);
    enum ending_verdict verdict = ending_compare(then, now, &list, &by);
    *ret_text = strings_join(&list, "\n");
    ending_release(then);
    ending_release(now);
    return verdict;
}

/* One stream writes much behind the other's last line, or before it. */
Test(ending, the_order_of_two_streams_is_chance) {
    struct ending then, now;
    autofree char *text = NULL;
    begin(&then);
    begin(&now);
    write_line(&then, EVENT_STDERR, "fatal: no rows");
    for (int i = 0; i < 1000; i++) {
        autofree char *line = xasprintf("row-%d", i);
        write_line(&then, EVENT_STDOUT, line);
        write_line(&now, EVENT_STDOUT, line);
    }
    write_line(&now, EVENT_STDERR, "fatal: no rows");
    cr_expect_eq(compare(&then, &now, &text), VERDICT_REPRODUCED, "%s", text);
}

/* Two processes that write to one pipe. */
Test(ending, the_order_of_lines_is_chance) {
    struct ending then, now;
    autofree char *text = NULL;
    begin(&then);
    begin(&now);
    for (int i = 0; i < 100; i++) {
        autofree char *a = xasprintf("a-%d", i);
        autofree char *b = xasprintf("b-%d", i);
        write_line(&then, EVENT_STDOUT, a);
        write_line(&then, EVENT_STDOUT, b);
        write_line(&now, EVENT_STDOUT, b);
        write_line(&now, EVENT_STDOUT, a);
    }
    cr_expect_eq(compare(&then, &now, &text), VERDICT_REPRODUCED, "%s", text);
}

Test(ending, how_often_it_waited_is_chance) {
    struct ending then, now;
    autofree char *text = NULL;
    begin(&then);
    begin(&now);
    for (int i = 0; i < 30; i++)
        write_line(&then, EVENT_STDOUT, "waiting");
    write_line(&now, EVENT_STDOUT, "waiting");
    cr_expect_eq(compare(&then, &now, &text), VERDICT_REPRODUCED, "%s", text);
}

Test(ending, only_the_last_suite_and_the_beginning_of_long_lines_count) {
    struct ending ending;
    begin(&ending);
    write_line(&ending, EVENT_STDOUT, "of the first suite");
    tell_suite(&ending, STATUS_DONE);
    tell_suite(&ending, STATUS_BEGAN);
    ending_add_line(&ending, OUT, "begins", true);
    ending_add_line(&ending, OUT, " goes on", true);
    ending_add_line(&ending, OUT, " ends", false);
    ending_add_line(&ending, OUT, "the next", false);
    autofree char *long_line = xmalloc(5001);
    memset(long_line, 'x', 5000);
    long_line[5000] = '\0';
    ending_add_line(&ending, ERR, long_line, false);
    finish(&ending);
    const struct strings *out = &ending.outputs[OUT].last, *errors = &ending.outputs[ERR].last;
    cr_assert_eq(out->length, 2);
    cr_expect_str_eq(out->at[0], "begins");
    cr_expect_str_eq(out->at[1], "the next");
    cr_assert_eq(errors->length, 1);
    cr_expect_eq(strlen(errors->at[0]), 1000);
    ending_release(&ending);
}

/* ---- Tests ---- */

Test(ending, tests_are_in_the_order_of_their_names) {
    struct ending ending;
    begin(&ending);
    ending_add_test(&ending, "b", "expected 1 in 0.3 s");
    ending_add_test(&ending, "a", NULL);
    ending_add_test(&ending, "b", "another");
    cr_assert_eq(ending.tests.length, 3);
    cr_expect_str_eq(ending.tests.at[0].name, "a");
    cr_expect_str_eq(ending.tests.at[1].message, "another");
    cr_expect_str_eq(ending.tests.at[2].message, "expected 1 in <duration>");
    ending_release(&ending);
}
