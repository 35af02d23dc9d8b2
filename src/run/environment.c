/*
 * An environment: what is told of it, making and freeing it, what is asked of one that is up.
 */
#include "run/environment.h"

#include "base/redact.h"
#include "base/text.h"
#include "event/redact_log.h"
#include "run/collect.h"
#include "run/credentials.h"
#include "run/owner.h"

#include <string.h>
#include <time.h>

/* ---- Telling ---- */

void environment_tell(struct environment *environment, struct event *event) {
    event->ms = loop_now() - environment->began;
    if (event->kind == EVENT_LOG && event->status != STATUS_FAILED) {
        log_redactor_tell(environment->logs, event);
        return;
    }
    if (event->kind == EVENT_LOG)
        log_redactor_end(environment->logs, event->service, event->detail);
    event_tell(event, &environment->options.listener);
}

void environment_tell_clean(struct environment *environment, struct event *event) {
    struct event_listener plain = environment->options.listener;
    plain.redactor = NULL;
    event->ms = loop_now() - environment->began;
    event_tell(event, &plain);
}

void environment_end_logs(struct environment *environment) {
    log_redactor_end(environment->logs, NULL, NULL);
}

void environment_hide(struct environment *environment, const char *name, const char *value) {
    struct redactor *redactor = environment->options.listener.redactor;
    if (redactor && !model_may_show(environment->model, name, value))
        redactor_add_named(redactor, name, value);
}

void environment_warn(struct environment *environment, const char *format, ...) {
    struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    struct event event = {.kind = EVENT_WARNING, .text = buffer_detach(&text)};
    environment_tell(environment, &event);
}

void environment_changed(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].gate)
            task_wake(environment->lives[i].gate);
    if (environment->observe_gate)
        task_wake(environment->observe_gate);
    if (environment->suite)
        suite_wake(environment);
}

struct life *environment_life(struct environment *environment, const char *service) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (!strcmp(environment->lives[i].name, service))
            return &environment->lives[i];
    return NULL;
}

void environment_doom(struct environment *environment, struct life *life, struct err *err) {
    if (err_is(&environment->doom))
        return;
    err_move(&environment->doom, err);
    environment->culprit = life;
    environment->culprit_phase = PHASE_UP;
    if (environment->coming_up)
        task_wake(environment->coming_up);
}

/* ---- Credentials ---- */

static void warn(void *context, const char *text) {
    environment_warn(context, "%s", text);
}

static void hide(void *context, const char *value) {
    environment_hide(context, "a registry's credentials", value);
}

struct credentials *environment_credentials(struct environment *environment) {
    if (!environment->credentials)
        environment->credentials =
            credentials_new(environment->loop, environment->options.process_environment,
                            (struct credentials_listener){warn, hide, environment});
    return environment->credentials;
}

/* ---- Making and freeing ---- */

struct environment *environment_new(struct loop *loop, struct engine *engine,
                                    const struct environment_options *options) {
    struct environment *environment = xnew(struct environment);
    environment->loop = loop;
    environment->engine = engine;
    environment->options = *options;
    environment->logs = log_redactor_new(&environment->options.listener);
    environment->model = options->model;
    environment->name = xstrdup(options->name);
    environment->owner = owner_of_this_process();
    environment->began = options->began ? options->began : loop_now();
    timer_init(&environment->heartbeat, loop, NULL);
    timer_init(&environment->come_up_limit, loop, NULL);
    return environment;
}

struct environment *environment_free(struct environment *environment) {
    if (!environment)
        return NULL;
    timer_stop(&environment->heartbeat);
    timer_stop(&environment->come_up_limit);
    task_free(environment->observer);
    collect_release(environment);
    for (size_t i = 0; i < environment->life_count; i++)
        life_release(&environment->lives[i]);
    free(environment->lives);
    plan_free(environment->plan);
    log_redactor_free(environment->logs);
    cJSON_Delete(environment->own_mounts);
    credentials_free(environment->credentials);
    vec_free(&environment->subnets_taken);
    err_release(&environment->doom);
    strings_release(&environment->variables);
    free(environment->self);
    free(environment->publish_address);
    free(environment->publish_host);
    free(environment->publish_number);
    leases_release(&environment->namesakes);
    reaper_free(environment->reaper);
    free(environment->owner);
    free(environment->name);
    free(environment);
    return NULL;
}

int environment_suite_code(const struct environment *environment) {
    return environment->suite_code;
}

int environment_deaths(const struct environment *environment) {
    return environment->suite_deaths;
}

bool environment_has_begun(const struct environment *environment) {
    return environment->has_begun;
}

/* ---- What is asked of one that is up ---- */

bool environment_variables(struct environment *environment, const char *const **ret,
                           struct err *err) {
    strings_release(&environment->variables);
    if (!variables_add(environment, false, &environment->variables, err))
        return false;
    const struct suite *const *suite = environment->options.suites;
    for (; suite && *suite; suite++)
        if (!variables_add_suite(environment, *suite, true, &environment->variables, err))
            return false;
    *ret = (const char *const *)strings_argv(&environment->variables);
    return true;
}

void environment_tell_endpoints(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++) {
        const struct life *life = &environment->lives[i];
        for (size_t p = 0; life->started && p < life->planned->port_count; p++) {
            const struct planned_port *port = &life->planned->ports[p];
            const char *host;
            int number;
            if (strcmp(port->protocol, "tcp") || !life_endpoint(life, port->target, &host, &number))
                continue;
            struct event event = {.kind = EVENT_ENDPOINT,
                                  .service = xstrdup(life->name),
                                  .text = xasprintf("%s:%d -> %d/tcp", host, number, port->target)};
            environment_tell(environment, &event);
        }
    }
}
