#include <envrun/err.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/path.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* ---- Buffers and lists ---- */

Test(buffer, keeps_the_last_bytes) {
    struct buffer b = BUFFER_INIT_MAX(5);
    buffer_add_last(&b, "abc", 3);
    cr_assert_str_eq(b.data, "abc");
    buffer_add_last(&b, "def", 3);
    cr_assert_str_eq(b.data, "bcdef");
    buffer_add_last(&b, "0123456789", 10);
    cr_assert_str_eq(b.data, "56789");
    buffer_add_last(&b, "x", 1);
    cr_assert_str_eq(b.data, "6789x");
    buffer_release(&b);
}

Test(buffer, is_a_string_at_all_times) {
    struct buffer b = BUFFER_INIT_MAX(10);
    cr_assert_str_eq(b.data, "");
    buffer_puts(&b, "abc");
    buffer_printf(&b, "%d", 42);
    cr_assert_str_eq(b.data, "abc42");
    buffer_consume(&b, 3);
    cr_assert_str_eq(b.data, "42");
    cr_assert_not(buffer_fits(&b, 9));
    cr_assert_not(buffer_add_capped(&b, "0123456789", 10));
    cr_assert_str_eq(b.data, "4201234567");
    buffer_release(&b);
    char *empty autofree = buffer_detach(&b);
    cr_assert_str_eq(empty, "");
}

Test(strings, split_join_sort) {
    struct strings list = {0};
    text_split("b,a,,c", ',', &list);
    cr_assert_eq(list.length, 4);
    strings_sort(&list);
    char *joined autofree = strings_join(&list, "|");
    cr_assert_str_eq(joined, "|a|b|c");
    cr_assert(strings_has(&list, "c"));
    cr_assert_null(strings_argv(&list)[4]);
    strings_release(&list);
}

Test(arena, is_zeroed_and_aligned) {
    struct arena *arena = arena_new();
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        char *memory = arena_alloc(arena, size);
        cr_assert_eq((size_t)memory % _Alignof(long long), 0);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(memory[i], 0);
        memset(memory, 0xff, size);
    }
    cr_assert_str_eq(arena_printf(arena, "%s-%d", "a", 1), "a-1");
    cr_assert_null(arena_strdup(arena, NULL));
    arena_free(arena);
}

/* ---- Text ---- */

Test(text, nearest_is_a_misspelling) {
    static const char *const words[] = {"environment", "image", "ports"};
    cr_assert_str_eq(text_nearest("enviroment", words, 3), "environment");
    cr_assert_str_eq(text_nearest("imgae", words, 3), "image");
    cr_assert_null(text_nearest("volumes", words, 3));
}

Test(text, numbers) {
    long number;
    cr_assert(text_to_long("42", 0, 100, &number) && number == 42);
    cr_assert_not(text_to_long("42x", 0, 100, &number));
    cr_assert_not(text_to_long("", 0, 100, &number));
    cr_assert_not(text_to_long("101", 0, 100, &number));
    cr_assert_not(text_to_long(" 1", 0, 100, &number));
}

Test(text, variable_names) {
    char *name autofree = text_variable_name("my-db.2x");
    cr_assert_str_eq(name, "MY_DB_2X");
}

Test(text, quotes_for_a_shell) {
    struct buffer b = BUFFER_INIT;
    text_quote_shell(&b, "plain-1.2/x");
    buffer_putc(&b, ' ');
    text_quote_shell(&b, "it's $HOME");
    cr_assert_str_eq(b.data, "plain-1.2/x 'it'\\''s $HOME'");
    buffer_release(&b);
}

Test(text, utf8) {
    cr_assert(text_is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9));
    cr_assert_not(text_is_utf8("\xc0\x80", 2));
    cr_assert_not(text_is_utf8("\xed\xa0\x80", 3));
    cr_assert_not(text_is_utf8("\xe2\x82", 2));
    cr_assert_eq(text_utf8_tail("a\xe2\x82", 3), 2);
    cr_assert_eq(text_utf8_tail("a\xe2\x82\xac", 4), 0);
}

/* ---- Paths ---- */

Test(path, join) {
    static const struct {
        const char *directory, *path, *joined;
    } cases[] = {
        {"/a/b", "c", "/a/b/c"}, {"/a/b", "../c", "/a/c"}, {"/a", "/x/./y/..", "/x"},
        {"/a", "../../..", "/"}, {".", "a", "a"},          {"a", "../..", ".."},
        {"/a", ".", "/a"},
    };
    for (size_t i = 0; i < lengthof(cases); i++) {
        char *joined autofree = path_join(cases[i].directory, cases[i].path);
        cr_assert_str_eq(joined, cases[i].joined);
    }
}

Test(path, parts) {
    char *one autofree = path_directory("/a/b"), *two autofree = path_directory("/a"),
              *three autofree = path_directory("a");
    cr_assert_str_eq(one, "/a");
    cr_assert_str_eq(two, "/");
    cr_assert_str_eq(three, ".");
    cr_assert_str_eq(path_name("/a/b"), "b");
}

/* ---- Errors ---- */

Test(err, what_the_system_refuses) {
    struct err err = ERR_INIT;
    cr_assert_not(err_system(&err, EMFILE, "cannot make a %s", "pipe"));
    cr_assert_str_eq(err.message, "cannot make a pipe: envrun may open no more files: raise the "
                                  "limit (ulimit -n)");
    cr_assert_eq(err_exit_code(&err), 75);
    err_system(&err, EINVAL, "cannot make a pipe");
    cr_assert_str_eq(err.message, "cannot make a pipe: Invalid argument");
    cr_assert_eq(err_exit_code(&err), 70);
    err_release(&err);
}

Test(err, reads_as_a_sentence) {
    struct err err = ERR_INIT;
    struct position at = {"compose.yaml", 3, 5};
    cr_assert_not(err_at(&err, at, "no %s", "x"));
    err_prefix(&err, "reading %s", "db");
    char *text autofree = err_text(&err);
    cr_assert_str_eq(text, "compose.yaml:3:5: reading db: no x");
    cr_assert_eq(err_exit_code(&err), 65);
    err_release(&err);
}

Test(err, several_are_joined) {
    struct err all = ERR_INIT, one = ERR_INIT, copy = ERR_INIT;
    for (int i = 0; i < 3; i++) {
        err_set(&one, ERR_FILE, "mistake %d", i);
        err_join(&all, &one);
        cr_assert_not(err_is(&one));
    }
    err_copy(&copy, &all);
    cr_assert_str_eq(copy.next->next->message, "mistake 2");
    cr_assert_null(copy.next->next->next);
    err_release(&all);
    err_release(&copy);
}

Test(hash, of_nothing) {
    char hex[HASH_TEXT_SIZE];
    hash_bytes("", 0, hex);
    cr_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(instant, is_written_and_read_back) {
    static const long long times[] = {0, 1, 951782400000000000, 1700000000123456789,
                                      4102444799999999999};
    for (size_t i = 0; i < lengthof(times); i++) {
        char text[INSTANT_SIZE];
        long long again = -1;
        cr_assert(instant_parse(instant_format(times[i], text), &again) == INSTANT_LENGTH);
        cr_assert(again == times[i], "%s", text);
    }
}

Test(instant, takes_fewer_digits_and_refuses_what_is_none) {
    static const char *const wrong[] = {"",
                                        "2024-05-01",
                                        "2024-13-01T00:00:00Z",
                                        "1969-01-01T00:00:00Z",
                                        "2024-05-01T12:00:02.123",
                                        "2024-05-01T12:00:02+01:00"};
    long long time = 5;
    cr_assert(instant_parse("1970-01-01T00:00:01.5Z x", &time) == 22);
    cr_assert(time == 1500000000);
    for (size_t i = 0; i < lengthof(wrong); i++)
        cr_assert(!instant_parse(wrong[i], &time), "%s", wrong[i]);
}

struct pieces {
    struct lines lines;
    struct buffer seen;
};

static void on_piece(void *context, char *text, size_t length) {
    struct pieces *pieces = context;
    cr_assert_eq(strlen(text), length);
    buffer_printf(&pieces->seen, "%s%s", text, pieces->lines.cut ? "+" : ";");
}

Test(lines, a_long_line_comes_in_pieces_if_asked_for) {
    struct pieces pieces = {.seen = BUFFER_INIT};
    lines_init(&pieces.lines, 4, on_piece, &pieces);
    pieces.lines.in_pieces = true;
    lines_push(&pieces.lines, "abc", 3);
    lines_push(&pieces.lines, "defghij\nabcd\nk\r\n", 16);
    lines_end(&pieces.lines);
    cr_assert_str_eq(pieces.seen.data, "abcd+efgh+ij;abcd;k;");
    lines_release(&pieces.lines);
    buffer_release(&pieces.seen);
}

Test(text, percent_decode) {
    char *plain autofree = text_percent_decode("a%40b%2Fc%4g%");
    cr_assert_str_eq(plain, "a@b/c%4g%");
}
