/*
 * layout.h: images in a folder, readable as an OCI image layout and as a docker-archive.
 *
 *     oci-layout, index.json     what the containerd image store reads
 *     manifest.json              what engines before 25 read
 *     blobs/sha256/...           manifests, configs, layers: both point there
 *
 * The reference is the OCI image specification 1.0 (image-layout.md, manifest.md) and what
 * `docker save` writes. An image is known by its config's digest, which is the same on every
 * engine; its ID is that on the classic image store, and its manifest's digest on the containerd
 * store.
 */
#ifndef REPLAY_LAYOUT_H
#define REPLAY_LAYOUT_H

#include "base/vector.h"
#include "loop/task.h"

#include <cjson/cJSON.h>

/* Add an image to the folder, as `docker save` has written it to the file. */
struct task *layout_add(struct loop *loop, int fd, const char *folder);
/* {"config": "sha256:...", "manifest": "sha256:..."} of one that is added; to be deleted. */
cJSON *layout_take_image(struct task *add);
/* Paths of its files, its config first and then its layers, and of those that no earlier image has;
 * before the image is taken. */
void layout_files(const struct task *add, struct strings *ret, struct strings *ret_own);

/* Write the files that name the images: an array of those objects, each with its "name"
 * ("repository:tag"). */
bool layout_write_index(const char *folder, const cJSON *images, struct err *err);

#endif
