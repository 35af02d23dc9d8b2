/*
 * What `run` does for a bundle: when there is one, where it goes, who is told.
 */
#include "replay/bundle.h"
#include "report/services_junit.h"

#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_wanted(const struct session *session, int code) {
    enum bundle_when when = session->options->bundle;
    if (when == BUNDLE_UNSAID)
        when = cli_is_ci() ? BUNDLE_ON_FAILURE : BUNDLE_NEVER;
    return !session->signal && (when == BUNDLE_ALWAYS || (when == BUNDLE_ON_FAILURE && code));
}

static void warn(struct session *session, struct err *err) {
    struct event event = {.kind = EVENT_WARNING,
                          .text = xasprintf("there is no bundle: %s", err->message)};
    session_tell(session, &event);
    err_release(err);
    session->bundle = bundle_free(session->bundle);
}

void session_capture(struct session *session, int code) {
    const struct options *options = session->options;
    struct err err = ERR_INIT;
    autofree char *here = getcwd(NULL, 0);
    autofree char *out = path_join(here ? here : "/", options->out ? options->out : "envrun-out");
    if (!is_wanted(session, code))
        return;
    long mib = options->bundle_mib ? options->bundle_mib : BUNDLE_MIB_DEFAULT;
    session->bundle =
        bundle_begin(&(struct bundle_options){.environment = session->environment,
                                              .run = &session->run,
                                              .redactor = session->redactor,
                                              .out = out,
                                              .data = options->bundle_data,
                                              .all_images = options->bundle_all_images,
                                              .most = (unsigned long long)mib << 20},
                     &err);
    if (!session->bundle || !session_drive(session, bundle_capture(session->bundle), true, &err))
        warn(session, &err);
}

static void tell(struct session *session) {
    const char *path = bundle_path(session->bundle);
    int left_out = bundle_left_out(session->bundle);
    struct buffer quoted = BUFFER_INIT;
    text_quote_shell(&quoted, path);
    autofree char *without =
        left_out ? xasprintf("; its manifest.json names %d that are left out", left_out) : NULL;
    struct event event = {.kind = EVENT_NOTE,
                          .text = xasprintf("bundle: %s (`envrun repro %s` runs it again%s)", path,
                                            quoted.data, without ? without : "")};
    session_tell(session, &event);
    buffer_release(&quoted);
}

static bool has_results(const struct model *model) {
    for (size_t i = 0; i < model->suite_count; i++)
        if (model->suites[i].junit && model->suites[i].junit[0])
            return true;
    return false;
}

void session_write_junit(struct session *session, int code) {
    struct err err = ERR_INIT;
    bool wanted = cli_is_ci() || has_results(session->model) || is_wanted(session, code);
    if (code != EX_TEMPFAIL || !session->junit || !wanted)
        return;
    autofree char *path = path_join(session->out, "envrun-environment.xml");
    bool written = services_junit_write(session->junit, path, &err);
    struct event event = {
        .kind = written ? EVENT_NOTE : EVENT_WARNING,
        .text = written ? xasprintf("JUnit: %s", path)
                        : xasprintf("the failure is not written as JUnit: %s", err.message)};
    session_tell(session, &event);
    err_release(&err);
}

void session_write_bundle(struct session *session, const char *record) {
    struct err err = ERR_INIT;
    if (!session->bundle)
        return;
    struct task *write = bundle_write(session->bundle, &session->ending, record);
    if (!session_drive(session, write, true, &err)) {
        warn(session, &err);
        return;
    }
    bundle_hand_out(session->bundle, &session->ending, (const char *const *)environ);
    tell(session);
}
