/*
 * The folders of runs: finding them, naming them, saying in short what each was.
 */
#include "record/runs.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "record/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNS_MOST = 10000, SMALL_FILE_MOST = 1 << 20 };

/* "20240501T120002Z-": what stands before an ID. */
static size_t time_length(const char *name) {
    static const char shape[] = "ddddddddTddddddZ-";
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? !memchr("0123456789", name[i] ? name[i] : 'x', 10)
                            : name[i] != shape[i])
            return 0;
    return sizeof shape - 1;
}

void runs_names(const char *runs, struct strings *into) {
    DIR *entries = opendir(runs);
    const struct dirent *entry;
    while (entries && into->length < RUNS_MOST && (entry = readdir(entries)))
        if (time_length(entry->d_name))
            strings_add(into, entry->d_name);
    if (entries)
        closedir(entries);
    strings_sort(into); /* their times come first */
}

char *record_runs(const char *folder) {
    autofree char *at = xstrdup(folder);
    for (;;) {
        autofree char *runs = path_join(at, ".envrun/runs");
        if (path_is_directory(runs))
            return steal(runs);
        char *above = path_directory(at);
        if (!strcmp(above, at) || !strcmp(at, ".")) {
            free(above);
            return NULL;
        }
        free(at);
        at = above;
    }
}

/* ---- One run in short ---- */

static cJSON *read_json(const char *folder, const char *name) {
    autofree char *path = path_join(folder, name);
    autobuffer struct buffer text = BUFFER_INIT_MAX(SMALL_FILE_MOST);
    struct err ignored = ERR_INIT;
    struct stat info;
    cJSON *value = NULL;
    if (!lstat(path, &info) && S_ISREG(info.st_mode) && path_read(path, &text, &ignored))
        value = cJSON_ParseWithLength(text.data, text.length);
    err_release(&ignored);
    return value;
}

static bool is_being_written(const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool locked = folder >= 0 && flock(folder, LOCK_SH | LOCK_NB) != 0;
    if (folder >= 0)
        close(folder);
    return locked;
}

static char *text_at(const cJSON *from, const char *path) {
    return xstrdup_or_null(json_text(from, path));
}

bool record_summarise(const char *path, struct record_summary *ret, struct err *err) {
    autojson cJSON *head = read_json(path, "record.json");
    autojson cJSON *outcome = read_json(path, "outcome.json");
    if (!cJSON_IsObject(head))
        return err_set(err, ERR_FILE, "%s is no record of a run", path);
    if (json_number(head, "v", 0) != RECORD_VERSION)
        return err_set(err, ERR_FILE,
                       "the record %s is of a format version that this envrun does not know", path);
    *ret = (struct record_summary){
        .path = xstrdup(path),
        .id = xstrdup(json_text_or(head, "id", path_name(path))),
        .name = xstrdup(json_text_or(head, "name", "")),
        .verb = xstrdup(json_text_or(head, "verb", "")),
        .time = json_number(head, "time", 0),
        .outcome = text_at(outcome, "outcome"),
        .code = (int)json_number(outcome, "code", 0),
        .duration = json_number(outcome, "duration", 0),
        .failed = text_at(outcome, "failed.text"),
        .service = text_at(outcome, "failed.service"),
    };
    if (!ret->outcome)
        ret->outcome = xstrdup(is_being_written(path) ? "running" : "broken off");
    return true;
}

void record_summary_release(struct record_summary *summary) {
    free(summary->path);
    free(summary->id);
    free(summary->name);
    free(summary->verb);
    free(summary->outcome);
    free(summary->failed);
    free(summary->service);
    *summary = (struct record_summary){0};
}

void record_list(const char *runs, struct record_summaries *into) {
    autostrings struct strings names = {0};
    runs_names(runs, &names);
    for (size_t i = names.length; i-- > 0;) {
        autofree char *path = path_join(runs, names.at[i]);
        struct record_summary summary;
        struct err ignored = ERR_INIT;
        if (record_summarise(path, &summary, &ignored))
            vec_push(into, summary);
        err_release(&ignored);
    }
}

void record_summaries_release(struct record_summaries *summaries) {
    vec_each (summary, summaries)
        record_summary_release(summary);
    vec_free(summaries);
}

/* ---- Which run is meant ---- */

static bool is_meant(const char *name, const char *id) {
    return text_starts(name, id) || text_starts(name + time_length(name), id);
}

static char *no_run(const char *id, struct err *err) {
    if (id)
        err_set(err, ERR_USAGE, "there is no record of a run `%s`; `envrun runs` lists them", id);
    else
        err_set(err, ERR_USAGE, "no run is recorded here; `envrun run` makes one");
    return NULL;
}

char *record_find(const char *runs, const char *id, struct err *err) {
    autostrings struct strings names = {0};
    const char *found = NULL;
    if (id && strchr(id, '/'))
        return xstrdup(id);
    if (runs)
        runs_names(runs, &names);
    vec_each (name, &names) {
        if (id && !is_meant(*name, id))
            continue;
        if (found && id) {
            err_set(err, ERR_USAGE, "`%s` begins the IDs of more than one run: %s and %s", id,
                    found, *name);
            return NULL;
        }
        found = *name;
    }
    return found ? path_join(runs, found) : no_run(id, err);
}
