/* Results of tests, in pieces whose length the first byte gives. */
#include "junit/junit.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tests tests = {0};
    struct err err = ERR_INIT;
    struct junit_reader *reader = junit_reader_new(&tests);
    size_t piece = size ? *data++ + 1u : 1;
    bool good = true;
    size -= size ? 1 : 0;
    while (size && good) {
        size_t now = size < piece ? size : piece;
        good = junit_reader_push(reader, (const char *)data, now, &err);
        data += now;
        size -= now;
    }
    if (good)
        junit_reader_end(reader, &err);
    vec_each (test, &tests.list) {
        free(test_label(test));
        test_window(test, (struct test_window){1LL << 60, (1LL << 60) + (1LL << 40)});
    }
    junit_reader_free(reader);
    tests_release(&tests);
    err_release(&err);
    return 0;
}
