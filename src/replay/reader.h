/*
 * reader.h: read a bundle, which may come from anywhere.
 *
 * The manifest comes first; then exactly the files that it lists, in its order, each with the size
 * and the SHA-256 that it says. Anything else (another file, a link or a device in the archive, a
 * byte too many, an end too early) is an error, ERR_FILE. Nothing is written; memory is bounded by
 * the manifest's own maximum.
 */
#ifndef REPLAY_READER_H
#define REPLAY_READER_H

#include "replay/manifest.h"

#include <stddef.h>
#include <sys/types.h>

struct reader;

/* The descriptor (or the memory) stays the caller's and must live as long. NULL: err. */
struct reader *reader_open(int fd, struct err *err);
struct reader *reader_open_memory(const void *data, size_t length, struct err *err);
struct reader *reader_free(struct reader *reader);

const struct manifest *reader_manifest(const struct reader *reader);

/* Go to the next file with contents, once the one before was read to its end. True with NULL: all
 * have been read. */
bool reader_next(struct reader *reader, const struct manifest_file **ret, struct err *err);
/* Its next bytes; 0 at its end, when its hash has been found right; -1: err. */
ssize_t reader_read(struct reader *reader, void *into, size_t size, struct err *err);

#endif
