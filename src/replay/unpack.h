/*
 * unpack.h: a bundle's files into a folder of their own.
 *
 * The folder is made, and must not have been there. Files are opened by their components without
 * following links, none of which is made before all files are there. The disk is asked for room
 * first. If anything is wrong with the bundle, the folder is removed again.
 */
#ifndef REPLAY_UNPACK_H
#define REPLAY_UNPACK_H

#include "loop/task.h"
#include "replay/manifest.h"

/* ERR_FILE, with the bundle named, if it cannot be. */
struct task *unpack_new(struct loop *loop, const char *bundle, const char *folder);
/* What the bundle says of itself, once it is done; belongs to the task. */
const struct manifest *unpack_manifest(const struct task *unpack);

/* Remove a folder with all below it, without following links. */
void folder_remove(const char *path);

#endif
