/* What engines and registries say when a pull fails, and what envrun says. */
#include "run/pull.h"

#include "base/text.h"
#include "run/docker_config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum cause {
    CAUSE_OTHER,
    CAUSE_RATE,
    CAUSE_NO_HOST,
    CAUSE_REFUSED,
    CAUSE_NO_TLS,
    CAUSE_NO_LOGIN,
    CAUSE_DENIED,
    CAUSE_UNKNOWN,
    CAUSE_PASSING, /* may be over soon */
};

/* The first that is found in the engine's sentence counts. */
static const struct {
    const char *text;
    enum cause cause;
} signs[] = {
    {"toomanyrequests", CAUSE_RATE},
    {"no such host", CAUSE_NO_HOST},
    {"Temporary failure in name resolution", CAUSE_PASSING},
    {"connection refused", CAUSE_REFUSED},
    {"server gave HTTP response to HTTPS client", CAUSE_NO_TLS},
    {"no basic auth credentials", CAUSE_NO_LOGIN},
    {"unauthorized", CAUSE_NO_LOGIN},
    {"authentication required", CAUSE_NO_LOGIN},
    {"401 Unauthorized", CAUSE_NO_LOGIN},
    {"denied", CAUSE_DENIED},
    {"403 Forbidden", CAUSE_DENIED},
    {"manifest unknown", CAUSE_UNKNOWN},
    {"name unknown", CAUSE_UNKNOWN},
    {"not found", CAUSE_UNKNOWN},
    {"connection reset", CAUSE_PASSING},
    {"broken pipe", CAUSE_PASSING},
    {"use of closed network connection", CAUSE_PASSING},
    {"timeout", CAUSE_PASSING},
    {"Timeout", CAUSE_PASSING},
    {"timed out", CAUSE_PASSING},
    {"EOF", CAUSE_PASSING},
    {"request canceled", CAUSE_PASSING},
    {"received unexpected HTTP status: 5", CAUSE_PASSING},
    {"unexpected status code 5", CAUSE_PASSING},
    {"500 Internal Server Error", CAUSE_PASSING},
    {"502 Bad Gateway", CAUSE_PASSING},
    {"503 Service Unavailable", CAUSE_PASSING},
    {"504 Gateway", CAUSE_PASSING},
    {"server misbehaving", CAUSE_PASSING},
    /* to the engine itself */
    {"broke off its answer", CAUSE_PASSING},
    {"closed the connection before it answered", CAUSE_PASSING},
};

static enum cause cause_of(const struct err *err) {
    enum { BAD_GATEWAY = 502 };
    for (size_t i = 0; err->message && i < lengthof(signs); i++)
        if (strstr(err->message, signs[i].text))
            return signs[i].cause;
    return err->kind == ERR_ANSWER && err->code >= BAD_GATEWAY ? CAUSE_PASSING : CAUSE_OTHER;
}

bool pull_is_transient(const struct err *err) {
    return (err->kind == ERR_ANSWER || err->kind == ERR_ENGINE) && cause_of(err) == CAUSE_PASSING;
}

/* "docker login localhost:5000" */
static char *login_command(const char *registry) {
    bool is_hub = strcmp(registry, registry_server(registry)) != 0;
    return is_hub ? xstrdup("docker login") : xasprintf("docker login %s", registry);
}

/* As it follows "cannot pull image `...` of service `...`: ". */
static char *sentence(enum cause cause, const char *reference, bool known, const char *said) {
    autofree char *registry = registry_of(reference), *login = login_command(registry);
    switch (cause) {
    case CAUSE_RATE:
        return xasprintf("%s allows no more pulls for now: wait, or log in with `%s`", registry,
                         login);
    case CAUSE_NO_HOST:
        return xasprintf("there is no host `%.*s`", (int)strcspn(registry, ":"), registry);
    case CAUSE_REFUSED:
        return xasprintf("nobody answers at %s", registry);
    case CAUSE_NO_TLS:
        return xasprintf("%s speaks HTTP, and the engine wants HTTPS: name it in the engine's "
                         "`insecure-registries`",
                         registry);
    case CAUSE_NO_LOGIN:
        if (known)
            return xasprintf("%s does not accept the credentials that the docker configuration "
                             "has for it",
                             registry);
        return xasprintf("%s wants credentials, and the docker configuration has none for it: run "
                         "`%s`",
                         registry, login);
    case CAUSE_DENIED:
        if (known)
            return xasprintf("%s has no such image, or not for these credentials", registry);
        return xasprintf("%s has no such image, or not without credentials: run `%s`", registry,
                         login);
    case CAUSE_UNKNOWN:
        return xasprintf("%s has no such image", registry);
    default:
        return xstrdup(said);
    }
}

void pull_explain(struct err *err, const char *reference, bool known) {
    autofree char *said = xstrdup(err->message ? err->message : "unknown error");
    if (err->kind != ERR_ANSWER)
        return;
    autofree char *text = sentence(cause_of(err), reference, known, said);
    err_code(err, ERR_ENVIRONMENT, err->code, "%s", text);
}

char *pull_words(const struct pull_amount *amount) {
    autofree char *layers = xasprintf("%zu of %zu layer%s", amount->layers_done, amount->layers,
                                      amount->layers == 1 ? "" : "s");
    if (!amount->total)
        return steal(layers);
    autofree char *done = text_bytes(amount->done), *total = text_bytes(amount->total);
    if (amount->loaded)
        return xasprintf("%s, unpacked %s", total, layers);
    return xasprintf("%s of %s, %s", done, total, layers);
}

long long image_time(const char *text) {
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!rest || tm.tm_year < 70)
        return 0;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    long long seconds = timegm(&tm);
    int hours, minutes;
    char sign;
    if (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3 && (sign == '+' || sign == '-'))
        seconds -= (sign == '+' ? 60LL : -60LL) * (60 * hours + minutes);
    return seconds;
}
