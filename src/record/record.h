/*
 * record.h: what a run leaves behind, as a folder of plain files.
 *
 *     .envrun/                   mode 0700; a .gitignore makes it ignore itself
 *       runs/
 *         20240501T120002Z-1a2b3c/   <time>-<id>
 *           record.json          {"v":1,"id","name","verb","time","project","envrun"}
 *           events.ndjson        the events (event.h), but for those that stand below
 *           tries.ndjson         EVENT_TRY: each try of a probe, and what it was answered
 *           samples.ndjson       EVENT_SAMPLE: CPU, memory, disks and networks of each container
 *           objects.ndjson       EVENT_OBJECT: containers, networks, volumes, images at the end
 *           logs/SERVICE.log     EVENT_LOG: "INSTANT STREAM TEXT", a line each; STREAM is "stdout",
 *           suites/SUITE.log     "stderr" (with a '+': the line goes on in the next one of its
 *                                stream), or "gap": something is missing, and TEXT says what
 *           junit/SUITE/N-PATH   EVENT_RESULTS: the suite's result files as it wrote them, in the
 *                                order of their paths; of what is more than RECORD_RESULTS_MOST
 *                                bytes the end is missing
 *           outcome.json         {"v":1,"outcome","code","duration","failed","died","artifacts"};
 *                                not there: the run was broken off, or still goes on
 *
 * The format's version stands in record.json and in each event. Of a file that grows too large the
 * middle is dropped, and a line says so: {"v":1,"event":"gap",...} or "- gap TEXT". A file may end
 * in the middle of a line, and NAME.1, NAME.2, ... may stand beside it (spool.h), if the run was
 * broken off. In a file's name, what is not of A-Z a-z 0-9 . _ - is a '_'.
 *
 * One consumer of events writes all this. It never fails a run: what cannot be written is said
 * once, and then there is no more of the record. Files are written with the descriptor of the
 * run's folder, which is locked (flock) as long as it is written; nothing follows a link there.
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <envrun/event.h>

#include "base/vector.h"

enum {
    RECORD_VERSION = 1,
    RECORD_RUNS_KEPT = 20,
    RECORD_LOG_LEAST = 256 << 10,   /* bytes that each log may have at least, */
    RECORD_LOG_MOST = 8 << 20,      /* and at most; */
    RECORD_LOGS_MOST = 128 << 20,   /* between them, all logs share so much */
    RECORD_RESULTS_MOST = 64 << 20, /* bytes of all result files */
    RECORD_LINE_MAX = 64 << 10,     /* of a log's line; a longer one comes in pieces */
};
#define RECORD_BYTES_KEPT (1LL << 30) /* of all runs together */

/* ---- writer.c ---- */

struct record_writer;

struct record_options {
    const char *folder; /* the project's, in which .envrun/ is made */
    const char *id;     /* of the run: letters and digits */
    const char *name;   /* the environment's */
    const char *verb;   /* "run", "up" */
    const char *envrun; /* our version */
    size_t logs;        /* how many there are going to be, about */
};

/* Make the run's folder, and remove the oldest ones that are too many. NULL and ERR_FILE if it
 * cannot be made. */
struct record_writer *record_begin(const struct record_options *options, struct err *err);
/* False the first time that something cannot be written; the rest of the record is left out. */
bool record_take(struct record_writer *writer, const struct event *event, struct err *err);
/* The run's folder, absolute. */
const char *record_path(const struct record_writer *writer);
/* Put the files into their final form; what comes then is left out. */
bool record_end(struct record_writer *writer, struct err *err);
/* Takes NULL, answers NULL. */
struct record_writer *record_free(struct record_writer *writer);

/* ---- prune.c ---- */

/* Remove the oldest runs of a folder of runs until no more than that many, and that many bytes, are
 * left. Those that are being written stay. */
void record_prune(const char *runs, size_t most_runs, long long most_bytes);

/* ---- reader.c: what stands there may come from anywhere ---- */

struct record_summary {
    char *path; /* of the run's folder */
    char *id;   /* <time>-<id> */
    char *name, *verb;
    char *outcome;            /* as EVENT_OUTCOME; "running" or "broken off" if there is none */
    char *failed;             /* the cause, or NULL */
    char *service;            /* that is to blame, or NULL */
    long long time, duration; /* UNIX time in ms; ms */
    int code;
};

struct record_summaries {
    struct record_summary *at;
    size_t length, capacity;
};

/* Where the runs of a folder, or of one above it, are recorded; NULL: there are none. To be freed
 * by the caller. */
char *record_runs(const char *folder);
/* The latest one first. Folders that are no record are passed over. */
void record_list(const char *runs, struct record_summaries *into);
void record_summaries_release(struct record_summaries *summaries);
/* False and ERR_FILE if the folder is no record, or of a version that is not known. */
bool record_summarise(const char *path, struct record_summary *ret, struct err *err);
void record_summary_release(struct record_summary *summary);

/* The path of a run: an ID or the beginning of one, with or without its time; a path (it has a '/')
 * is taken as it is; NULL: the latest. `runs` may be NULL. ERR_USAGE if there is none, or more than
 * one. To be freed by the caller. */
char *record_find(const char *runs, const char *id, struct err *err);

/* Every event of one of the .ndjson files, in order. What is no event is passed over; what is
 * behind a broken end is not there. False and ERR_FILE if there is no such file. */
bool record_read(const char *path, const char *file, struct event_listener listener,
                 struct err *err);
/* The names of the logs, sorted: services, or suites. */
void record_logs(const char *path, bool of_suites, struct strings *into);
/* A service's log, or a suite's, as EVENT_LOG. */
bool record_read_log(const char *path, const char *name, bool of_suite,
                     struct event_listener listener, struct err *err);

/* What a service's or a suite's log is called in its folder, without ".log"; to be freed by the
 * caller. */
char *record_file_name(const char *name);

#endif
