/*
 * untar.h: a tar archive that the engine gave, read from a file, entry by entry and in pieces.
 *
 * What it says was made in a container: a name may be anything, also "../../etc".
 */
#ifndef ENGINE_UNTAR_H
#define ENGINE_UNTAR_H

#include <envrun/err.h>

#include <stdbool.h>
#include <sys/types.h>

struct untar;

struct untar_entry {
    const char *name; /* valid until the next one */
    bool is_file;     /* a regular one, with contents */
    const char *same; /* it is a hard link: another name of that earlier entry; or NULL */
    long long mtime;  /* UNIX time in seconds */
};

/* From the file's beginning; it stays the caller's. NULL and ERR_ENGINE if it is no archive. */
struct untar *untar_open(int fd, struct err *err);
/* False at the end, or with err. What is left of the entry before is passed over. */
bool untar_next(struct untar *untar, struct untar_entry *ret, struct err *err);
/* A piece of the entry's contents: 0 at their end, -1 and err if they cannot be read. */
ssize_t untar_read(struct untar *untar, void *into, size_t size, struct err *err);
/* Takes NULL, answers NULL. */
struct untar *untar_free(struct untar *untar);

#endif
