/*
 * tar.h: a tar archive that is made while it is read; nothing is spooled.
 *
 * What goes in is said first, by tar_add_*(); tar_read() then walks the directories and reads the
 * files, a piece at a time. Entries come in the order of their names. Sockets are left out.
 */
#ifndef ENGINE_TAR_H
#define ENGINE_TAR_H

#include <envrun/err.h>

#include "engine/ignore.h"
#include "engine/transfer.h"

struct tar;

struct tar_options {
    int uid, gid;          /* who owns everything */
    int mode;              /* of a file that is added by itself; 0: its own */
    struct ignore *ignore; /* taken over, or NULL */
};

struct tar *tar_new(const struct tar_options *options);
struct tar *tar_free(struct tar *tar);

/* A file or a directory with all below it, under this name in the archive. An empty name: the
 * directory's contents without itself. A link stays a link, but `path` itself is followed. */
void tar_add_path(struct tar *tar, const char *path, const char *name);
/* A file from memory. Comes in place of a file of that name in a directory that is added too. */
void tar_add_text(struct tar *tar, const char *name, const void *data, size_t length, int mode);

struct transfer_source tar_source(struct tar *tar);
/* Why reading failed, if it did. */
struct err *tar_error(struct tar *tar);

#endif
