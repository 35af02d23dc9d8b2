/* The text forms of single values. */
#include "spec/passes.h"
#include "spec/scalar.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct context context = {.arena = arena_new()};
    struct position at = {"fuzz", 1, 1};
    struct node *list = tree_new(context.arena, NODE_LIST, at);
    struct node node = {0};
    struct err err = ERR_INIT;
    struct strings words = {0};
    char *text = xstrndup((const char *)data, size);
    long long number;

    if (duration_parse_nanoseconds(text, &number)) {
        long long again;
        const char *printed = duration_text(context.arena, number);
        if (!duration_parse_nanoseconds(printed, &again))
            abort();
    }
    size_parse(text, &number);
    ports_parse(&context, text, at, list, &err);
    volume_parse(context.arena, text, at, &err);
    const char *rest;
    command_split(text, &words, &rest);
    scalar_resolve(context.arena, &node, text);
    strings_release(&words);
    err_release(&err);
    free(text);
    arena_free(context.arena);
    return 0;
}
