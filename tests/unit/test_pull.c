/* What a pull says, added up. */
#include "engine_help.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/progress.h"
#include "run/pull.h"

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
    cr_assert_str_eq(seen.data, "[1: Pulling from a/b]0/0 1/1 0/0 1/2 5/20 1/2 "
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

/* ---- Patience, against a fake engine ---- */

/* Short pauses, but time enough for a busy machine; and one that is soon at its end. */
static const struct pull_patience calm = {.quiet = 15000, .limit = 25000, .pause = 20, .tries = 3};
static const struct pull_patience hasty = {.quiet = 100, .limit = 400, .pause = 20, .tries = 3};

TestSuite(pull_tries, .init = help_begin, .fini = help_end, .timeout = 30);

static void told(void *context, const char *text, const struct pull_amount *amount) {
    (void)context;
    (void)text;
    (void)amount;
}

static void warned(void *context, const char *text) {
    (void)context;
    buffer_printf(&help.seen[1], "%s\n", text);
}

/* Why the pull fails, or NULL; to be freed by the caller. */
static char *pull_with(const char *fault, const struct pull_patience *patience) {
    static const char *const nothing[] = {NULL};
    autofree char *path = xasprintf("%s/scenario.json", help.directory);
    FILE *file = fopen(path, "we");
    fprintf(file, "{\"registry\": {\"redis:7\": {}}, \"faults\": [%s]}", fault);
    fclose(file);
    help_fake_with("--scenario", path);
    struct credentials *credentials =
        credentials_new(help.loop, nothing, (struct credentials_listener){warned, NULL, NULL});
    struct task *pull = help_run(pull_new(&(struct pull_options){.loop = help.loop,
                                                                 .engine = help.engine,
                                                                 .credentials = credentials,
                                                                 .reference = "redis:7",
                                                                 .patience = patience,
                                                                 .told = told,
                                                                 .warned = warned}));
    char *why = pull->status == TASK_DONE ? NULL : xstrdup(pull->err.message);
    task_free(pull);
    credentials_free(credentials);
    return why;
}

#define PULLS "{\"match\": \"images/create\", "

Test(pull_tries, what_may_pass_is_tried_again) {
    cr_assert_null(pull_with(
        PULLS "\"nth\": 1, \"do\": \"error-line\", \"message\": \"unexpected EOF\"}," PULLS
              "\"nth\": 2, \"do\": \"status\", \"status\": 503, \"message\": \"busy\"}",
        &calm));
    cr_assert_str_eq(help.seen[1].data, "image `redis:7`: unexpected EOF; trying again in 20 ms\n"
                                        "image `redis:7`: busy; trying again in 40 ms\n");
}

Test(pull_tries, but_not_for_ever) {
    autofree char *why = pull_with(
        PULLS "\"do\": \"error-line\", \"message\": \"connection reset by peer\"}", &calm);
    cr_assert_str_eq(why, "connection reset by peer");
}

Test(pull_tries, what_does_not_pass_fails_at_once) {
    autofree char *why = pull_with(PULLS "\"do\": \"status\", \"status\": 404, \"message\": "
                                         "\"manifest for redis:7 not found\"}",
                                   &calm);
    cr_assert_str_eq(why, "docker.io has no such image");
    cr_assert_str_eq(help.seen[1].data, "");
}

Test(pull_tries, a_quiet_one_is_told_of_and_given_up) {
    autofree char *why = pull_with(PULLS "\"do\": \"hang\", \"bytes\": 200}", &hasty);
    cr_assert(why && text_starts(why, "it made no progress for 4"), "%s", why);
    cr_assert(
        text_starts(help.seen[1].data, "image `redis:7`: its pull has made no progress for "));
    cr_assert_eq(strchr(help.seen[1].data, '\n')[1], '\0', "it is told once");
}

Test(pull_tries, one_that_hangs_can_be_dropped) {
    static const char *const nothing[] = {NULL};
    help_fake_with("--fault", PULLS "\"do\": \"stall\"}");
    struct credentials *credentials =
        credentials_new(help.loop, nothing, (struct credentials_listener){warned, NULL, NULL});
    struct task *pull = pull_new(&(struct pull_options){.loop = help.loop,
                                                        .engine = help.engine,
                                                        .credentials = credentials,
                                                        .reference = "redis:7",
                                                        .told = told,
                                                        .warned = warned});
    task_start(pull, NULL);
    for (int i = 0; i < 5; i++)
        loop_turn(help.loop, 20);
    task_free(pull);
    credentials_free(credentials);
}
