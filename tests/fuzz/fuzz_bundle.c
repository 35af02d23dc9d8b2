/* A bundle from anywhere: no crash, no endless reading, and what is read is what its manifest says.
 */
#include "replay/reader.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct reader *reader, struct err *err) {
    const struct manifest_file *file;
    char piece[4096];
    while (reader_next(reader, &file, err) && file) {
        unsigned long long sum = 0;
        ssize_t length;
        while ((length = reader_read(reader, piece, sizeof piece, err)) > 0)
            sum += (unsigned long long)length;
        if (length < 0)
            return;
        assert(sum == file->size);
    }
}

static void read_bundle(const uint8_t *data, size_t size) {
    struct err err = ERR_INIT;
    struct reader *reader = reader_open_memory(data, size, &err);
    if (reader)
        read_all(reader, &err);
    reader_free(reader);
    err_release(&err);
}

/* Most inputs are no archive: so the manifest is tried by itself too. */
static void read_manifest(const uint8_t *data, size_t size) {
    struct err err = ERR_INIT;
    struct manifest manifest = {0};
    if (manifest_decode((const char *)data, size, &manifest, &err)) {
        free(manifest_encode(&manifest));
        assert(manifest_size(&manifest) <= BUNDLE_SIZE_MAX);
        assert(manifest.files.length <= MANIFEST_FILES_MAX);
    }
    manifest_release(&manifest);
    err_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_bundle(data, size);
    read_manifest(data, size);
    return 0;
}
