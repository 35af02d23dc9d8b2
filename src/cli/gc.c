/*
 * envrun gc: remove what runs that were killed have left, and images that nobody needs.
 */
#include "cli/cli.h"

#include "base/text.h"
#include "run/sweep.h"
#include "run/unused.h"

#include <stdio.h>
#include <sysexits.h>

struct gc {
    struct session session;
    bool doing; /* not only saying */
    int count;  /* what there was */
};

static const char *verb(const struct gc *gc) {
    return gc->doing ? "removed" : "would remove";
}

/* ---- Environments ---- */

static void say_lease(struct gc *gc, const struct lease *lease) {
    autofree char *objects = lease_objects(lease), *name = cli_harmless(lease->name);
    gc->count++;
    printf("%s %s: %s (%s)\n", verb(gc), name, objects,
           lease->state == LEASE_ORPHAN ? "its envrun is dead" : "its deadline has passed");
}

static void swept(void *context, const struct lease *lease, const struct err *err) {
    if (err)
        fprintf(stderr, "envrun: %s: %s\n", lease->name, err->message);
    else
        say_lease(context, lease);
}

static bool say_what_is_over(struct gc *gc, struct err *err) {
    struct leases leases = {0};
    if (!session_leases(&gc->session, &leases, err))
        return false;
    vec_each (lease, &leases)
        if (lease_is_over(lease))
            say_lease(gc, lease);
    leases_release(&leases);
    return true;
}

static bool collect_environments(struct gc *gc, struct err *err) {
    struct session *session = &gc->session;
    struct sweep_listener listener = {swept, gc};
    if (!gc->doing)
        return say_what_is_over(gc, err);
    return session_drive(session, engine_connect(session->engine), true, err) &&
           session_drive(session, sweep_new(session->loop, session->engine, listener), true, err);
}

/* ---- Images ---- */

/* One that got a user meanwhile stays. */
static bool collect_image(struct gc *gc, const struct unused_image *image, struct err *err) {
    struct session *session = &gc->session;
    autofree char *size = text_bytes((unsigned long long)image->bytes);
    struct err why = ERR_INIT;
    if (gc->doing &&
        !session_drive(session, image_remove(session->engine, image->reference), true, &why)) {
        if (why.kind != ERR_ANSWER || why.code != 409)
            return err_move(err, &why);
        err_release(&why);
        return true;
    }
    gc->count++;
    printf("%s image %s: %s\n", verb(gc), image->reference, size);
    return true;
}

static bool collect_images(struct gc *gc, struct err *err) {
    struct session *session = &gc->session;
    struct unused_images images = {0};
    struct task *look = unused_new(session->loop, session->engine);
    task_start(look, NULL);
    loop_run(session->loop, look);
    bool ok = look->status == TASK_DONE || err_move(err, &look->err);
    if (ok)
        images = unused_take(look);
    task_free(look);
    vec_each (image, &images)
        ok = ok && collect_image(gc, image, err);
    unused_release(&images);
    return ok;
}

/* ---- The command ---- */

static int collect(struct gc *gc, struct err *err) {
    struct options *options = gc->session.options;
    bool ok = session_open(&gc->session, err) && collect_environments(gc, err) &&
              (!options->images || collect_images(gc, err));
    if (!ok)
        return err->kind == ERR_LEFTOVER ? err_exit_code(err) : cli_fail(err);
    if (!gc->count)
        fputs("envrun: there is nothing to remove\n", stderr);
    else if (!gc->doing)
        fprintf(stderr, "envrun: nothing is removed yet: `envrun gc%s --yes` does it\n",
                options->images ? " --images" : "");
    return EX_OK;
}

int command_gc(struct options *options) {
    struct gc gc = {.doing = options->yes};
    struct err err = ERR_INIT;
    session_init(&gc.session, options);
    int code = collect(&gc, &err);
    session_release(&gc.session);
    err_release(&err);
    return code;
}
