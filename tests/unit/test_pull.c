/* What a pull says, added up. */
#include <criterion/criterion.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "engine/progress.h"

#include <string.h>

static struct buffer seen;

static void begin(void) {
    seen = BUFFER_INIT;
}

static void end(void) {
    buffer_release(&seen);
}

TestSuite(pull, .init = begin, .fini = end, .timeout = 30);

/* ---- Base64 ---- */

static void base64_is(const char *plain, const char *text) {
    autofree char *encoded = base64_encode_url(plain, strlen(plain));
    size_t length = 0;
    autofree char *decoded = base64_decode(text, &length);
    cr_assert_str_eq(encoded, text);
    cr_assert(decoded);
    cr_assert_str_eq(decoded, plain);
    cr_assert_eq(length, strlen(plain));
}

Test(pull, base64) {
    size_t length;
    base64_is("", "");
    base64_is("f", "Zg==");
    base64_is("fo", "Zm8=");
    base64_is("foo", "Zm9v");
    base64_is("foob", "Zm9vYg==");
    base64_is("\xfb\xef\xff", "--__");
    autofree char *other = base64_decode("++//", &length);
    cr_assert_str_eq(other, "\xfb\xef\xff");
    autofree char *bare = base64_decode("Zg", &length);
    cr_assert_str_eq(bare, "f");
    cr_assert_null(base64_decode("Z", &length));
    cr_assert_null(base64_decode("Zm9v Zg==", &length));
}

/* ---- Layers ---- */

static void note_line(void *context, const char *text) {
    (void)context;
    buffer_printf(&seen, "[%s]", text);
}

static void note_amount(void *context, const struct pull_amount *amount) {
    (void)context;
    buffer_printf(&seen, "%llu/%llu %zu/%zu%s ", amount->done, amount->total, amount->layers_done,
                  amount->layers, amount->loaded ? "!" : "");
}

Test(pull, layers_are_added_up) {
    static const char text[] =
        "{\"status\":\"Pulling from a/b\",\"id\":\"1\"}\n"
        "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"aa\"}\n"
        "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bb\"}\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":20},\"id\":\"bb\"}"
        "\n"
        "{\"status\":\"Retrying in 1 second\",\"progressDetail\":{},\"id\":\"bb\"}\n"
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"bb\"}\n"
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":9,\"total\":90},\"id\":\"bb\"}"
        "\n"
        "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"bb\"}\n"
        "{\"status\":\"Digest: sha256:12\"}\n";
    struct err err = ERR_INIT;
    struct progress progress;
    progress_init(&progress, (struct engine_progress){.line = note_line, .amount = note_amount},
                  &err);
    cr_assert(progress_push(&progress, text, sizeof text - 1));
    cr_assert(progress_end(&progress));
    cr_assert_str_eq(seen.data, "[1: Pulling from a/b]0/0 1/1! 0/0 1/2 5/20 1/2 "
                                "[bb: Retrying in 1 second]20/20 1/2! 20/20 1/2! 20/20 2/2! "
                                "[Digest: sha256:12]");
    progress_release(&progress);
}

Test(pull, layers_are_bounded) {
    struct layers layers = {0};
    for (int i = 0; i < 2 * LAYERS_MAX; i++) {
        cJSON *line = cJSON_CreateObject();
        autofree char *id = xasprintf("%d", i);
        cJSON_AddStringToObject(line, "id", id);
        cJSON_AddStringToObject(line, "status", "Waiting");
        cr_assert(layers_take(&layers, line));
        cJSON_Delete(line);
    }
    cr_assert_eq(layers_amount(&layers).layers, LAYERS_MAX);
    layers_release(&layers);
}
