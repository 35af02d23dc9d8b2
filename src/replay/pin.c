#include "replay/pin.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "run/environment.h"

#include <string.h>

struct pinning {
    const struct environment *environment;
    const struct model *model;
    struct pinned *to;
};

/* ---- Paths ---- */

/* The part below a folder: "" for itself, NULL for what is elsewhere. */
static const char *below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) || (path[length] && path[length] != '/'))
        return NULL;
    return path + length + (path[length] == '/');
}

char *pinned_name(const struct pinned *pinned, const struct model *model, const char *path) {
    const char *inside = below(path, model->directory);
    if (inside)
        return xasprintf("project%s%s", *inside ? "/" : "", inside);
    for (size_t i = 0; i < pinned->places.length; i++)
        if (!strcmp(pinned->places.at[i], path))
            return xasprintf("outside/%zu/%s", i, path_name(path));
    return NULL;
}

static char *doubled(char *text) {
    struct buffer out = BUFFER_INIT;
    for (const char *c = text; *c; c++) {
        buffer_putc(&out, *c);
        if (*c == '$')
            buffer_putc(&out, '$');
    }
    free(text);
    return buffer_detach(&out);
}

/* Devices, sockets and the kernel's own files are the host's, wherever that is. */
static bool is_of_the_host(const char *path) {
    static const char *const trees[] = {"/dev", "/proc", "/sys", "/run", "/var/run"};
    for (size_t i = 0; i < lengthof(trees); i++)
        if (below(path, trees[i]))
            return true;
    return !strcmp(path, "/");
}

static char *path_elsewhere(void *context, const char *path) {
    struct pinning *pinning = context;
    const char *inside = below(path, pinning->model->directory);
    if (inside)
        return doubled(xasprintf("./%s", inside));
    if (is_of_the_host(path))
        return NULL;
    if (!strings_has(&pinning->to->places, path))
        strings_add(&pinning->to->places, path);
    autofree char *name = pinned_name(pinning->to, pinning->model, path);
    return doubled(xasprintf("../%s", name));
}

/* ---- Values from outside ---- */

static void ask_for(struct pinning *pinning, const char *name) {
    if (!strings_has(&pinning->to->asked, name))
        strings_add(&pinning->to->asked, name);
}

/* The longest value that begins here. */
static const struct outside *value_at(const struct model *model, const char *text) {
    const struct outside *best = NULL;
    for (size_t i = 0; i < model->outside_count; i++) {
        const struct outside *one = &model->outside[i];
        if (text_starts(text, one->value) && (!best || strlen(one->value) > strlen(best->value)))
            best = one;
    }
    return best;
}

static bool has_value(const struct model *model, const char *text) {
    for (; *text; text++)
        if (value_at(model, text))
            return true;
    return false;
}

static char *text_elsewhere(void *context, const char *text, bool raw) {
    struct pinning *pinning = context;
    struct buffer out = BUFFER_INIT;
    if (!has_value(pinning->model, text))
        return NULL;
    while (*text) {
        const struct outside *value = value_at(pinning->model, text);
        if (value) {
            ask_for(pinning, value->name);
            pinning->to->taken_out++;
            buffer_printf(&out, "${%s-}", value->name);
            text += strlen(value->value);
        } else {
            buffer_puts(&out, *text == '$' && !raw ? "$" : "");
            buffer_putc(&out, *text++);
        }
    }
    return buffer_detach(&out);
}

/* ---- What is changed in the model itself ---- */

static void replace(cJSON *object, const char *key, const char *text) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    json_put_text(object, key, text);
}

static const cJSON *image_of(const struct captured *captured, const char *service) {
    const cJSON *image;
    cJSON_ArrayForEach (image, captured->images) {
        if (text_equal(json_text(image, "service"), service))
            return image;
    }
    return NULL;
}

/* The kind is known by the image's name, which it has no more. */
static void pin_image(cJSON *service, const struct life *life, const cJSON *image) {
    const char *digest = json_text(image, "digest"), *name = json_text(image, "name");
    if (life->planned->kind)
        replace(service, "x-kind", life->planned->kind->name);
    if (!name && !digest)
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(service, "build");
    replace(service, "image", name ? name : digest);
    replace(service, "pull_policy", name ? "never" : "missing");
}

static void pin_services(struct pinning *pinning, cJSON *model, const struct captured *captured) {
    cJSON *services = cJSON_GetObjectItem(model, "services");
    for (size_t i = 0; i < pinning->environment->life_count; i++) {
        const struct life *life = &pinning->environment->lives[i];
        cJSON *service = cJSON_GetObjectItemCaseSensitive(services, life->planned->service->name);
        if (service && !life->is_idle)
            pin_image(service, life, image_of(captured, life->name));
    }
}

/* What only a build needed that is not done again is not asked for. */
static void drop_unused(struct pinning *pinning, const cJSON *model) {
    autofree char *text = cJSON_PrintUnformatted(model);
    struct strings all = pinning->to->asked;
    pinning->to->asked = (struct strings){0};
    vec_each (name, &all) {
        autofree char *use = xasprintf("${%s-}", *name);
        if (strstr(text, use))
            ask_for(pinning, *name);
    }
    strings_release(&all);
}

/* The file of a secret stays where it is: its contents are asked for, as a variable. */
static void pin_secrets(struct pinning *pinning, cJSON *model) {
    cJSON *secret;
    cJSON_ArrayForEach (secret, cJSON_GetObjectItem(model, "secrets")) {
        const char *variable = json_text(secret, "environment");
        autofree char *own = text_variable_name(secret->string);
        bool is_file = json_text(secret, "file");
        if (is_file) {
            cJSON_DeleteItemFromObjectCaseSensitive(secret, "file");
            json_put_text(secret, "environment", own);
        }
        if (is_file || variable)
            ask_for(pinning, is_file ? own : variable);
    }
}

void pin(const struct environment *environment, const struct captured *captured,
         struct pinned *ret) {
    *ret = (struct pinned){0};
    struct pinning pinning = {environment, environment->model, ret};
    struct model_texts texts = {path_elsewhere, text_elsewhere, &pinning};
    autofree char *text = model_to_record_elsewhere(environment->model, &texts);
    autojson cJSON *model = cJSON_Parse(text);
    pin_services(&pinning, model, captured);
    drop_unused(&pinning, model);
    pin_secrets(&pinning, model);
    strings_sort(&ret->asked);
    ret->model = cJSON_Print(model);
}

void pinned_release(struct pinned *pinned) {
    free(pinned->model);
    strings_release(&pinned->asked);
    strings_release(&pinned->places);
}
