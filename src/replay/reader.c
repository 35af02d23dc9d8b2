#include "replay/reader.h"

#include "base/buffer.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 64 << 10, PIECE = 16 << 10 };

struct reader {
    struct archive *archive;
    struct manifest manifest;
    size_t next;                      /* in the manifest */
    const struct manifest_file *file; /* the one that is being read */
    unsigned long long left;          /* of it */
    struct hash hash;
};

/* ---- The archive ---- */

static bool broken(const struct reader *reader, struct err *err) {
    const char *why = archive_error_string(reader->archive);
    return err_set(err, ERR_FILE, "it is damaged, or no bundle of envrun: %s",
                   why && text_is_utf8(why, strlen(why)) ? why : "it cannot be read");
}

/* The next entry, or NULL at the end or with err. What an archive says of owners and times is not
 * looked at. */
static struct archive_entry *next_entry(const struct reader *reader, struct err *err) {
    struct archive_entry *entry;
    int status = archive_read_next_header(reader->archive, &entry);
    if (status == ARCHIVE_OK)
        return entry;
    if (status != ARCHIVE_EOF)
        broken(reader, err);
    return NULL;
}

static bool is_plain_file(struct archive_entry *entry) {
    return archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
           !archive_entry_symlink(entry) && archive_entry_size_is_set(entry);
}

static bool is_entry(struct archive_entry *entry, const char *name) {
    return is_plain_file(entry) && text_equal(archive_entry_pathname(entry), name);
}

static ssize_t read_data(const struct reader *reader, void *into, size_t size, struct err *err) {
    la_ssize_t length = archive_read_data(reader->archive, into, size);
    if (length < 0)
        broken(reader, err);
    return length < 0 ? -1 : (ssize_t)length;
}

/* ---- The manifest ---- */

static bool read_manifest_text(const struct reader *reader, struct buffer *text, struct err *err) {
    char piece[PIECE];
    ssize_t length;
    while ((length = read_data(reader, piece, sizeof piece, err)) > 0)
        if (!buffer_add_capped(text, piece, (size_t)length))
            return err_set(err, ERR_FILE, "its manifest is longer than %d MiB", MANIFEST_MAX >> 20);
    return !length;
}

static bool read_manifest(struct reader *reader, struct err *err) {
    struct archive_entry *entry = next_entry(reader, err);
    autobuffer struct buffer text = BUFFER_INIT_MAX(MANIFEST_MAX);
    if (err_is(err))
        return false;
    if (!entry || !is_entry(entry, MANIFEST_NAME))
        return err_set(err, ERR_FILE, "it is no bundle of envrun: it does not begin with %s",
                       MANIFEST_NAME);
    return read_manifest_text(reader, &text, err) &&
           manifest_decode(text.data, text.length, &reader->manifest, err);
}

/* ---- Opening ---- */

static struct reader *reader_new(void) {
    struct reader *reader = xnew(struct reader);
    reader->archive = archive_read_new();
    if (!reader->archive)
        abort();
    archive_read_support_format_tar(reader->archive);
    archive_read_support_filter_zstd(reader->archive);
    return reader;
}

static struct reader *begin(struct reader *reader, int status, struct err *err) {
    if ((status == ARCHIVE_OK || broken(reader, err)) && read_manifest(reader, err))
        return reader;
    return reader_free(reader);
}

struct reader *reader_open(int fd, struct err *err) {
    struct reader *reader = reader_new();
    return begin(reader, archive_read_open_fd(reader->archive, fd, BLOCK), err);
}

struct reader *reader_open_memory(const void *data, size_t length, struct err *err) {
    struct reader *reader = reader_new();
    return begin(reader, archive_read_open_memory(reader->archive, data, length), err);
}

struct reader *reader_free(struct reader *reader) {
    if (!reader)
        return NULL;
    archive_read_free(reader->archive);
    manifest_release(&reader->manifest);
    free(reader);
    return NULL;
}

const struct manifest *reader_manifest(const struct reader *reader) {
    return &reader->manifest;
}

/* ---- The files ---- */

static const struct manifest_file *next_file(struct reader *reader) {
    while (reader->next < reader->manifest.files.length) {
        const struct manifest_file *file = &reader->manifest.files.at[reader->next++];
        if (file->kind == MANIFEST_FILE)
            return file;
    }
    return NULL;
}

static bool begin_file(struct reader *reader, struct archive_entry *entry, struct err *err) {
    const struct manifest_file *file = reader->file;
    if (!is_entry(entry, file->name))
        return err_set(err, ERR_FILE,
                       "where its manifest lists `%s`, the archive has something else", file->name);
    if (archive_entry_size(entry) != (la_int64_t)file->size)
        return err_set(err, ERR_FILE, "`%s` has another size than its manifest says", file->name);
    reader->left = file->size;
    hash_begin(&reader->hash);
    return true;
}

bool reader_next(struct reader *reader, const struct manifest_file **ret, struct err *err) {
    struct archive_entry *entry = next_entry(reader, err);
    if (err_is(err))
        return false;
    reader->file = next_file(reader);
    if (entry && !reader->file)
        return err_set(err, ERR_FILE, "the archive has more files than its manifest lists");
    if (!entry && reader->file)
        return err_set(err, ERR_FILE, "it ends before `%s`, which its manifest lists",
                       reader->file->name);
    if (entry && !begin_file(reader, entry, err))
        return false;
    *ret = reader->file;
    return true;
}

static ssize_t end_file(const struct reader *reader, struct err *err) {
    char sha256[HASH_TEXT_SIZE];
    struct hash hash = reader->hash;
    hash_end(&hash, sha256);
    if (!reader->left && !strcmp(sha256, reader->file->sha256))
        return 0;
    err_set(err, ERR_FILE, "`%s` is not what its manifest says: its SHA-256 differs",
            reader->file->name);
    return -1;
}

ssize_t reader_read(struct reader *reader, void *into, size_t size, struct err *err) {
    ssize_t length = read_data(reader, into, size, err);
    if (!length)
        return end_file(reader, err);
    if (length < 0)
        return -1;
    if ((unsigned long long)length > reader->left) {
        err_set(err, ERR_FILE, "`%s` has more bytes than its manifest says", reader->file->name);
        return -1;
    }
    reader->left -= (unsigned long long)length;
    hash_add(&reader->hash, into, (size_t)length);
    return length;
}
