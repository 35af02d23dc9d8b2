/* Results of tests, as real runners write them (tests/unit/data/junit/README.md). */
#include "junit/junit.h"

#include "base/instant.h"
#include "base/path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000LL

static bool read_text(const char *text, size_t length, size_t piece, struct tests *into,
                      struct err *err) {
    struct junit_reader *reader = junit_reader_new(into);
    bool good = true;
    for (size_t at = 0; at < length && good; at += piece)
        good = junit_reader_push(reader, text + at, length - at < piece ? length - at : piece, err);
    good = good && junit_reader_end(reader, err);
    junit_reader_free(reader);
    return good;
}

/* The same, however it was cut. */
static void read_file(const char *name, struct tests *into) {
    const size_t pieces[] = {1, 7, 1 << 20};
    autobuffer struct buffer text = BUFFER_INIT;
    autofree char *path = xasprintf("tests/unit/data/junit/%s", name);
    struct err err = ERR_INIT;
    cr_assert(path_read(path, &text, &err), "%s", err.message);
    for (size_t i = 0; i < lengthof(pieces); i++) {
        tests_release(into);
        cr_assert(read_text(text.data, text.length, pieces[i], into, &err), "%s: %s", name,
                  err.message);
    }
}

static void check(const struct tests *tests, size_t which, enum test_status status,
                  const char *label, const char *message) {
    cr_assert_gt(tests->list.length, which);
    const struct test *test = &tests->list.at[which];
    autofree char *got = test_label(test);
    cr_assert_eq(test->status, status, "%s: %d", got, (int)test->status);
    cr_assert_str_eq(got, label);
    cr_assert_str_eq(test->message, message);
}

static void check_began(const struct test *test, const char *expected) {
    char text[INSTANT_SIZE];
    cr_assert_str_eq(instant_format(test->began, text), expected);
}

Test(junit, pytest) {
    struct tests tests = {0};
    read_file("pytest.xml", &tests);
    cr_assert_eq(tests.list.length, 6);
    check(&tests, 0, TEST_PASSED, "test_shop.test_adds", "");
    check(&tests, 1, TEST_FAILED, "test_shop.test_orders",
          "AssertionError: the shop answered {'status': 500, 'body': '<no> & \"why\"'}\n"
          "assert 500 == 201");
    check(&tests, 2, TEST_PASSED, "test_shop.TestCart.test_counts[1]", "");
    check(&tests, 3, TEST_FAILED, "test_shop.TestCart.test_counts[2]", "assert 2 == 1");
    check(&tests, 4, TEST_SKIPPED, "test_shop.TestCart.test_later", "not today");
    check(&tests, 5, TEST_ERROR, "test_shop.test_database",
          "failed on setup with \"ConnectionError: connection refused: 127.0.0.1:5432\"");
    cr_assert(strstr(tests.list.at[1].text, "test_shop.py:13: AssertionError"));
    cr_assert_eq(tests.list.at[1].duration, 238000000);
    cr_assert(tests.list.at[1].is_local);
    check_began(&tests.list.at[1], "2026-11-23T06:07:57.139163000Z");
    tests_release(&tests);
}

Test(junit, jest) {
    struct tests tests = {0};
    read_file("jest-junit.xml", &tests);
    cr_assert_eq(tests.list.length, 3);
    check(&tests, 0, TEST_PASSED, "shop adds", "");
    check(&tests, 1, TEST_FAILED, "shop orders",
          "Error: expect(received).toEqual(expected) // deep equality");
    check(&tests, 2, TEST_SKIPPED, "shop later", "");
    cr_assert_str_eq(tests.list.at[1].suite, "shop");
    tests_release(&tests);
}

Test(junit, surefire) {
    struct tests tests = {0};
    read_file("TEST-org.example.ShopTest.xml", &tests);
    cr_assert_eq(tests.list.length, 4);
    check(&tests, 1, TEST_FAILED, "org.example.ShopTest.orders", "expected: <201> but was: <500>");
    check(&tests, 2, TEST_SKIPPED, "org.example.ShopTest.later", "not today");
    check(&tests, 3, TEST_ERROR, "org.example.ShopTest.database", "Connection refused");
    cr_assert_eq(tests.list.at[1].duration, 1200200 * (SECOND / 1000));
    cr_assert_eq(tests.list.at[1].began, -1);
    tests_release(&tests);
}

Test(junit, go_junit_report) {
    struct tests tests = {0};
    read_file("go-junit-report.xml", &tests);
    cr_assert_eq(tests.list.length, 4);
    check(&tests, 1, TEST_FAILED, "example.org/shop.TestOrders",
          "shop_test.go:12: asking http://127.0.0.1:8080/orders");
    check(&tests, 2, TEST_FAILED, "example.org/shop.TestTable/two_<&>", "shop_test.go:20: not one");
    cr_assert_not(tests.list.at[1].is_local);
    check_began(&tests.list.at[1], "2026-11-23T06:08:27.000000000Z");
    tests_release(&tests);
}

Test(junit, go_test_json) {
    struct tests tests = {0};
    read_file("go-test.json", &tests);
    cr_assert_eq(tests.list.length, 6);
    check(&tests, 0, TEST_PASSED, "example.org/shop.TestAdds", "");
    check(&tests, 1, TEST_FAILED, "example.org/shop.TestOrders",
          "shop_test.go:12: asking http://127.0.0.1:8080/orders");
    check(&tests, 3, TEST_FAILED, "example.org/shop.TestTable/two_<&>", "shop_test.go:20: not one");
    check(&tests, 5, TEST_SKIPPED, "example.org/shop.TestSkipped", "");
    cr_assert_eq(tests.list.at[1].duration, SECOND / 5);
    check_began(&tests.list.at[1], "2026-11-23T06:08:51.352496934Z");
    tests_release(&tests);
}

Test(junit, go_test_json_of_a_package_that_does_not_build) {
    static const char text[] =
        "# example.org/a [example.org/a.test]\n"
        "{\"Action\":\"output\",\"Package\":\"example.org/a\",\"Output\":\"a.go:3: undefined: "
        "x\\n\"}\n"
        "{\"Action\":\"fail\",\"Package\":\"example.org/a\",\"Elapsed\":0}\n";
    struct tests tests = {0};
    struct err err = ERR_INIT;
    cr_assert(read_text(text, strlen(text), 10, &tests, &err), "%s", err.message);
    cr_assert_eq(tests.list.length, 1);
    check(&tests, 0, TEST_FAILED, "example.org/a", "a.go:3: undefined: x");
    tests_release(&tests);
}

static void refuses(const char *text, const char *why) {
    struct tests tests = {0};
    struct err err = ERR_INIT;
    cr_assert_not(read_text(text, strlen(text), 1000, &tests, &err), "%s", text);
    cr_assert(strstr(err.message, why), "`%s` in `%s`", why, err.message);
    err_release(&err);
    tests_release(&tests);
}

Test(junit, refuses) {
    refuses("", "it is empty");
    refuses(" \n", "it is empty");
    refuses("ok 1 - adds\n", "neither JUnit XML");
    refuses("<html></html>", "it begins with <html>");
    refuses("<testsuites><testcase name='a'></testsuites>", "not well-formed XML: line 1");
    refuses("<testsuites>", "not well-formed XML");
    refuses("{\"a\":1}\n", "neither JUnit XML");
    refuses("<!DOCTYPE a [<!ENTITY b 'c'>]><testsuites>&b;</testsuites>", "document type");
    refuses("<!DOCTYPE testsuites SYSTEM 'file:///etc/passwd'><testsuites/>", "document type");
    refuses("<testsuites>&b;</testsuites>", "undefined entity");
    autobuffer struct buffer deep = BUFFER_INIT;
    for (int i = 0; i < 100; i++)
        buffer_puts(&deep, "<testsuite>");
    refuses(deep.data, "nested more than 64 deep");
}

Test(junit, bounds_names_and_texts) {
    autobuffer struct buffer xml = BUFFER_INIT;
    struct tests tests = {0};
    struct err err = ERR_INIT;
    buffer_printf(&xml, "<testsuite><testcase name='%05000d'><failure message='%09000d'>", 1, 2);
    buffer_printf(&xml, "%0100000d</failure></testcase></testsuite>", 3);
    cr_assert(read_text(xml.data, xml.length, 4096, &tests, &err), "%s", err.message);
    cr_assert_eq(strlen(tests.list.at[0].name), JUNIT_NAME_MOST);
    cr_assert_eq(strlen(tests.list.at[0].message), JUNIT_MESSAGE_MOST);
    cr_assert_eq(strlen(tests.list.at[0].text), JUNIT_TEXT_MOST);
    tests_release(&tests);
}

static void check_window(const char *timestamp, long long offset, long long length,
                         const char *expected_from) {
    char text[INSTANT_SIZE];
    struct tests tests = {0};
    struct err err = ERR_INIT;
    struct test_window run;
    instant_parse("2026-11-23T06:08:00Z", &run.from);
    run.to = run.from + 60 * SECOND;
    autofree char *xml =
        xasprintf("<testsuite timestamp='%s'><testcase name='a' time='%lld'/><testcase name='b' "
                  "time='%lld'/></testsuite>",
                  timestamp, offset, length);
    cr_assert(read_text(xml, strlen(xml), 4096, &tests, &err), "%s", err.message);
    struct test_window window = test_window(&tests.list.at[1], run);
    cr_assert_str_eq(instant_format(window.from, text), expected_from, "%s: %s", timestamp, text);
    tests_release(&tests);
}

Test(junit, windows) {
    check_window("2026-11-23T06:08:10Z", 5, 2, "2026-11-23T06:08:14.000000000Z");
    check_window("2026-11-23T06:08:10", 5, 2, "2026-11-23T06:08:14.000000000Z");
    check_window("2026-11-23T08:08:10+02:00", 5, 2, "2026-11-23T06:08:14.000000000Z");
    /* Another zone's clock. */
    check_window("2026-11-23T08:08:10", 5, 2, "2026-11-23T06:08:14.000000000Z");
    check_window("2026-11-23T01:38:10.000", 5, 2, "2026-11-23T06:08:14.000000000Z");
    /* Not of this run, or not at all: the whole of it. */
    check_window("2026-11-21T06:08:10", 5, 2, "2026-11-23T06:08:00.000000000Z");
    check_window("2026-11-23T08:08:10Z", 5, 2, "2026-11-23T06:08:00.000000000Z");
    check_window("2026-11-23T06:08:10Z", 500, 2, "2026-11-23T06:08:00.000000000Z");
    check_window("yesterday", 5, 2, "2026-11-23T06:08:00.000000000Z");
    check_window("", 5, 2, "2026-11-23T06:08:00.000000000Z");
}
