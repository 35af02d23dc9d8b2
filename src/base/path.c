#include "base/path.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Append the components of `path` to a list, resolving "." and ".." on the way. */
static void add_components(struct strings *to, const char *path) {
    autostrings struct strings parts = {0};
    text_split(path, '/', &parts);
    vec_each (part, &parts) {
        if (!**part || !strcmp(*part, "."))
            continue;
        if (strcmp(*part, "..")) {
            strings_add(to, *part);
        } else if (to->length && strcmp(to->at[to->length - 1], "..")) {
            free(to->at[--to->length]);
        } else if (*path != '/') {
            strings_add(to, "..");
        }
    }
}

char *path_join(const char *directory, const char *path) {
    autostrings struct strings parts = {0};
    bool absolute = *path == '/' || *directory == '/';
    autofree char *whole =
        *path == '/' ? xstrdup(path) : xasprintf("%s/%s", *directory ? directory : ".", path);

    add_components(&parts, whole);
    autofree char *joined = strings_join(&parts, "/");
    if (absolute)
        return xasprintf("/%s", joined);
    return *joined ? steal(joined) : xstrdup(".");
}

const char *path_below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    if (!text_starts(path, directory))
        return NULL;
    if (length && directory[length - 1] == '/')
        return path + length;
    return path[length] == '/' ? path + length + 1 : NULL;
}

bool path_is_within(const char *path, const char *directory) {
    return !strcmp(path, directory) || path_below(path, directory);
}

char *path_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_exists(const char *path) {
    return !access(path, F_OK);
}

bool path_is_directory(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

bool path_is_file(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISREG(info.st_mode);
}

bool path_make_directories(const char *path, struct err *err) {
    autofree char *above = path_directory(path);
    if (path_is_directory(path))
        return true;
    if (strcmp(above, path) && !path_make_directories(above, err))
        return false;
    if (mkdir(path, 0777) && errno != EEXIST)
        return err_set(err, ERR_FILE, "cannot make the directory %s: %s", path, err_reason(errno));
    return true;
}

static bool read_all(int fd, const char *path, struct buffer *into, struct err *err) {
    char chunk[1 << 16];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_FILE, "cannot read %s: %s", path, err_reason(errno));
        if (!got)
            return true;
        if (!buffer_fits(into, (size_t)got)) {
            autofree char *most = text_bytes(into->max);
            return err_set(err, ERR_FILE, "%s is larger than the %s that envrun reads", path, most);
        }
        buffer_add(into, chunk, (size_t)got);
    }
}

/* Opening a FIFO that nobody writes to would wait for ever, deaf to every signal. */
static int open_at_once(const char *path, struct stat *ret_info, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && !fstat(fd, ret_info) && fcntl(fd, F_SETFL, 0) >= 0)
        return fd;
    err_set(err, ERR_FILE, "cannot read %s: %s", path, err_reason(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int path_open_file(const char *path, struct err *err) {
    struct stat info;
    int fd = open_at_once(path, &info, err);
    if (fd < 0 || S_ISREG(info.st_mode))
        return fd;
    close(fd);
    err_set(err, ERR_FILE, "%s is not a regular file", path);
    return -1;
}

bool path_read(const char *path, struct buffer *into, struct err *err) {
    struct stat info;
    size_t before = into->length;
    int fd = open_at_once(path, &info, err);
    if (fd < 0)
        return false;
    bool ok = read_all(fd, path, into, err);
    close(fd);
    if (ok && S_ISFIFO(info.st_mode) && into->length == before)
        return err_set(err, ERR_FILE, "nobody writes to the FIFO %s", path);
    return ok;
}

bool path_write_all(int fd, const char *data, size_t length) {
    while (length) {
        ssize_t put = write(fd, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        length -= (size_t)put;
    }
    return true;
}

bool path_entries(const char *folder, struct strings *into) {
    DIR *directory = opendir(folder);
    if (!directory)
        return false;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            strings_add(into, entry->d_name);
    closedir(directory);
    strings_sort(into);
    return true;
}

bool path_write(const char *path, const char *data, size_t length, bool secret, struct err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0666);
    bool ok = fd >= 0 && path_write_all(fd, data, length);
    int reason = errno;
    if (fd >= 0 && close(fd) && ok) {
        ok = false;
        reason = errno;
    }
    return ok || err_set(err, ERR_FILE, "cannot write %s: %s", path, err_reason(reason));
}
