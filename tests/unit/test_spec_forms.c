#include "spec/passes.h"
#include "spec/scalar.h"

#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

Test(duration, reads_what_go_reads) {
    long long ms = -1;
    cr_assert(duration_parse("1h30m", &ms) && ms == 5400000);
    cr_assert(duration_parse("1.5s", &ms) && ms == 1500);
    cr_assert(duration_parse("250ms", &ms) && ms == 250);
    cr_assert(duration_parse("1m1s1ms", &ms) && ms == 61001);
    cr_assert(duration_parse("0", &ms) && ms == 0);
    cr_assert(duration_parse(".5s", &ms) && ms == 500);
}

Test(duration, refuses_the_rest) {
    static const char *const wrong[] = {"",    "5",     "1d",   "s",       "1h 30m",
                                        "-1s", "1..5s", "1e3s", "10 years"};
    long long ms;
    for (size_t i = 0; i < lengthof(wrong); i++)
        cr_assert_not(duration_parse(wrong[i], &ms), "%s", wrong[i]);
}

Test(duration, prints_as_go_does) {
    static const struct {
        const char *from, *to;
    } pairs[] = {
        {"90s", "1m30s"}, {"3600s", "1h0m0s"}, {"1500ms", "1.5s"},   {"1500us", "1.5ms"},
        {"0", "0s"},      {"1ns", "1ns"},      {"100h", "100h0m0s"}, {"2us", "2\u00b5s"},
    };
    struct arena *arena = arena_new();
    long long nanoseconds;
    for (size_t i = 0; i < lengthof(pairs); i++) {
        cr_assert(duration_parse_nanoseconds(pairs[i].from, &nanoseconds));
        cr_assert_str_eq(duration_text(arena, nanoseconds), pairs[i].to);
    }
    arena_free(arena);
}

Test(size, units_are_powers_of_two) {
    long long size;
    cr_assert(size_parse("64m", &size) && size == 64 << 20);
    cr_assert(size_parse("1.5g", &size) && size == 3LL << 29);
    cr_assert(size_parse("10 kb", &size) && size == 10240);
    cr_assert(size_parse("10KiB", &size) && size == 10240);
    cr_assert(size_parse("7", &size) && size == 7);
    static const char *const wrong[] = {"", "lots", "-1", "1x", "10kbb", ".5g", "5.", "1  k"};
    for (size_t i = 0; i < lengthof(wrong); i++)
        cr_assert_not(size_parse(wrong[i], &size), "%s", wrong[i]);
}

/* ---- Ports ---- */

static char *ports_text(const char *text) {
    struct context context = {.arena = arena_new()};
    struct err err = ERR_INIT;
    struct node *list = tree_new(context.arena, NODE_LIST, (struct position){0});
    struct buffer out = BUFFER_INIT;
    if (!ports_parse(&context, text, (struct position){0}, list, &err))
        buffer_puts(&out, "error");
    node_each (port, list)
        buffer_printf(&out, "%s[%s]%s>%s/%s", out.length ? " " : "", node_text(port, "host_ip", ""),
                      node_text(port, "published", ""), node_text(port, "target", ""),
                      node_text(port, "protocol", ""));
    err_release(&err);
    arena_free(context.arena);
    return buffer_detach(&out);
}

Test(ports, short_forms) {
    static const struct {
        const char *from, *to;
    } pairs[] = {
        {"80", "[]>80/tcp"},
        {"8080:80", "[]8080>80/tcp"},
        {"127.0.0.1::80/UDP", "[127.0.0.1]>80/udp"},
        {"[::1]:81:80", "[::1]81>80/tcp"},
        {"9-11:9-11", "[]10>10/tcp []11>11/tcp []9>9/tcp"},
        {"8000-8005:80", "[]8000-8005>80/tcp"},
        {"80/", "[]>80/tcp"},
        {"80-82:90-91", "error"},
        {"99999:80", "error"},
        {"localhost:80:80", "error"},
        {"::1:80:80", "error"},
        {"80/foo", "error"},
        {"", "error"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        char *got autofree = ports_text(pairs[i].from);
        cr_assert_str_eq(got, pairs[i].to);
    }
}

/* ---- Volumes ---- */

static void assert_volume(const char *text, const char *type, const char *source,
                          const char *target) {
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    const struct node *volume = volume_parse(arena, text, (struct position){0}, &err);
    cr_assert_eq(volume != NULL, type != NULL, "%s", text);
    if (volume) {
        cr_assert_str_eq(node_text(volume, "type", ""), type);
        cr_assert_str_eq(node_text(volume, "source", ""), source);
        cr_assert_str_eq(node_text(volume, "target", ""), target);
    }
    err_release(&err);
    arena_free(arena);
}

Test(volume, short_forms) {
    assert_volume("/data", "volume", "", "/data");
    assert_volume("db:/data", "volume", "db", "/data");
    assert_volume("./a:/b:ro", "bind", "./a", "/b");
    assert_volume("~/a:/b", "bind", "~/a", "/b");
    assert_volume("C:\\a:/b", "bind", "C:\\a", "/b");
    assert_volume("db::b", NULL, NULL, NULL);
    assert_volume("/a:/b:ro:rw", NULL, NULL, NULL);
    assert_volume(":/b", NULL, NULL, NULL);
}

Test(volume, options) {
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    const struct node *bind = volume_parse(arena, "/a:/b:ro,Z,rslave", (struct position){0}, &err);
    cr_assert(node_bool(bind, "read_only", false));
    cr_assert_str_eq(node_text(node_get(bind, "bind"), "selinux", ""), "Z");
    cr_assert_str_eq(node_text(node_get(bind, "bind"), "propagation", ""), "rslave");
    cr_assert(node_bool(node_get(bind, "bind"), "create_host_path", false));
    const struct node *named = volume_parse(arena, "db:/b:nocopy", (struct position){0}, &err);
    cr_assert(node_bool(node_get(named, "volume"), "nocopy", false));
    arena_free(arena);
}

/* ---- Commands ---- */

static char *split(const char *text) {
    autostrings struct strings words = {0};
    const char *rest;
    if (!command_split(text, &words, &rest))
        return xstrdup("error");
    return strings_join(&words, "|");
}

Test(command, is_split_as_a_shell_does) {
    static const struct {
        const char *from, *to;
    } pairs[] = {
        {"a  \"b c\" d", "a|b c|d"},
        {"a 'b \"c'", "a|b \"c"},
        {"a b\\ c", "a|b c"},
        {"a=b c=\"d e\"", "a=b|c=d e"},
        {"a && b", "a"},
        {"a;b", "a"},
        {"a 2>x", "a"},
        {"a \"\" b", "a||b"},
        {"a `b c` d", "a|`b c`|d"},
        {"a $(b c) d", "a|$(b c)|d"},
        {"", ""},
        {"a \"b", "error"},
        {"a (b)", "error"},
        {"a\\", "error"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        char *got autofree = split(pairs[i].from);
        cr_assert_str_eq(got, pairs[i].to, "%s: %s", pairs[i].from, got);
    }
}

/* ---- Plain scalars ---- */

Test(scalar, kinds_and_texts) {
    static const struct {
        const char *from;
        enum node_kind kind;
        const char *text;
    } cases[] = {
        {"1.50", NODE_FLOAT, "1.5"},
        {"010", NODE_INT, "8"},
        {"0x10", NODE_INT, "16"},
        {"0o17", NODE_INT, "15"},
        {"0b11", NODE_INT, "3"},
        {"1_000", NODE_INT, "1000"},
        {"1e3", NODE_FLOAT, "1000"},
        {"1000000.0", NODE_FLOAT, "1e+06"},
        {"0.00001", NODE_FLOAT, "1e-05"},
        {"-0.0", NODE_FLOAT, "-0"},
        {"08", NODE_FLOAT, "8"},
        {"18446744073709551615", NODE_FLOAT, "18446744073709551615"},
        {"yes", NODE_STRING, "yes"},
        {"True", NODE_BOOL, "true"},
        {"1:30", NODE_STRING, "1:30"},
        {"2001-12-14", NODE_STRING, "2001-12-14 00:00:00 +0000 UTC"},
        {"2001-12-14t21:59:43.10-05:00", NODE_STRING, "2001-12-14 21:59:43.1 -0500 -0500"},
        {"2001-13-14", NODE_STRING, "2001-13-14"},
        {"1.2.3", NODE_STRING, "1.2.3"},
        {"~", NODE_NULL, NULL},
        {"", NODE_NULL, NULL},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < lengthof(cases); i++) {
        struct node node = {0};
        scalar_resolve(arena, &node, cases[i].from);
        cr_assert_eq(node.kind, cases[i].kind, "%s", cases[i].from);
        cr_assert(text_equal(node.text, cases[i].text), "%s", cases[i].from);
    }
    arena_free(arena);
}
