/*
 * envrun lock: which image each name means, from the registries into envrun.lock.
 */
#include "replay/lock.h"

#include "base/text.h"
#include "cli/cli.h"

#include <stdio.h>

static bool make(struct session *session, struct err *err) {
    struct environment_options options = session_environment_options(session, "lock");
    session->environment = environment_new(session->loop, session->engine, &options);
    return session_drive(session, engine_connect(session->engine), true, err) &&
           session_drive(session, lock_make(session->environment), true, err);
}

int command_lock(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;
    session_init(&session, options);
    if (session_load(&session, &err) && session_open(&session, &err) &&
        (session.name = xstrdup(session.model->name)) && make(&session, &err))
        fprintf(stderr, "envrun: %s/%s is written\n", session.model->directory, LOCK_NAME);
    else
        code = session_fail(&session, &err);
    session_release(&session);
    err_release(&err);
    return code;
}

static bool is_stale(struct session *session, const struct strings *differences, struct err *err) {
    autofree char *all = strings_join(differences, "; ");
    if (session->options->locked)
        return !err_set(err, ERR_FILE, "%s is stale: %s; `envrun lock` makes it anew", LOCK_NAME,
                        all);
    autofree char *text = xasprintf("%s is stale: %s; `envrun lock` makes it anew", LOCK_NAME, all);
    session_warn(session, text);
    return false;
}

bool session_lock(struct session *session, struct err *err) {
    autostrings struct strings differences = {0};
    session->lock = lock_read(session->model, err);
    if (err_is(err))
        return false;
    if (!session->lock)
        return !session->options->locked ||
               err_set(err, ERR_FILE, "--locked needs %s/%s; `envrun lock` makes it",
                       session->model->directory, LOCK_NAME);
    lock_compare(session->lock, session->model, &differences);
    return !differences.length || !is_stale(session, &differences, err);
}
