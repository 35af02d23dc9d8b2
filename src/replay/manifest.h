/*
 * manifest.h: what a bundle says about itself, in manifest.json, its first file.
 *
 * It lists every other file, by ascending names, with size and SHA-256; what is not listed is not
 * in a bundle. A bundle comes from anywhere: manifest_decode() takes only names that stay below the
 * folder they are unpacked in, and links that cannot lead out of it (docs/bundles.md).
 */
#ifndef REPLAY_MANIFEST_H
#define REPLAY_MANIFEST_H

#include <envrun/err.h>

#include "base/hash.h"
#include "base/vector.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#define MANIFEST_NAME "manifest.json"

enum {
    BUNDLE_FORMAT = 1,
    MANIFEST_MAX = 8 << 20, /* bytes */
    MANIFEST_FILES_MAX = 20000,
    MANIFEST_NAME_MAX = 1000, /* bytes */
};

#define BUNDLE_SIZE_MAX (64ULL << 30) /* bytes of all files, unpacked */

enum manifest_kind { MANIFEST_FILE, MANIFEST_LINK, MANIFEST_DIRECTORY };

struct manifest_file {
    char *name;
    enum manifest_kind kind;
    unsigned long long size;     /* MANIFEST_FILE */
    char sha256[HASH_TEXT_SIZE]; /* MANIFEST_FILE */
    bool executable;             /* MANIFEST_FILE */
    char *target;                /* MANIFEST_LINK: relative to the folder it is in */
};

struct manifest {
    vec(struct manifest_file) files; /* by ascending names */
    cJSON *about;                    /* everything else that it says */
};

/* May a link of this name in a bundle have this target? */
bool manifest_link_is_safe(const char *name, const char *target);

/* To be freed by the caller. */
char *manifest_encode(const struct manifest *manifest);
/* ERR_FILE, and nothing in *ret, if it is not a manifest of this format or lies on its face. */
bool manifest_decode(const char *text, size_t length, struct manifest *ret, struct err *err);
/* Bytes of all files. */
unsigned long long manifest_size(const struct manifest *manifest);
/* NULL if there is none of that name. */
const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name);
void manifest_release(struct manifest *manifest);

#endif
