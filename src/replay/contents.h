/*
 * contents.h: what goes into a bundle: texts from memory, files and folders from the disk.
 *
 * They are said in the order in which they matter: what does not fit any more, or cannot be packed
 * at all, is left out and noted. Nothing is read before the bundle is packed (pack.h).
 */
#ifndef REPLAY_CONTENTS_H
#define REPLAY_CONTENTS_H

#include "base/vector.h"
#include "replay/manifest.h"

#include <stdbool.h>

struct content {
    struct manifest_file file; /* its hash is known once it is packed */
    char *path;                /* NULL: from memory */
    char *text;
    long long taken_out; /* values from outside; once it is packed, those of a record too */
};

struct contents {
    vec(struct content) items;
    unsigned long long size, most; /* bytes */
    cJSON *left_out;               /* [{"name": ..., "why": ...}] */
};

void contents_init(struct contents *contents, unsigned long long most);
void contents_release(struct contents *contents);

/* The text is taken over. */
void contents_add_text(struct contents *contents, const char *name, char *text);
/* A file, a link or a folder with all below it, under this name. False: it is left out. */
bool contents_add_path(struct contents *contents, const char *name, const char *path);
/* As contents_add_path() of a folder, without what `skips` answers true for. */
void contents_add_folder(struct contents *contents, const char *name, const char *path,
                         bool (*skips)(void *context, const char *path), void *context);
bool contents_has(const struct contents *contents, const char *name);
/* By name, each once. */
void contents_sort(struct contents *contents);
/* So many values were taken out of this one, and are not marked in it by REDACTED. */
void contents_taken_out(struct contents *contents, const char *name, long long count);
/* [{"name": ..., "times": ...}] of those that values were taken out of; once they are packed. */
cJSON *contents_redacted(const struct contents *contents);
/* Note something that is not in it, and why. */
void contents_leave_out(struct contents *contents, const char *name, const char *why);

#endif
