#include "engine/tar.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE = 64 << 10,      /* bytes read from a file at a time */
    LEVELS_MAX = 1000,     /* directories in each other */
    LINK_MAX = 4096,       /* bytes of a link's target, with its NUL */
    PENDING_MAX = 1 << 20, /* bytes of the archive that wait to be read */
};

struct item {
    char *path; /* NULL: from memory */
    char *name;
    char *data;
    size_t length;
    int mode;
};

/* A directory that is being walked. */
struct level {
    char *path, *name;
    struct strings entries;
    size_t next;
};

struct tar {
    struct tar_options options;
    struct ignore ignore;
    struct archive *archive;
    struct buffer pending; /* made, but not read yet */
    size_t pending_from;
    vec(struct item) items;
    size_t next_item;
    vec(struct level) levels;
    int fd;      /* the file whose bytes come now; -1: none */
    char *path;  /* its path, for messages */
    size_t left; /* its bytes that are still to come */
    bool closed, dropped;
    struct err err;
};

/* ---- Its making ---- */

static la_ssize_t on_write(struct archive *archive, void *context, const void *data,
                           size_t length) {
    struct tar *tar = context;
    (void)archive;
    if (tar->dropped)
        return -1;
    buffer_add(&tar->pending, data, length);
    return (la_ssize_t)length;
}

struct tar *tar_new(const struct tar_options *options) {
    struct tar *tar = xnew(struct tar);
    tar->options = *options;
    if (options->ignore) {
        tar->ignore = *options->ignore;
        *options->ignore = (struct ignore){0};
    }
    tar->pending = BUFFER_INIT_MAX(PENDING_MAX);
    tar->fd = -1;
    tar->archive = archive_write_new();
    if (!tar->archive)
        abort();
    archive_write_set_format_gnutar(tar->archive); /* takes names as bytes, of any length */
    archive_write_set_bytes_per_block(tar->archive, 0);
    archive_write_open(tar->archive, tar, NULL, on_write, NULL);
    return tar;
}

static void level_release(struct level *level) {
    free(level->path);
    free(level->name);
    strings_release(&level->entries);
}

struct tar *tar_free(struct tar *tar) {
    if (!tar)
        return NULL;
    if (tar->fd >= 0)
        close(tar->fd);
    tar->dropped = true; /* else the rest of an entry would be made up and written */
    archive_write_free(tar->archive);
    vec_each (item, &tar->items) {
        free(item->path);
        free(item->name);
        free(item->data);
    }
    vec_free(&tar->items);
    vec_each (level, &tar->levels)
        level_release(level);
    vec_free(&tar->levels);
    buffer_release(&tar->pending);
    ignore_release(&tar->ignore);
    err_release(&tar->err);
    free(tar->path);
    free(tar);
    return NULL;
}

void tar_add_path(struct tar *tar, const char *path, const char *name) {
    vec_push(&tar->items, (struct item){.path = xstrdup(path), .name = xstrdup(name)});
}

void tar_add_text(struct tar *tar, const char *name, const void *data, size_t length, int mode) {
    char *copy = xmalloc(length + 1);
    memcpy(copy, data, length);
    vec_push(&tar->items,
             (struct item){.name = xstrdup(name), .data = copy, .length = length, .mode = mode});
}

struct err *tar_error(struct tar *tar) {
    return &tar->err;
}

/* ---- Entries ---- */

static bool cannot_read(struct tar *tar, const char *path) {
    return err_set(&tar->err, ERR_FILE, "cannot read %s: %s", path, err_reason(errno));
}

static bool put_header(struct tar *tar, struct archive_entry *entry) {
    int status = archive_write_header(tar->archive, entry);
    if (status < ARCHIVE_WARN)
        err_set(&tar->err, ERR_FILE, "cannot pack %s: %s", archive_entry_pathname(entry),
                archive_error_string(tar->archive));
    archive_entry_free(entry);
    return status >= ARCHIVE_WARN;
}

static struct archive_entry *new_entry(struct tar *tar, const char *name, const struct stat *info) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        abort();
    archive_entry_copy_stat(entry, info);
    archive_entry_set_nlink(entry, 1);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_uid(entry, tar->options.uid);
    archive_entry_set_gid(entry, tar->options.gid);
    if (!S_ISREG(info->st_mode))
        archive_entry_set_size(entry, 0);
    return entry;
}

static bool put_text(struct tar *tar, const struct item *item) {
    struct stat info = {.st_mode = S_IFREG | (mode_t)item->mode, .st_size = (off_t)item->length};
    if (!put_header(tar, new_entry(tar, item->name, &info)))
        return false;
    tar->pending.max = PENDING_MAX + item->length;
    archive_write_data(tar->archive, item->data, item->length);
    return true;
}

static bool put_link(struct tar *tar, const char *path, const char *name, const struct stat *info) {
    char target[LINK_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return cannot_read(tar, path);
    target[length] = '\0';
    struct archive_entry *entry = new_entry(tar, name, info);
    archive_entry_set_symlink(entry, target);
    return put_header(tar, entry);
}

static bool begin_file(struct tar *tar, const char *path, const char *name) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info)) {
        cannot_read(tar, path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (tar->options.mode && !tar->levels.length)
        info.st_mode = S_IFREG | (mode_t)tar->options.mode;
    tar->fd = fd;
    tar->left = (size_t)info.st_size;
    free(tar->path);
    tar->path = xstrdup(path);
    return put_header(tar, new_entry(tar, name, &info));
}

static bool begin_directory(struct tar *tar, const char *path, const char *name) {
    struct level level = {0};
    if (tar->levels.length == LEVELS_MAX)
        return err_set(&tar->err, ERR_FILE, "%s lies too deep", path);
    if (!path_entries(path, &level.entries))
        return cannot_read(tar, path);
    level.path = xstrdup(path);
    level.name = xstrdup(name);
    vec_push(&tar->levels, level);
    return true;
}

static bool put_directory(struct tar *tar, const char *path, const char *name,
                          const struct stat *info) {
    if (*name) {
        autofree char *slashed = xasprintf("%s/", name);
        if (!put_header(tar, new_entry(tar, slashed, info)))
            return false;
    }
    return begin_directory(tar, path, name);
}

static bool put_path(struct tar *tar, const char *path, const char *name, const struct stat *info) {
    switch (info->st_mode & S_IFMT) {
    case S_IFDIR:
        return put_directory(tar, path, name, info);
    case S_IFREG:
        return begin_file(tar, path, name);
    case S_IFLNK:
        return put_link(tar, path, name, info);
    case S_IFSOCK:
        return true;
    default:
        return put_header(tar, new_entry(tar, name, info));
    }
}

/* ---- The walk ---- */

static bool comes_from_memory(const struct tar *tar, const char *name) {
    vec_each (item, &tar->items)
        if (!item->path && !strcmp(item->name, name))
            return true;
    return false;
}

/* The next entry of the innermost directory. */
static bool walk(struct tar *tar) {
    struct level *level = &tar->levels.at[tar->levels.length - 1];
    struct stat info;
    if (level->next == level->entries.length) {
        level_release(level);
        tar->levels.length--;
        return true;
    }
    const char *entry = level->entries.at[level->next++];
    autofree char *path = xasprintf("%s/%s", level->path, entry);
    autofree char *name = *level->name ? xasprintf("%s/%s", level->name, entry) : xstrdup(entry);
    if (comes_from_memory(tar, name))
        return true;
    bool out = ignore_matches(&tar->ignore, name);
    if (lstat(path, &info))
        return out || errno == ENOENT || cannot_read(tar, path);
    if (!out)
        return put_path(tar, path, name, &info);
    if (S_ISDIR(info.st_mode) && ignore_may_take_in_below(&tar->ignore, name))
        return begin_directory(tar, path, name);
    return true;
}

static bool next_item(struct tar *tar) {
    const struct item *item = &tar->items.at[tar->next_item++];
    struct stat info;
    if (!item->path)
        return put_text(tar, item);
    if (stat(item->path, &info))
        return cannot_read(tar, item->path);
    return put_path(tar, item->path, item->name, &info);
}

static bool continue_file(struct tar *tar) {
    char piece[PIECE];
    ssize_t length = 0;
    if (tar->left)
        length = read(tar->fd, piece, tar->left < PIECE ? tar->left : PIECE);
    if (length < 0)
        return errno == EINTR || cannot_read(tar, tar->path);
    if (!length && tar->left)
        return err_set(&tar->err, ERR_FILE, "%s became shorter while it was read", tar->path);
    if (length && archive_write_data(tar->archive, piece, (size_t)length) < 0)
        return err_set(&tar->err, ERR_FILE, "cannot pack %s: %s", tar->path,
                       archive_error_string(tar->archive));
    tar->left -= (size_t)length;
    if (!tar->left) {
        close(tar->fd);
        tar->fd = -1;
    }
    return true;
}

/* Make some more of the archive. */
static bool advance(struct tar *tar) {
    if (tar->fd >= 0)
        return continue_file(tar);
    if (tar->levels.length)
        return walk(tar);
    if (tar->next_item < tar->items.length)
        return next_item(tar);
    tar->closed = true;
    if (archive_write_close(tar->archive) == ARCHIVE_OK)
        return true;
    return err_set(&tar->err, ERR_FILE, "cannot pack: %s", archive_error_string(tar->archive));
}

static ssize_t tar_read(void *context, char *into, size_t size) {
    struct tar *tar = context;
    while (tar->pending_from == tar->pending.length) {
        tar->pending_from = 0;
        buffer_truncate(&tar->pending, 0);
        if (tar->closed)
            return 0;
        if (!advance(tar))
            return -1;
    }
    size_t length = tar->pending.length - tar->pending_from;
    length = length < size ? length : size;
    memcpy(into, tar->pending.data + tar->pending_from, length);
    tar->pending_from += length;
    return (ssize_t)length;
}

struct transfer_source tar_source(struct tar *tar) {
    return (struct transfer_source){.read = tar_read, .context = tar};
}
