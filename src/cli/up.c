/*
 * envrun up: stand the environment up and hold it.
 */
#include "cli/cli.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void make_environment(struct session *session) {
    struct environment_options options = session_environment_options(session, "up");
    options.is_held = true;
    options.ttl = session_ttl(session);
    session->environment = environment_new(session->loop, session->engine, &options);
}

static void tell_how_to_go_on(struct session *session) {
    struct event event = {.kind = EVENT_NOTE,
                          .text =
                              xasprintf("%s is up; `eval \"$(envrun env)\"` sets its variables, "
                                        "`envrun down` takes it down",
                                        session->name)};
    session_tell(session, &event);
}

static int hold(struct session *session, struct err *err) {
    if (session_drive(session, environment_up(session->environment), true, err)) {
        session_collect(session);
        environment_tell_endpoints(session->environment);
        tell_how_to_go_on(session);
        return session_outcome(session, "up", 0);
    }
    int code = err_exit_code(err);
    if (environment_has_begun(session->environment)) {
        session_collect(session);
        code = session_finish(session, code, true);
    }
    return session_outcome(session, outcome_of(err), code);
}

int command_up(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code;

    session_init(&session, options);
    if (options->word_count)
        session.services = (const char *const *)options->words;
    if (session_load(&session, &err) && session_lock(&session, &err) &&
        session_name(&session, &err) && session_open(&session, &err)) {
        autofree char *id = session_new_id();
        session_report(&session);
        session_record(&session, "up", id);
        make_environment(&session);
        code = hold(&session, &err);
    } else {
        code = session_refuse(&session, &err);
    }
    session_release(&session);
    err_release(&err);
    return code;
}
