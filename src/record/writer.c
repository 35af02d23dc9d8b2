/*
 * The one consumer of events that writes a record.
 */
#include "record/record.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "record/results.h"
#include "record/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MOST = 16 << 20,
    TRIES_MOST = 4 << 20,
    SAMPLES_MOST = 8 << 20,
    OBJECTS_MOST = 32 << 20
};

struct log_file {
    char *name; /* the service's or the suite's */
    bool of_suite;
    struct spool spool;
};

struct record_writer {
    char *path;
    int folder; /* open, and locked; -1: none */
    struct spool events, tries, samples, objects;
    struct result_files results;
    vec(struct log_file *) logs;
    struct log_file *latest;
    size_t log_most;
    cJSON *outcome; /* what will stand in outcome.json */
    struct buffer line;
    bool broken; /* or ended: nothing more is taken */
};

/* ---- Lines ---- */

static void put_text_gap(struct buffer *into, struct spool_part missing) {
    buffer_printf(into, "- gap %lld lines, %lld bytes were left out\n", missing.lines,
                  missing.bytes);
}

static void put_json_gap(struct buffer *into, struct spool_part missing) {
    buffer_printf(into, "{\"v\":%d,\"event\":\"gap\",\"count\":%lld,\"total\":%lld}\n",
                  EVENT_VERSION, missing.lines, missing.bytes);
}

char *record_file_name(const char *name) {
    char *file = xstrdup(*name ? name : "_");
    for (char *c = file; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c) &&
            (*c != '.' || c == file))
            *c = '_';
    return file;
}

static struct log_file *log_of(struct record_writer *writer, const char *name, bool of_suite) {
    if (writer->latest && writer->latest->of_suite == of_suite &&
        !strcmp(writer->latest->name, name))
        return writer->latest;
    vec_each (log, &writer->logs)
        if ((*log)->of_suite == of_suite && !strcmp((*log)->name, name))
            return writer->latest = *log;
    struct log_file *log = xnew(struct log_file);
    autofree char *file = record_file_name(name);
    autofree char *path = xasprintf("%s/%s.log", of_suite ? "suites" : "logs", file);
    log->name = xstrdup(name);
    log->of_suite = of_suite;
    spool_init(&log->spool, path, writer->log_most, put_text_gap);
    vec_push(&writer->logs, log);
    return writer->latest = log;
}

static bool put_log(struct record_writer *writer, const struct event *event) {
    struct buffer *line = &writer->line;
    char at[INSTANT_SIZE];
    bool of_suite = !event->service;
    const char *name = of_suite ? event->detail : event->service;
    if (!name)
        return true;
    struct log_file *log = log_of(writer, name, of_suite);
    buffer_truncate(line, 0);
    buffer_puts(line, instant_format(event->at, at));
    buffer_puts(line, event->status == STATUS_FAILED  ? " gap"
                      : event->stream == EVENT_STDERR ? " stderr"
                                                      : " stdout");
    buffer_puts(line, event->unfinished ? "+ " : " ");
    if (event->text)
        buffer_add(line, event->text, strnlen(event->text, RECORD_LINE_MAX));
    buffer_putc(line, '\n');
    return spool_put(&log->spool, writer->folder, line->data, line->length);
}

static bool put_event(struct record_writer *writer, struct spool *spool,
                      const struct event *event) {
    autofree char *text = event_encode(event);
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of its NUL */
    return spool_put(spool, writer->folder, text, length + 1);
}

/* ---- Small files ---- */

static bool write_json(const struct record_writer *writer, const char *name, const cJSON *value) {
    autofree char *text = cJSON_Print(value);
    int fd =
        openat(writer->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    size_t length = strlen(text);
    text[length++] = '\n';
    ssize_t put = write(fd, text, length);
    return !close(fd) && put == (ssize_t)length;
}

static bool write_head(const struct record_writer *writer, const struct record_options *options) {
    autojson cJSON *head = cJSON_CreateObject();
    json_put_number(head, "v", RECORD_VERSION);
    json_put_text(head, "id", path_name(writer->path));
    json_put_text(head, "name", options->name);
    json_put_text(head, "verb", options->verb);
    json_put_number(head, "time", instant_now() / 1000000);
    json_put_text(head, "project", options->folder);
    json_put_text(head, "envrun", options->envrun);
    return write_json(writer, "record.json", head);
}

/* ---- What the outcome says ---- */

static void note_failure(struct record_writer *writer, const struct event *event) {
    cJSON *failed = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(writer->outcome, "failed");
    json_put(writer->outcome, "failed", failed);
    json_put_text(failed, "text", event->text);
    json_put_text(failed, "service", event->service);
    if (event->phase)
        json_put_text(failed, "phase", event_phase_name(event->phase));
    json_put_text(failed, "place", event->detail);
}

/* Several mistakes of one file come as several events: the first one counts. */
static void note(struct record_writer *writer, const struct event *event) {
    if (event->kind == EVENT_FAILED && !json_get(writer->outcome, "failed"))
        note_failure(writer, event);
    else if (event->kind == EVENT_DIED && event->service && event->status != STATUS_BEGAN)
        json_append_text(json_array_at(writer->outcome, "died"), event->service);
    else if (event->kind == EVENT_ARTIFACT && event->text)
        json_append_text(json_array_at(writer->outcome, "artifacts"), event->text);
}

static bool write_outcome(struct record_writer *writer, const struct event *event) {
    cJSON *outcome = writer->outcome;
    json_put_text(outcome, "outcome", event->text);
    json_put_number(outcome, "code", event->code);
    json_put_number(outcome, "duration", event->duration);
    return write_json(writer, "outcome.json", outcome);
}

/* ---- Events ---- */

/* Lines wait to be written together, but never long: every other event writes them. */
static bool flush_all(struct record_writer *writer) {
    bool ok = spool_flush(&writer->events) && spool_flush(&writer->tries) &&
              spool_flush(&writer->samples) && spool_flush(&writer->objects);
    vec_each (log, &writer->logs)
        ok = ok && spool_flush(&(*log)->spool);
    return ok;
}

static bool put(struct record_writer *writer, const struct event *event) {
    switch (event->kind) {
    case EVENT_LOG:
        return put_log(writer, event);
    case EVENT_TRY:
        return put_event(writer, &writer->tries, event);
    case EVENT_SAMPLE:
        return put_event(writer, &writer->samples, event);
    case EVENT_RESULTS:
        return result_files_put(&writer->results, writer->folder, event);
    case EVENT_OBJECT:
        return put_event(writer, &writer->objects, event);
    case EVENT_OUTCOME:
        return put_event(writer, &writer->events, event) && flush_all(writer) &&
               write_outcome(writer, event);
    default:
        note(writer, event);
        return put_event(writer, &writer->events, event) && flush_all(writer);
    }
}

static bool fail(struct record_writer *writer, struct err *err) {
    writer->broken = true;
    return err_set(err, ERR_FILE, "cannot write the record %s: %s", writer->path, strerror(errno));
}

bool record_take(struct record_writer *writer, const struct event *event, struct err *err) {
    return writer->broken || put(writer, event) || fail(writer, err);
}

/* ---- Making it ---- */

/* A folder of our own in `folder`; its descriptor, or -1. */
static int make_folder(int folder, const char *name) {
    if (mkdirat(folder, name, 0700) && errno != EEXIST)
        return -1;
    return openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_gitignore(int folder) {
    int fd = openat(folder, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* it is there */
    if (write(fd, "*\n", 2) != 2)
        unlinkat(folder, ".gitignore", 0);
    close(fd);
}

static char *run_name(const char *id) {
    char text[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    return xasprintf("%s-%s", text, id);
}

/* The run's folder with those above it; two runs never share one. */
static int make_folders(const char *project, const char *run) {
    int top = open(project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int own = top < 0 ? -1 : make_folder(top, ".envrun");
    int runs = own < 0 ? -1 : make_folder(own, "runs");
    int folder = -1;
    if (own >= 0)
        write_gitignore(own);
    if (runs >= 0 && !mkdirat(runs, run, 0700))
        folder = openat(runs, run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int reason = errno;
    const int above[] = {top, own, runs};
    for (size_t i = 0; i < lengthof(above); i++)
        if (above[i] >= 0)
            close(above[i]);
    errno = reason;
    return folder;
}

static size_t share(size_t logs) {
    size_t each = RECORD_LOGS_MOST / (logs ? logs : 1);
    return each < RECORD_LOG_LEAST  ? RECORD_LOG_LEAST
           : each > RECORD_LOG_MOST ? RECORD_LOG_MOST
                                    : each;
}

static void init_files(struct record_writer *writer, size_t logs) {
    spool_init(&writer->events, "events.ndjson", EVENTS_MOST, put_json_gap);
    spool_init(&writer->tries, "tries.ndjson", TRIES_MOST, put_json_gap);
    spool_init(&writer->samples, "samples.ndjson", SAMPLES_MOST, put_json_gap);
    spool_init(&writer->objects, "objects.ndjson", OBJECTS_MOST, put_json_gap);
    writer->results = (struct result_files){.fd = -1};
    writer->log_most = share(logs);
    writer->line = BUFFER_INIT;
    writer->outcome = cJSON_CreateObject();
    json_put_number(writer->outcome, "v", RECORD_VERSION);
}

struct record_writer *record_begin(const struct record_options *options, struct err *err) {
    struct record_writer *writer = xnew(struct record_writer);
    autofree char *run = run_name(options->id);
    autofree char *runs = path_join(options->folder, ".envrun/runs");
    writer->path = path_join(runs, run);
    init_files(writer, options->logs);
    writer->folder = make_folders(options->folder, run);
    if (writer->folder < 0 || flock(writer->folder, LOCK_EX | LOCK_NB) ||
        mkdirat(writer->folder, "logs", 0700) || mkdirat(writer->folder, "suites", 0700) ||
        !write_head(writer, options)) {
        fail(writer, err);
        return record_free(writer);
    }
    record_prune(runs, RECORD_RUNS_KEPT, RECORD_BYTES_KEPT);
    return writer;
}

const char *record_path(const struct record_writer *writer) {
    return writer->path;
}

bool record_end(struct record_writer *writer, struct err *err) {
    if (writer->broken)
        return true;
    bool ok =
        spool_end(&writer->events, writer->folder) && spool_end(&writer->tries, writer->folder) &&
        spool_end(&writer->samples, writer->folder) && spool_end(&writer->objects, writer->folder);
    vec_each (log, &writer->logs)
        ok = ok && spool_end(&(*log)->spool, writer->folder);
    writer->broken = true;
    return ok || fail(writer, err);
}

struct record_writer *record_free(struct record_writer *writer) {
    if (!writer)
        return NULL;
    vec_each (log, &writer->logs) {
        spool_release(&(*log)->spool);
        free((*log)->name);
        free(*log);
    }
    vec_free(&writer->logs);
    spool_release(&writer->events);
    spool_release(&writer->tries);
    spool_release(&writer->samples);
    spool_release(&writer->objects);
    result_files_close(&writer->results);
    buffer_release(&writer->line);
    cJSON_Delete(writer->outcome);
    if (writer->folder >= 0)
        close(writer->folder); /* and with it the lock */
    free(writer->path);
    free(writer);
    return NULL;
}
