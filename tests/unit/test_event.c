#include <envrun/event.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/redact.h"
#include "base/utf8.h"
#include "event/redact_log.h"

#include <criterion/criterion.h>
#include <string.h>

static struct event full_event(void) {
    struct event event = {
        .kind = EVENT_FAILED,
        .ms = 1234,
        .time = 1700000000123,
        .service = xstrdup("db"),
        .phase = PHASE_READY,
        .status = STATUS_FAILED,
        .duration = 60000,
        .code = -1,
        .count = 3,
        .total = 7,
        .text = xstrdup("a \"quoted\"\nsentence"),
        .detail = xstrdup("envrun.yaml:12:5"),
    };
    event_add_line(&event, "first");
    event_add_line(&event, "");
    event_add_hint(&event, "envrun logs %s", "db");
    return event;
}

Test(event, encodes_every_field) {
    struct event event = full_event();
    char *line autofree = event_encode(&event);
    cr_assert_str_eq(line, "{\"v\":1,\"event\":\"failed\",\"ms\":1234,\"time\":1700000000123,"
                           "\"service\":\"db\",\"phase\":\"ready\",\"status\":\"failed\","
                           "\"code\":-1,\"duration\":60000,\"count\":3,\"total\":7,"
                           "\"text\":\"a \\\"quoted\\\"\\nsentence\","
                           "\"detail\":\"envrun.yaml:12:5\",\"list\":[\"first\",\"\"],"
                           "\"hints\":[\"envrun logs db\"]}");
    event_release(&event);
}

Test(event, leaves_out_what_is_not_there) {
    char *note autofree = event_encode(&(struct event){.kind = EVENT_NOTE});
    cr_assert_str_eq(note, "{\"v\":1,\"event\":\"note\",\"ms\":0}");
    char *outcome autofree = event_encode(&(struct event){.kind = EVENT_OUTCOME});
    cr_assert_str_eq(outcome, "{\"v\":1,\"event\":\"outcome\",\"ms\":0,\"code\":0,\"duration\":0}");
}

Test(event, reads_back_what_it_wrote) {
    struct event event = full_event(), again = {0};
    struct err err = ERR_INIT;
    char *line autofree = event_encode(&event);
    cr_assert(event_decode(line, &again, &err));
    char *line_again autofree = event_encode(&again);
    cr_assert_str_eq(line, line_again);
    event_release(&event);
    event_release(&again);
}

Test(event, every_kind_phase_and_status_has_a_name_that_reads_back) {
    for (int kind = 0; kind <= EVENT_OUTCOME; kind++)
        for (int phase = 0; phase <= PHASE_STOP; phase++)
            for (int status = 0; status <= STATUS_FAILED; status++) {
                struct event event = {.kind = kind, .phase = phase, .status = status}, again = {0};
                struct err err = ERR_INIT;
                char *line autofree = event_encode(&event);
                cr_assert(event_decode(line, &again, &err), "%s", line);
                cr_assert(again.kind == event.kind && again.phase == event.phase &&
                          again.status == event.status);
            }
    cr_assert_str_eq(event_kind_name(1000), "unknown");
}

Test(event, repairs_bytes_that_are_not_utf8) {
    struct event event = {.kind = EVENT_NOTE, .text = xstrdup("a\xff\xc3(\xe2\x82"), .ms = 1};
    char *line autofree = event_encode(&event);
    cr_assert_str_eq(line, "{\"v\":1,\"event\":\"note\",\"ms\":1,\"text\":\"a��(��\"}");
    event_release(&event);
}

Test(event, refuses_what_is_no_event) {
    static const char *const lines[] = {
        "",
        "{",
        "null",
        "[]",
        "\"event\"",
        "{}",
        "{\"v\":1}",
        "{\"v\":2,\"event\":\"note\"}",
        "{\"v\":\"1\",\"event\":\"note\"}",
        "{\"v\":1,\"event\":7}",
        "{\"v\":1,\"event\":\"gone\"}",
        "{\"v\":1,\"event\":\"note\"} tail",
        "{\"v\":1,\"event\":\"note\",\"ms\":\"1\"}",
        "{\"v\":1,\"event\":\"note\",\"ms\":1.5}",
        "{\"v\":1,\"event\":\"note\",\"ms\":1e300}",
        "{\"v\":1,\"event\":\"note\",\"ms\":-1e16}",
        "{\"v\":1,\"event\":\"note\",\"code\":4294967296}",
        "{\"v\":1,\"event\":\"note\",\"phase\":\"later\"}",
        "{\"v\":1,\"event\":\"note\",\"status\":[]}",
        "{\"v\":1,\"event\":\"note\",\"text\":{}}",
        "{\"v\":1,\"event\":\"note\",\"text\":null}",
        "{\"v\":1,\"event\":\"note\",\"list\":\"x\"}",
        "{\"v\":1,\"event\":\"note\",\"list\":[\"x\",1]}",
        "{\"v\":1,\"event\":\"note\",\"hints\":[[]]}",
        "{\"v\":1,\"event\":\"note\",\"text\":\"\xff\"}",
    };
    for (size_t i = 0; i < lengthof(lines); i++) {
        struct event event = {.count = 77};
        struct err err = ERR_INIT;
        cr_expect_not(event_decode(lines[i], &event, &err), "%s", lines[i]);
        cr_expect_eq(err.kind, ERR_FILE);
        cr_expect_eq(event.count, 77, "untouched on failure");
        err_release(&err);
    }
}

Test(event, passes_over_unknown_fields) {
    struct event event = {0};
    struct err err = ERR_INIT;
    cr_assert(event_decode(" {\"later\":[{}],\"v\":1,\"event\":\"note\",\"text\":\"x\"}\n", &event,
                           &err));
    cr_assert_str_eq(event.text, "x");
    event_release(&event);
}

/* "{...TEXT[ITEM,ITEM,...". */
static char *repeated(const char *begin, const char *item, size_t count, const char *end) {
    struct buffer line = BUFFER_INIT;
    buffer_puts(&line, begin);
    for (size_t i = 0; i < count; i++)
        buffer_puts(&line, item);
    buffer_puts(&line, end);
    return buffer_detach(&line);
}

Test(event, refuses_what_is_too_much) {
    const char *begin = "{\"v\":1,\"event\":\"note\",\"list\":[";
    char *lines[] = {
        repeated(begin, "\"x\",", 10000, "\"x\"]}"),
        repeated(begin, "[", 100000, ""),
        repeated(begin, " ", 5 << 20, "]}"),
    };
    for (size_t i = 0; i < lengthof(lines); i++) {
        struct event event = {0};
        struct err err = ERR_INIT;
        cr_expect_not(event_decode(lines[i], &event, &err));
        err_release(&err);
        free(lines[i]);
    }
}

Test(event, survives_a_line_cut_anywhere) {
    struct event event = full_event();
    char *line autofree = event_encode(&event);
    event_release(&event);
    for (size_t length = strlen(line); length-- > 0;) {
        struct err err = ERR_INIT;
        char *cut autofree = xstrndup(line, length);
        cr_assert_not(event_decode(cut, &event, &err));
        err_release(&err);
    }
}

Test(event, survives_a_line_with_any_byte_changed) {
    struct event original = full_event();
    char *line autofree = event_encode(&original);
    event_release(&original);
    for (size_t at = 0; line[at]; at++)
        for (int byte = 1; byte < 256; byte += 7) {
            struct event event = {0};
            struct err err = ERR_INIT;
            char *changed autofree = xstrdup(line);
            changed[at] = (char)byte;
            if (event_decode(changed, &event, &err))
                event_release(&event);
            err_release(&err);
        }
}

Test(utf8, reads_back_every_character) {
    for (uint32_t c = 1; c < 0x110000; c++) {
        struct buffer text autobuffer = BUFFER_INIT;
        uint32_t again;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        utf8_put(&text, c);
        cr_assert_eq(utf8_next(text.data, text.length, &again), text.length);
        cr_assert_eq(again, c);
    }
}

Test(utf8, says_what_is_not_utf8) {
    static const char *const texts[] = {"\xc0\x80",         "\xe0\x80\x80", "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80", "\x80",         "\xe2\x82"};
    for (size_t i = 0; i < lengthof(texts); i++) {
        uint32_t c;
        cr_expect_eq(utf8_next(texts[i], strlen(texts[i]), &c), 1);
        cr_expect_eq(c, UTF8_INVALID);
    }
}

Test(event, a_log_line_reads_back_to_the_nanosecond) {
    struct event event = {.kind = EVENT_LOG,
                          .service = xstrdup("db"),
                          .at = 1700000000123456789,
                          .stream = EVENT_STDERR,
                          .unfinished = true,
                          .text = xstrdup("a line")};
    struct event again = {0};
    struct err err = ERR_INIT;
    char *line autofree = event_encode(&event);
    cr_assert_str_eq(line, "{\"v\":1,\"event\":\"log\",\"ms\":0,\"service\":\"db\","
                           "\"at\":\"2023-11-14T22:13:20.123456789Z\",\"stream\":\"stderr\","
                           "\"unfinished\":true,\"text\":\"a line\"}");
    cr_assert(event_decode(line, &again, &err));
    cr_assert(again.at == event.at && again.stream == EVENT_STDERR && again.unfinished);
    event_release(&event);
    event_release(&again);
}

Test(event, a_sample_reads_back) {
    struct event event = {.kind = EVENT_SAMPLE,
                          .usage = {.cpu = 1,
                                    .throttled = 2,
                                    .memory = 3,
                                    .memory_limit = 4,
                                    .processes = 5,
                                    .received = 6,
                                    .sent = 7,
                                    .read = 8,
                                    .written = 9}};
    struct event again = {0};
    struct err err = ERR_INIT;
    char *line autofree = event_encode(&event);
    cr_assert(event_decode(line, &again, &err));
    cr_assert(!memcmp(&event.usage, &again.usage, sizeof event.usage), "%s", line);
}

Test(event, refuses_times_and_usages_that_are_none) {
    static const char *const lines[] = {
        "{\"v\":1,\"event\":\"log\",\"at\":5}",
        "{\"v\":1,\"event\":\"log\",\"at\":\"yesterday\"}",
        "{\"v\":1,\"event\":\"log\",\"at\":\"2023-11-14T22:13:20Zx\"}",
        "{\"v\":1,\"event\":\"log\",\"stream\":\"stdin\"}",
        "{\"v\":1,\"event\":\"sample\",\"usage\":{\"cpu\":\"1\"}}",
        "{\"v\":1,\"event\":\"sample\",\"usage\":{\"cpu\":1e300}}",
    };
    for (size_t i = 0; i < lengthof(lines); i++) {
        struct event event = {0};
        struct err err = ERR_INIT;
        cr_assert(!event_decode(lines[i], &event, &err), "%s", lines[i]);
        err_release(&err);
    }
}

/* ---- Values that are taken out ---- */

static void append(void *context, const struct event *event) {
    buffer_printf(context, "%lld %d %s|", event->at, (int)event->stream, event->text);
}

static void tell_log(struct log_redactor *logs, const char *service, enum event_stream stream,
                     long long at, const char *text) {
    struct event event = {.kind = EVENT_LOG,
                          .service = xstrdup(service),
                          .stream = stream,
                          .at = at,
                          .text = xstrdup(text)};
    log_redactor_tell(logs, &event);
}

Test(event, a_value_over_two_lines_of_a_log) {
    struct buffer told autobuffer = BUFFER_INIT;
    struct event_listener listener = {
        .event = append, .context = &told, .redactor = redactor_new()};
    struct log_redactor *logs = log_redactor_new(&listener);
    redactor_add(listener.redactor, "s3cr3t-value");
    tell_log(logs, "a", EVENT_STDOUT, 1,
             "a line that is longer than any value is, so that it goes on at once, s3cr");
    tell_log(logs, "a", EVENT_STDERR, 2,
             "3t-value stands alone in this stream, which is longer than the longest of values");
    tell_log(logs, "b", EVENT_STDOUT, 3, "3t-value");
    tell_log(logs, "a", EVENT_STDOUT, 4, "3t-value ends");
    tell_log(logs, "a", EVENT_STDOUT, 5, "");
    log_redactor_end(logs, "a", NULL);
    cr_assert_str_eq(
        told.data,
        "1 1 a line that is longer than any value is, so that it goes on at once, [redacted]|"
        "2 2 [redacted] stands alone in this stream, which is longer than the longest of values|"
        "4 1 [redacted] ends|5 1 |");
    log_redactor_end(logs, NULL, NULL);
    cr_assert(strstr(told.data, "|3 1 [redacted]|"), "%s", told.data);
    log_redactor_free(logs);
    redactor_free(listener.redactor);
}

Test(event, an_object_stays_json) {
    struct buffer told autobuffer = BUFFER_INIT;
    struct event_listener listener = {
        .event = append, .context = &told, .redactor = redactor_new()};
    struct event event = {.kind = EVENT_OBJECT,
                          .text = xstrdup("{\"Env\": [\"A=123456\"], \"Memory\": 123456}")};
    redactor_add(listener.redactor, "123456");
    event_tell(&event, &listener);
    cr_assert_str_eq(told.data, "0 0 {\"Env\":[\"A=[redacted]\"],\"Memory\":123456}|");
    redactor_free(listener.redactor);
}
