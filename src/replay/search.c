#include "replay/search.h"

#include "base/path.h"
#include "base/redact_set.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <string.h>

enum { BLOCK = 64 << 10, SLICE = 64 << 10, CONFIG_MAX = 4 << 20 };

struct search {
    struct task task;
    struct redactor *redactor; /* all values */
    struct redactor *telling;  /* those that are looked for in layers */
    struct strings files;
    size_t at;               /* the file that is read now */
    struct archive *archive; /* it, or NULL */
    uint32_t state;
};

static bool holds(struct search *search) {
    return err_set(&search->task.err, ERR_FILE,
                   "it holds what came from outside of the committed files");
}

static bool cannot_read(struct search *search) {
    return err_set(&search->task.err, ERR_FILE, "it cannot be searched for values from outside: %s",
                   archive_error_string(search->archive));
}

/* ---- The config ---- */

static bool search_config(struct search *search) {
    autobuffer struct buffer text = BUFFER_INIT_MAX(CONFIG_MAX), clean = BUFFER_INIT;
    if (!path_read(search->files.at[0], &text, &search->task.err))
        return false;
    redact(search->redactor, text.data, text.length, &clean);
    bool same = clean.length == text.length && !memcmp(clean.data, text.data, text.length);
    return same || holds(search);
}

/* ---- A layer: a tar archive, compressed or not; it is read as one stream of bytes ---- */

static int open_layer(struct search *search) {
    struct archive_entry *entry;
    search->archive = archive_read_new();
    if (!search->archive)
        abort();
    search->state = 0;
    archive_read_support_format_raw(search->archive);
    archive_read_support_format_empty(search->archive);
    archive_read_support_filter_gzip(search->archive);
    archive_read_support_filter_zstd(search->archive);
    int status = archive_read_open_filename(search->archive, search->files.at[search->at], BLOCK);
    return status == ARCHIVE_OK ? archive_read_next_header(search->archive, &entry) : status;
}

static bool close_layer(struct search *search) {
    archive_read_free(steal(search->archive));
    search->at++;
    return true;
}

static bool has_value(struct search *search, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        int byte = redact_byte((unsigned char)data[i]);
        if (byte < 0)
            continue;
        search->state = redactor_next(search->telling, search->state, (unsigned char)byte);
        if (search->telling->states[search->state].match)
            return true;
    }
    return false;
}

static bool search_some(struct search *search) {
    char slice[SLICE];
    int status = search->archive ? ARCHIVE_OK : open_layer(search);
    if (status == ARCHIVE_EOF) /* it is empty */
        return close_layer(search);
    if (status != ARCHIVE_OK)
        return cannot_read(search);
    la_ssize_t length = archive_read_data(search->archive, slice, sizeof slice);
    if (length < 0)
        return cannot_read(search);
    if (length)
        return !has_value(search, slice, (size_t)length) || holds(search);
    return close_layer(search);
}

/* ---- The task ---- */

static enum task_status search_step(struct task *task) {
    struct search *search = (struct search *)task;
    if (!search->at) {
        if (!search_config(search))
            return TASK_FAILED;
        search->at = 1;
    }
    if (search->at >= search->files.length || !search->telling->values.length)
        return TASK_DONE;
    if (!search_some(search))
        return TASK_FAILED;
    task_wake(task);
    return TASK_PENDING;
}

static void search_release(struct task *task) {
    struct search *search = (struct search *)task;
    archive_read_free(search->archive);
    redactor_free(search->telling);
    strings_release(&search->files);
}

bool search_is_telling(const char *value) {
    if (strlen(value) < SEARCH_LEAST)
        return false;
    for (; *value; value++)
        if (!isalpha((unsigned char)*value))
            return true;
    return false;
}

struct task *search_new(struct loop *loop, struct redactor *redactor, struct strings *files) {
    static const struct task_type type = {
        .name = "values in an image", .step = search_step, .release = search_release};
    struct search *search = task_new(sizeof *search, &type, loop);
    search->redactor = redactor;
    search->telling = redactor_new();
    vec_each (value, &redactor->values)
        if (search_is_telling(*value))
            redactor_add(search->telling, *value);
    redactor_prepare(search->telling);
    search->files = *files;
    *files = (struct strings){0};
    return &search->task;
}
