/* Bundles: what is packed is unpacked again; what lies is refused and leaves nothing behind. */
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "replay/pack.h"
#include "replay/reader.h"
#include "replay/search.h"
#include "replay/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/envrun-bundle-XXXXXX";
static struct loop *loop;

static char *place(const char *name) {
    return xasprintf("%s/%s", folder, name);
}

static void begin(void) {
    struct err err = ERR_INIT;
    cr_assert(mkdtemp(folder) != NULL);
    loop = loop_new(&err);
}

static void end(void) {
    loop_free(loop);
    folder_remove(folder);
}

TestSuite(bundle, .init = begin, .fini = end);

static void write_file(const char *name, const char *text) {
    struct err err = ERR_INIT;
    autofree char *path = place(name);
    autofree char *above = path_directory(path);
    cr_assert(path_make_directories(above, &err));
    cr_assert(path_write(path, text, strlen(text), false, &err));
}

static char *read_file(const char *name) {
    struct err err = ERR_INIT;
    struct buffer text = BUFFER_INIT;
    autofree char *path = place(name);
    cr_assert(path_read(path, &text, &err), "%s", err.message);
    return buffer_detach(&text);
}

static bool finish(struct task *task, struct err *err) {
    task_start(task, NULL);
    loop_run(loop, task);
    bool done = task->status == TASK_DONE;
    err_move(err, &task->err);
    task_free(task);
    return done;
}

static bool unpack(const char *bundle, const char *to, struct err *err) {
    autofree char *from = place(bundle);
    autofree char *into = place(to);
    return finish(unpack_new(loop, from, into), err);
}

static void pack(const char *bundle, struct contents *contents) {
    struct err err = ERR_INIT;
    autofree char *path = place(bundle);
    cJSON *about = cJSON_CreateObject();
    json_put_text(about, "written_by", "a test");
    cr_assert(finish(pack_new(loop, contents, about, path), &err), "%s", err.message);
    contents_release(contents);
}

/* What its manifest says besides the files. */
static cJSON *about(const char *bundle) {
    struct err err = ERR_INIT;
    autofree char *path = place(bundle);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct reader *reader = reader_open(fd, &err);
    cr_assert(reader != NULL, "%s", err.message);
    cJSON *about = cJSON_Duplicate(reader_manifest(reader)->about, true);
    reader_free(reader);
    close(fd);
    return about;
}

static void add_tree(struct contents *contents) {
    autofree char *tree = place("tree");
    contents_init(contents, 1 << 20);
    contents_add_text(contents, "model.json", xstrdup("{}"));
    contents_add_path(contents, "project", tree);
}

static void make_tree(void) {
    autofree char *script = place("tree/run.sh");
    autofree char *empty = place("tree/empty");
    autofree char *link = place("tree/a/link");
    autofree char *out = place("tree/a/out");
    write_file("tree/a/b", "bytes");
    write_file("tree/run.sh", "#!/bin/sh\n");
    write_file("tree/nothing", "");
    chmod(script, 0755);
    mkdir(empty, 0777);
    cr_assert(not(symlink("../run.sh", link)));
    cr_assert(not(symlink("../../tree", out)));
}

Test(bundle, comes_out_as_it_went_in) {
    struct contents contents;
    struct err err = ERR_INIT;
    make_tree();
    add_tree(&contents);
    pack("x.tar.zst", &contents);
    cr_assert(unpack("x.tar.zst", "there", &err), "%s", err.message);
    autofree char *bytes = read_file("there/project/a/b");
    autofree char *linked = read_file("there/project/a/link");
    autofree char *script = place("there/project/run.sh");
    autofree char *empty = place("there/project/empty");
    autofree char *out = place("there/project/a/out");
    cr_expect(eq(str, bytes, "bytes"));
    cr_expect(eq(str, linked, "#!/bin/sh\n"));
    cr_expect(not(access(script, X_OK)));
    cr_expect(path_is_directory(empty));
    cr_expect(not(path_exists(out)));
}

Test(bundle, says_what_is_left_out) {
    struct contents contents;
    make_tree();
    add_tree(&contents);
    autofree char *text = json_line(contents.left_out);
    cr_expect(strstr(text, "{\"name\":\"project/a/out\",\"why\":\"it is a link that leads") !=
              NULL);
    contents_release(&contents);
    autofree char *tree = place("tree");
    contents_init(&contents, 12);
    contents_add_path(&contents, "project", tree);
    autofree char *full = json_line(contents.left_out);
    cr_expect(strstr(full, "run.sh\",\"why\":\"the bundle would be larger") != NULL);
    contents_release(&contents);
}

/* In a file of others the mark stands for itself; one may lie across two slices. */
Test(bundle, says_what_was_taken_out) {
    struct contents contents;
    char *log autofree = xmalloc((64 << 10) + 40);
    memset(log, '[', 64 << 10);
    strcpy(log + (64 << 10) - 3, "[redacted] [redacted [redacted]");
    write_file("taken/log", log);
    write_file("theirs/log", "[redacted]");
    autofree char *record = place("taken");
    autofree char *project = place("theirs");
    contents_init(&contents, 1 << 20);
    contents_add_text(&contents, "model.json", xstrdup("{\"a\": \"${TOKEN-}\"}"));
    contents_taken_out(&contents, "model.json", 1);
    contents_add_text(&contents, "suite.json", xstrdup("{}"));
    contents_add_path(&contents, "project", project);
    contents_add_path(&contents, "record", record);
    pack("r.tar.zst", &contents);
    autojson cJSON *manifest = about("r.tar.zst");
    autofree char *files = json_line(json_get(manifest, "redacted.files"));
    cr_expect(eq(str, files,
                 "[{\"name\":\"model.json\",\"times\":1},"
                 "{\"name\":\"record/log\",\"times\":2}]"));
}

Test(bundle, has_the_same_bytes_each_time) {
    struct contents contents;
    make_tree();
    add_tree(&contents);
    pack("one", &contents);
    sleep(1);
    write_file("tree/a/b", "bytes");
    add_tree(&contents);
    pack("two", &contents);
    autofree char *compare = xasprintf("cmp %s/one %s/two", folder, folder);
    cr_expect(eq(int, system(compare), 0));
}

Test(bundle, that_does_not_fit_leaves_nothing) {
    struct contents contents;
    struct err err = ERR_INIT;
    contents_init(&contents, 1 << 20);
    contents_add_text(&contents, "a", xstrdup("text"));
    cr_expect(not(finish(pack_new(loop, &contents, NULL, "/dev/full/x"), &err)));
    err_release(&err);
    contents_release(&contents);
}

Test(bundle, is_not_written_over_a_folder_that_is_there) {
    struct contents contents;
    struct err err = ERR_INIT;
    write_file("there/mine", "mine");
    contents_init(&contents, 1 << 20);
    contents_add_text(&contents, "mine", xstrdup("theirs"));
    pack("x", &contents);
    cr_expect(not(unpack("x", "there", &err)));
    autofree char *mine = read_file("there/mine");
    cr_expect(eq(str, mine, "mine"));
    err_release(&err);
}

/* ---- Archives that lie ---- */

struct lie {
    const char *what;
    const char *files; /* of the manifest; NULL: `manifest` is all of it */
    const char *manifest;
    struct {
        const char *name;
        int type; /* 0: a file */
        const char *data, *link;
    } entries[3];
    const char *says;
};

/* sha256 of "bytes" and of nothing */
#define BYTES                                                                                      \
    "\"size\":5,\"sha256\":\"277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9\""
#define EMPTY                                                                                      \
    "\"size\":0,\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""

static const struct lie lies[] = {
    {"a path that climbs",
     "{\"name\":\"../a\"," BYTES "}",
     NULL,
     {{"../a", 0, "bytes", NULL}},
     "which is no name for a file"},
    {"a path that climbs inside",
     "{\"name\":\"a/../../b\"," BYTES "}",
     NULL,
     {{"a/../../b", 0, "bytes", NULL}},
     "which is no name for a file"},
    {"an absolute path",
     "{\"name\":\"/tmp/a\"," BYTES "}",
     NULL,
     {{"/tmp/a", 0, "bytes", NULL}},
     "which is no name for a file"},
    {"an empty component",
     "{\"name\":\"a//b\"," BYTES "}",
     NULL,
     {{"a//b", 0, "bytes", NULL}},
     "which is no name for a file"},
    {"a control character",
     "{\"name\":\"a\\u001b[2J\"," BYTES "}",
     NULL,
     {{0}},
     "which is no name for a file"},
    {"the manifest itself",
     "{\"name\":\"manifest.json\"," BYTES "}",
     NULL,
     {{"manifest.json", 0, "bytes", NULL}},
     "which is no name for a file"},
    {"a link that leads out",
     "{\"name\":\"p/a\",\"link\":\"../../b\"}",
     NULL,
     {{0}},
     "a link that leads out"},
    {"a link that climbs late",
     "{\"name\":\"p/q/a\",\"link\":\"b/../..\"}",
     NULL,
     {{0}},
     "a link that leads out"},
    {"an absolute link",
     "{\"name\":\"p/a\",\"link\":\"/etc/passwd\"}",
     NULL,
     {{0}},
     "a link that leads out"},
    {"a link at the top", "{\"name\":\"a\",\"link\":\"b\"}", NULL, {{0}}, "a link that leads out"},
    {"a file below a link",
     "{\"name\":\"p/a\",\"link\":\"b\"},{\"name\":\"p/a/c\"," BYTES "}",
     NULL,
     {{"p/a/c", 0, "bytes", NULL}},
     "something above it that is no folder"},
    {"a file below a file",
     "{\"name\":\"p\"," BYTES "},{\"name\":\"p/c\"," BYTES "}",
     NULL,
     {{"p", 0, "bytes", NULL}, {"p/c", 0, "bytes", NULL}},
     "something above it that is no folder"},
    {"a name twice",
     "{\"name\":\"a\"," BYTES "},{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"a", 0, "bytes", NULL}, {"a", 0, "bytes", NULL}},
     "twice or out of order"},
    {"an entry twice",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"a", 0, "bytes", NULL}, {"a", 0, "bytes", NULL}},
     "more files than its manifest lists"},
    {"an entry that is not listed",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"a", 0, "bytes", NULL}, {"b", 0, "bytes", NULL}},
     "more files than its manifest lists"},
    {"an entry that is missing",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{0}},
     "it ends before `a`, which its manifest lists"},
    {"another entry",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"b", 0, "bytes", NULL}},
     "the archive has something else"},
    {"a wrong hash",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"a", 0, "Bytes", NULL}},
     "its SHA-256 differs"},
    {"a wrong size",
     "{\"name\":\"a\"," BYTES "}",
     NULL,
     {{"a", 0, "more bytes", NULL}},
     "`a` has another size"},
    {"a link in the archive",
     "{\"name\":\"a\"," EMPTY "}",
     NULL,
     {{"a", AE_IFLNK, "", "/etc/passwd"}},
     "the archive has something else"},
    {"a hard link",
     "{\"name\":\"a\"," EMPTY "}",
     NULL,
     {{"a", AE_IFREG, "", "/etc/passwd"}},
     "the archive has something else"},
    {"a device",
     "{\"name\":\"a\"," EMPTY "}",
     NULL,
     {{"a", AE_IFCHR, "", NULL}},
     "the archive has something else"},
    {"a FIFO",
     "{\"name\":\"a\"," EMPTY "}",
     NULL,
     {{"a", AE_IFIFO, "", NULL}},
     "the archive has something else"},
    {"a folder in the archive",
     "{\"name\":\"a\"," EMPTY "}",
     NULL,
     {{"a", AE_IFDIR, "", NULL}},
     "the archive has something else"},
    {"a huge size",
     "{\"name\":\"a\",\"size\":1e18,\"sha256\":\"x\"}",
     NULL,
     {{0}},
     "whose size is none"},
    {"a negative size",
     "{\"name\":\"a\",\"size\":-1,\"sha256\":\"x\"}",
     NULL,
     {{0}},
     "whose size is none"},
    {"no hash", "{\"name\":\"a\",\"size\":1}", NULL, {{0}}, "whose SHA-256 is none"},
    {"no name", "{\"size\":1}", NULL, {{0}}, "a file without a name"},
    {"an unknown version",
     NULL,
     "{\"format\":2,\"files\":[]}",
     {{0}},
     "it has format 2, and this envrun reads format 1"},
    {"a version between two",
     NULL,
     "{\"format\":1.5,\"files\":[]}",
     {{0}},
     "it has format 1.5, and this envrun reads format 1"},
    {"no version", NULL, "{\"files\":[]}", {{0}}, "does not say which format"},
    {"no files", NULL, "{\"format\":1}", {{0}}, "lists no files"},
    {"no object", NULL, "[[[[", {{0}}, "not a JSON object"},
};

static void put_entry(struct archive *archive, const char *name, int type, const char *data,
                      const char *link) {
    struct archive_entry *entry = archive_entry_new();
    size_t length = type && type != AE_IFREG ? 0 : strlen(data);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type ? (unsigned)type : AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)length);
    archive_entry_set_perm(entry, 0644);
    if (link && type == AE_IFLNK)
        archive_entry_set_symlink(entry, link);
    else if (link)
        archive_entry_set_hardlink(entry, link);
    cr_assert(archive_write_header(archive, entry) >= ARCHIVE_WARN);
    archive_write_data(archive, data, length);
    archive_entry_free(entry);
}

static void write_lie(const char *name, const struct lie *lie) {
    autofree char *path = place(name);
    autofree char *manifest = lie->files ? xasprintf("{\"format\":1,\"files\":[%s]}", lie->files)
                                         : xstrdup(lie->manifest);
    struct archive *archive = archive_write_new();
    archive_write_set_format_gnutar(archive);
    archive_write_add_filter_zstd(archive);
    cr_assert(not(archive_write_open_filename(archive, path)));
    put_entry(archive, "manifest.json", 0, manifest, NULL);
    for (size_t i = 0; i < lengthof(lie->entries) && lie->entries[i].name; i++)
        put_entry(archive, lie->entries[i].name, lie->entries[i].type, lie->entries[i].data,
                  lie->entries[i].link);
    archive_write_close(archive);
    archive_write_free(archive);
}

static void expect_refused(const char *bundle, const char *what, const char *says) {
    struct err err = ERR_INIT;
    autofree char *there = place("there");
    cr_expect(not(unpack(bundle, "there", &err)), "%s is taken", what);
    cr_expect(err.message && strstr(err.message, says), "%s: %s", what, err.message);
    cr_expect(not(path_exists(there)), "%s leaves a folder", what);
    err_release(&err);
}

Test(bundle, that_lies_is_refused) {
    for (size_t i = 0; i < lengthof(lies); i++) {
        write_lie("lie", &lies[i]);
        expect_refused("lie", lies[i].what, lies[i].says);
    }
}

Test(bundle, that_is_cut_is_refused_wherever_it_is_cut) {
    struct contents contents;
    struct err err = ERR_INIT;
    struct stat info;
    make_tree();
    add_tree(&contents);
    pack("x", &contents);
    autofree char *path = place("x");
    cr_assert(not(stat(path, &info)));
    for (off_t length = info.st_size - 1; length >= 0; length -= 1 + length / 20) {
        cr_assert(not(truncate(path, length)));
        cr_expect(not(unpack("x", "there", &err)), "%ld bytes are taken", (long)length);
        err_release(&err);
    }
    autofree char *there = place("there");
    cr_expect(not(path_exists(there)));
}

Test(bundle, with_huge_counts_is_refused) {
    struct buffer files = BUFFER_INIT;
    for (int i = 0; i <= MANIFEST_FILES_MAX; i++)
        buffer_printf(&files, "%s{\"name\":\"%06d\"," EMPTY "}", i ? "," : "", i);
    struct lie lie = {.files = files.data};
    write_lie("many", &lie);
    expect_refused("many", "too many files", "lists 20001 files; at most 20000 are read");
    buffer_truncate(&files, 0);
    for (int i = 0; i < MANIFEST_MAX / 16 + 1; i++)
        buffer_puts(&files, "                ");
    lie.files = files.data;
    write_lie("long", &lie);
    expect_refused("long", "a long manifest", "its manifest is longer than 8 MiB");
    buffer_release(&files);
}

/* 4 GiB of zeros in a few kB: nothing of it may be written. */
Test(bundle, that_is_a_bomb_is_refused) {
    static char zeros[1 << 20];
    autofree char *path = place("bomb");
    const char *manifest = "{\"format\":1,\"files\":[{\"name\":\"a\"," BYTES "}]}";
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_gnutar(archive);
    archive_write_add_filter_zstd(archive);
    archive_write_open_filename(archive, path);
    put_entry(archive, "manifest.json", 0, manifest, NULL);
    archive_entry_set_pathname(entry, "a");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, 256LL << 20);
    archive_write_header(archive, entry);
    for (int i = 0; i < 256; i++)
        archive_write_data(archive, zeros, sizeof zeros);
    archive_entry_free(entry);
    archive_write_close(archive);
    archive_write_free(archive);
    expect_refused("bomb", "a bomb", "`a` has another size than its manifest says");
}

Test(bundle, that_is_something_else_is_refused) {
    write_file("text", "just a text\n");
    expect_refused("text", "a text", "no bundle of envrun");
    write_file("empty", "");
    expect_refused("empty", "an empty file", "no bundle of envrun");
    expect_refused("nowhere", "no file", "cannot read it: No such file");
    expect_refused(".", "a folder", "no bundle of envrun");
    autofree char *pipe = place("pipe");
    cr_assert(not(mkfifo(pipe, 0600)));
    expect_refused("pipe", "a pipe that nobody writes into", "no bundle of envrun");
}

/* ---- Values in an image ---- */

/* The same text as it is, and compressed as an engine hands a layer out. */
static void write_layer(const char *name, const char *text, bool gzip) {
    autofree char *path = place(name);
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_raw(archive);
    if (gzip)
        archive_write_add_filter_gzip(archive);
    archive_write_set_bytes_per_block(archive, 0);
    cr_assert(not(archive_write_open_filename(archive, path)));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(archive, entry);
    archive_write_data(archive, text, strlen(text));
    archive_entry_free(entry);
    archive_write_close(archive);
    archive_write_free(archive);
}

static bool is_clean(struct redactor *values, const char *config, const char *layer, bool gzip) {
    struct strings files = {0};
    struct err err = ERR_INIT;
    write_file("config", config);
    write_layer("layer", layer, gzip);
    strings_take(&files, place("config"));
    strings_take(&files, place("layer"));
    bool clean = finish(search_new(loop, values, &files), &err);
    cr_expect(clean || strstr(err.message, "from outside of the committed files"), "%s",
              err.message);
    err_release(&err);
    return clean;
}

Test(bundle, values_in_an_image_are_found) {
    struct redactor *values = redactor_new();
    static char far[200 << 10];
    redactor_add(values, "s3cr3t-value");
    redactor_add(values, "password");
    memset(far, 'x', sizeof far - 1);
    memcpy(far + (64 << 10) - 6, "s3cr3t-value", 12);
    for (int gzip = 0; gzip < 2; gzip++) {
        cr_expect(is_clean(values, "{}", "", gzip));
        cr_expect(is_clean(values, "{\"a\":1}", "a s3cr3t-valu", gzip));
        cr_expect(is_clean(values, "{}", "a word such as password", gzip));
        cr_expect(not(is_clean(values, "{}", "TOKEN=s3cr3t-value\n", gzip)));
        cr_expect(not(is_clean(values, "{}", far, gzip)), "across two pieces");
    }
    cr_expect(not(is_clean(values, "{\"Env\":[\"P=password\"]}", "", false)));
    cr_expect(not(is_clean(values, "{\"history\":\"|1 T=s3cr3t\\u002dvalue sh\"}", "", false)));
    redactor_free(values);
}
