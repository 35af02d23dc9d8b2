#include "engine/scratch.h"

#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "envrun-build-"

enum { AGE_LEAST = 60 }; /* seconds; a younger one may not have its lock yet */

static void remove_folder(int fd, const char *path) {
    DIR *entries = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        unlinkat(fd, entry->d_name, 0); /* not "." and ".." */
    if (entries)
        closedir(entries);
    rmdir(path);
}

/* ---- Those that were left ---- */

static bool is_left(int fd) {
    struct stat info;
    return !fstat(fd, &info) && info.st_uid == geteuid() &&
           info.st_mtime + AGE_LEAST < time(NULL) && !flock(fd, LOCK_EX | LOCK_NB);
}

static void remove_left(const char *above) {
    DIR *entries = opendir(above);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!text_starts(entry->d_name, PREFIX))
            continue;
        autofree char *path = path_join(above, entry->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && is_left(fd))
            remove_folder(fd, path);
        if (fd >= 0)
            close(fd);
    }
    if (entries)
        closedir(entries);
}

/* ---- Our own ---- */

bool scratch_make(struct scratch *scratch, const char *const *environment, struct err *err) {
    const char *named = environment_value(environment, "TMPDIR");
    const char *above = named && *named ? named : "/tmp";
    autofree char *path = path_join(above, PREFIX "XXXXXX");
    remove_left(above);
    if (!mkdtemp(path))
        return err_set(err, ERR_ENVIRONMENT, "cannot make a folder in %s: %s", above,
                       err_reason(errno));
    scratch->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scratch->fd >= 0)
        flock(scratch->fd, LOCK_EX | LOCK_NB);
    scratch->path = steal(path);
    return true;
}

void scratch_remove(struct scratch *scratch) {
    if (!scratch->path)
        return;
    remove_folder(scratch->fd, scratch->path);
    if (scratch->fd >= 0)
        close(scratch->fd);
    free(scratch->path);
    *scratch = (struct scratch){0};
}
