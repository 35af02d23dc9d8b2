#include "engine/untar.h"

#include "base/memory.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64 << 10 };

struct untar {
    struct archive *archive;
};

static bool damaged(const struct untar *untar, struct err *err) {
    const char *why = archive_error_string(untar->archive);
    return err_set(err, ERR_ENGINE, "the engine's archive cannot be read: %s",
                   why && text_is_utf8(why, strlen(why)) ? why : "it is damaged");
}

struct untar *untar_open(int fd, struct err *err) {
    struct untar *untar = xnew(struct untar);
    untar->archive = archive_read_new();
    if (!untar->archive)
        abort();
    archive_read_support_format_tar(untar->archive);
    lseek(fd, 0, SEEK_SET);
    if (archive_read_open_fd(untar->archive, fd, BLOCK) == ARCHIVE_OK)
        return untar;
    damaged(untar, err);
    return untar_free(untar);
}

/* Names are UTF-8 in the archive (PAX); as the locale would have them some have no name. */
static const char *name_of(struct archive_entry *entry) {
    const char *name = archive_entry_pathname_utf8(entry);
    return name ? name : archive_entry_pathname(entry);
}

static const char *link_of(struct archive_entry *entry) {
    const char *link = archive_entry_hardlink_utf8(entry);
    return link ? link : archive_entry_hardlink(entry);
}

bool untar_next(struct untar *untar, struct untar_entry *ret, struct err *err) {
    struct archive_entry *entry;
    int status = archive_read_next_header(untar->archive, &entry);
    if (status == ARCHIVE_EOF)
        return false;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return damaged(untar, err);
    const char *name = name_of(entry), *link = link_of(entry);
    *ret = (struct untar_entry){
        .name = name ? name : "",
        .is_file = archive_entry_filetype(entry) == AE_IFREG && !link,
        .same = link,
        .mtime = archive_entry_mtime(entry),
    };
    return true;
}

ssize_t untar_read(struct untar *untar, void *into, size_t size, struct err *err) {
    la_ssize_t length = archive_read_data(untar->archive, into, size);
    if (length >= 0)
        return (ssize_t)length;
    damaged(untar, err);
    return -1;
}

struct untar *untar_free(struct untar *untar) {
    if (untar)
        archive_read_free(untar->archive);
    free(untar);
    return NULL;
}
