#include "record/results.h"

#include "base/path.h"
#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MOST = 120 /* bytes; of a longer path the end says more */ };

static bool make_folder(int folder, const char *name) {
    return !mkdirat(folder, name, 0700) || errno == EEXIST;
}

/* The number keeps those apart whose paths come to one name. */
static char *file_name(const struct event *event) {
    const char *path = event->list_length ? event->list[0] : "results";
    size_t length = strlen(path);
    autofree char *name = record_file_name(length > NAME_MOST ? path + length - NAME_MOST : path);
    return xasprintf("%lld-%s", event->count, name);
}

static bool open_file(struct result_files *files, int folder, const struct event *event) {
    autofree char *suite = record_file_name(event->detail ? event->detail : "");
    autofree char *below = path_join("junit", suite), *name = file_name(event);
    autofree char *path = path_join(below, name);
    if (!make_folder(folder, "junit") || !make_folder(folder, below))
        return false;
    files->fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return files->fd >= 0;
}

bool result_files_put(struct result_files *files, int folder, const struct event *event) {
    size_t length = event->text ? strlen(event->text) : 0;
    long long room = RECORD_RESULTS_MOST - files->bytes;
    if (files->fd < 0 && !open_file(files, folder, event))
        return false;
    length = (long long)length > room ? (size_t)room : length;
    files->bytes += (long long)length;
    if (length && !path_write_all(files->fd, event->text, length))
        return false;
    if (!event->unfinished)
        result_files_close(files);
    return true;
}

void result_files_close(struct result_files *files) {
    if (files->fd >= 0)
        close(files->fd);
    files->fd = -1;
}
