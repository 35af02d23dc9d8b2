/* envrun's own keys are kept under their x- names, so that each has one. */
#include "spec/passes.h"

#include <string.h>

static bool rename_keys(struct context *context, struct node *map, const struct key *keys,
                        struct err *err) {
    if (!node_is(map, NODE_MAP))
        return true;
    tree_each (entry, map) {
        const struct key *known = schema_find(keys, entry->key);
        const struct key *own = schema_own(keys, entry->key);
        if (own && tree_entry(map, own->name))
            return err_at(err, entry->key_at, "`%s` and `%s` are the same key; keep one",
                          entry->key, own->name);
        if (own)
            entry->key = own->name;
        if (own || (known && known->flags & KEY_OWN))
            context->own_keys = true;
    }
    tree_changed(map);
    return true;
}

bool own_rename(struct context *context, struct node *root, struct err *err) {
    if (!rename_keys(context, root, schema_root.keys, err))
        return false;
    struct node *services = tree_get(root, "services");
    if (node_is(services, NODE_MAP))
        tree_each (service, services)
            if (!rename_keys(context, service, schema_service.keys, err))
                return false;
    return true;
}
