/*
 * event.h: what happens in a run, as typed records.
 *
 * An event is self-contained: it owns its strings and points to no live object, so that display,
 * JSON and record are made from the same thing and can never disagree, and a stored event can be
 * shown again. Which fields an event of a kind fills in is said beside the kind; the others are
 * zero.
 *
 * The JSON form is one object a line: {"v":1,"event":"phase","ms":1234,"service":"db",...}. The
 * format version goes up when a field changes its meaning; readers skip fields and
 * kinds that they do not know (event_decode() answers false for a kind it does not know).
 */
#ifndef ENVRUN_EVENT_H
#define ENVRUN_EVENT_H

#include <envrun/err.h>

#include <stdbool.h>
#include <stddef.h>

enum { EVENT_VERSION = 1 };

enum event_kind {
    EVENT_BEGAN,    /* text: the environment's name; detail: the verb ("run"); list: the services */
    EVENT_PHASE,    /* a service's transition: service, phase, status, duration (when it ended),
                       text (when it failed: why; when it began: what it waits for, or NULL).
                       PHASE_IMAGE's detail: "build", "pull", or NULL if the image was only looked
                       up; said when the phase ends, or when it begins once more because it
                       became known. PHASE_UP is reached when it is done; its text then: NULL, or
                       "done" for a job that has ended */
    EVENT_PROGRESS, /* service, phase, text: a line of a pull or a build; of a pull also count of
                       total bytes, where they are known */
    EVENT_PROBE,    /* service, text: why the latest try was not ready; count: tries so far */
    EVENT_SEED,     /* service, status, text: the seed as written; count of total; duration */
    EVENT_WAITING,  /* the heartbeat; list: "db (ready 12 s): connection refused" */
    EVENT_ENDPOINT, /* service, text: an address that answers ("127.0.0.1:32768 -> 5432/tcp") */
    EVENT_DIED,     /* service, code: its exit code; at: when; text: a sentence; list: its last
                       lines; detail: what was going on ("suite"), or NULL. STATUS_BEGAN: its
                       restart policy starts it again */
    EVENT_SUITE,    /* text: the suite's name, "" if the file gives none; detail: its command;
                       status; code, duration at the end */
    EVENT_WARNING,  /* text; service, and at, if it is of one at a time */
    EVENT_NOTE,     /* text: something to know, such as how to take a kept environment down */
    EVENT_FAILED,   /* the cause: text: one sentence; service and phase if one is to blame;
                       detail: "FILE:LINE:COLUMN" or NULL; list: the last lines of its log or build;
                       hints: how to go on */
    EVENT_TEARDOWN, /* status; at the end duration and text: "removed 4 containers, 1 network",
                       or NULL; list (failed): what could not be removed, detail: why not */
    EVENT_TESTS, /* what the suite's result files (`junit`) say, told before its failed tests: text:
                    the suite's name; count: how many failed, of total */
    EVENT_TEST,  /* a test that failed: text: its name, "class.name", with "SUITE: " in front if
                    the suite has a name; detail: its message; count of total: which of those
                    that are told; at: when it may have begun; duration: for how long it may
                    have run, from there */
    EVENT_ARTIFACT, /* text: a file that the suite left, where it was copied to; detail: the suite's
                       name; total: its bytes */

    /* What is meant for a record alone; see event_is_bulky(). */
    EVENT_LOG, /* a line that was written: service, or else detail: the suite's name; at, stream,
                  text, unfinished. With STATUS_FAILED: something is missing here; text: what */
    EVENT_TRY, /* one try of a probe: service, phase, status, duration; count: which one; text: why
                  it found it not ready; detail: what the probe wrote or was answered */
    EVENT_SAMPLE,  /* service, usage */
    EVENT_RESULTS, /* a piece of a suite's result file: detail: the suite's name; count: which file,
                      from 1; list: its path, below the folder that the suite ran in; text;
                      unfinished: more of it follows */
    EVENT_OBJECT,  /* how an object was at the end: detail: "container", "network", "volume" or
                      "image"; service, if it is of one; text: what inspecting it says, as JSON */

    EVENT_OUTCOME, /* the last one: text: "passed", "failed", "environment", "timeout",
                      "interrupted", "error"; code: the exit code; duration; detail: a summary */
};

enum event_phase {
    PHASE_NONE,
    PHASE_IMAGE,  /* the image is looked up, built or pulled */
    PHASE_CREATE, /* the container is made */
    PHASE_COPY,   /* files go in */
    PHASE_WAIT,   /* for its dependencies */
    PHASE_START,
    PHASE_READY,
    PHASE_SEED,
    PHASE_UP,   /* ready and seeded; or a job that is done */
    PHASE_STOP, /* teardown */
};

enum event_status { STATUS_NONE, STATUS_BEGAN, STATUS_DONE, STATUS_FAILED };

/* As the engine numbers them. */
enum event_stream { EVENT_NO_STREAM, EVENT_STDOUT, EVENT_STDERR };

/* What a container has used since its start, and what it holds now. */
struct event_usage {
    long long cpu;                  /* ms of CPU time */
    long long throttled;            /* ms for which its CPU limit stopped it */
    long long memory, memory_limit; /* bytes, without the file cache; limit 0: none */
    long long processes;
    long long received, sent; /* bytes, all networks */
    long long read, written;  /* bytes, all disks */
};

/* Every string and array of an event is owned by it and comes from malloc(); a zeroed one is an
 * event without contents, so that { .kind = EVENT_NOTE, .text = xasprintf(...) } makes one. */
struct event {
    enum event_kind kind;
    long long ms;   /* since the run began */
    long long time; /* UNIX time in milliseconds */
    char *service;
    enum event_phase phase;
    enum event_status status;
    long long duration; /* ms */
    int code;
    long long count, total;
    long long at; /* UNIX time in nanoseconds */
    enum event_stream stream;
    bool unfinished; /* the line goes on in the next event of its stream */
    struct event_usage usage;
    char *text;
    char *detail;
    char **list; /* list_length strings */
    size_t list_length;
    char **hints;
    size_t hint_count;
};

/* Logs, tries, samples and objects are many or large: the displays leave them out. */
static inline bool event_is_bulky(enum event_kind kind) {
    return kind >= EVENT_LOG && kind <= EVENT_OBJECT;
}

/* Receives each event once, in order; must not keep the pointer. */
struct event_listener {
    void (*event)(void *context, const struct event *event);
    void *context;
    struct redactor *redactor; /* whose values no event may hold (base/redact.h); or NULL */
};

/* Tell an event whose `time` is now, and release it. Every event goes this way. */
void event_tell(struct event *event, const struct event_listener *listener);
void event_add_line(struct event *event, const char *line);
void event_add_hint(struct event *event, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void event_release(struct event *event);

/* The names in the JSON form; never NULL, "" for what is NONE. */
const char *event_kind_name(enum event_kind kind);
const char *event_phase_name(enum event_phase phase);
const char *event_status_name(enum event_status status);
const char *event_stream_name(enum event_stream stream);

/* One line of JSON without the newline, to be freed by the caller. Bytes that are not UTF-8 become
 * U+FFFD. */
char *event_encode(const struct event *event);
/* False and ERR_FILE if the line is not an event of a version that is understood. The line may come
 * from anywhere: what is too long, too much or of another type is an error. */
bool event_decode(const char *line, struct event *ret_event, struct err *err);

#endif
