/* The proxies of the docker CLI's configuration, for containers and builds. */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

/* With a value, or taken away. */
static bool has_variable(const cJSON *list, const char *name) {
    size_t length = strlen(name);
    const cJSON *entry;
    cJSON_ArrayForEach (entry, list) {
        const char *text = cJSON_GetStringValue(entry);
        if (text && text_starts(text, name) && (!text[length] || text[length] == '='))
            return true;
    }
    return false;
}

void proxies_add(const struct plan *plan, cJSON *list) {
    const cJSON *proxy;
    cJSON_ArrayForEach (proxy, plan->proxies) {
        if (has_variable(list, proxy->string))
            continue;
        autofree char *entry = xasprintf("%s=%s", proxy->string, proxy->valuestring);
        json_append_text(list, entry);
    }
}

void proxies_add_arguments(const struct plan *plan, cJSON *query) {
    const cJSON *proxy;
    cJSON_ArrayForEach (proxy, plan->proxies) {
        cJSON *arguments = json_object_at(query, "buildargs");
        if (!cJSON_GetObjectItemCaseSensitive(arguments, proxy->string))
            json_put_text(arguments, proxy->string, proxy->valuestring);
    }
}
