#include "record/record.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of the test's own, removed at its end. */
struct place {
    char folder[64];
};

static struct place place_new(void) {
    struct place place = {"/tmp/envrun-record-XXXXXX"};
    cr_assert(mkdtemp(place.folder));
    return place;
}

static void place_remove(const struct place *place) {
    char *command autofree = xasprintf("rm -rf %s", place->folder);
    cr_assert_eq(system(command), 0);
}

static struct record_writer *begin(const struct place *place, const char *id, size_t logs) {
    struct err err = ERR_INIT;
    struct record_options options = {.folder = place->folder,
                                     .id = id,
                                     .name = "shop-1a2b3c",
                                     .verb = "run",
                                     .envrun = "1.0",
                                     .logs = logs};
    struct record_writer *writer = record_begin(&options, &err);
    cr_assert(writer, "%s", err.message);
    return writer;
}

static void take(struct record_writer *writer, struct event event) {
    struct err err = ERR_INIT;
    cr_assert(record_take(writer, &event, &err), "%s", err.message);
}

static void end(struct record_writer *writer) {
    struct err err = ERR_INIT;
    cr_assert(record_end(writer, &err), "%s", err.message);
    record_free(writer);
}

static char *read_text(const char *path, const char *name) {
    char *whole autofree = path_join(path, name);
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(path_read(whole, &text, &err), "%s", err.message);
    return buffer_detach(&text);
}

static void log_line(struct record_writer *writer, const char *service, long long at,
                     enum event_stream stream, const char *text) {
    take(writer, (struct event){.kind = EVENT_LOG,
                                .service = (char *)service,
                                .at = at,
                                .stream = stream,
                                .text = (char *)text});
}

/* ---- What is read back, as text ---- */

static void on_event(void *context, const struct event *event) {
    struct buffer *into = context;
    buffer_printf(into, "%s:%s%s ", event_kind_name(event->kind), event->text ? event->text : "",
                  event->unfinished ? "+" : "");
}

static char *events_of(const char *path, const char *file) {
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(
        record_read(path, file, (struct event_listener){.event = on_event, .context = &text}, &err),
        "%s", err.message);
    return buffer_detach(&text);
}

static char *log_of(const char *path, const char *name, bool of_suite) {
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(record_read_log(path, name, of_suite,
                              (struct event_listener){.event = on_event, .context = &text}, &err));
    return buffer_detach(&text);
}

/* ---- Writing and reading ---- */

static void take_results(struct record_writer *writer, const char *suite, int count,
                         const char *path, const char *text, bool unfinished) {
    char *list[] = {(char *)path};
    take(writer, (struct event){.kind = EVENT_RESULTS,
                                .detail = (char *)suite,
                                .count = count,
                                .list = list,
                                .list_length = 1,
                                .text = (char *)text,
                                .unfinished = unfinished});
}

Test(record, keeps_result_files_whole_and_in_their_folder) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1a2b3c", 2);
    char *path autofree = xstrdup(record_path(writer));
    char longest[5000];
    memset(longest, 'd', sizeof longest);
    strcpy(longest + sizeof longest - 7, "/e.xml");
    take_results(writer, "../e2e", 1, "reports/a.xml", "<one", true);
    take_results(writer, "../e2e", 1, "reports/a.xml", "\n>", false);
    take_results(writer, "../e2e", 2, "../../reports/a.xml", "", false);
    take_results(writer, "../e2e", 3, longest, "three", false);
    take(writer, (struct event){.kind = EVENT_OUTCOME, .text = "passed"});
    end(writer);
    char *one autofree = read_text(path, "junit/_._e2e/1-reports_a.xml");
    cr_assert_str_eq(one, "<one\n>");
    char *two autofree = read_text(path, "junit/_._e2e/2-_._.._reports_a.xml");
    cr_assert_str_eq(two, "");
    struct strings names = {0};
    char *folder autofree = path_join(path, "junit/_._e2e");
    cr_assert(path_entries(folder, &names));
    cr_assert_eq(names.length, 3);
    cr_assert(text_ends(names.at[2], "d_e.xml"));
    cr_assert_lt(strlen(names.at[2]), 200);
    char *events autofree = events_of(path, "events.ndjson");
    cr_assert_str_eq(events, "outcome:passed ");
    strings_release(&names);
    place_remove(&place);
}

Test(record, keeps_so_much_of_result_files) {
    enum { PIECE = 1 << 20 };
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1a2b3c", 2);
    char *path autofree = xstrdup(record_path(writer));
    char *piece autofree = xmalloc(PIECE + 1);
    struct stat first, second;
    memset(piece, 'x', PIECE);
    piece[PIECE] = '\0';
    for (int i = 0; i < RECORD_RESULTS_MOST / PIECE + 5; i++)
        take_results(writer, "e2e", 1, "a.xml", piece, true);
    take_results(writer, "e2e", 1, "a.xml", "", false);
    take_results(writer, "e2e", 2, "b.xml", "more", false);
    end(writer);
    char *one autofree = path_join(path, "junit/e2e/1-a.xml"),
              *two autofree = path_join(path, "junit/e2e/2-b.xml");
    cr_assert(!stat(one, &first) && !stat(two, &second));
    cr_assert_eq(first.st_size, RECORD_RESULTS_MOST);
    cr_assert_eq(second.st_size, 0);
    place_remove(&place);
}

Test(record, reads_back_what_was_written) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1a2b3c", 2);
    char *path autofree = xstrdup(record_path(writer));
    take(writer, (struct event){.kind = EVENT_BEGAN, .text = "shop"});
    log_line(writer, "db", 1700000000123456789, EVENT_STDERR, "two words");
    take(writer, (struct event){
                     .kind = EVENT_LOG, .detail = "e2e", .at = 1, .text = "x", .unfinished = true});
    take(writer, (struct event){.kind = EVENT_TRY, .service = "db", .text = "refused"});
    take(writer, (struct event){.kind = EVENT_SAMPLE, .service = "db", .usage.cpu = 5});
    take(writer, (struct event){.kind = EVENT_OBJECT, .detail = "container", .text = "{}"});
    take(writer, (struct event){
                     .kind = EVENT_FAILED, .service = "db", .text = "why", .phase = PHASE_READY});
    take(writer, (struct event){
                     .kind = EVENT_OUTCOME, .text = "environment", .code = 75, .duration = 1500});
    end(writer);

    char *events autofree = events_of(path, "events.ndjson");
    cr_assert_str_eq(events, "began:shop failed:why outcome:environment ");
    char *tries autofree = events_of(path, "tries.ndjson");
    cr_assert_str_eq(tries, "try:refused ");
    char *log autofree = read_text(path, "logs/db.log");
    cr_assert_str_eq(log, "2023-11-14T22:13:20.123456789Z stderr two words\n");
    char *again autofree = log_of(path, "db", false);
    cr_assert_str_eq(again, "log:two words ");
    char *suite autofree = log_of(path, "e2e", true);
    cr_assert_str_eq(suite, "log:x+ ");

    struct record_summary summary;
    struct err err = ERR_INIT;
    cr_assert(record_summarise(path, &summary, &err));
    cr_assert_str_eq(summary.outcome, "environment");
    cr_assert_str_eq(summary.failed, "why");
    cr_assert_str_eq(summary.service, "db");
    cr_assert(summary.code == 75 && summary.duration == 1500 && summary.time > 1700000000000);
    cr_assert(text_ends(summary.id, "Z-1a2b3c"));
    record_summary_release(&summary);
    place_remove(&place);
}

Test(record, belongs_to_its_user_and_ignores_itself) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 1);
    char *own autofree = path_join(place.folder, ".envrun");
    struct stat info;
    cr_assert(!stat(own, &info) && (info.st_mode & 0777) == 0700);
    cr_assert(!stat(record_path(writer), &info) && (info.st_mode & 0777) == 0700);
    char *ignore autofree = read_text(own, ".gitignore");
    cr_assert_str_eq(ignore, "*\n");
    record_free(writer);
    place_remove(&place);
}

Test(record, drops_the_middle_of_a_log_and_says_so) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 100000); /* the least that a log may have */
    char *path autofree = xstrdup(record_path(writer)), line[200];
    const int lines = 20000;
    for (int i = 0; i < lines; i++) {
        snprintf(line, sizeof line, "line %0*d", 60, i);
        log_line(writer, "db", i + 1, EVENT_STDOUT, line);
    }
    end(writer);
    char *text autofree = read_text(path, "logs/db.log");
    cr_assert(strlen(text) <= RECORD_LOG_LEAST + 100);
    cr_assert(strlen(text) > RECORD_LOG_LEAST / 2);
    long long missing = 0, bytes = 0;
    const char *gap = strstr(text, "\n- gap ");
    cr_assert(gap && sscanf(gap, "\n- gap %lld lines, %lld bytes", &missing, &bytes) == 2);
    long long kept = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        kept++;
    cr_assert_eq(kept - 1 + missing, lines);
    cr_assert(strstr(text, "19999\n"));
    char *segment autofree = path_join(path, "logs/db.log.1");
    cr_assert(!path_exists(segment));
    place_remove(&place);
}

Test(record, a_broken_run_leaves_a_readable_record) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 100000);
    char *path autofree = xstrdup(record_path(writer)), line[200];
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof line, "line %0*d", 60, i);
        log_line(writer, "db", i + 1, EVENT_STDOUT, line);
    }
    take(writer, (struct event){.kind = EVENT_NOTE, .text = "the last one"});
    struct record_summary summary;
    struct err err = ERR_INIT;
    cr_assert(record_summarise(path, &summary, &err));
    cr_assert_str_eq(summary.outcome, "running");
    record_summary_release(&summary);
    record_free(writer); /* and never ended */

    cr_assert(record_summarise(path, &summary, &err));
    cr_assert_str_eq(summary.outcome, "broken off");
    record_summary_release(&summary);
    char *log autofree = log_of(path, "db", false);
    cr_assert(strstr(log, "log:an unknown number of lines was left out "));
    cr_assert(strstr(log, "19999 "));
    place_remove(&place);
}

Test(record, is_readable_up_to_wherever_it_was_cut) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 1);
    char *path autofree = xstrdup(record_path(writer));
    for (int i = 0; i < 5; i++) {
        char text[2] = {(char)('a' + i), 0};
        take(writer, (struct event){.kind = EVENT_NOTE, .text = text});
    }
    end(writer);
    char *whole autofree = read_text(path, "events.ndjson");
    char *file autofree = path_join(path, "events.ndjson");
    for (size_t length = strlen(whole); length-- > 0;) {
        size_t lines = 0;
        for (size_t i = 0; i < length; i++)
            lines += whole[i] == '\n';
        lines += whole[length] == '\n'; /* only its end is missing */
        cr_assert(!truncate(file, (off_t)length));
        char *events autofree = events_of(path, "events.ndjson");
        cr_assert_eq(strlen(events), lines * strlen("note:a "), "%zu: %s", length, events);
    }
    place_remove(&place);
}

Test(record, passes_over_what_is_no_record) {
    struct place place = place_new();
    char *runs autofree = path_join(place.folder, ".envrun/runs");
    static const char *const heads[] = {"", "[]", "{", "{\"v\":2}", "{\"v\":\"1\"}", "null"};
    struct err err = ERR_INIT;
    struct record_summaries summaries = {0};
    for (size_t i = 0; i < lengthof(heads); i++) {
        char *run autofree = xasprintf("%s/20240501T12000%zuZ-x", runs, i);
        char *head autofree = path_join(run, "record.json");
        cr_assert(path_make_directories(run, &err));
        cr_assert(path_write(head, heads[i], strlen(heads[i]), false, &err));
    }
    record_list(runs, &summaries);
    cr_assert_eq(summaries.length, 0);
    record_summaries_release(&summaries);
    place_remove(&place);
}

Test(record, reads_only_plain_files) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 1);
    char *path autofree = xstrdup(record_path(writer));
    end(writer);
    char *events autofree = path_join(path, "events.ndjson");
    char *link_ autofree = path_join(path, "logs/db.log");
    char *head autofree = path_join(path, "record.json");
    struct err err = ERR_INIT;
    struct buffer seen autobuffer = BUFFER_INIT;
    struct event_listener listener = {.event = on_event, .context = &seen};
    cr_assert(!mkfifo(events, 0600));
    cr_assert(!symlink("/etc/passwd", link_));
    cr_assert(!record_read(path, "events.ndjson", listener, &err));
    cr_assert(!record_read_log(path, "db", false, listener, &err));
    cr_assert(!record_read_log(path, "../record", false, listener, &err));
    struct record_summary summary;
    cr_assert(!unlink(head) && !symlink("/etc/passwd", head));
    cr_assert(!record_summarise(path, &summary, &err));
    err_release(&err);
    place_remove(&place);
}

Test(record, passes_over_lines_that_are_none) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 1);
    char *path autofree = xstrdup(record_path(writer));
    end(writer);
    static const char log[] = "no time stdout x\n2024-05-01T12:00:02.1Z stdin x\n"
                              "2024-05-01T12:00:02.1Z stdout\n\n- \n-\n"
                              "2024-05-01T12:00:02.1Z stdout ok\n- gap some\n"
                              "2024-05-01T12:00:02.1Z stderr+ \xff end";
    char *file autofree = path_join(path, "logs/db.log");
    struct err err = ERR_INIT;
    cr_assert(path_write(file, log, strlen(log), false, &err));
    char *seen autofree = log_of(path, "db", false);
    cr_assert_str_eq(seen, "log:ok log:some log:\xff end+ ");
    place_remove(&place);
}

/* ---- Which runs there are ---- */

static char *found(const char *runs, const char *id) {
    struct err err = ERR_INIT;
    char *path = record_find(runs, id, &err);
    char *answer = xstrdup(path ? path_name(path) : err.message);
    free(path);
    err_release(&err);
    return answer;
}

Test(record, finds_a_run_by_what_begins_its_id) {
    struct place place = place_new();
    char *runs autofree = path_join(place.folder, ".envrun/runs");
    char *below autofree = path_join(place.folder, "a/b");
    struct err err = ERR_INIT;
    static const char *const names[] = {"20240501T120000Z-abc", "20240502T120000Z-abd",
                                        "20240502T130000Z-xyz", "something"};
    for (size_t i = 0; i < lengthof(names); i++) {
        char *run autofree = path_join(runs, names[i]);
        cr_assert(path_make_directories(run, &err));
    }
    static const char *const cases[][2] = {{NULL, "20240502T130000Z-xyz"},
                                           {"abc", "20240501T120000Z-abc"},
                                           {"20240501", "20240501T120000Z-abc"},
                                           {"x", "20240502T130000Z-xyz"}};
    for (size_t i = 0; i < lengthof(cases); i++) {
        char *answer autofree = found(runs, cases[i][0]);
        cr_assert_str_eq(answer, cases[i][1]);
    }
    char *two autofree = found(runs, "ab"), *none autofree = found(runs, "q"),
              *nothing autofree = found(NULL, NULL), *path autofree = found(runs, "./some/where");
    cr_assert(strstr(two, "more than one run") && strstr(none, "`q`"));
    cr_assert(strstr(nothing, "no run is recorded"));
    cr_assert_str_eq(path, "where");
    cr_assert(path_make_directories(below, &err));
    char *from_below autofree = record_runs(below);
    cr_assert_str_eq(from_below, runs);
    place_remove(&place);
}

Test(record, keeps_the_latest_runs_and_those_being_written) {
    struct place place = place_new();
    char *runs autofree = path_join(place.folder, ".envrun/runs");
    struct err err = ERR_INIT;
    for (int i = 0; i < 30; i++) {
        char *logs autofree = xasprintf("%s/20200101T0000%02dZ-r%d/logs", runs, i, i);
        cr_assert(path_make_directories(logs, &err));
    }
    char *used autofree = path_join(runs, "20200101T000000Z-r0");
    struct record_writer *writer = begin(&place, "now", 1);
    char *own autofree = xstrdup(record_path(writer));
    struct strings names autostrings = {0};
    cr_assert(path_exists(own) && !path_exists(used));
    record_prune(runs, 1, 1 << 30);
    cr_assert(path_exists(own));
    record_prune(runs, 0, 1 << 30);
    cr_assert(path_exists(own), "it is being written");
    record_free(writer);
    record_prune(runs, 0, 1 << 30);
    cr_assert(!path_exists(own));
    place_remove(&place);
}

/* ---- Where nothing can be written ---- */

Test(record, what_cannot_be_written_is_said_once) {
    struct place place = place_new();
    struct record_writer *writer = begin(&place, "1", 1);
    struct err err = ERR_INIT;
    char *logs autofree = path_join(record_path(writer), "logs");
    struct event event = {.kind = EVENT_LOG, .service = "db", .text = "x"};
    cr_assert(!rmdir(logs));
    cr_assert(!record_take(writer, &event, &err) && err.kind == ERR_FILE);
    err_release(&err);
    cr_assert(record_take(writer, &event, &err));
    cr_assert(record_end(writer, &err));
    record_free(writer);
    place_remove(&place);
}

/* A file system of 64 KiB, that only this process (and its test) sees. */
static bool mount_small(const char *folder) {
    return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("none", folder, "tmpfs", 0, "size=64k");
}

Test(record, a_full_disk_is_said_once) {
    struct place place = place_new();
    struct err err = ERR_INIT;
    char text[1001] = {0};
    struct event event = {.kind = EVENT_LOG, .service = "db", .text = memset(text, 'x', 1000)};
    int said = 0;
    if (!mount_small(place.folder))
        cr_skip_test("nothing can be mounted here");
    struct record_writer *writer = begin(&place, "1", 1);
    for (int i = 0; i < 300; i++)
        if (!record_take(writer, &event, &err)) {
            cr_assert(++said == 1 && strstr(err.message, "No space left on device"));
            err_release(&err);
        }
    cr_assert_eq(said, 1);
    cr_assert(record_end(writer, &err));
    record_free(writer);
    cr_assert(!umount(place.folder));
    place_remove(&place);
}

/* A record keeps others out of all that lies below. */
Test(record, is_its_owners_alone_whatever_the_umask) {
    static const char *const closed[] = {"/.envrun", "/.envrun/runs", "/.envrun/.gitignore"};
    struct place place = place_new();
    struct stat info;
    umask(0);
    struct record_writer *writer = begin(&place, "1", 1);
    take(writer, (struct event){.kind = EVENT_LOG, .service = "db", .text = "x"});
    char *head autofree = path_join(record_path(writer), "record.json");
    for (size_t i = 0; i < lengthof(closed); i++) {
        char *path autofree = xasprintf("%s%s", place.folder, closed[i]);
        cr_assert(!stat(path, &info) && !(info.st_mode & 077), "%s", path);
    }
    cr_assert(!stat(record_path(writer), &info) && !(info.st_mode & 077));
    cr_assert(!stat(head, &info) && !(info.st_mode & 077));
    end(writer);
    place_remove(&place);
}
