#include "run/credentials.h"

#include "base/json.h"
#include "run/docker_config.h"
#include "run/helper.h"

#include <string.h>

struct entry {
    char *registry;
    struct credential credential;
    struct ask *asking; /* who looks it up now, or NULL */
    bool settled;
    struct entry *next;
};

struct credentials {
    struct loop *loop;
    const char *const *environment;
    struct credentials_listener listener;
    struct docker_config config;
    bool loaded;
    struct entry *entries;
    struct ask *asks;
};

struct ask {
    struct task task;
    struct credentials *credentials;
    struct entry *entry;
    struct task *helper;
    struct ask *next;
};

/* ---- The store ---- */

struct credentials *credentials_new(struct loop *loop, const char *const *environment,
                                    struct credentials_listener listener) {
    struct credentials *credentials = xnew(struct credentials);
    credentials->loop = loop;
    credentials->environment = environment;
    credentials->listener = listener;
    return credentials;
}

struct credentials *credentials_free(struct credentials *credentials) {
    if (!credentials)
        return NULL;
    for (struct entry *entry, *next = credentials->entries; (entry = next);) {
        next = entry->next;
        credential_release(&entry->credential);
        free(entry->registry);
        free(entry);
    }
    docker_config_release(&credentials->config);
    free(credentials);
    return NULL;
}

static void load(struct credentials *credentials) {
    struct err err = ERR_INIT;
    if (credentials->loaded)
        return;
    credentials->loaded = true;
    if (docker_config_load(&credentials->config, credentials->environment, &err))
        return;
    for (const struct err *one = &err; one; one = one->next) {
        autofree char *text = xasprintf("%s: it is not used", one->message);
        credentials->listener.warn(credentials->listener.context, text);
    }
    err_release(&err);
}

cJSON *credentials_proxies(struct credentials *credentials, const char *engine) {
    load(credentials);
    return docker_config_proxies(&credentials->config, engine);
}

static struct entry *find(const struct credentials *credentials, const char *registry) {
    for (struct entry *entry = credentials->entries; entry; entry = entry->next)
        if (!strcmp(entry->registry, registry))
            return entry;
    return NULL;
}

static struct entry *find_or_add(struct credentials *credentials, const char *registry) {
    struct entry *entry = find(credentials, registry);
    if (entry)
        return entry;
    entry = xnew(struct entry);
    entry->registry = xstrdup(registry);
    entry->next = credentials->entries;
    return credentials->entries = entry;
}

/* ---- Asking: the first one does the work ---- */

static void wake_others(const struct ask *ask) {
    for (struct ask *other = ask->credentials->asks; other; other = other->next)
        if (other != ask && other->entry == ask->entry)
            task_wake(&other->task);
}

static void tell_secrets(const struct ask *ask) {
    static const char *const fields[] = {"password", "identitytoken", "registrytoken"};
    const struct credentials_listener *listener = &ask->credentials->listener;
    for (size_t i = 0; listener->secret && i < lengthof(fields); i++) {
        const char *value = json_text(ask->entry->credential.auth, fields[i]);
        if (value)
            listener->secret(listener->context, value);
    }
}

static void settle(struct ask *ask) {
    tell_secrets(ask);
    ask->entry->settled = true;
    ask->entry->asking = NULL;
    wake_others(ask);
}

static void warn_of_helper(const struct ask *ask, const char *why) {
    autofree char *text = xasprintf("docker-credential-%s gives no credentials for %s: %s",
                                    ask->entry->credential.helper, ask->entry->registry, why);
    ask->credentials->listener.warn(ask->credentials->listener.context, text);
}

static void take_reply(struct ask *ask) {
    struct credential *credential = &ask->entry->credential;
    const char *reply = ask->helper->status == TASK_DONE ? helper_reply(ask->helper) : NULL;
    if (ask->helper->status == TASK_FAILED)
        warn_of_helper(ask, ask->helper->err.message);
    else if (reply && !credential_take_reply(credential, ask->entry->registry, reply))
        warn_of_helper(ask, "its answer is not what a helper answers");
    ask->helper = task_free(ask->helper);
}

static enum task_status begin(struct ask *ask) {
    struct entry *entry = ask->entry;
    entry->asking = ask;
    load(ask->credentials);
    credential_release(&entry->credential);
    entry->credential = docker_config_find(&ask->credentials->config, entry->registry);
    if (entry->credential.helper) {
        ask->helper = helper_new(ask->credentials->loop, entry->credential.helper,
                                 registry_server(entry->registry), ask->credentials->environment);
        task_start(ask->helper, &ask->task);
        return TASK_PENDING;
    }
    settle(ask);
    return TASK_DONE;
}

static enum task_status ask_step(struct task *task) {
    struct ask *ask = (struct ask *)task;
    if (ask->entry->settled)
        return TASK_DONE;
    if (!ask->entry->asking)
        return begin(ask);
    if (ask->entry->asking != ask || ask->helper->status == TASK_PENDING)
        return TASK_PENDING;
    take_reply(ask);
    settle(ask);
    return TASK_DONE;
}

static void ask_release(struct task *task) {
    struct ask *ask = (struct ask *)task;
    for (struct ask **at = &ask->credentials->asks; *at; at = &(*at)->next)
        if (*at == ask) {
            *at = ask->next;
            break;
        }
    if (ask->entry->asking == ask) { /* cut off: another one begins anew */
        ask->entry->asking = NULL;
        wake_others(ask);
    }
    task_free(ask->helper);
}

struct task *credentials_ask(struct credentials *credentials, const char *registry) {
    static const struct task_type type = {
        .name = "credentials", .step = ask_step, .release = ask_release};
    struct ask *ask = task_new(sizeof *ask, &type, credentials->loop);
    ask->credentials = credentials;
    ask->entry = find_or_add(credentials, registry);
    ask->next = credentials->asks;
    credentials->asks = ask;
    return &ask->task;
}

/* ---- What is known ---- */

char *credentials_header(const struct credentials *credentials, const char *registry) {
    const struct entry *entry = find(credentials, registry);
    return entry && entry->credential.auth ? credential_header(entry->credential.auth) : NULL;
}

void credentials_named(struct credentials *credentials, const char *text,
                       struct strings *registries) {
    load(credentials);
    docker_config_named(&credentials->config, text, registries);
}

char *credentials_headers(const struct credentials *credentials, const struct strings *registries) {
    cJSON *all = cJSON_CreateObject();
    vec_each (registry, registries) {
        const struct entry *entry = find(credentials, *registry);
        if (entry && entry->credential.auth)
            cJSON_AddItemReferenceToObject(all, registry_server(*registry), entry->credential.auth);
    }
    char *header = all->child ? credential_header(all) : NULL;
    cJSON_Delete(all);
    return header;
}

char *credentials_config(const struct credentials *credentials, const struct strings *registries) {
    cJSON *config = cJSON_CreateObject();
    cJSON *all = json_object_at(config, "auths");
    vec_each (registry, registries) {
        const struct entry *entry = find(credentials, *registry);
        if (entry && entry->credential.auth)
            json_put(all, registry_server(*registry), credential_entry(entry->credential.auth));
    }
    char *text = json_line(config);
    wipe_and_delete(config);
    return text;
}
