/*
 * What a record is made of, before it is told: the engine's log streams and its statistics.
 */
#include "run/collect.h"
#include "run/stamped.h"

#include "base/buffer.h"
#include "base/instant.h"
#include "base/path.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- Lines with times ---- */

static void on_line(void *context, const struct stamped *from, char *text, size_t length) {
    cr_assert_eq(strlen(text), length);
    buffer_printf(context, "%lld:%.8s%s%s;", from->at / 1000000000, text, length > 8 ? "..." : "",
                  from->lines.cut ? "+" : "");
}

/* The same however the stream is cut. */
static void reads_as(const char *stream, size_t length, bool bare, const char *expected) {
    for (size_t piece = 1; piece <= length; piece = piece < 50 ? piece + 1 : piece * 7) {
        struct buffer seen autobuffer = BUFFER_INIT;
        struct stamped stamped;
        stamped_init(&stamped, bare, on_line, &seen);
        for (size_t at = 0; at < length; at += piece)
            stamped_push(&stamped, stream + at, at + piece < length ? piece : length - at);
        stamped_end(&stamped);
        stamped_release(&stamped);
        cr_assert_str_eq(seen.data, expected, "in pieces of %zu", piece);
    }
}

Test(stamped, takes_the_time_from_each_line) {
    static const char stream[] = "1970-01-01T00:00:01.000000001Z one\n"
                                 "1970-01-01T00:00:02.000000000Z \n"
                                 "1970-01-01T00:00:03.000000000Z a b\n"
                                 "1970-01-01T00:00:04.000000000Z no end";
    reads_as(stream, strlen(stream), false, "1:one;2:;3:a b;4:no end;");
}

Test(stamped, takes_the_times_out_of_a_long_line) {
    static const char first[] = "1970-01-01T00:00:01.000000000Z ";
    static const char second[] = "1970-01-01T00:00:02.000000000Z ";
    enum { MESSAGE = 16 << 10, REST = 100 };
    struct buffer stream autobuffer = BUFFER_INIT;
    buffer_puts(&stream, first);
    for (int i = 0; i < MESSAGE; i++)
        buffer_putc(&stream, 'x');
    buffer_puts(&stream, second);
    for (int i = 0; i < REST; i++)
        buffer_putc(&stream, 'x');
    buffer_puts(&stream, "\n1970-01-01T00:00:03.000000000Z next\n");
    reads_as(stream.data, stream.length, false, "1:xxxxxxxx...;3:next;");
}

Test(stamped, a_line_without_a_time_has_that_of_its_coming) {
    struct buffer seen autobuffer = BUFFER_INIT;
    struct stamped stamped;
    long long before = instant_now();
    for (int bare = 0; bare < 2; bare++) {
        stamped_init(&stamped, bare, on_line, &seen);
        stamped_push(&stamped, "no time\n", 8);
        cr_assert(stamped.at >= before && stamped.at <= instant_now());
        stamped_release(&stamped);
    }
    cr_assert(strstr(seen.data, ":no time;"));
}

Test(stamped, a_nul_does_not_end_a_line) {
    reads_as("1970-01-01T00:00:01Z a\0b\n", 25, false, "1:a?b;");
}

/* ---- What a container uses ---- */

static struct event_usage usage_of(const char *json) {
    struct event_usage usage = {0};
    cJSON *stats autojson = cJSON_Parse(json);
    cr_assert(stats && sample_read(stats, &usage));
    return usage;
}

Test(sample, reads_cgroup_v1) {
    struct event_usage usage = usage_of(
        "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":2500000000},"
        "\"throttling_data\":{\"periods\":9,\"throttled_periods\":3,\"throttled_time\":150000000}},"
        "\"memory_stats\":{\"usage\":5000000,\"limit\":9223372036854771712,"
        "\"stats\":{\"total_inactive_file\":1000000,\"inactive_file\":7}},"
        "\"pids_stats\":{\"current\":4},"
        "\"networks\":{\"eth0\":{\"rx_bytes\":10,\"tx_bytes\":20},\"eth1\":{\"rx_bytes\":1}},"
        "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"Read\",\"value\":7},"
        "{\"op\":\"Write\",\"value\":8},{\"op\":\"Total\",\"value\":15}]}}");
    cr_assert(usage.cpu == 2500 && usage.throttled == 150 && usage.memory == 4000000);
    cr_assert(usage.memory_limit == 0 && usage.processes == 4);
    cr_assert(usage.received == 11 && usage.sent == 20 && usage.read == 7 && usage.written == 8);
}

Test(sample, reads_cgroup_v2) {
    struct event_usage usage = usage_of(
        "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1000000}},"
        "\"memory_stats\":{\"usage\":3000000,\"limit\":67108864,"
        "\"stats\":{\"inactive_file\":500000}},"
        "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"read\",\"value\":3}]}}");
    cr_assert(usage.cpu == 1 && usage.memory == 2500000 && usage.memory_limit == 67108864);
    cr_assert(usage.read == 3 && usage.written == 0);
}

/* As engines answered: a loop that may have half a CPU and 50 MiB, and has written a file of 20. */
static bool read_answer(const char *name, struct event_usage *ret) {
    struct err err = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT_MAX(1 << 20);
    autofree char *path = xasprintf("tests/unit/data/stats/%s.json", name);
    cr_assert(path_read(path, &text, &err), "%s", err.message);
    cJSON *stats autojson = cJSON_Parse(text.data);
    return sample_read(stats, ret);
}

Test(sample, reads_what_engines_answered) {
    struct event_usage usage;
    cr_assert(read_answer("v1-20.10", &usage));
    cr_expect(usage.cpu == 1005 && usage.throttled == 52 && usage.processes == 1);
    cr_expect(usage.memory == 21893120 - 20971520 && usage.memory_limit == 50 << 20);
    cr_expect(usage.received == 736 && usage.sent == 0);
    cr_assert(read_answer("v1-28.5", &usage));
    cr_expect(usage.cpu == 692 && usage.throttled == 7 && usage.processes == 1);
    cr_expect(usage.memory == 21901312 - 20971520 && usage.memory_limit == 50 << 20);
    cr_expect(usage.received == 1042 && usage.sent == 126);
    cr_expect_not(read_answer("v2-no-controllers-20.10", &usage));
    cr_expect_not(read_answer("none-20.10", &usage));
}

Test(sample, cpu_time_alone_will_do) {
    struct event_usage usage = usage_of("{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":7000000}},"
                                        "\"memory_stats\":{\"stats\":{\"inactive_file\":0}}}");
    cr_assert(usage.cpu == 7 && usage.memory == 0);
}

Test(sample, says_nothing_of_what_does_not_run) {
    static const char *const answers[] = {"{}", "[]", "{\"memory_stats\":{}}", "null"};
    for (size_t i = 0; i < lengthof(answers); i++) {
        struct event_usage usage;
        cJSON *stats autojson = cJSON_Parse(answers[i]);
        cr_assert(!sample_read(stats, &usage));
    }
}
