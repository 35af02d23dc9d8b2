/* ${NAME:-default} in a text. */
#include <envrun/spec.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *lookup(void *context, const char *name) {
    (void)context;
    return *name == 'A' ? "value" : *name == 'E' ? "" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"A", "EMPTY", NULL};
    char *text = strndup((const char *)data, size), *result = NULL;
    struct err err = ERR_INIT;
    spec_interpolate(text, lookup, NULL, names, (struct position){"fuzz", 1, 1}, &result, &err);
    err_release(&err);
    free(result);
    free(text);
    return 0;
}
