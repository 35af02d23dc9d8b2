/* Files of variables. */
#include "spec/dotenv.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct model_input input = {.directory = "/nowhere"};
    struct context context = {.arena = arena_new(), .input = &input};
    struct variables into = VARIABLES_INIT(context.arena);
    struct lookup where = {NULL, NULL};
    struct err err = ERR_INIT;
    context.outside = context.shown = VARIABLES_INIT(context.arena);
    char *text = xstrndup((const char *)data, size);
    dotenv_parse(&context, text, "fuzz", &where, &into, &err);
    err_release(&err);
    strings_release(&context.warnings);
    free(text);
    arena_free(context.arena);
    return 0;
}
