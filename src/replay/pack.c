#include "replay/pack.h"

#include "base/json.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE = 64 << 10 /* bytes between two looks at the loop */ };

struct pack {
    struct task task;
    struct contents *contents;
    cJSON *about;
    char *path, *partial;
    struct archive *archive; /* NULL: the files are being hashed */
    size_t at;               /* the file that comes now */
    int fd;                  /* of that file; -1: not open */
    unsigned long long done; /* its bytes so far */
    struct hash hash;
    size_t marked; /* bytes of REDACTED that the file ends with so far */
    bool begun;    /* the partial file is ours */
};

/* ---- Reading one ---- */

static struct content *current(const struct pack *pack) {
    return &pack->contents->items.at[pack->at];
}

static bool cannot(struct pack *pack, const char *what, const char *path) {
    return err_set(&pack->task.err, ERR_FILE, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool open_file(struct pack *pack) {
    const struct content *item = current(pack);
    pack->done = 0;
    pack->marked = 0;
    hash_begin(&pack->hash);
    if (!item->path || item->file.kind != MANIFEST_FILE)
        return true;
    pack->fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return pack->fd >= 0 || cannot(pack, "read", item->path);
}

static void close_file(struct pack *pack) {
    if (pack->fd >= 0)
        close(pack->fd);
    pack->fd = -1;
}

/* The next bytes of the file; 0 at the end of what was listed; -1 if they are not there. */
static ssize_t read_slice(struct pack *pack, char into[static SLICE]) {
    const struct content *item = current(pack);
    unsigned long long left = item->file.size - pack->done;
    size_t wanted = left < SLICE ? (size_t)left : SLICE;
    ssize_t length = (ssize_t)wanted;
    if (item->path && wanted)
        length = read(pack->fd, into, wanted);
    else if (wanted)
        memcpy(into, item->text + pack->done, wanted);
    if (length < 0)
        cannot(pack, "read", item->path);
    else if (!length && wanted)
        err_set(&pack->task.err, ERR_FILE, "%s became shorter while it was packed", item->path);
    if (err_is(&pack->task.err))
        return -1;
    hash_add(&pack->hash, into, (size_t)length);
    pack->done += (unsigned long long)length;
    return length;
}

/* ---- First the hashes, for the manifest comes first ---- */

/* What envrun wrote; in files of others the mark may stand by itself. */
static bool is_ours(const struct content *item) {
    return item->text || text_starts(item->file.name, "record/");
}

/* The mark begins with a byte that it has nowhere else. */
static void count_marks(struct pack *pack, const char *slice, size_t length) {
    static const char mark[] = REDACTED;
    for (size_t i = 0; i < length; i++) {
        pack->marked = slice[i] == mark[pack->marked] ? pack->marked + 1 : slice[i] == *mark;
        if (pack->marked < sizeof mark - 1)
            continue;
        current(pack)->taken_out++;
        pack->marked = 0;
    }
}

static bool hash_some(struct pack *pack) {
    char slice[SLICE];
    if (pack->fd < 0 && !pack->done && !open_file(pack))
        return false;
    ssize_t length = read_slice(pack, slice);
    if (length < 0)
        return false;
    if (is_ours(current(pack)))
        count_marks(pack, slice, (size_t)length);
    if (pack->done < current(pack)->file.size)
        return true;
    hash_end(&pack->hash, current(pack)->file.sha256);
    close_file(pack);
    pack->done = 0;
    pack->at++;
    return true;
}

/* ---- Then the archive ---- */

static bool archive_failed(struct pack *pack) {
    return err_set(&pack->task.err, ERR_FILE, "cannot write %s: %s", pack->path,
                   archive_error_string(pack->archive));
}

static bool put_header(struct pack *pack, const char *name, unsigned long long size,
                       bool executable) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        abort();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, executable ? 0755 : 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    int status = archive_write_header(pack->archive, entry);
    archive_entry_free(entry);
    return status >= ARCHIVE_WARN || archive_failed(pack);
}

static bool put_data(struct pack *pack, const void *data, size_t length) {
    return !length || archive_write_data(pack->archive, data, length) == (la_ssize_t)length ||
           archive_failed(pack);
}

static bool put_manifest(struct pack *pack) {
    struct manifest manifest = {.about = pack->about};
    json_put(json_object_at(pack->about, "redacted"), "files", contents_redacted(pack->contents));
    vec_each (item, &pack->contents->items)
        vec_push(&manifest.files, item->file);
    autofree char *text = manifest_encode(&manifest);
    vec_free(&manifest.files);
    size_t length = strlen(text);
    if (length > MANIFEST_MAX)
        return err_set(&pack->task.err, ERR_FILE, "the bundle's list of files is too long");
    return put_header(pack, MANIFEST_NAME, length, false) && put_data(pack, text, length);
}

static bool begin_archive(struct pack *pack) {
    autofree char *folder = path_directory(pack->path);
    if (!path_make_directories(folder, &pack->task.err))
        return false;
    int fd = open(pack->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return cannot(pack, "write", pack->partial);
    pack->begun = true;
    close(fd);
    pack->archive = archive_write_new();
    if (!pack->archive)
        abort();
    archive_write_set_format_gnutar(pack->archive); /* takes names as bytes, of any length */
    if (archive_write_add_filter_zstd(pack->archive) != ARCHIVE_OK ||
        archive_write_open_filename(pack->archive, pack->partial) != ARCHIVE_OK)
        return archive_failed(pack);
    pack->at = 0;
    return put_manifest(pack);
}

static bool end_file(struct pack *pack) {
    char hash[HASH_TEXT_SIZE];
    const struct content *item = current(pack);
    hash_end(&pack->hash, hash);
    if (strcmp(hash, item->file.sha256))
        return err_set(&pack->task.err, ERR_FILE, "%s changed while it was packed", item->path);
    close_file(pack);
    pack->done = 0;
    pack->at++;
    return true;
}

static bool write_some(struct pack *pack) {
    char slice[SLICE];
    const struct manifest_file *file = &current(pack)->file;
    if (file->kind != MANIFEST_FILE) {
        pack->at++; /* it is in the manifest, and has no bytes */
        return true;
    }
    if (pack->fd < 0 && !pack->done &&
        (!open_file(pack) || !put_header(pack, file->name, file->size, file->executable)))
        return false;
    ssize_t length = read_slice(pack, slice);
    if (length < 0 || !put_data(pack, slice, (size_t)length))
        return false;
    return pack->done < file->size || end_file(pack);
}

static bool finish(struct pack *pack) {
    if (archive_write_close(pack->archive) != ARCHIVE_OK)
        return archive_failed(pack);
    if (rename(pack->partial, pack->path))
        return cannot(pack, "write", pack->path);
    pack->begun = false;
    return true;
}

/* ---- The task ---- */

static enum task_status pack_step(struct task *task) {
    struct pack *pack = (struct pack *)task;
    bool is_last = pack->at == pack->contents->items.length;
    if (pack->archive && is_last)
        return finish(pack) ? TASK_DONE : TASK_FAILED;
    if (pack->archive ? !write_some(pack) : is_last ? !begin_archive(pack) : !hash_some(pack))
        return TASK_FAILED;
    task_wake(task);
    return TASK_PENDING;
}

static void pack_release(struct task *task) {
    struct pack *pack = (struct pack *)task;
    close_file(pack);
    if (pack->archive && pack->begun)
        archive_write_fail(pack->archive); /* else its rest would be made up and written */
    archive_write_free(pack->archive);
    if (pack->begun)
        unlink(pack->partial);
    cJSON_Delete(pack->about);
    free(pack->path);
    free(pack->partial);
}

struct task *pack_new(struct loop *loop, struct contents *contents, cJSON *about,
                      const char *path) {
    static const struct task_type type = {
        .name = "pack", .step = pack_step, .release = pack_release};
    struct pack *pack = task_new(sizeof *pack, &type, loop);
    contents_sort(contents);
    pack->contents = contents;
    pack->about = about;
    pack->path = xstrdup(path);
    pack->partial = xasprintf("%s.partial", path);
    pack->fd = -1;
    return &pack->task;
}
