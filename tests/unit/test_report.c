/*
 * The recordings in tests/unit/report/ are shown in each style and compared with the transcripts
 * beside them. ENVRUN_UPDATE=1 in the environment writes the transcripts anew.
 */
#include "report/report.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "report/output.h"
#include "report/style.h"
#include "screen.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define DIRECTORY "tests/unit/report/"

static const char *const recordings[] = {"run-passed", "not-ready", "suite-failed",
                                         "up",         "many",      "hostile"};

static char *read_whole(const char *path) {
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(path_read(path, &text, &err), "%s", err.message);
    return buffer_detach(&text);
}

static void compare(const char *name, const char *ending, const char *got) {
    char *path autofree = xasprintf(DIRECTORY "%s.%s", name, ending);
    struct err err = ERR_INIT;
    if (getenv("ENVRUN_UPDATE")) {
        cr_assert(path_write(path, got, strlen(got), false, &err), "%s", err.message);
        return;
    }
    char *expected autofree = read_whole(path);
    cr_expect(text_equal(got, expected), "%s is not what was expected:\n%s", path, got);
}

/* A recording's events, one after the other. */
struct player {
    struct strings lines;
    size_t next;
};

static struct player open_recording(const char *name) {
    struct player player = {0};
    char *path autofree = xasprintf(DIRECTORY "%s.jsonl", name);
    char *text autofree = read_whole(path);
    text_split(text, '\n', &player.lines);
    return player;
}

static bool next_event(struct player *player, struct event *ret_event) {
    struct err err = ERR_INIT;
    if (player->next == player->lines.length || !*player->lines.at[player->next])
        return false;
    cr_assert(event_decode(player->lines.at[player->next], ret_event, &err), "%s", err.message);
    player->next++;
    return true;
}

/* Feeds what was written since the last time to the screen. */
static void look_at(int fd, struct screen *screen) {
    char piece[4096];
    struct buffer fresh autobuffer = BUFFER_INIT;
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buffer_add(&fresh, piece, (size_t)n);
    screen_write(screen, fresh.data, fresh.length);
    cr_assert_null(screen->unexpected, "an unexpected control character");
}

static char *everything(int fd) {
    struct buffer all = BUFFER_INIT;
    char piece[4096];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buffer_add(&all, piece, (size_t)n);
    return buffer_detach(&all);
}

/* Shows a recording at once; the text is the caller's. */
static char *show(const char *name, struct report_options options) {
    struct player player = open_recording(name);
    struct event event;
    options.fd = memfd_create("report", 0);
    struct report *report = report_new(&options);
    while (next_event(&player, &event)) {
        report_event(report, &event);
        event_release(&event);
    }
    report_free(report);
    char *text = everything(options.fd);
    close(options.fd);
    strings_release(&player.lines);
    return text;
}

Test(report, plain_lines) {
    for (size_t i = 0; i < lengthof(recordings); i++) {
        char *text autofree = show(recordings[i], (struct report_options){.style = REPORT_PLAIN});
        compare(recordings[i], "plain", text);
        cr_expect_null(strchr(text, '\033'));
    }
}

Test(report, plain_lines_verbose_in_colour) {
    struct report_options options = {.style = REPORT_PLAIN, .verbose = true, .color = true};
    char *text autofree = show("run-passed", options);
    compare("run-passed", "verbose", text);
    char *failed autofree = show("not-ready", options);
    compare("not-ready", "verbose", failed);
}

Test(report, json_is_what_was_recorded) {
    for (size_t i = 0; i < lengthof(recordings); i++) {
        char *path autofree = xasprintf(DIRECTORY "%s.jsonl", recordings[i]);
        char *text autofree = show(recordings[i], (struct report_options){.style = REPORT_JSON});
        char *recorded autofree = read_whole(path);
        cr_expect_str_eq(text, recorded);
    }
}

Test(report, the_story_of_a_run) {
    for (size_t i = 0; i < lengthof(recordings); i++) {
        struct report_options options = {
            .style = REPORT_STORY, .columns = 80, .title = "envrun run shop"};
        char *text autofree = show(recordings[i], options);
        compare(recordings[i], "story", text);
        cr_expect_null(strchr(text, '\033'));
    }
}

static char *story_of(const struct event *events, size_t count, int columns) {
    struct report_options options = {.style = REPORT_STORY,
                                     .columns = columns,
                                     .fd = memfd_create("story", 0),
                                     .title = "a run"};
    struct report *report = report_new(&options);
    for (size_t i = 0; i < count; i++)
        report_event(report, &events[i]);
    report_free(report);
    char *text = everything(options.fd);
    close(options.fd);
    return text;
}

Test(report, the_story_says_what_was_used_at_most) {
    const struct event events[] = {
        {.kind = EVENT_SAMPLE, .service = "db", .usage = {.memory = 2 << 20, .cpu = 100}},
        {.kind = EVENT_SAMPLE,
         .service = "db",
         .usage = {.memory = 1 << 20, .memory_limit = 64 << 20, .cpu = 1200, .throttled = 400}},
        {.kind = EVENT_ARTIFACT, .text = "envrun-out/report.html"},
    };
    char *text autofree = story_of(events, lengthof(events), 80);
    cr_assert(strstr(text, "it was broken off, or still goes on\n"));
    cr_assert(strstr(text,
                     "db  memory 2.0 MiB of 64 MiB, CPU 1.2 s, held back by its CPU limit for "
                     "0.4 s\n"),
              "%s", text);
    cr_assert(strstr(text, "artifacts\n  envrun-out/report.html\n"));
}

/* Beside a failed test stands what befell services in its time, whichever is told first. */
Test(report, the_story_says_what_died_while_a_test_ran) {
    const long long second = 1000000000, began = 1700000000 * second;
    const struct event events[] = {
        {.kind = EVENT_DIED, .service = "a", .text = "service `a` exited", .at = began},
        {.kind = EVENT_TEST, .text = "first", .at = began, .duration = 1000, .count = 1},
        {.kind = EVENT_TEST, .text = "second", .at = began + second, .duration = 1000, .count = 2},
        {.kind = EVENT_DIED,
         .service = "b",
         .text = "service `b` exited, and is started again",
         .status = STATUS_BEGAN,
         .at = began + 2 * second},
        {.kind = EVENT_WARNING, .service = "c", .text = "c starved", .at = began + 2 * second - 1},
        {.kind = EVENT_WARNING, .text = "of no service", .at = began},
        {.kind = EVENT_DIED, .service = "d", .text = "too late", .at = began + 2 * second + 1},
    };
    char *text autofree = story_of(events, lengthof(events), 80);
    cr_assert(strstr(text, "  first\n"
                           "      died: service `a` exited\n"
                           "  second\n"
                           "      restarted: service `b` exited, and is started again\n"
                           "      c starved\n"
                           "\n"),
              "%s", text);
}

Test(report, the_story_of_anything_is_safe) {
    const struct event events[] = {
        {.kind = EVENT_PHASE,
         .service = "a",
         .phase = PHASE_READY,
         .status = STATUS_DONE,
         .ms = -5},
        {.kind = EVENT_PHASE,
         .service = "a",
         .phase = PHASE_UP,
         .status = STATUS_DONE,
         .ms = 1LL << 52},
        {.kind = EVENT_PHASE, .service = "a", .phase = PHASE_SEED, .status = STATUS_BEGAN, .ms = 3},
        {.kind = EVENT_DIED, .service = "b", .ms = 7},
        {.kind = EVENT_SUITE, .status = STATUS_FAILED},
        {.kind = EVENT_TEARDOWN, .status = STATUS_BEGAN},
        {.kind = EVENT_OUTCOME, .duration = -1},
    };
    for (int columns = -1; columns < 300; columns += 7) {
        char *text autofree = story_of(events, lengthof(events), columns);
        cr_assert(strlen(text) > 10);
    }
    char *nothing autofree = story_of(NULL, 0, 80);
    cr_assert(strlen(nothing) > 10);
}

/* A look at the screen every 900 ms and at the end. */
struct looks {
    struct screen screen;
    struct buffer text;
    int out, in;
    long long now;
};

static void take_look(struct looks *looks) {
    look_at(looks->in, &looks->screen);
    buffer_printf(&looks->text, "--- %lld ms\n", looks->now);
    screen_text(&looks->screen, &looks->text);
}

static void pass_time(struct looks *looks, struct report *report, long long until) {
    while (looks->now + 100 <= until) {
        looks->now += 100;
        report_tick(report, looks->now);
        if (looks->now % 900 == 0)
            take_look(looks);
    }
}

static void play(struct looks *looks, const char *name, struct report_options options) {
    struct player player = open_recording(name);
    struct event event;
    struct report *report = report_new(&options);
    while (next_event(&player, &event)) {
        pass_time(looks, report, event.ms);
        report_event(report, &event);
        if (event.kind == EVENT_SUITE && event.status == STATUS_BEGAN)
            cr_assert_eq(write(options.fd, "..F", 3), 3); /* the suite's own output */
        event_release(&event);
    }
    report_free(report);
    strings_release(&player.lines);
    buffer_puts(&looks->text, "--- the end\n");
    look_at(looks->in, &looks->screen);
    screen_text(&looks->screen, &looks->text);
}

static void watch(const char *name, int rows, int columns, bool rich) {
    struct looks looks = {.text = BUFFER_INIT};
    char path[64];
    screen_init(&looks.screen, rows, columns);
    looks.out = memfd_create("report", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", looks.out);
    looks.in = open(path, O_RDONLY);
    play(&looks, name,
         (struct report_options){.style = REPORT_TERMINAL,
                                 .fd = looks.out,
                                 .color = rich,
                                 .unicode = rich,
                                 .rows = rows,
                                 .columns = columns});
    char *ending autofree = xasprintf("%dx%d%s", columns, rows, rich ? "" : "-ascii");
    compare(name, ending, looks.text.data);
    close(looks.in);
    close(looks.out);
    buffer_release(&looks.text);
    screen_release(&looks.screen);
}

Test(report, terminal_as_people_see_it) {
    for (size_t i = 0; i < lengthof(recordings); i++)
        watch(recordings[i], 24, 80, true);
}

Test(report, terminal_that_is_narrow_or_wide) {
    watch("run-passed", 12, 40, true);
    watch("run-passed", 40, 120, true);
    watch("hostile", 10, 30, true);
    watch("many", 5, 10, true);
}

Test(report, terminal_without_colours_and_unicode) {
    watch("not-ready", 24, 80, false);
    watch("hostile", 24, 60, false);
}

Test(report, terminal_of_any_size_is_safe) {
    for (int columns = 1; columns < 60; columns += 3)
        for (int rows = 1; rows < 9; rows += 3) {
            char *text autofree = show("hostile", (struct report_options){.style = REPORT_TERMINAL,
                                                                          .unicode = columns % 2,
                                                                          .rows = rows,
                                                                          .columns = columns});
            cr_expect(text_ends(text, "envrun: outcome=two_words_1 code=75 duration=1.0s\n"));
        }
}

static struct event phase(const char *service, enum event_phase which, enum event_status status,
                          long long ms) {
    return (struct event){.kind = EVENT_PHASE,
                          .service = (char *)service,
                          .phase = which,
                          .status = status,
                          .ms = ms};
}

Test(report, terminal_writes_only_what_changed) {
    int fd = memfd_create("report", 0);
    struct report *report = report_new(&(struct report_options){
        .style = REPORT_TERMINAL, .fd = fd, .rows = 24, .columns = 80, .unicode = true});
    struct event began = {.kind = EVENT_BEGAN, .text = "x", .detail = "run"};
    event_add_line(&began, "a");
    event_add_line(&began, "b");
    report_event(report, &began);
    struct event waiting = phase("a", PHASE_WAIT, STATUS_BEGAN, 100);
    waiting.text = "b";
    report_event(report, &waiting);
    off_t before = lseek(fd, 0, SEEK_CUR);
    report_tick(report, 120);
    report_tick(report, 140);
    cr_expect_eq(lseek(fd, 0, SEEK_CUR), before, "nothing changed, nothing is written");
    report_tick(report, 200);
    char *text autofree = everything(fd);
    cr_expect_str_eq(text + before, "\033[?2026h\033[?25l\r\033[2A\033[?7l"
                                    "· a  waiting for b         0.1 s\033[K\n\n"
                                    "\033[?7h\033[?25h\033[?2026l");
    report_free(report);
    for (size_t i = 0; i < began.list_length; i++)
        free(began.list[i]);
    free(began.list);
    close(fd);
}

Test(report, terminal_goes_on_after_settling_and_resizing) {
    struct screen screen;
    struct buffer text autobuffer = BUFFER_INIT;
    int fd = memfd_create("report", 0);
    screen_init(&screen, 10, 60);
    struct report *report = report_new(&(struct report_options){
        .style = REPORT_TERMINAL, .fd = fd, .rows = 10, .columns = 60, .unicode = true});
    struct event event = phase("db", PHASE_START, STATUS_BEGAN, 0);
    report_event(report, &event);
    report_tick(report, 100);
    report_settle(report);
    cr_assert_eq(write(fd, "foreign", 7), 7);
    event = phase("db", PHASE_READY, STATUS_BEGAN, 200);
    report_event(report, &event);
    report_tick(report, 300);
    report_resize(report, 10, 40);
    report_tick(report, 400);
    report_free(report);
    char *all autofree = everything(fd);
    screen_write(&screen, all, strlen(all));
    screen_text(&screen, &text);
    cr_expect_str_eq(text.data, "· db  starting              0.1 s\n"
                                "foreign\n"
                                "· db  waiting until ready   0.2 s\n");
    screen_release(&screen);
    close(fd);
}

Test(style, makes_text_harmless) {
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"\033[31mred\033[0m", "red"},
        {"\033]0;title\atext", "text"},
        {"\033]8;;http://x\033\\link", "link"},
        {"\033]unended", "unended"},
        {"\033P payload \033\\x", "x"},
        {"\033(Bx\0337y\033", "xy"},
        {"\033[", ""},
        {"a\tb\nc", "a b c"},
        {"10%\r100%\r", "100%"},
        {"a\b\a\177b", "ab"},
        {"\302\233[31mx", "[31mx"},
        {"a\342\200\256b\342\201\246", "ab"},
        {"\377\300", "��"},
    };
    struct style style;
    style_init(&style, false, true);
    for (size_t i = 0; i < lengthof(cases); i++) {
        struct buffer text autobuffer = BUFFER_INIT;
        style_clean(&text, &style, cases[i][0], STYLE_UNCUT);
        cr_expect_str_eq(text.data, cases[i][1]);
    }
    style_release(&style);
}

Test(style, cuts_to_columns) {
    static const struct {
        const char *text;
        int columns;
        const char *unicode, *ascii;
        int width;
    } cases[] = {
        {"abcdef", 6, "abcdef", "abcdef", 6},
        {"abcdef", 5, "abcd…", "ab...", 5},
        {"abcdef", 3, "ab…", "...", 3},
        {"abcdef", 0, "", "", 0},
        {"数据库", 6, "数据库", "数据库", 6},
        {"数据库", 5, "数据…", "数...", 5},
        {"数据库", 4, "数…", "...", 3},
        {"cafe\xcc\x81s", 5, "cafe\xcc\x81s", "cafe\xcc\x81s", 5},
    };
    struct style rich, poor;
    style_init(&rich, false, true);
    style_init(&poor, false, false);
    for (size_t i = 0; i < lengthof(cases); i++) {
        struct buffer a autobuffer = BUFFER_INIT, b autobuffer = BUFFER_INIT;
        cr_expect_eq(style_clean(&a, &rich, cases[i].text, cases[i].columns), cases[i].width);
        style_clean(&b, &poor, cases[i].text, cases[i].columns);
        cr_expect_str_eq(a.data, cases[i].unicode);
        cr_expect_str_eq(b.data, cases[i].ascii);
    }
    style_release(&rich);
    style_release(&poor);
}

Test(style, says_times_as_people_do) {
    static const struct {
        long long ms;
        const char *sentence, *column;
    } cases[] = {
        {-5, "0 ms", "0.0 s"},           {85, "85 ms", "0.1 s"},
        {2449, "2.4 s", "2.4 s"},        {2450, "2.5 s", "2.5 s"},
        {200000, "3 min 20 s", "3m20s"}, {3605000, "60 min 5 s", "60m05s"},
    };
    for (size_t i = 0; i < lengthof(cases); i++) {
        struct buffer a autobuffer = BUFFER_INIT, b autobuffer = BUFFER_INIT;
        style_put_duration(&a, cases[i].ms);
        style_put_clock(&b, cases[i].ms);
        cr_expect_str_eq(a.data, cases[i].sentence);
        cr_expect_str_eq(b.data, cases[i].column);
    }
}

/* A pipe that takes little, and takes nothing rather than wait. */
static void small_pipe(int ret_fds[2]) {
    cr_assert_eq(pipe2(ret_fds, O_NONBLOCK), 0);
    cr_assert(fcntl(ret_fds[1], F_SETPIPE_SZ, 4096) > 0);
}

Test(output, keeps_text_whole_and_in_order) {
    struct buffer written autobuffer = BUFFER_INIT, seen autobuffer = BUFFER_INIT;
    char piece[1000];
    int fds[2];
    small_pipe(fds);
    struct output output = OUTPUT_INIT(fds[1]);
    for (int i = 0; i < 300; i++) {
        struct buffer line autobuffer = BUFFER_INIT;
        buffer_printf(&line, "%0100d\n", i);
        buffer_add(&written, line.data, line.length);
        output_put(&output, line.data, line.length);
        ssize_t n = i % 2 ? read(fds[0], piece, 50) : 0;
        buffer_add(&seen, piece, n > 0 ? (size_t)n : 0);
        if (i == 60)
            output_flush(&output, 0);
        if (output.pending.length > 10000)
            break;
    }
    cr_expect(output.pending.length > 0, "the pipe is full");
    while (output.pending.length || seen.length < written.length) {
        ssize_t n = read(fds[0], piece, sizeof piece);
        cr_assert(n > 0);
        buffer_add(&seen, piece, (size_t)n);
        output_flush(&output, 0);
    }
    cr_expect_str_eq(seen.data, written.data);
    output_release(&output);
}

Test(output, falls_silent_when_nobody_reads) {
    int fds[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(fds), 0);
    close(fds[0]);
    struct output output = OUTPUT_INIT(fds[1]);
    output_put(&output, "x", 1);
    cr_expect(output.closed);
    output_put(&output, "y", 1);
    cr_expect(output_flush(&output, 0));
    output_release(&output);
}

Test(report, style_is_chosen_by_terminal_and_environment) {
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    static const char *const good[] = {"TERM=xterm", "LANG=en_US.UTF-8", "CI=", NULL};
    static const char *const others[][3] = {
        {"TERM=dumb"}, {"TERM=xterm", "CI=true"}, {"TERM=xterm", "NO_COLOR=1"}, {"TERMX=xterm"}};
    struct report_options options = report_options_for(terminal, good);
    cr_expect(options.style == REPORT_TERMINAL && options.color && options.unicode);
    for (size_t i = 0; i < lengthof(others); i++) {
        options = report_options_for(terminal, others[i]);
        cr_expect(options.style == REPORT_PLAIN && !options.color && !options.unicode, "%zu", i);
    }
    int fd = open("/dev/null", O_WRONLY);
    cr_expect_eq(report_options_for(fd, good).style, REPORT_PLAIN);
    cr_expect_eq(report_options_for(fd, NULL).style, REPORT_PLAIN);
    static const char *const forced[] = {"FORCE_COLOR=1", "LC_ALL=C", "LANG=C.utf8", NULL};
    cr_expect(report_options_for(fd, forced).color);
    cr_expect_not(report_options_for(fd, forced).unicode, "LC_ALL goes first");
    close(fd);
    close(terminal);
}

Test(report, free_takes_null) {
    cr_expect_null(report_free(NULL));
}
