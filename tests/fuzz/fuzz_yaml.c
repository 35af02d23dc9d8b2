/* YAML to a model, and the model's output back to an equal one. */
#include <envrun/spec.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct model *load(const void *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    char path[64];
    const char *files[] = {path, NULL};
    static const char *const environment[] = {"HOME=/nowhere", "A=a", "EMPTY=", NULL};
    struct model_input input = {
        .directory = "/nowhere/here", .environment = environment, .files = files, .name = "fuzz"};
    struct err err = ERR_INIT;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct model *model = model_load(&input, &err);
    close(fd);
    if (!model != (err.kind != ERR_NONE))
        abort(); /* a failure without a word, or a success with one */
    err_release(&err);
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct model *model = load(data, size);
    if (!model)
        return 0;
    char *yaml = model_to_yaml(model), *json = model_to_json(model),
         *record = model_to_record(model);
    model_free(load(yaml, strlen(yaml)));
    model_free(load(json, strlen(json)));
    free(yaml);
    free(json);
    free(record);
    model_free(model);
    return 0;
}
