/*
 * pack.h: write a bundle: a tar archive, compressed by zstd (docs/bundles.md).
 *
 * The same contents give the same bytes: the files lie in the order of their names, belong to
 * nobody and have no times. It is written beside its place and moved there once it is whole; a disk
 * that is full leaves nothing behind.
 */
#ifndef REPLAY_PACK_H
#define REPLAY_PACK_H

#include "loop/task.h"
#include "replay/contents.h"

/* Done once the bundle lies at `path`. The contents are sorted and hashed on the way, and must live
 * until then; `about` (taken over) is what the manifest says besides. */
struct task *pack_new(struct loop *loop, struct contents *contents, cJSON *about, const char *path);

#endif
