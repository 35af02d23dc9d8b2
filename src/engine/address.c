/* What DOCKER_HOST may say, and why nothing answers there. */
#include "engine/address.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_SCHEME "unix://"
#define DEFAULT_SOCKET "/var/run/docker.sock"

static bool set_socket(struct engine *engine, const char *path, struct err *err) {
    if (*path != '/')
        return err_set(err, ERR_USAGE, "DOCKER_HOST=%s: the socket's path must be absolute",
                       engine->url);
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(err, ERR_USAGE,
                       "DOCKER_HOST=%s: a socket's path can have at most %zu characters",
                       engine->url, sizeof((struct sockaddr_un *)0)->sun_path - 1);
    engine->socket = xstrdup(path);
    engine->base = xstrdup("http://localhost");
    engine->address =
        (struct engine_address){.unix_socket = true, .socket = engine->socket, .url = engine->url};
    return true;
}

static char *url_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    if (curl_url_get(url, part, &text, 0))
        return NULL;
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

static bool take_url(struct engine *engine, CURLU *url, const char *text) {
    if (curl_url_set(url, CURLUPART_URL, text, 0))
        return false;
    autofree char *port = url_part(url, CURLUPART_PORT);
    autofree char *path = url_part(url, CURLUPART_PATH);
    autofree char *query = url_part(url, CURLUPART_QUERY);
    autofree char *user = url_part(url, CURLUPART_USER);
    if (!path || strcmp(path, "/") || query || user)
        return false;
    engine->host = url_part(url, CURLUPART_HOST);
    engine->base = xasprintf("http://%s:%s", engine->host, port ? port : "2375");
    engine->address = (struct engine_address){.host = engine->host, .url = engine->url};
    return true;
}

static bool set_host(struct engine *engine, const char *host, struct err *err) {
    CURLU *url = curl_url();
    autofree char *text = xasprintf("http://%s", host);
    bool ok = *host && take_url(engine, url, text);
    curl_url_cleanup(url);
    if (!ok)
        err_set(err, ERR_USAGE, "DOCKER_HOST=%s is not an address: write tcp://HOST:PORT",
                engine->url);
    return ok;
}

bool address_set(struct engine *engine, const char *host, struct err *err) {
    if (!host || !*host || !strcmp(host, UNIX_SCHEME))
        host = UNIX_SCHEME DEFAULT_SOCKET;
    engine->url = xstrdup(host);
    if (text_starts(host, UNIX_SCHEME))
        return set_socket(engine, host + strlen(UNIX_SCHEME), err);
    if (text_starts(host, "tcp://") || text_starts(host, "http://"))
        return set_host(engine, strstr(host, "://") + 3, err);
    return err_set(err, ERR_USAGE,
                   "DOCKER_HOST=%s: envrun knows unix://PATH, tcp://HOST:PORT and http://HOST:PORT",
                   host);
}

void address_release(struct engine *engine) {
    free(engine->url);
    free(engine->socket);
    free(engine->host);
    free(engine->base);
}

/* ---- Why there is no answer ---- */

static const char *refused_reason(const struct engine *engine, long os_error) {
    if (!engine->address.unix_socket)
        return os_error == ECONNREFUSED ? "nobody listens there" : NULL;
    switch (os_error) {
    case ENOENT:
        return "the socket does not exist";
    case ECONNREFUSED:
        return "nobody listens on the socket";
    default:
        return NULL;
    }
}

static void no_connection(const struct engine *engine, CURL *easy, CURLcode code, struct err *err) {
    long os_error = 0;
    const struct handle *handle = NULL;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &handle);
    if (handle && handle->refused) {
        err_system(err, handle->refused, "cannot connect to the Docker engine at %s", engine->url);
        return;
    }
    if (engine->address.unix_socket && (os_error == EACCES || os_error == EPERM)) {
        err_set(err, ERR_ENGINE,
                "no permission to use the Docker engine at %s: add your user to the group docker "
                "or set DOCKER_HOST",
                engine->url);
        return;
    }
    const char *reason = refused_reason(engine, os_error);
    if (!reason)
        reason = os_error ? strerror((int)os_error) : curl_easy_strerror(code);
    err_set(err, ERR_ENGINE, "no Docker engine at %s: %s; start the engine or set DOCKER_HOST",
            engine->url, reason);
}

void connection_error(const struct engine *engine, CURL *easy, CURLcode code, const char *method,
                      const char *path, struct err *err) {
    int length = (int)strcspn(path, "?");
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_RECV_ERROR && !status)
        code = CURLE_GOT_NOTHING;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        no_connection(engine, easy, code, err);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
        err_set(err, ERR_ENGINE,
                "the Docker engine at %s closed the connection before it answered %s %.*s",
                engine->url, method, length, path);
        break;
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        err_set(err, ERR_ENGINE, "the Docker engine at %s broke off its answer to %s %.*s",
                engine->url, method, length, path);
        break;
    default:
        err_set(err, ERR_ENGINE, "no answer from the Docker engine at %s to %s %.*s: %s",
                engine->url, method, length, path, curl_easy_strerror(code));
    }
}
