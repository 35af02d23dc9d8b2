/*
 * What a command does for the record of its run: when it begins, what goes into it, when it is
 * whole.
 */
#include "cli/cli.h"

#include "base/text.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

char *session_new_id(void) {
    unsigned char random[3];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    return xasprintf("%02x%02x%02x", random[0], random[1], random[2]);
}

/* It is told once: the record takes nothing more. */
static void warn(struct session *session, struct err *err) {
    struct event event = {.kind = EVENT_WARNING,
                          .text = xasprintf("%s; the run goes on without it", err->message)};
    session_tell(session, &event);
    err_release(err);
}

/* Where the files of --environment lie is no project of its own. */
static const char *project_folder(const struct session *session, const char *here) {
    return session->options->environment ? here : session->model->directory;
}

void session_record(struct session *session, const char *verb, const char *id) {
    autofree char *here = getcwd(NULL, 0);
    struct err err = ERR_INIT;
    struct record_options options = {
        .folder = project_folder(session, here ? here : "."),
        .id = id,
        .name = session->name,
        .verb = verb,
        .envrun = ENVRUN_VERSION,
        .logs = session->model->service_count + session->model->suite_count,
    };
    session->record = record_begin(&options, &err);
    if (!session->record)
        warn(session, &err);
}

void session_record_event(void *context, const struct event *event) {
    struct session *session = context;
    struct err err = ERR_INIT;
    if (session->record && !record_take(session->record, event, &err))
        warn(session, &err);
}

void session_collect(struct session *session) {
    struct err ignored = ERR_INIT;
    if (session->record)
        session_drive(session, environment_collect(session->environment), false, &ignored);
    err_release(&ignored);
}

void session_end_record(struct session *session) {
    struct err err = ERR_INIT;
    if (session->record && !record_end(session->record, &err))
        warn(session, &err);
}

const char *session_close_record(struct session *session, const char *outcome, int code) {
    struct event_listener listener = {session_record_event, session, session->redactor};
    environment_end_logs(session->environment);
    struct event event = session_outcome_event(session, outcome, code);
    event_tell(&event, &listener);
    session_end_record(session);
    return session->record ? record_path(session->record) : NULL;
}
