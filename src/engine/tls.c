#include "engine/tls.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

struct tls {
    char *directory;              /* absolute */
    char *ca, *certificate, *key; /* files; or NULL: not there */
    bool verify;
};

static char *file_in(const char *directory, const char *name) {
    autofree char *path = path_join(directory, name);
    return path_exists(path) ? steal(path) : NULL;
}

/* "http://HOST:2375" is "https://HOST:2376" if the port was not written. */
static void change_base(struct engine *engine) {
    static const char plain[] = "http://", port[] = ":2375";
    autofree char *old = engine->base;
    bool usual = text_ends(old, port) && !text_ends(engine->url, port);
    size_t length = strlen(old) - (usual ? strlen(port) : 0);
    engine->base = xasprintf("https://%.*s%s", (int)(length - strlen(plain)), old + strlen(plain),
                             usual ? ":2376" : "");
}

static char *absolute(const char *directory) {
    autofree char *here = getcwd(NULL, 0);
    return path_join(here ? here : "/", directory);
}

void engine_use_tls(struct engine *engine, const struct engine_tls *tls) {
    if (engine->address.unix_socket || engine->tls)
        return;
    engine->tls = xnew(struct tls);
    engine->tls->directory = absolute(tls->directory);
    engine->tls->ca = file_in(tls->directory, "ca.pem");
    engine->tls->certificate = file_in(tls->directory, "cert.pem");
    engine->tls->key = file_in(tls->directory, "key.pem");
    engine->tls->verify = tls->verify;
    change_base(engine);
}

struct engine_tls engine_tls(const struct engine *engine) {
    const struct tls *tls = engine->tls;
    return tls ? (struct engine_tls){.directory = tls->directory, .verify = tls->verify}
               : (struct engine_tls){0};
}

void tls_apply(const struct engine *engine, CURL *easy) {
    const struct tls *tls = engine->tls;
    if (!tls)
        return;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
    if (tls->ca)
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
    if (tls->certificate && tls->key) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
    }
}

void tls_release(struct engine *engine) {
    if (!engine->tls)
        return;
    free(engine->tls->directory);
    free(engine->tls->ca);
    free(engine->tls->certificate);
    free(engine->tls->key);
    free(engine->tls);
}
