#include "engine/tar_root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* POSIX, "ustar Interchange Format" */
enum {
    SIZE = 124,
    SIZE_LENGTH = 12,
    CHECKSUM = 148,
    CHECKSUM_LENGTH = 8,
    TYPE = 156,
    NAME_LENGTH = 100,
    FURTHER_MOST = 4, /* headers that say more about the one behind them */
};

static unsigned long long size_of(const char *header) {
    char digits[SIZE_LENGTH + 1] = "";
    memcpy(digits, header + SIZE, SIZE_LENGTH);
    return strtoull(digits, NULL, 8);
}

static bool is_root(const char *header) {
    return header[TYPE] == '5' &&
           (!strncmp(header, "./", NAME_LENGTH) || !strncmp(header, ".", NAME_LENGTH));
}

static void rename_it(char *header) {
    unsigned sum = 0;
    memcpy(header, "/\0", 2);
    memset(header + CHECKSUM, ' ', CHECKSUM_LENGTH);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)header[i];
    snprintf(header + CHECKSUM, CHECKSUM_LENGTH, "%06o", sum);
}

void tar_root_find(int fd, struct tar_root *ret) {
    *ret = (struct tar_root){0};
    for (int i = 0; i <= FURTHER_MOST; i++) {
        if (pread(fd, ret->header, TAR_BLOCK, (off_t)ret->at) != TAR_BLOCK)
            return;
        ret->found = is_root(ret->header);
        if (ret->found)
            rename_it(ret->header);
        if (ret->header[TYPE] != 'x' && ret->header[TYPE] != 'g')
            return;
        ret->at += TAR_BLOCK + (size_of(ret->header) + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    }
}

void tar_root_put(const struct tar_root *root, char *data, size_t length, unsigned long long at) {
    for (size_t i = 0; root->found && i < TAR_BLOCK; i++)
        if (root->at + i >= at && root->at + i < at + length)
            data[root->at + i - at] = root->header[i];
}
