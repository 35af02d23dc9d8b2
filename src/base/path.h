/*
 * path.h: file names and whole small files.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <envrun/err.h>

#include "base/buffer.h"
#include "base/vector.h"

#include <stdbool.h>

/* `path` as seen from `directory`, unless it is absolute; "." and ".." are resolved by name, links
 * are not followed. To be freed by the caller. */
char *path_join(const char *directory, const char *path);
/* The path relative to a directory above it, or NULL; points into path. */
const char *path_below(const char *path, const char *directory);
/* Is it the directory itself, or below it? */
bool path_is_within(const char *path, const char *directory);
/* The part before the last '/', "." or "/" where there is none; to be freed by the caller. */
char *path_directory(const char *path);
/* The part behind the last '/'; points into path. */
const char *path_name(const char *path);
bool path_exists(const char *path);
bool path_is_directory(const char *path);
/* A regular one, or a link to it. */
bool path_is_file(const char *path);
/* Make a directory and those above it. */
bool path_make_directories(const char *path, struct err *err);
/* Open a regular file for reading; -1 and ERR_FILE if it is something else, or not there. */
int path_open_file(const char *path, struct err *err);
/* Add a file's bytes to a buffer; a FIFO must have its writer by then. More than fit in the
 * buffer's maximum is an error (ERR_FILE). */
bool path_read(const char *path, struct buffer *into, struct err *err);
/* Write all of it, in as many pieces as it takes; false: errno says why not. */
bool path_write_all(int fd, const char *data, size_t length);
/* The names of what lies in a folder, sorted; false: errno says why not. */
bool path_entries(const char *folder, struct strings *into);
/* Write a file whole (mode 0600 less umask if `secret`, else 0666 less umask). */
bool path_write(const char *path, const char *data, size_t length, bool secret, struct err *err);

#endif
