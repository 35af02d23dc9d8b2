/*
 * envrun runs, show, logs --run: what is recorded of earlier runs. No engine is asked, and no file
 * of the project is read.
 */
#include "cli/cli.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

/* Where the runs are recorded: in the current folder or one above it. NULL: nowhere. */
static char *find_runs(const struct options *options) {
    autofree char *here = getcwd(NULL, 0);
    autofree char *folder =
        path_join(here ? here : ".", options->directory ? options->directory : ".");
    return record_runs(folder);
}

/* The folder of the run that is meant; NULL: the latest one. */
static char *find_run(const struct options *options, const char *id, struct err *err) {
    autofree char *runs = find_runs(options);
    return record_find(runs, id, err);
}

static struct report_options report_on_stdout(void) {
    struct report_options options = report_options_for(STDOUT_FILENO, (const char *const *)environ);
    struct winsize size = {0};
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        options.columns = size.ws_col;
    return options;
}

/* ---- runs ---- */

static void print_run(const struct record_summary *summary) {
    char began[INSTANT_SIZE];
    autofree char *duration = text_milliseconds(summary->duration);
    autofree char *id = cli_harmless(summary->id), *outcome = cli_harmless(summary->outcome);
    autofree char *failed = cli_harmless(summary->failed ? summary->failed : "");
    instant_format(summary->time * 1000000, began);
    printf("%-23s  %.10s %.8s  %-12s %4d  %-13s  %s\n", id, began, began + 11, outcome,
           summary->code, duration, failed);
}

static void print_runs(const struct record_summaries *summaries) {
    printf("%-23s  %-19s  %-12s %4s  %-13s  %s\n", "RUN", "BEGAN (UTC)", "OUTCOME", "CODE",
           "DURATION", "CAUSE");
    vec_each (summary, summaries)
        print_run(summary);
}

static void print_runs_json(const struct record_summaries *summaries) {
    autojson cJSON *all = cJSON_CreateArray();
    vec_each (summary, summaries) {
        cJSON *one = cJSON_CreateObject();
        json_put_text(one, "id", summary->id);
        json_put_text(one, "name", summary->name);
        json_put_text(one, "verb", summary->verb);
        json_put_text(one, "path", summary->path);
        json_put_number(one, "time", summary->time);
        json_put_text(one, "outcome", summary->outcome);
        json_put_number(one, "code", summary->code);
        json_put_number(one, "duration", summary->duration);
        json_put_text(one, "failed", summary->failed);
        json_put_text(one, "service", summary->service);
        cJSON_AddItemToArray(all, one);
    }
    autofree char *text = cJSON_Print(all);
    puts(text);
}

int command_runs(struct options *options) {
    struct record_summaries summaries = {0};
    const char *format = options->format ? options->format : "table";
    struct err err = ERR_INIT;
    int code = 0;
    if (strcmp(format, "table") && strcmp(format, "json")) {
        err_set(&err, ERR_USAGE, "--format is `table` or `json`, not `%s`", format);
        code = cli_fail(&err);
        err_release(&err);
        return code;
    }
    autofree char *runs = find_runs(options);
    if (runs)
        record_list(runs, &summaries);
    if (!strcmp(format, "json"))
        print_runs_json(&summaries);
    else
        print_runs(&summaries);
    record_summaries_release(&summaries);
    return EX_OK;
}

/* ---- show ---- */

static void on_event(void *context, const struct event *event) {
    report_event(context, event);
}

/* What the services wrote, for the tests that failed meanwhile. */
static void tell_logs(const char *path, struct event_listener listener) {
    autostrings struct strings services = {0};
    struct err ignored = ERR_INIT;
    record_logs(path, false, &services);
    for (size_t i = 0; i < services.length; i++)
        record_read_log(path, services.at[i], false, listener, &ignored);
    err_release(&ignored);
}

static bool show_run(const char *path, struct err *err) {
    struct record_summary summary;
    struct err ignored = ERR_INIT;
    if (!record_summarise(path, &summary, err))
        return false;
    struct report_options options = report_on_stdout();
    autofree char *title = xasprintf("envrun %s %s (%s)", summary.verb, summary.name, summary.id);
    options.style = REPORT_STORY;
    options.title = title;
    struct report *report = report_new(&options);
    struct event_listener listener = {.event = on_event, .context = report};
    record_read(path, "samples.ndjson", listener, &ignored); /* not every run has some */
    bool ok = record_read(path, "events.ndjson", listener, err);
    tell_logs(path, listener);
    report_free(report);
    err_release(&ignored);
    record_summary_release(&summary);
    return ok;
}

int command_show(struct options *options) {
    struct err err = ERR_INIT;
    const char *id = options->word_count ? options->words[0] : NULL;
    autofree char *path = find_run(options, id, &err);
    int code = path && show_run(path, &err) ? EX_OK : cli_fail(&err);
    err_release(&err);
    return code;
}

/* ---- logs --run ---- */

struct log_printing {
    const struct options *options;
    const char *name;
    int width;      /* of the longest name; 0: no names */
    bool goes_on;   /* the last line has not ended */
    long long skip; /* lines before the tail */
    long long lines;
};

static void count_line(void *context, const struct event *event) {
    struct log_printing *printing = context;
    printing->lines += !event->unfinished;
}

static void print_line(void *context, const struct event *event) {
    struct log_printing *printing = context;
    char at[INSTANT_SIZE];
    bool skipped = printing->skip > 0;
    printing->skip -= !event->unfinished;
    if (skipped)
        return;
    if (printing->width && !printing->goes_on)
        printf("%-*s | ", printing->width, printing->name);
    if (printing->options->timestamps && !printing->goes_on)
        printf("%s ", instant_format(event->at, at));
    bool gap = event->status == STATUS_FAILED;
    printf("%s%s%s%s", gap ? "[" : "", event->text, gap ? "]" : "", event->unfinished ? "" : "\n");
    printing->goes_on = event->unfinished;
}

static bool print_log(const char *path, const struct options *options, const char *name,
                      bool of_suite, int width, struct err *err) {
    struct log_printing printing = {.options = options, .name = name, .width = width};
    long tail = -1;
    if (options->tail && text_to_long(options->tail, 0, 1 << 30, &tail)) {
        if (!record_read_log(path, name, of_suite,
                             (struct event_listener){.event = count_line, .context = &printing},
                             err))
            return false;
        printing.skip = printing.lines > tail ? printing.lines - tail : 0;
    }
    return record_read_log(path, name, of_suite,
                           (struct event_listener){.event = print_line, .context = &printing}, err);
}

static bool unknown_log(const struct strings *services, const struct strings *suites,
                        const char *name, struct err *err) {
    autostrings struct strings all = {0};
    strings_copy(&all, services);
    strings_copy(&all, suites);
    autofree char *names = strings_join(&all, ", ");
    return err_set(err, ERR_USAGE, "there is no log of `%s` in this record; there is %s", name,
                   all.length ? names : "none at all");
}

/* The services that were named, or all of them; a suite's name is as good. */
static bool print_logs(const char *path, const struct options *options, struct err *err) {
    autostrings struct strings services = {0}, suites = {0}, chosen = {0};
    int width = 0;
    record_logs(path, false, &services);
    record_logs(path, true, &suites);
    for (size_t i = 0; i < options->word_count; i++)
        strings_add(&chosen, options->words[i]);
    if (!options->word_count)
        strings_copy(&chosen, &services);
    vec_each (name, &chosen)
        if (chosen.length > 1 || !options->word_count)
            width = (int)strlen(*name) > width ? (int)strlen(*name) : width;
    vec_each (name, &chosen) {
        bool of_service = strings_has(&services, *name);
        if (!of_service && !strings_has(&suites, *name))
            return unknown_log(&services, &suites, *name, err);
        if (!print_log(path, options, *name, !of_service, width, err))
            return false;
    }
    return true;
}

int command_recorded_logs(struct options *options) {
    struct err err = ERR_INIT;
    struct record_summary summary;
    autofree char *path = find_run(options, options->run, &err);
    bool ok = path && record_summarise(path, &summary, &err);
    if (ok) {
        record_summary_release(&summary);
        ok = print_logs(path, options, &err);
    }
    int code = ok ? EX_OK : cli_fail(&err);
    err_release(&err);
    return code;
}
