/*
 * envrun ls: all environments on the engine.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- What the commands share ---- */

bool session_leases(struct session *session, struct leases *ret, struct err *err) {
    struct task *census;
    if (!session_drive(session, engine_connect(session->engine), true, err))
        return false;
    census = census_new(session->loop, session->engine, NULL);
    task_start(census, NULL);
    loop_run(session->loop, census);
    bool done = census->status == TASK_DONE;
    if (done)
        *ret = census_take(census);
    else
        err_move(err, &census->err);
    task_free(census);
    return done;
}

static void add_count(struct strings *parts, int count, const char *what) {
    if (count)
        strings_printf(parts, "%d %s%s", count, what, count == 1 ? "" : "s");
}

char *lease_objects(const struct lease *lease) {
    autostrings struct strings parts = {0};
    add_count(&parts, lease->containers, "container");
    add_count(&parts, lease->networks, "network");
    add_count(&parts, lease->volumes, "volume");
    return parts.length ? strings_join(&parts, ", ") : xstrdup("nothing");
}

/* ---- The table ---- */

static char *age(const struct lease *lease, long long now) {
    return lease->created
               ? text_milliseconds((now > lease->created ? now - lease->created : 0) * 1000)
               : xstrdup("?");
}

/* Of an owner that lives nobody asks for the deadline. */
static char *until(const struct lease *lease, long long now) {
    if (!lease->deadline)
        return xstrdup("-");
    long long left = lease->deadline - now;
    autofree char *time = text_milliseconds((left < 0 ? -left : left) * 1000);
    return left < 0 ? xasprintf("%s ago", time) : xasprintf("in %s", time);
}

static void print_table(const struct leases *leases, long long now) {
    printf("%-24s %-5s %-8s %-10s %-12s %-16s %-36s %s\n", "NAME", "VERB", "STATE", "OWNER", "AGE",
           "DEADLINE", "HOLDS", "FOLDER");
    vec_each (lease, leases) {
        autofree char *old = age(lease, now), *end = until(lease, now);
        autofree char *objects = lease_objects(lease), *name = cli_harmless(lease->name);
        autofree char *verb = cli_harmless(lease->verb), *folder = cli_harmless(lease->folder);
        printf("%-24s %-5s %-8s %-10s %-12s %-16s %-36s %s\n", name, verb,
               lease_state_name(lease->state), owner_state_name(lease->owner_state), old, end,
               objects, folder);
    }
}

static void print_json(const struct leases *leases, long long now) {
    autojson cJSON *all = cJSON_CreateArray();
    vec_each (lease, leases) {
        cJSON *one = cJSON_CreateObject();
        json_put_text(one, "name", lease->name);
        json_put_text(one, "verb", lease->verb);
        json_put_text(one, "state", lease_state_name(lease->state));
        json_put_text(one, "owner", owner_state_name(lease->owner_state));
        json_put_text(one, "folder", lease->folder);
        json_put_number(one, "age", lease->created ? now - lease->created : 0);
        if (lease->deadline)
            json_put_number(one, "deadline", lease->deadline);
        json_put_number(one, "containers", lease->containers);
        json_put_number(one, "networks", lease->networks);
        json_put_number(one, "volumes", lease->volumes);
        cJSON_AddItemToArray(all, one);
    }
    autofree char *text = cJSON_Print(all);
    puts(text);
}

int command_ls(struct options *options) {
    struct session session;
    struct leases leases = {0};
    struct err err = ERR_INIT;
    int code = 0;

    session_init(&session, options);
    if (!format_is_listing(options->format, &err) || !session_open(&session, &err) ||
        !session_leases(&session, &leases, &err))
        code = cli_fail(&err);
    else if (options->format && !strcmp(options->format, "json"))
        print_json(&leases, engine_time(session.engine));
    else
        print_table(&leases, engine_time(session.engine));
    leases_release(&leases);
    session_release(&session);
    err_release(&err);
    return code;
}
