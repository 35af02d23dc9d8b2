#include "report/report.h"

#include "report/look.h"

#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SETTLE_PATIENCE = 1000 }; /* ms */

struct report {
    const struct look *look;
    void *self;
    struct output output;
};

static const struct look *const looks[] = {
    [REPORT_PLAIN] = &look_plain,
    [REPORT_TERMINAL] = &look_terminal,
    [REPORT_JSON] = &look_json,
    [REPORT_STORY] = &look_story,
};

struct report *report_new(const struct report_options *options) {
    struct report *report = xnew(struct report);
    report->output = OUTPUT_INIT(options->fd);
    report->look = looks[options->style];
    report->self = report->look->create(options, &report->output);
    return report;
}

void report_event(struct report *report, const struct event *event) {
    if (report->look->takes_bulky || !event_is_bulky(event->kind))
        report->look->event(report->self, event);
}

void report_tick(struct report *report, long long ms) {
    output_flush(&report->output, 0);
    if (report->look->tick)
        report->look->tick(report->self, ms);
}

void report_resize(struct report *report, int rows, int columns) {
    if (report->look->resize)
        report->look->resize(report->self, rows, columns);
}

void report_settle(struct report *report) {
    if (report->look->settle)
        report->look->settle(report->self);
    output_flush(&report->output, SETTLE_PATIENCE);
}

struct report *report_free(struct report *report) {
    if (!report)
        return NULL;
    report->look->destroy(report->self);
    output_release(&report->output);
    free(report);
    return NULL;
}

/* NULL if a variable is not set or empty. */
static const char *variable(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}

static bool is_set(const char *const *environment, const char *name) {
    const char *value = variable(environment, name);
    return value && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

static bool is_utf8_locale(const char *const *environment) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = NULL;
    for (size_t i = 0; i < lengthof(names) && !value; i++)
        value = variable(environment, names[i]);
    return value && (strcasestr(value, "UTF-8") || strcasestr(value, "UTF8"));
}

static bool is_capable(const char *const *environment) {
    const char *term = variable(environment, "TERM");
    return term && strcmp(term, "dumb") != 0;
}

struct report_options report_options_for(int fd, const char *const *environment) {
    struct report_options options = {.fd = fd, .unicode = is_utf8_locale(environment)};
    struct winsize size = {0};
    bool colorless = variable(environment, "NO_COLOR");

    if (isatty(fd) && is_capable(environment) && !is_set(environment, "CI") && !colorless)
        options.style = REPORT_TERMINAL;
    options.color =
        options.style == REPORT_TERMINAL || (is_set(environment, "FORCE_COLOR") && !colorless);
    if (options.style == REPORT_TERMINAL && !ioctl(fd, TIOCGWINSZ, &size)) {
        options.rows = size.ws_row;
        options.columns = size.ws_col;
    }
    return options;
}
