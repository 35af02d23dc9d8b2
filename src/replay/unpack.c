#include "replay/unpack.h"

#include "base/path.h"
#include "base/text.h"
#include "replay/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SLICE = 64 << 10, DESCRIPTORS = 32 };

struct unpack {
    struct task task;
    char *bundle, *folder;
    struct reader *reader;
    int source, root; /* the bundle; the folder */
    int fd;           /* the file that is being written; -1: none */
    const struct manifest_file *file;
    bool made, whole; /* the folder is ours; all is there */
};

/* ---- Places below the folder ---- */

static bool cannot(struct unpack *unpack, const char *name) {
    return err_set(&unpack->task.err, ERR_FILE, "cannot write %s/%s: %s", unpack->folder, name,
                   strerror(errno));
}

/* The folder that a name lies in, made as far as it is missing. Each component is opened by itself
 * and no link is followed. -1: errno. */
static int open_parent(int root, const char *name, const char **ret_last) {
    int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    for (const char *slash; at >= 0 && (slash = strchr(name, '/')) && slash[1]; name = slash + 1) {
        autofree char *part = xstrndup(name, (size_t)(slash - name));
        if (mkdirat(at, part, 0777) && errno != EEXIST) {
            close(at);
            return -1;
        }
        int below = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = below;
    }
    *ret_last = name;
    return at;
}

static bool make_file(struct unpack *unpack) {
    const char *last;
    const struct manifest_file *file = unpack->file;
    int parent = open_parent(unpack->root, file->name, &last);
    if (parent < 0)
        return cannot(unpack, file->name);
    unpack->fd = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        file->executable ? 0777 : 0666);
    close(parent);
    return unpack->fd >= 0 || cannot(unpack, file->name);
}

/* A folder without contents, or a link. */
static bool make_other(struct unpack *unpack, const struct manifest_file *file) {
    const char *last;
    int parent = open_parent(unpack->root, file->name, &last);
    autofree char *bare = parent >= 0 ? xstrndup(last, strcspn(last, "/")) : NULL;
    bool ok = parent >= 0 &&
              (file->kind == MANIFEST_LINK ? !symlinkat(file->target, parent, bare)
                                           : !mkdirat(parent, bare, 0777) || errno == EEXIST);
    if (!ok)
        cannot(unpack, file->name);
    if (parent >= 0)
        close(parent);
    return ok;
}

static bool make_others(struct unpack *unpack) {
    const struct manifest *manifest = reader_manifest(unpack->reader);
    vec_each (file, &manifest->files)
        if (file->kind != MANIFEST_FILE && !make_other(unpack, file))
            return false;
    return true;
}

/* ---- Beginning ---- */

static bool has_room(struct unpack *unpack) {
    struct statvfs disk;
    unsigned long long size = manifest_size(reader_manifest(unpack->reader));
    if (fstatvfs(unpack->root, &disk) || size / disk.f_frsize < disk.f_bavail)
        return true;
    autofree char *wanted = text_bytes(size);
    return err_set(&unpack->task.err, ERR_FILE, "there is no room in %s for its %s", unpack->folder,
                   wanted);
}

static bool make_folder(struct unpack *unpack) {
    if (mkdir(unpack->folder, 0777))
        return err_set(&unpack->task.err, ERR_FILE, "cannot make the folder %s: %s", unpack->folder,
                       strerror(errno));
    unpack->made = true;
    unpack->root = open(unpack->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return unpack->root >= 0 || cannot(unpack, "");
}

static bool begin(struct unpack *unpack) {
    struct err *err = &unpack->task.err;
    struct stat info;
    unpack->source = open(unpack->bundle, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (unpack->source < 0)
        return err_set(err, ERR_FILE, "cannot read it: %s", strerror(errno));
    if (fstat(unpack->source, &info) || !S_ISREG(info.st_mode)) /* a pipe could block */
        return err_set(err, ERR_FILE, "it is no file, and so no bundle of envrun");
    unpack->reader = reader_open(unpack->source, err);
    return unpack->reader && make_folder(unpack) && has_room(unpack);
}

/* ---- Going on ---- */

static bool write_slice(struct unpack *unpack, const char *data, size_t length) {
    return path_write_all(unpack->fd, data, length) || cannot(unpack, unpack->file->name);
}

static bool end_file(struct unpack *unpack) {
    int failed = close(unpack->fd);
    unpack->fd = -1;
    return !failed || cannot(unpack, unpack->file->name);
}

static bool continue_file(struct unpack *unpack) {
    char slice[SLICE];
    ssize_t length = reader_read(unpack->reader, slice, sizeof slice, &unpack->task.err);
    if (length < 0)
        return false;
    return length ? write_slice(unpack, slice, (size_t)length) : end_file(unpack);
}

static bool next_file(struct unpack *unpack) {
    if (!reader_next(unpack->reader, &unpack->file, &unpack->task.err))
        return false;
    if (unpack->file)
        return make_file(unpack);
    return unpack->whole = make_others(unpack);
}

static enum task_status unpack_step(struct task *task) {
    struct unpack *unpack = (struct unpack *)task;
    bool ok = !unpack->reader   ? begin(unpack)
              : unpack->fd >= 0 ? continue_file(unpack)
                                : next_file(unpack);
    if (!ok) {
        err_prefix(&task->err, "%s", unpack->bundle);
        return TASK_FAILED;
    }
    if (unpack->whole)
        return TASK_DONE;
    task_wake(task);
    return TASK_PENDING;
}

static void close_at(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void unpack_release(struct task *task) {
    struct unpack *unpack = (struct unpack *)task;
    close_at(&unpack->fd);
    close_at(&unpack->root);
    close_at(&unpack->source);
    if (unpack->made && !unpack->whole)
        folder_remove(unpack->folder);
    reader_free(unpack->reader);
    free(unpack->bundle);
    free(unpack->folder);
}

struct task *unpack_new(struct loop *loop, const char *bundle, const char *folder) {
    static const struct task_type type = {
        .name = "unpack", .step = unpack_step, .release = unpack_release};
    struct unpack *unpack = task_new(sizeof *unpack, &type, loop);
    unpack->bundle = xstrdup(bundle);
    unpack->folder = xstrdup(folder);
    unpack->source = unpack->root = unpack->fd = -1;
    return &unpack->task;
}

const struct manifest *unpack_manifest(const struct task *task) {
    return reader_manifest(((const struct unpack *)task)->reader);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)where;
    if (kind == FTW_DP || kind == FTW_DNR)
        rmdir(path);
    else
        unlink(path);
    return 0;
}

void folder_remove(const char *path) {
    nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
