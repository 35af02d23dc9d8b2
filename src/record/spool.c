#include "record/spool.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PENDING_MOST = 32 << 10 }; /* bytes that wait to be written together */

void spool_init(struct spool *spool, const char *name, size_t most,
                void (*put_gap)(struct buffer *into, struct spool_part missing)) {
    *spool = (struct spool){
        .name = xstrdup(name), .most = most, .put_gap = put_gap, .fd = -1, .pending = BUFFER_INIT};
}

bool spool_flush(struct spool *spool) {
    size_t length = spool->pending.length;
    bool ok = !length || path_write_all(spool->fd, spool->pending.data, length);
    buffer_truncate(&spool->pending, 0);
    return ok;
}

/* ---- Files: the head, and the segments behind it ---- */

static char *segment_name(const struct spool *spool, unsigned segment) {
    return segment ? xasprintf("%s.%u", spool->name, segment) : xstrdup(spool->name);
}

static bool open_segment(struct spool *spool, int folder, unsigned segment) {
    autofree char *name = segment_name(spool, segment);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = openat(folder, name, flags, 0600);
    spool->segment = segment;
    spool->length = 0;
    return spool->fd >= 0;
}

static void add(struct spool_part *to, struct spool_part more) {
    to->lines += more.lines;
    to->bytes += more.bytes;
}

static bool next_segment(struct spool *spool, int folder) {
    if (!spool_flush(spool))
        return false;
    if (spool->segment > 1) {
        autofree char *oldest = segment_name(spool, spool->segment - 1);
        unlinkat(folder, oldest, 0);
        add(&spool->missing, spool->before);
    }
    spool->before = spool->segment ? spool->now : (struct spool_part){0};
    spool->now = (struct spool_part){0};
    return open_segment(spool, folder, spool->segment + 1);
}

bool spool_put(struct spool *spool, int folder, const char *line, size_t length) {
    size_t room = spool->segment ? spool->most / 4 : spool->most / 2;
    if (spool->fd < 0 && !open_segment(spool, folder, spool->segment))
        return false;
    if (spool->length && spool->length + length > room && !next_segment(spool, folder))
        return false;
    buffer_add(&spool->pending, line, length);
    spool->length += length;
    add(&spool->now, (struct spool_part){1, (long long)length});
    return spool->pending.length < PENDING_MOST || spool_flush(spool);
}

/* ---- The end ---- */

/* Put a segment behind the head. */
static bool append_segment(struct spool *spool, int folder, int head, unsigned segment) {
    char chunk[1 << 16];
    autofree char *name = segment_name(spool, segment);
    int from = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = -1;
    while (from >= 0 && (got = read(from, chunk, sizeof chunk)) > 0)
        if (!path_write_all(head, chunk, (size_t)got))
            break;
    int reason = errno;
    if (from >= 0)
        close(from);
    errno = reason;
    return !got && !unlinkat(folder, name, 0);
}

static bool append_segments(struct spool *spool, int folder, int head) {
    autobuffer struct buffer gap = BUFFER_INIT;
    if (spool->missing.lines)
        spool->put_gap(&gap, spool->missing);
    if (!path_write_all(head, gap.data, gap.length))
        return false;
    for (unsigned i = spool->segment > 1 ? spool->segment - 1 : 1; i <= spool->segment; i++)
        if (!append_segment(spool, folder, head, i))
            return false;
    return true;
}

bool spool_end(struct spool *spool, int folder) {
    if (!spool_flush(spool))
        return false;
    if (!spool->segment)
        return true;
    int head = openat(folder, spool->name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    bool ok = head >= 0 && append_segments(spool, folder, head);
    if (head >= 0)
        close(head);
    return ok;
}

void spool_release(struct spool *spool) {
    if (spool->fd >= 0)
        close(spool->fd);
    buffer_release(&spool->pending);
    free(spool->name);
}
