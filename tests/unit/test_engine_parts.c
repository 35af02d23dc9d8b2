/* The engine floor's parts that need no engine. */
#include <criterion/criterion.h>

#include <envrun/engine.h>

#include "base/lines.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/frames.h"
#include "engine/ignore.h"
#include "engine/progress.h"
#include "engine/tar.h"
#include "engine/tar_root.h"
#include "engine/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct buffer seen;

static void begin(void) {
    seen = BUFFER_INIT;
}

static void end(void) {
    buffer_release(&seen);
}

TestSuite(engine_parts, .init = begin, .fini = end, .timeout = 30);

/* ---- Lines ---- */

static void note_line(void *context, char *text, size_t length) {
    (void)context;
    cr_assert_eq(strlen(text), length);
    buffer_printf(&seen, "[%s]", text);
}

Test(engine_parts, lines_however_they_are_cut) {
    static const char text[] = "one\n\ntwo\r\n\xe2\x82\xac and more\nlast";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct lines lines;
        lines_init(&lines, 100, note_line, NULL);
        buffer_truncate(&seen, 0);
        for (size_t i = 0; i < sizeof text - 1; i += piece) {
            size_t left = sizeof text - 1 - i;
            lines_push(&lines, text + i, left < piece ? left : piece);
        }
        cr_assert_str_eq(seen.data, "[one][][two][\xe2\x82\xac and more]");
        lines_end(&lines);
        lines_end(&lines);
        cr_assert_str_eq(seen.data, "[one][][two][\xe2\x82\xac and more][last]");
        lines_release(&lines);
    }
}

Test(engine_parts, a_long_line_is_cut) {
    struct lines lines;
    lines_init(&lines, 4, note_line, NULL);
    lines_push(&lines, "abcd\nabcde\nab", 13);
    lines_push(&lines, "cdefgh", 6);
    lines_push(&lines, "ij\nx\n", 5);
    cr_assert_str_eq(seen.data, "[abcd][abcd][abcd][x]");
    lines_release(&lines);
}

/* ---- Frames ---- */

static void note_data(void *context, enum stream_tag stream, const char *data, size_t length) {
    int *last = context;
    if (*last != (int)stream)
        buffer_printf(&seen, "%d:", *last = (int)stream);
    buffer_add(&seen, data, length);
}

Test(engine_parts, frames_however_they_are_cut) {
    static const char text[] = "\1\0\0\0\0\0\0\3abc\2\0\0\0\0\0\0\4\xe2\x82\xac!\1\0\0\0\0\0\0\0"
                               "\1\0\0\0\0\0\0\1d\0\0\0\0\0\0\0\1e\3\0\0\0\0\0\0\1f";
    struct err err = ERR_INIT;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        int last = 0;
        struct frames frames = {.sink = {note_data, &last}};
        buffer_truncate(&seen, 0);
        for (size_t i = 0; i < sizeof text - 1; i += piece) {
            size_t left = sizeof text - 1 - i;
            cr_assert(frames_push(&frames, text + i, left < piece ? left : piece, &err));
        }
        cr_assert_str_eq(seen.data, "1:abc2:\xe2\x82\xac!1:de2:f");
        cr_assert(frames_end(&frames, &err));
    }
}

Test(engine_parts, frames_that_are_none) {
    struct err err = ERR_INIT;
    int last = 0;
    struct frames frames = {.sink = {note_data, &last}};
    cr_assert(!frames_push(&frames, "plain text", 10, &err));
    cr_assert_str_eq(err.message, "the Docker engine sent output without its frames");
    frames = (struct frames){.sink = {note_data, &last}};
    err_release(&err);
    cr_assert(frames_push(&frames, "\1\0\0\0\0\0\0\3ab", 10, &err));
    cr_assert(!frames_end(&frames, &err));
    frames = (struct frames){.raw = true, .sink = {note_data, &last}};
    err_release(&err);
    cr_assert(frames_push(&frames, "plain text", 10, &err));
    cr_assert(frames_end(&frames, &err));
    cr_assert_str_eq(seen.data, "1:abplain text");
    err_release(&err);
}

/* ---- Progress ---- */

static void note_text(void *context, const char *text) {
    (void)context;
    buffer_printf(&seen, "[%s]", text);
}

static void push_progress(struct progress *progress, struct err *err, const char *text) {
    progress_init(progress, (struct engine_progress){.line = note_text}, err);
    progress_push(progress, text, strlen(text));
    progress_end(progress);
}

Test(engine_parts, progress_of_a_build) {
    struct err err = ERR_INIT;
    struct progress progress;
    push_progress(&progress, &err,
                  "{\"stream\":\"Step 1/1 : \"}\r\n{\"stream\":\"FROM x\\n\\nabc\\n\"}\r\n"
                  "{\"status\":\"Pulling\",\"id\":\"x\"}\r\n"
                  "{\"stream\":\"Successfully built 0123456789ab\\n\"}\r\n");
    cr_assert_str_eq(seen.data,
                     "[Step 1/1 : FROM x][abc][x: Pulling][Successfully built 0123456789ab]");
    cr_assert_str_eq(progress.image_id, "0123456789ab");
    cr_assert(!err_is(&err));
    progress_release(&progress);
    push_progress(&progress, &err, "{\"aux\":{\"ID\":\"sha256:01\"}}\n");
    cr_assert_str_eq(progress.image_id, "sha256:01");
    progress_release(&progress);
}

Test(engine_parts, progress_that_fails) {
    struct err err = ERR_INIT;
    struct progress progress;
    push_progress(&progress, &err,
                  "{\"errorDetail\":{\"code\":1,\"message\":\"no.\"},\"error\":\"other\"}\n"
                  "{\"error\":\"second\"}\n");
    cr_assert_eq(err.kind, ERR_ANSWER);
    cr_assert_str_eq(err.message, "no");
    err_release(&err);
    progress_release(&progress);
    push_progress(&progress, &err, "<html>");
    cr_assert_eq(err.kind, ERR_ENGINE);
    err_release(&err);
    progress_release(&progress);
}

/* ---- DOCKER_HOST ---- */

static void address_is(const char *host, const char *url, const char *socket, const char *tcp) {
    struct err err = ERR_INIT;
    struct loop *loop = loop_new(&err);
    struct engine *engine = engine_new(loop, host, &err);
    cr_assert(engine, "%s", err.message);
    const struct engine_address *address = engine_address(engine);
    cr_assert_str_eq(address->url, url);
    cr_assert_eq(address->unix_socket, socket != NULL);
    cr_assert_str_eq(socket ? address->socket : address->host, socket ? socket : tcp);
    engine_free(engine);
    loop_free(loop);
}

static void address_is_none(const char *host, const char *message) {
    struct err err = ERR_INIT;
    struct loop *loop = loop_new(&err);
    cr_assert_null(engine_new(loop, host, &err));
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert_str_eq(err.message, message);
    err_release(&err);
    loop_free(loop);
}

Test(engine_parts, addresses) {
    static const char standard[] = "unix:///var/run/docker.sock";
    address_is(NULL, standard, "/var/run/docker.sock", NULL);
    address_is("", standard, "/var/run/docker.sock", NULL);
    address_is("unix://", standard, "/var/run/docker.sock", NULL);
    address_is("unix:///a b", "unix:///a b", "/a b", NULL);
    address_is("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375", NULL, "127.0.0.1");
    address_is("tcp://[::1]:2375", "tcp://[::1]:2375", NULL, "[::1]");
    address_is("http://name", "http://name", NULL, "name");
    address_is_none("ssh://x", "DOCKER_HOST=ssh://x: envrun knows unix://PATH, tcp://HOST:PORT and "
                               "http://HOST:PORT");
    address_is_none("tcp://", "DOCKER_HOST=tcp:// is not an address: write tcp://HOST:PORT");
    address_is_none("tcp://a:99999",
                    "DOCKER_HOST=tcp://a:99999 is not an address: write tcp://HOST:PORT");
    address_is_none("tcp://a/path",
                    "DOCKER_HOST=tcp://a/path is not an address: write tcp://HOST:PORT");
    address_is_none("unix://a", "DOCKER_HOST=unix://a: the socket's path must be absolute");
    char long_path[200];
    snprintf(long_path, sizeof long_path, "unix:///%0150d", 0);
    autofree char *message =
        xasprintf("DOCKER_HOST=%s: a socket's path can have at most 107 characters", long_path);
    address_is_none(long_path, message);
}

Test(engine_parts, messages) {
    static const char body[] = "{\"message\": \"No such image: x:1.\\n\"}";
    autofree char *text = transfer_message(body, strlen(body));
    cr_assert_str_eq(text, "No such image: x:1");
    cr_assert_null(transfer_message("{}", 2));
    cr_assert_null(transfer_message("", 0));
    cr_assert_null(transfer_message("{\"message\": \"\"}", 15));
    autofree char *escaped = engine_escape("a b/c\xc3\xa4~");
    cr_assert_str_eq(escaped, "a%20b%2Fc%C3%A4~");
}

Test(engine_parts, queries) {
    struct query query = query_new("/x/%d", 5);
    query_text(&query, "a", "b&c");
    query_text(&query, "none", NULL);
    query_number(&query, "n", -1);
    cr_assert_str_eq(query.path.data, "/x/5?a=b%26c&n=-1");
    query_release(&query);
    query = query_new("/y?z=1");
    query_text(&query, "a", "b");
    cr_assert_str_eq(query.path.data, "/y?z=1&a=b");
    query_release(&query);
}

/* ---- .dockerignore ---- */

static const struct {
    const char *glob, *path;
    bool matches;
} globs[] = {
    {"a", "a", true},
    {"a", "ab", false},
    {"*", "a", true},
    {"*", "a/b", false},
    {"*.go", "x.go", true},
    {"*.go", "d/x.go", false},
    {"a*c", "abbc", true},
    {"a*c", "a/c", false},
    {"?", "a", true},
    {"?", "/", false},
    {"**", "a/b/c", true},
    {"**/c", "c", true},
    {"**/c", "a/b/c", true},
    {"**/c", "a/bc", false},
    {"a/**", "a/b/c", true},
    {"a/**", "a", false},
    {"a/**/c", "a/c", true},
    {"a/**/c", "a/b/b/c", true},
    {"**/*.md", "x/y.md", true},
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[^a]x", "bx", true},
    {"[^a]x", "ax", false},
    {"[]]", "]", true},
    {"[a", "a", false},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"a.c", "abc", false},
    {"a+b", "a+b", true},
    {"**/a/**/b", "x/a/y/z/b", true},
    {"", "", true},
    {"a/", "a", false},
};

Test(engine_parts, ignore_globs) {
    for (size_t i = 0; i < lengthof(globs); i++)
        cr_expect_eq(ignore_glob(globs[i].glob, globs[i].path), globs[i].matches, "%s on %s",
                     globs[i].glob, globs[i].path);
}

static const struct {
    const char *patterns, *path;
    bool out;
} ignored[] = {
    {"a", "a/b/c", true},
    {"a/", "a/b", true},
    {"/a", "a", true},
    {"./a/../b", "b", true},
    {" a ", "a", true},
    {"# a\na", "a", true},
    {"#a", "#a", false},
    {"\xef\xbb\xbf"
     "a",
     "a", true},
    {"a\r\nb\r\n", "b", true},
    {"*\n!keep", "keep", false},
    {"*\n!keep", "keep/x", false},
    {"*\n!keep\nkeep/no", "keep/no", true},
    {"a\n!a/b", "a/b", false},
    {"a\n!a/b", "a/c", true},
    {"!a\na", "a", true},
    {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
    {"*.md\n!README*.md", "README.md", false},
    {"**/node_modules", "x/node_modules/y", true},
    {".", "a", false},
    {"", "a", false},
    {"!", "a", false},
};

Test(engine_parts, ignore_lists) {
    for (size_t i = 0; i < lengthof(ignored); i++) {
        struct ignore ignore = {0};
        ignore_parse(&ignore, ignored[i].patterns);
        cr_expect_eq(ignore_matches(&ignore, ignored[i].path), ignored[i].out, "%s on %s",
                     ignored[i].patterns, ignored[i].path);
        ignore_release(&ignore);
    }
}

Test(engine_parts, ignore_looks_into_directories_where_it_must) {
    struct ignore ignore = {0};
    ignore_parse(&ignore, "a\nb\n!a/b/c\n!**/deep\n");
    cr_assert(ignore_may_take_in_below(&ignore, "a"));
    cr_assert(ignore_may_take_in_below(&ignore, "b")); /* for **\/deep */
    ignore_release(&ignore);
    ignore_parse(&ignore, "a\nb\nab\n!a/b/c\n!b/x*\n");
    cr_assert(ignore_may_take_in_below(&ignore, "a"));
    cr_assert(ignore_may_take_in_below(&ignore, "a/b"));
    cr_assert(!ignore_may_take_in_below(&ignore, "ab"));
    cr_assert(ignore_may_take_in_below(&ignore, "b"));
    cr_assert(ignore_may_take_in_below(&ignore, "b/xy"));
    cr_assert(!ignore_may_take_in_below(&ignore, "b/y"));
    ignore_release(&ignore);
}

/* ---- tar ---- */

static char directory[32];

static void in_directory(void) {
    begin();
    strcpy(directory, "/tmp/envrun-test-XXXXXX");
    cr_assert(mkdtemp(directory));
}

static void out_of_directory(void) {
    autofree char *command = xasprintf("chmod -R u+rwx %s; rm -rf %s", directory, directory);
    end();
    cr_assert_eq(system(command), 0);
}

TestSuite(engine_tar, .init = in_directory, .fini = out_of_directory, .timeout = 30);

static char *place(const char *name, const char *text, mode_t mode) {
    struct err err = ERR_INIT;
    char *path = path_join(directory, name);
    autofree char *above = path_directory(path);
    cr_assert(path_make_directories(above, &err));
    cr_assert(path_write(path, text, strlen(text), false, &err));
    chmod(path, mode);
    return path;
}

#define place_free(...) free(place(__VA_ARGS__))

/* Read the tar to its end in pieces of a size; false if it fails. */
static bool read_all(struct tar *tar, struct buffer *into, size_t piece) {
    struct transfer_source source = tar_source(tar);
    char data[70000];
    for (ssize_t length; (length = source.read(source.context, data, piece));) {
        if (length < 0)
            return false;
        buffer_add(into, data, (size_t)length);
    }
    return true;
}

/* "NAME TYPE MODE UID:GID SIZE" or the link's target, one line for each entry. */
static void list_archive(const struct buffer *data) {
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    archive_read_support_format_tar(archive);
    cr_assert_eq(archive_read_open_memory(archive, data->data, data->length), ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        buffer_printf(&seen, "%s %o %d:%d", archive_entry_pathname(entry),
                      (unsigned)archive_entry_perm(entry), (int)archive_entry_uid(entry),
                      (int)archive_entry_gid(entry));
        if (archive_entry_symlink(entry))
            buffer_printf(&seen, " -> %s", archive_entry_symlink(entry));
        else if (archive_entry_filetype(entry) == AE_IFREG)
            buffer_printf(&seen, " %d", (int)archive_entry_size(entry));
        buffer_putc(&seen, '\n');
    }
    archive_read_free(archive);
}

static void pack(struct tar *tar, size_t piece) {
    struct buffer data = BUFFER_INIT;
    cr_assert(read_all(tar, &data, piece), "%s", tar_error(tar)->message);
    cr_assert_eq(data.length % 512, 0);
    list_archive(&data);
    buffer_release(&data);
    tar_free(tar);
}

Test(engine_tar, packs_a_tree) {
    autofree char *link = path_join(directory, "d/link");
    place_free("d/b", "bbb", 0750);
    place_free("d/a", "", 0644);
    place_free("d/\xc3\xa4 umlaut", "x", 0600);
    cr_assert_eq(symlink("../outside", link), 0);
    autofree char *path = path_join(directory, "d");
    chmod(path, 0711);
    struct tar *tar = tar_new(&(struct tar_options){.uid = 5, .gid = 6});
    tar_add_path(tar, path, "as");
    tar_add_text(tar, "more", "text", 4, 0400);
    pack(tar, 7);
    cr_assert_str_eq(seen.data, "as/ 711 5:6\nas/a 644 5:6 0\nas/b 750 5:6 3\n"
                                "as/link 777 5:6 -> ../outside\nas/\xc3\xa4 umlaut 600 5:6 1\n"
                                "more 400 5:6 4\n");
}

/* A file, opened for reading and writing, with what the tar has. */
static int spooled(struct tar *tar) {
    struct buffer data = BUFFER_INIT;
    int fd = open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    cr_assert(read_all(tar, &data, 1000));
    cr_assert(path_write_all(fd, data.data, data.length));
    buffer_release(&data);
    tar_free(tar);
    return fd;
}

/* "NAME: CONTENTS", a line for each file. */
static bool list_files(int fd, struct err *err) {
    struct untar *untar = untar_open(fd, err);
    struct untar_entry entry;
    char data[3];
    while (untar && untar_next(untar, &entry, err)) {
        if (!entry.is_file)
            continue;
        buffer_printf(&seen, "%s: ", entry.name);
        for (ssize_t length; (length = untar_read(untar, data, sizeof data, err));) {
            if (length < 0)
                break;
            buffer_add(&seen, data, (size_t)length);
        }
        buffer_putc(&seen, '\n');
    }
    untar_free(untar);
    return !err_is(err);
}

Test(engine_tar, is_read_again) {
    struct err err = ERR_INIT;
    autofree char *link = path_join(directory, "d/link"), *path = path_join(directory, "d");
    place_free("d/a", "some text", 0644);
    place_free("d/\xc3\xa4 umlaut", "x", 0600);
    cr_assert_eq(symlink("../outside", link), 0);
    struct tar *tar = tar_new(&(struct tar_options){0});
    tar_add_path(tar, path, "");
    int fd = spooled(tar);
    cr_assert(list_files(fd, &err), "%s", err.message);
    cr_assert_str_eq(seen.data, "a: some text\n\xc3\xa4 umlaut: x\n");
    cr_assert_eq(ftruncate(fd, 600), 0);
    cr_assert_not(list_files(fd, &err));
    cr_assert_eq(err.kind, ERR_ENGINE);
    err_release(&err);
    cr_assert_eq(pwrite(fd, "this is no archive", 18, 0), 18);
    cr_assert_not(list_files(fd, &err));
    err_release(&err);
    close(fd);
}

Test(engine_tar, packs_contents_and_one_file) {
    autofree char *file = place("x/f", "abc", 0640);
    autofree char *path = path_join(directory, "x");
    struct tar *tar = tar_new(&(struct tar_options){.mode = 0444});
    tar_add_path(tar, path, "");
    tar_add_path(tar, file, "g");
    pack(tar, 70000);
    cr_assert_str_eq(seen.data, "f 640 0:0 3\ng 444 0:0 3\n");
}

Test(engine_tar, packs_long_names_and_much) {
    char name[300];
    snprintf(name, sizeof name, "%0120d/%0120d", 1, 2);
    autofree char *path = place(name, "", 0644);
    cr_assert_eq(truncate(path, 1000000), 0);
    struct tar *tar = tar_new(&(struct tar_options){0});
    tar_add_path(tar, path, name);
    pack(tar, 65536);
    autofree char *line = xasprintf("%s 644 0:0 1000000\n", name);
    cr_assert_str_eq(seen.data, line);
}

Test(engine_tar, leaves_out_what_is_ignored) {
    struct ignore ignore = {0};
    place_free("a/b/keep", "", 0644);
    place_free("a/b/no", "", 0644);
    place_free("a/c", "", 0644);
    place_free("z.tmp", "", 0644);
    place_free("z", "", 0644);
    place_free("Dockerfile", "old", 0644);
    ignore_parse(&ignore, "*.tmp\na\n!a/b/keep\n");
    struct tar *tar = tar_new(&(struct tar_options){.ignore = &ignore});
    tar_add_path(tar, directory, "");
    tar_add_text(tar, "Dockerfile", "newer", 5, 0644);
    pack(tar, 512);
    cr_assert_str_eq(seen.data, "a/b/keep 644 0:0 0\nz 644 0:0 0\nDockerfile 644 0:0 5\n");
}

static void fails(const char *path, bool shrink, const char *format) {
    struct buffer data = BUFFER_INIT;
    struct tar *tar = tar_new(&(struct tar_options){0});
    char head[512];
    tar_add_path(tar, path, "x");
    if (shrink) {
        struct transfer_source source = tar_source(tar);
        cr_assert_eq(source.read(source.context, head, sizeof head), 512);
        cr_assert_eq(truncate(path, 3), 0);
    }
    cr_assert(!read_all(tar, &data, 512));
    autofree char *message = xasprintf(format, path);
    cr_assert_eq(tar_error(tar)->kind, ERR_FILE);
    cr_assert_str_eq(tar_error(tar)->message, message);
    tar_free(tar);
    buffer_release(&data);
}

Test(engine_tar, says_what_it_cannot_read) {
    autofree char *missing = path_join(directory, "missing");
    autofree char *file = place("file", "more than three", 0644);
    fails(missing, false, "cannot read %s: No such file or directory");
    fails(file, true, "%s became shorter while it was read");
}

Test(engine_tar, can_be_dropped_at_any_point) {
    autofree char *file = place("file", "", 0644);
    cr_assert_eq(truncate(file, 1L << 40), 0);
    for (int pieces = 0; pieces < 4; pieces++) {
        char data[1000];
        struct tar *tar = tar_new(&(struct tar_options){0});
        struct transfer_source source = tar_source(tar);
        tar_add_path(tar, file, "x");
        for (int i = 0; i < pieces; i++)
            cr_assert(source.read(source.context, data, sizeof data) > 0);
        tar_free(tar);
    }
}

/* ---- The folder itself ---- */

/* One whose owner has a number that wants a further header. */
static int archive_of_folder(const char *name) {
    int fd = memfd_create("archive", 0);
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_pax(archive);
    archive_write_open_fd(archive, fd);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFDIR);
    archive_entry_set_perm(entry, 0700);
    archive_entry_set_uid(entry, 3000000);
    archive_write_header(archive, entry);
    archive_entry_free(entry);
    archive_write_free(archive);
    return fd;
}

static void first_entry(int fd, size_t piece, const char *name) {
    struct tar_root root;
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    char bytes[8192];
    ssize_t length = pread(fd, bytes, sizeof bytes, 0);
    tar_root_find(fd, &root);
    for (size_t at = 0; at < (size_t)length; at += piece)
        tar_root_put(&root, bytes + at, piece < (size_t)length - at ? piece : (size_t)length - at,
                     at);
    archive_read_support_format_tar(archive);
    cr_assert_eq(archive_read_open_memory(archive, bytes, (size_t)length), ARCHIVE_OK);
    cr_assert_eq(archive_read_next_header(archive, &entry), ARCHIVE_OK, "%s",
                 archive_error_string(archive));
    cr_expect_str_eq(archive_entry_pathname(entry), name);
    cr_expect_eq(archive_entry_uid(entry), 3000000);
    cr_expect_eq(archive_entry_perm(entry), 0700);
    archive_read_free(archive);
}

Test(engine_tar, the_folder_itself_has_a_name_that_counts) {
    int fd = archive_of_folder("./"), other = archive_of_folder("data/");
    for (size_t piece = 1; piece < 2000; piece += 97)
        first_entry(fd, piece, "/");
    first_entry(other, 512, "data/");
    struct tar_root root;
    tar_root_find(memfd_create("empty", 0), &root);
    cr_expect_not(root.found);
    close(fd);
    close(other);
}
