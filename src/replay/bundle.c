#include "replay/bundle.h"

#include "base/json.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"
#include "replay/capture.h"
#include "replay/host.h"
#include "replay/pack.h"
#include "replay/pin.h"
#include "replay/project.h"
#include "replay/unpack.h"
#include "run/environment.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CAPTURE_LIMIT = 300000 /* ms */, DIFF_MAX = 16 << 20 };

struct bundle {
    struct bundle_options options;
    char *path, *folder; /* the bundle; what is spooled for it */
    struct task *capture;
    struct captured captured;
    struct pinned pinned;
    struct contents contents;
    char *out;
    char *record;
    cJSON *ending;
    int left_out;
};

struct bundle *bundle_begin(const struct bundle_options *options, struct err *err) {
    const char *name = options->environment->name;
    autofree char *file = xasprintf("envrun-%s.tar.zst", name);
    autofree char *template = xasprintf("%s/.%s.XXXXXX", options->out, name);
    if (!path_make_directories(options->out, err))
        return NULL;
    if (!mkdtemp(template)) {
        err_set(err, ERR_FILE, "cannot write in %s: %s", options->out, strerror(errno));
        return NULL;
    }
    struct bundle *bundle = xnew(struct bundle);
    bundle->options = *options;
    bundle->options.out = bundle->out = xstrdup(options->out);
    bundle->path = path_join(options->out, file);
    bundle->folder = steal(template);
    return bundle;
}

struct bundle *bundle_free(struct bundle *bundle) {
    if (!bundle)
        return NULL;
    folder_remove(bundle->folder);
    captured_release(&bundle->captured);
    pinned_release(&bundle->pinned);
    contents_release(&bundle->contents);
    cJSON_Delete(bundle->ending);
    free(bundle->record);
    free(bundle->out);
    free(bundle->path);
    free(bundle->folder);
    free(bundle);
    return NULL;
}

const char *bundle_path(const struct bundle *bundle) {
    return bundle->path;
}

int bundle_left_out(const struct bundle *bundle) {
    return bundle->left_out;
}

/* ---- Capture ---- */

static struct task *begin_capture(void *subject, struct err *err) {
    struct bundle *bundle = subject;
    (void)err;
    bundle->capture =
        capture_new(bundle->options.environment,
                    &(struct capture_options){.folder = bundle->folder,
                                              .data = bundle->options.data,
                                              .all_images = bundle->options.all_images,
                                              .redactor = bundle->options.redactor,
                                              .most = bundle->options.most});
    task_limit(bundle->capture, deadline_in(CAPTURE_LIMIT));
    return tolerate(bundle->options.environment->loop, bundle->capture, NULL);
}

static bool end_capture(void *subject, struct task *work, struct err *err) {
    struct bundle *bundle = subject;
    (void)work, (void)err;
    capture_take(bundle->capture, &bundle->captured);
    bundle->capture = NULL;
    return true;
}

struct task *bundle_capture(struct bundle *bundle) {
    static const struct stage stages[] = {{"capture", begin_capture, end_capture}, {0}};
    return &sequence_new(bundle->options.environment->loop, stages, bundle, NULL)->task;
}

/* ---- What is written besides ---- */

static void add_json(struct bundle *bundle, const char *name, cJSON *value) {
    redact_json(bundle->options.redactor, value);
    contents_add_text(&bundle->contents, name, cJSON_Print(value));
    cJSON_Delete(value);
}

static cJSON *texts(const char *const *list) {
    cJSON *array = cJSON_CreateArray();
    for (; list && *list; list++)
        json_append_text(array, *list);
    return array;
}

/* What decides how programs speak and read; it holds no secrets. */
static bool is_locale(const char *entry) {
    return text_starts(entry, "TZ=") || text_starts(entry, "LANG=") || text_starts(entry, "LC_") ||
           text_starts(entry, "LANGUAGE=");
}

static void add_variables(struct bundle *bundle, cJSON *suite) {
    const struct environment_options *run = bundle->options.run;
    cJSON *locale = json_array_at(suite, "locale"), *names = json_array_at(suite, "environment");
    for (const char *const *entry = run->process_environment; entry && *entry; entry++) {
        autofree char *name = xstrndup(*entry, strcspn(*entry, "="));
        if (is_locale(*entry))
            json_append_text(locale, *entry);
        json_append_text(names, name);
    }
}

/* A suite or a seed on the host sees what is in .env. */
static bool runs_on_host(const struct environment_options *run) {
    for (const struct suite *const *suite = run->suites; suite && *suite; suite++)
        if (!(*suite)->service)
            return true;
    for (size_t i = 0; i < run->model->service_count; i++)
        for (size_t k = 0; k < run->model->services[i].seed_count; k++)
            if (run->model->services[i].seeds[k].kind == SEED_RUN)
                return true;
    return false;
}

/* Those of -e and .env come from outside: a value is asked for, unless it may be seen. */
static void add_given(const struct model *model, const char *const *entry, cJSON *suite) {
    cJSON *given = json_array_at(suite, "variables"), *asked = json_array_at(suite, "asked");
    for (; entry && *entry; entry++) {
        autofree char *name = xstrndup(*entry, strcspn(*entry, "="));
        if (model_may_show(model, name, *entry + strlen(name) + 1))
            json_append_text(given, *entry);
        else
            json_append_text(asked, name);
    }
}

/* Programs write otherwise to a terminal than to a pipe. */
static void add_output(const struct environment_options *run, cJSON *suite) {
    json_put_text(suite, "output",
                  run->output_is_terminal ? "terminal"
                  : run->output_is_shared ? "one pipe"
                                          : "two pipes");
    json_put_number(suite, "rows", run->rows);
    json_put_number(suite, "columns", run->columns);
}

static cJSON *suite_facts(struct bundle *bundle) {
    const struct environment_options *run = bundle->options.run;
    cJSON *suite = cJSON_CreateObject(), *names = json_array_at(suite, "suites");
    mode_t mask = umask(0);
    umask(mask);
    autofree char *octal = xasprintf("%04o", (unsigned)mask);
    for (const struct suite *const *one = run->suites; one && *one; one++)
        json_append_text(names, (*one)->name);
    if (run->command)
        json_put(suite, "command", texts(run->command));
    json_put_text(suite, "umask", octal);
    add_output(run, suite);
    add_variables(bundle, suite);
    if (runs_on_host(run))
        add_given(run->model, (const char *const *)run->model->dotenv, suite);
    add_given(run->model, run->suite_variables, suite);
    return suite;
}

static void add_spooled(struct bundle *bundle, const char *name, const char *file) {
    autofree char *path = path_join(bundle->folder, file);
    if (path_exists(path))
        contents_add_path(&bundle->contents, name, path);
}

/* What is not committed may hold anything. */
static void add_diff(struct bundle *bundle) {
    struct buffer text = BUFFER_INIT_MAX(DIFF_MAX), clean = BUFFER_INIT;
    struct err why = ERR_INIT;
    autofree char *path = path_join(bundle->folder, "diff");
    if (path_exists(path) && path_read(path, &text, &why)) {
        redact(bundle->options.redactor, text.data, text.length, &clean);
        contents_add_text(&bundle->contents, "git/uncommitted.diff", buffer_detach(&clean));
    } else if (err_is(&why)) {
        contents_leave_out(&bundle->contents, "git/uncommitted.diff", why.message);
    }
    err_release(&why);
    buffer_release(&text);
    buffer_release(&clean);
}

static void note_captured(struct bundle *bundle) {
    const cJSON *entry;
    cJSON_ArrayForEach (entry, bundle->captured.left_out) {
        contents_leave_out(&bundle->contents, json_text_or(entry, "name", ""),
                           json_text_or(entry, "why", ""));
    }
}

/* What a replay cannot do without comes first. */
static void fill(struct bundle *bundle) {
    struct contents *contents = &bundle->contents;
    contents_init(contents, bundle->options.most);
    note_captured(bundle);
    pin(bundle->options.environment, &bundle->captured, &bundle->pinned);
    add_json(bundle, "model.json", cJSON_Parse(bundle->pinned.model));
    contents_taken_out(contents, "model.json", bundle->pinned.taken_out);
    add_json(bundle, "suite.json", suite_facts(bundle));
    add_json(bundle, "ending.json", steal(bundle->ending));
    add_json(bundle, "host.json", host_facts(bundle->captured.engine));
    add_json(bundle, "images.json", cJSON_Duplicate(bundle->captured.images, true));
    add_json(bundle, "data.json", cJSON_Duplicate(bundle->captured.data, true));
    add_spooled(bundle, "images", "images");
    project_add(contents, bundle->options.run, &bundle->pinned, bundle->folder,
                bundle->options.out);
    add_spooled(bundle, "git/commit", "commit");
    add_diff(bundle);
    if (bundle->record)
        contents_add_path(contents, "record", bundle->record);
    add_spooled(bundle, "data", "data");
}

static cJSON *about(struct bundle *bundle, const cJSON *ending) {
    cJSON *about = cJSON_CreateObject();
    json_put_text(about, "written_by", "envrun " ENVRUN_VERSION);
    json_put_text(about, "name", bundle->options.environment->name);
    json_put_number(about, "time", (long long)time(NULL));
    json_put_text(about, "outcome", json_text(ending, "outcome"));
    json_put_number(about, "code", json_number(ending, "code", 0));
    json_put_text(about, "cause", json_text(ending, "cause"));
    json_put_text(about, "engine", json_text(bundle->captured.engine, "version.Version"));
    cJSON *asked = json_array_at(about, "asked");
    vec_each (name, &bundle->pinned.asked)
        json_append_text(asked, *name);
    cJSON *values = json_array_at(json_object_at(about, "redacted"), "values_of");
    vec_each (name, redactor_names(bundle->options.redactor))
        json_append_text(values, *name);
    json_put(about, "left_out", cJSON_Duplicate(bundle->contents.left_out, true));
    redact_json(bundle->options.redactor, about);
    return about;
}

/* ---- Writing ---- */

static struct task *begin_git(void *subject, struct err *err) {
    struct bundle *bundle = subject;
    (void)err;
    return project_ask_git(bundle->options.environment->loop, bundle->options.run->model,
                           bundle->options.run->process_environment, bundle->folder);
}

static struct task *begin_pack(void *subject, struct err *err) {
    struct bundle *bundle = subject;
    autojson cJSON *ending = cJSON_Duplicate(bundle->ending, true);
    (void)err;
    fill(bundle);
    bundle->left_out = cJSON_GetArraySize(bundle->contents.left_out);
    return pack_new(bundle->options.environment->loop, &bundle->contents, about(bundle, ending),
                    bundle->path);
}

struct task *bundle_write(struct bundle *bundle, const struct ending *ending, const char *record) {
    static const struct stage stages[] = {
        {"git", begin_git, NULL}, {"pack", begin_pack, NULL}, {0}};
    bundle->ending = ending_encode(ending);
    bundle->record = xstrdup_or_null(record);
    return &sequence_new(bundle->options.environment->loop, stages, bundle, NULL)->task;
}
