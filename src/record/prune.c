/*
 * Which runs are kept.
 */
#include "record/record.h"

#include "base/path.h"
#include "record/runs.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPEN_AT_ONCE = 16, /* folders, while a tree is walked */
    DEEPEST = 3,       /* folders of a run that are looked into */
};

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    (void)kind;
    (void)at;
    remove(path); /* what stays is tried again by the next run */
    return 0;
}

static long long size_of(int folder, int depth) {
    long long size = 0;
    DIR *entries = fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0));
    const struct dirent *entry;
    struct stat info;
    while (entries && (entry = readdir(entries))) {
        if (*entry->d_name == '.' || fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW))
            continue;
        size += info.st_blocks * 512LL;
        if (!S_ISDIR(info.st_mode) || depth >= DEEPEST)
            continue;
        int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            size += size_of(below, depth + 1);
            close(below);
        }
    }
    if (entries)
        closedir(entries);
    return size;
}

/* Look at one run, the latest ones first; remove it if it is too much. */
static void judge(const char *path, size_t most_runs, long long most_bytes, size_t *runs,
                  long long *bytes) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    bool in_use = flock(folder, LOCK_EX | LOCK_NB) != 0;
    *runs += 1;
    *bytes += size_of(folder, 0);
    if (!in_use && (*runs > most_runs || *bytes > most_bytes))
        nftw(path, remove_entry, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS);
    close(folder);
}

void record_prune(const char *runs, size_t most_runs, long long most_bytes) {
    autostrings struct strings names = {0};
    size_t count = 0;
    long long bytes = 0;
    runs_names(runs, &names);
    for (size_t i = names.length; i-- > 0;) {
        autofree char *path = path_join(runs, names.at[i]);
        judge(path, most_runs, most_bytes, &count, &bytes);
    }
}
