/* Credentials of registries, what is said of pulls that fail, and where the engine is. */
#include <criterion/criterion.h>

#include "base/base64.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/place.h"
#include "run/credentials.h"
#include "run/docker_config.h"
#include "run/pull.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct loop *loop;
static struct buffer warnings;

static void begin(void) {
    struct err err = ERR_INIT;
    strcpy(folder, "/tmp/envrun-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    loop = loop_new(&err);
    warnings = BUFFER_INIT;
}

static void end(void) {
    autofree char *command = xasprintf("rm -rf %s", folder);
    loop_free(loop);
    buffer_release(&warnings);
    cr_assert_eq(system(command), 0);
}

TestSuite(registry, .init = begin, .fini = end, .timeout = 30);

static char *write_file(const char *name, const char *text, int mode) {
    struct err err = ERR_INIT;
    char *path = path_join(folder, name);
    autofree char *directory = path_directory(path);
    cr_assert(path_make_directories(directory, &err));
    cr_assert(path_write(path, text, strlen(text), false, &err), "%s", err.message);
    chmod(path, (mode_t)mode);
    return path;
}

/* ---- Names ---- */

static void registry_is(const char *reference, const char *expected) {
    autofree char *registry = registry_of(reference);
    cr_expect_str_eq(registry, expected, "%s", reference);
}

Test(registry, of_an_image) {
    registry_is("redis", "docker.io");
    registry_is("redis:7", "docker.io");
    registry_is("ada/redis:7", "docker.io");
    registry_is("docker.io/ada/redis", "docker.io");
    registry_is("index.docker.io/ada/redis", "docker.io");
    registry_is("localhost/redis", "localhost");
    registry_is("localhost:5000/redis", "localhost:5000");
    registry_is("ghcr.io/a/b@sha256:12", "ghcr.io");
}

/* ---- The configuration ---- */

static struct docker_config config_of(const char *file, const char *variable) {
    struct docker_config config = {0};
    struct err err = ERR_INIT;
    cr_assert(docker_config_parse(&config, file, variable, &err), "%s", err.message);
    return config;
}

static void login_is(const struct docker_config *config, const char *registry, const char *name,
                     const char *password) {
    struct credential credential = docker_config_find(config, registry);
    cr_expect_null(credential.helper);
    cr_expect(text_equal(json_text(credential.auth, "username"), name), "%s", registry);
    cr_expect(text_equal(json_text(credential.auth, "password"), password), "%s", registry);
    credential_release(&credential);
}

static void helper_is(const struct docker_config *config, const char *registry, const char *name) {
    struct credential credential = docker_config_find(config, registry);
    cr_expect(text_equal(credential.helper, name), "%s", registry);
    credential_release(&credential);
}

Test(registry, plain_credentials) {
    struct docker_config config =
        config_of("{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"YWRhOmE6Yg==\"},"
                  "\"https://reg.test/v2/\": {\"username\": \"bob\", \"password\": \"pw\"},"
                  "\"empty.test\": {}, \"broken.test\": {\"auth\": \"?\"}, \"odd.test\": 1}}",
                  NULL);
    login_is(&config, "docker.io", "ada", "a:b");
    login_is(&config, "reg.test", "bob", "pw");
    login_is(&config, "empty.test", NULL, NULL);
    login_is(&config, "broken.test", NULL, NULL);
    login_is(&config, "odd.test", NULL, NULL);
    login_is(&config, "other.test", NULL, NULL);
    docker_config_release(&config);
}

Test(registry, the_variable_comes_first) {
    struct docker_config config =
        config_of("{\"auths\": {\"a.test\": {\"auth\": \"YWRhOjE=\"}}, \"credsStore\": \"file\"}",
                  "{\"auths\": {\"a.test\": {\"auth\": \"Ym9iOjI=\"}}}");
    login_is(&config, "a.test", "bob", "2");
    helper_is(&config, "b.test", "file");
    docker_config_release(&config);
}

Test(registry, helpers) {
    struct docker_config config =
        config_of("{\"credHelpers\": {\"gcr.io\": \"gcloud\", \"bad.test\": \"../../bin/sh\"},"
                  "\"auths\": {\"gcr.io\": {\"auth\": \"YWRhOjE=\"}}}",
                  NULL);
    helper_is(&config, "gcr.io", "gcloud");
    helper_is(&config, "bad.test", NULL);
    helper_is(&config, "docker.io", NULL);
    docker_config_release(&config);
}

static void proxies_are(const struct docker_config *config, const char *engine,
                        const char *expected) {
    autojson cJSON *proxies = docker_config_proxies(config, engine);
    autofree char *text = proxies ? json_line(proxies) : xstrdup("none");
    cr_expect_str_eq(text, expected, "%s", engine);
}

Test(registry, proxies) {
    struct docker_config config =
        config_of("{\"proxies\": {\"default\": {\"httpProxy\": \"h\", \"ftpProxy\": \"\", "
                  "\"noProxy\": \"n\"}, \"tcp://a:1\": {\"allProxy\": \"all\"}, \"tcp://b:1\": "
                  "{}, \"tcp://c:1\": 7}}",
                  NULL);
    proxies_are(&config, "unix:///s",
                "{\"HTTP_PROXY\":\"h\",\"http_proxy\":\"h\",\"NO_PROXY\":\"n\",\"no_proxy\":"
                "\"n\"}");
    proxies_are(&config, "tcp://a:1", "{\"ALL_PROXY\":\"all\",\"all_proxy\":\"all\"}");
    proxies_are(&config, "tcp://b:1", "none");
    proxies_are(&config, "tcp://c:1", "none");
    docker_config_release(&config);
    config = (struct docker_config){0};
    proxies_are(&config, "unix:///s", "none");
}

Test(registry, what_is_no_configuration) {
    struct docker_config config = {0};
    struct err err = ERR_INIT;
    cr_assert(!docker_config_parse(&config, "[1]", "{\"auths\"", &err));
    cr_assert_str_eq(err.message, "config.json is not a JSON object");
    cr_assert_str_eq(err.next->message, "DOCKER_AUTH_CONFIG is not a JSON object");
    err_release(&err);
    login_is(&config, "docker.io", NULL, NULL);
    docker_config_release(&config);
}

Test(registry, replies_of_helpers) {
    struct credential credential = {0};
    cr_assert(credential_take_reply(&credential, "a.test",
                                    "{\"ServerURL\":\"a\",\"Username\":\"ada\",\"Secret\":\"s\"}"));
    cr_assert_str_eq(json_text(credential.auth, "password"), "s");
    cr_assert(credential_take_reply(&credential, "docker.io",
                                    "{\"Username\":\"<token>\",\"Secret\":\"t\"}"));
    cr_assert_null(json_get(credential.auth, "username"));
    cr_assert_str_eq(json_text(credential.auth, "identitytoken"), "t");
    cr_assert_str_eq(json_text(credential.auth, "serveraddress"), "https://index.docker.io/v1/");
    cr_assert(!credential_take_reply(&credential, "a.test", "{\"Username\":\"ada\"}"));
    cr_assert(!credential_take_reply(&credential, "a.test", ""));
    credential_release(&credential);
}

static void named_are(const struct docker_config *config, const char *text, const char *expected) {
    autostrings struct strings registries = {0};
    docker_config_named(config, text, &registries);
    autofree char *all = strings_join(&registries, " ");
    cr_expect_str_eq(all, expected);
}

Test(registry, what_a_build_may_want) {
    struct docker_config config =
        config_of("{\"credHelpers\": {\"gcr.io\": \"gcloud\"}, \"auths\": {\"reg.test:5000\": {},"
                  "\"https://index.docker.io/v1/\": {}}}",
                  NULL);
    named_are(&config, "FROM debian\n", "docker.io");
    named_are(&config, "FROM reg.test:5000/a\nCOPY --from=gcr.io/b / /\n",
              "docker.io gcr.io reg.test:5000");
    named_are(&config, NULL, "docker.io gcr.io reg.test:5000");
    docker_config_release(&config);
}

/* ---- Helpers, as programs ---- */

static void note_warning(void *context, const char *text) {
    (void)context;
    buffer_printf(&warnings, "[%s]", text);
}

/* The header's JSON for a registry whose helper is this shell script; NULL: none. */
static char *ask_helper(const char *script, size_t times) {
    autofree char *program = write_file("docker-credential-test", script, 0755);
    autofree char *config = write_file("config.json", "{\"credsStore\": \"test\"}", 0600);
    autofree char *path = xasprintf("%s:/usr/bin:/bin", folder);
    setenv("PATH", path, 1);
    autofree char *directory = xasprintf("DOCKER_CONFIG=%s", folder);
    const char *environment[] = {directory, NULL};
    struct credentials *credentials =
        credentials_new(loop, environment, (struct credentials_listener){note_warning, NULL, NULL});
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    for (size_t i = 0; i < times; i++)
        task_group_add(group, credentials_ask(credentials, "a.test"));
    task_start((struct task *)group, NULL);
    loop_run(loop, (struct task *)group);
    task_free(group);
    autofree char *header = credentials_header(credentials, "a.test");
    size_t length;
    char *text = header ? base64_decode(header, &length) : NULL;
    credentials_free(credentials);
    return text;
}

Test(registry, a_helper_is_asked_once) {
    autofree char *count = path_join(folder, "count");
    autofree char *script =
        xasprintf("#!/bin/sh\necho $* >>%s\nread server\n"
                  "echo \"{\\\"Username\\\":\\\"ada\\\",\\\"Secret\\\":\\\"$server\\\"}\"\n",
                  count);
    autofree char *text = ask_helper(script, 3);
    cr_assert_str_eq(text,
                     "{\"username\":\"ada\",\"password\":\"a.test\",\"serveraddress\":\"a.test\"}");
    struct buffer calls = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(path_read(count, &calls, &err));
    cr_assert_str_eq(calls.data, "get\n");
    cr_assert_str_eq(warnings.data, "");
    buffer_release(&calls);
}

Test(registry, a_helper_that_knows_none) {
    cr_assert_null(
        ask_helper("#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n", 1));
    cr_assert_str_eq(warnings.data, "");
}

Test(registry, helpers_that_fail) {
    cr_assert_null(ask_helper("#!/bin/sh\necho locked\nexit 1\n", 2));
    cr_assert_str_eq(warnings.data,
                     "[docker-credential-test gives no credentials for a.test: locked]");
    buffer_truncate(&warnings, 0);
    cr_assert_null(ask_helper("#!/bin/sh\necho '{\"Secret\":\"s3cret\"'; exit 3\n", 1));
    cr_assert(strstr(warnings.data, "it exited with code 3"));
    cr_assert_null(ask_helper("#!/bin/sh\necho s3cret\n", 1));
    cr_assert(strstr(warnings.data, "its answer is not what a helper answers"));
    cr_assert_null(ask_helper("#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' x\n", 1));
    cr_assert(strstr(warnings.data, "its answer is longer than 64 KiB"));
    cr_assert_null(ask_helper("#!/no/such/program\n", 1));
    cr_assert(!strstr(warnings.data, "s3cret"));
}

/* ---- What is said of a pull that failed ---- */

static void explained(const char *said, bool known, const char *expected) {
    struct err err = ERR_INIT;
    err_code(&err, ERR_ANSWER, 500, "%s", said);
    cr_expect(!pull_is_transient(&err), "%s", said);
    pull_explain(&err, "reg.test:5000/a:1", known);
    cr_expect_str_eq(err.message, expected);
    cr_expect_eq(err.kind, ERR_ENVIRONMENT);
    err_release(&err);
}

Test(registry, one_sentence) {
    explained("manifest for reg.test:5000/a:1 not found: manifest unknown: manifest unknown", false,
              "reg.test:5000 has no such image");
    explained("Get \"https://reg.test/v2/\": dial tcp: lookup reg.test on 1.1.1.1:53: no such host",
              false, "there is no host `reg.test`");
    explained("Get \"http://reg.test/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused",
              false, "nobody answers at reg.test:5000");
    explained("Head \"http://reg.test/v2/a/manifests/1\": no basic auth credentials", false,
              "reg.test:5000 wants credentials, and the docker configuration has none for it: run "
              "`docker login reg.test:5000`");
    explained("unauthorized: authentication required", true,
              "reg.test:5000 does not accept the credentials that the docker configuration has for "
              "it");
    explained("pull access denied for a, repository does not exist or may require 'docker login'",
              true, "reg.test:5000 has no such image, or not for these credentials");
    explained("no space left on device", true, "no space left on device");
}

static bool passes(int code, const char *said) {
    struct err err = ERR_INIT;
    err_code(&err, ERR_ANSWER, code, "%s", said);
    bool passes = pull_is_transient(&err);
    err_release(&err);
    return passes;
}

Test(registry, what_is_tried_again) {
    cr_assert(passes(500, "read tcp 1.1.1.1:1->2.2.2.2:443: read: connection reset by peer"));
    cr_assert(passes(500, "Get \"https://x/v2/\": net/http: TLS handshake timeout"));
    cr_assert(passes(500, "received unexpected HTTP status: 503 Service Unavailable"));
    cr_assert(passes(200, "unexpected EOF"));
    cr_assert(passes(503, "try later"));
    cr_assert(!passes(404, "manifest unknown"));
    cr_assert(!passes(500, "no basic auth credentials"));
    cr_assert(!passes(401, "unauthorized: timeout")); /* the first sign counts */
    cr_assert(!passes(500, "unknown"));
}

Test(registry, times_of_images) {
    cr_assert_eq(image_time("1970-01-02T00:00:00Z"), 86400);
    cr_assert_eq(image_time("1970-01-02T00:00:00.123456789Z"), 86400);
    cr_assert_eq(image_time("1970-01-02T02:00:00.5+01:30"), 88200);
    cr_assert_eq(image_time("0001-01-01T00:00:00Z"), 0);
    cr_assert_eq(image_time("yesterday"), 0);
    cr_assert_eq(image_time(NULL), 0);
}

Test(registry, how_far_a_pull_is) {
    autofree char *some = pull_words(
        &(struct pull_amount){.done = 1 << 20, .total = 3 << 20, .layers = 4, .layers_done = 1});
    cr_assert_str_eq(some, "1.0 MiB of 3.0 MiB, 1 of 4 layers");
    autofree char *none = pull_words(&(struct pull_amount){.layers = 1});
    cr_assert_str_eq(none, "0 of 1 layer");
    autofree char *all =
        pull_words(&(struct pull_amount){.total = 3 << 20, .layers = 2, .loaded = true});
    cr_assert_str_eq(all, "3.0 MiB, unpacked 0 of 2 layers");
}

/* ---- Where the engine is ---- */

static void place_is(const char *const *environment, const char *host, const char *certificates) {
    struct place place;
    struct err err = ERR_INIT;
    autofree char *usual = path_join(folder, "usual.sock");
    cr_assert(place_find(environment, usual, &place, &err), "%s", err.message);
    cr_expect(text_equal(place.host, host), "%s", place.host ? place.host : "none");
    cr_expect(text_equal(place.certificates, certificates));
    place_release(&place);
}

static void place_is_none(const char *const *environment, const char *message) {
    struct place place;
    struct err err = ERR_INIT;
    cr_assert(!place_find(environment, "/", &place, &err));
    cr_expect_eq(err.kind, ERR_USAGE);
    cr_expect(strstr(err.message, message), "%s", err.message);
    err_release(&err);
    place_release(&place);
}

#define ENVIRONMENT(...) ((const char *const[]){home, __VA_ARGS__ __VA_OPT__(, ) NULL})

static void write_context(const char *hash, const char *meta) {
    autofree char *name = xasprintf(".docker/contexts/meta/%s/meta.json", hash);
    autofree char *path = write_file(name, meta, 0600);
}

/* The SHA-256 of the names. */
#define REMOTE "b71199ebd070b36beab7317920c2c2f1d777df8d05e5527d8458fda57cb17a7a"
#define FAR "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868"

Test(registry, the_place_of_the_engine) {
    autofree char *home = xasprintf("HOME=%s", folder);
    autofree char *runtime = xasprintf("XDG_RUNTIME_DIR=%s", folder);
    autofree char *rootless = xasprintf("unix://%s/docker.sock", folder);
    autofree char *directory = path_join(folder, ".docker");
    place_is(ENVIRONMENT(), NULL, NULL);
    place_is(ENVIRONMENT(runtime), NULL, NULL);
    autofree char *socket = write_file("docker.sock", "", 0600);
    place_is(ENVIRONMENT(runtime), rootless, NULL);
    place_is(ENVIRONMENT("DOCKER_HOST=tcp://h:1", runtime), "tcp://h:1", NULL);
    place_is(ENVIRONMENT("DOCKER_HOST=tcp://h:1", "DOCKER_TLS_VERIFY=1"), "tcp://h:1", directory);
    place_is(ENVIRONMENT("DOCKER_HOST=tcp://h:1", "DOCKER_TLS=1", "DOCKER_CERT_PATH=/c"),
             "tcp://h:1", "/c");
    autofree char *usual = write_file("usual.sock", "", 0600);
    place_is(ENVIRONMENT(runtime), NULL, NULL);
    place_is_none(ENVIRONMENT("DOCKER_HOST=ssh://ada@far:22/x"),
                  "/var/run/docker.sock ada@far:22`");
}

Test(registry, docker_contexts) {
    autofree char *home = xasprintf("HOME=%s", folder);
    autofree char *tls = xasprintf("%s/.docker/contexts/tls/" REMOTE "/docker", folder);
    write_context(REMOTE, "{\"Name\": \"remote\", \"Metadata\": {}, \"Endpoints\": {\"docker\": "
                          "{\"Host\": \"tcp://remote:2376\", \"SkipTLSVerify\": false}}}");
    write_context(FAR, "{\"Endpoints\": {\"docker\": {\"Host\": \"ssh://far\"}}}");
    place_is(ENVIRONMENT(), NULL, NULL);
    place_is(ENVIRONMENT("DOCKER_CONTEXT=remote"), "tcp://remote:2376", NULL);
    autofree char *config =
        write_file(".docker/config.json", "{\"currentContext\": \"remote\"}", 0600);
    autofree char *ca = write_file(".docker/contexts/tls/" REMOTE "/docker/ca.pem", "", 0600);
    place_is(ENVIRONMENT(), "tcp://remote:2376", tls);
    place_is(ENVIRONMENT("DOCKER_CONTEXT=default"), NULL, NULL);
    place_is(ENVIRONMENT("DOCKER_HOST=unix:///s", "DOCKER_CONTEXT=far"), "unix:///s", NULL);
    place_is_none(ENVIRONMENT("DOCKER_CONTEXT=far"),
                  "docker context `far`: envrun does not speak ssh");
    place_is_none(ENVIRONMENT("DOCKER_CONTEXT=near"), "there is no docker context `near` in ");
}
