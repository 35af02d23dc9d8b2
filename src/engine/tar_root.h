/*
 * tar_root.h: the entry of a tar archive for the folder itself that is packed.
 *
 * An engine gives it as "./" and passes over it when the archive comes back, so that the folder
 * would have the owner and the mode of another one; by the name "/" it takes it.
 */
#ifndef ENGINE_TAR_ROOT_H
#define ENGINE_TAR_ROOT_H

#include <stdbool.h>
#include <stddef.h>

enum { TAR_BLOCK = 512 };

struct tar_root {
    bool found;
    unsigned long long at;  /* where its header stands */
    char header[TAR_BLOCK]; /* with the other name */
};

/* Look for it at the beginning of a file, which stays where it stands. */
void tar_root_find(int fd, struct tar_root *ret);
/* Put it into what was read from `at` on. */
void tar_root_put(const struct tar_root *root, char *data, size_t length, unsigned long long at);

#endif
