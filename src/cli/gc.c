/*
 * envrun gc: remove what runs that were killed have left.
 */
#include "cli/cli.h"

#include "run/sweep.h"

#include <stdio.h>
#include <sysexits.h>

static const char *why(const struct lease *lease) {
    return lease->state == LEASE_ORPHAN ? "its envrun is dead" : "its deadline has passed";
}

/* ---- Saying it ---- */

static int say_what_is_over(const struct leases *leases) {
    int count = 0;
    vec_each (lease, leases) {
        autofree char *objects = lease_objects(lease);
        if (!lease_is_over(lease))
            continue;
        printf("would remove %s: %s (%s)\n", lease->name, objects, why(lease));
        count++;
    }
    return count;
}

static int dry_run(struct session *session, struct err *err) {
    struct leases leases = {0};
    if (!session_leases(session, &leases, err))
        return cli_fail(err);
    if (say_what_is_over(&leases))
        fputs("envrun: nothing is removed yet: `envrun gc --yes` does it\n", stderr);
    else
        fputs("envrun: there is nothing to remove\n", stderr);
    leases_release(&leases);
    return EX_OK;
}

/* ---- Doing it ---- */

static void swept(void *context, const struct lease *lease, const struct err *err) {
    autofree char *objects = lease_objects(lease);
    (void)context;
    if (err)
        fprintf(stderr, "envrun: %s: %s\n", lease->name, err->message);
    else
        printf("removed %s: %s (%s)\n", lease->name, objects, why(lease));
}

static int remove_all(struct session *session, struct err *err) {
    struct sweep_listener listener = {swept, NULL};
    if (!session_drive(session, engine_connect(session->engine), true, err))
        return cli_fail(err);
    struct task *sweep = sweep_new(session->loop, session->engine, listener);
    if (session_drive(session, sweep, true, err))
        return EX_OK;
    return err->kind == ERR_LEFTOVER ? err_exit_code(err) : cli_fail(err);
}

int command_gc(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code;

    session_init(&session, options);
    if (!session_open(&session, &err))
        code = cli_fail(&err);
    else
        code = options->yes ? remove_all(&session, &err) : dry_run(&session, &err);
    session_release(&session);
    err_release(&err);
    return code;
}
