/*
 * Reading a record, wherever it comes from: only plain files of bounded lines are read, and what is
 * not understood is passed over.
 */
#include "record/record.h"

#include "base/instant.h"
#include "base/lines.h"
#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JSON_LINE_MAX = 4 << 20, SEGMENTS_MOST = 16, LOGS_MOST = 10000 };

/* ---- A file by its lines ---- */

/* A regular file, no link, and nothing that would be waited for. */
static int open_plain(const char *path) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || (!fstat(fd, &info) && S_ISREG(info.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

static bool read_lines(const char *path, struct lines *lines, struct err *err) {
    char chunk[1 << 16];
    ssize_t got;
    int fd = open_plain(path);
    if (fd < 0)
        return err_set(err, ERR_FILE, "cannot read %s: %s", path, strerror(errno));
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        lines_push(lines, chunk, (size_t)got);
    close(fd);
    return true;
}

/* ---- Segments that a broken run has left beside a file ---- */

/* The N of "NAME.N", or 0. */
static long segment_of(const char *entry, const char *name) {
    long number = 0;
    size_t length = strlen(name);
    if (!strncmp(entry, name, length) && entry[length] == '.')
        text_to_long(entry + length + 1, 1, 1L << 30, &number);
    return number;
}

static int compare_numbers(const void *a, const void *b) {
    long one = *(const long *)a, other = *(const long *)b;
    return (one > other) - (one < other);
}

static size_t find_segments(const char *path, long ret[static SEGMENTS_MOST]) {
    autofree char *folder = path_directory(path);
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;
    while (entries && count < SEGMENTS_MOST && (entry = readdir(entries))) {
        ret[count] = segment_of(entry->d_name, path_name(path));
        count += ret[count] != 0;
    }
    if (entries)
        closedir(entries);
    qsort(ret, count, sizeof *ret, compare_numbers);
    return count;
}

/* The file, and its segments in their order; `gap` stands for what was dropped between. */
static bool read_whole(const char *path, struct lines *lines, const char *gap, struct err *err) {
    long segments[SEGMENTS_MOST];
    if (!read_lines(path, lines, err))
        return false;
    size_t count = find_segments(path, segments);
    for (size_t i = 0; i < count; i++) {
        autofree char *segment = xasprintf("%s.%ld", path, segments[i]);
        struct err ignored = ERR_INIT;
        if (!i && segments[i] > 1)
            lines_push(lines, gap, strlen(gap));
        read_lines(segment, lines, &ignored);
        err_release(&ignored);
    }
    return true;
}

/* ---- Events ---- */

static void on_event_line(void *context, char *line, size_t length) {
    const struct event_listener *listener = context;
    struct event event;
    struct err ignored = ERR_INIT;
    (void)length;
    if (event_decode(line, &event, &ignored)) {
        listener->event(listener->context, &event);
        event_release(&event);
    }
    err_release(&ignored);
}

bool record_read(const char *path, const char *file, struct event_listener listener,
                 struct err *err) {
    autofree char *whole = path_join(path, file);
    struct lines lines;
    lines_init(&lines, JSON_LINE_MAX, on_event_line, &listener);
    bool ok = read_whole(whole, &lines, "", err);
    lines_end(&lines);
    lines_release(&lines);
    return ok;
}

/* ---- Logs ---- */

struct log_reading {
    const char *name;
    bool of_suite;
    struct event_listener listener;
};

/* "stderr+ ": the stream, and whether the line goes on. Answers its length; 0: it is none. */
static size_t take_tag(const char *text, struct event *event) {
    static const char *const tags[] = {"stdout", "stderr", "gap"};
    for (size_t i = 0; i < lengthof(tags); i++) {
        size_t length = strlen(tags[i]);
        if (strncmp(text, tags[i], length))
            continue;
        event->stream = i < 2 ? (enum event_stream)(EVENT_STDOUT + i) : EVENT_NO_STREAM;
        event->status = i < 2 ? STATUS_NONE : STATUS_FAILED;
        event->unfinished = text[length] == '+';
        length += event->unfinished;
        return text[length] == ' ' ? length + 1 : 0;
    }
    return 0;
}

static void on_log_line(void *context, char *line, size_t length) {
    const struct log_reading *reading = context;
    struct event event = {.kind = EVENT_LOG};
    size_t at = *line == '-' ? 1 : instant_parse(line, &event.at);
    (void)length;
    if (!at || line[at] != ' ')
        return;
    size_t tag = take_tag(line + at + 1, &event);
    if (!tag)
        return;
    event.time = event.at / 1000000;
    event.text = line + at + 1 + tag; /* borrowed: nobody releases the event */
    if (reading->of_suite)
        event.detail = (char *)reading->name;
    else
        event.service = (char *)reading->name;
    reading->listener.event(reading->listener.context, &event);
}

static char *log_path(const char *path, const char *name, bool of_suite) {
    autofree char *file = record_file_name(name);
    return xasprintf("%s/%s/%s.log", path, of_suite ? "suites" : "logs", file);
}

bool record_read_log(const char *path, const char *name, bool of_suite,
                     struct event_listener listener, struct err *err) {
    autofree char *whole = log_path(path, name, of_suite);
    struct log_reading reading = {name, of_suite, listener};
    struct lines lines;
    lines_init(&lines, RECORD_LINE_MAX + 256, on_log_line, &reading);
    bool ok = read_whole(whole, &lines, "- gap an unknown number of lines was left out\n", err);
    lines_end(&lines);
    lines_release(&lines);
    return ok;
}

void record_logs(const char *path, bool of_suites, struct strings *into) {
    autofree char *folder = path_join(path, of_suites ? "suites" : "logs");
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && into->length < LOGS_MOST && (entry = readdir(entries)))
        if (text_ends(entry->d_name, ".log"))
            strings_take(into, xstrndup(entry->d_name, strlen(entry->d_name) - 4));
    if (entries)
        closedir(entries);
    strings_sort(into);
}
