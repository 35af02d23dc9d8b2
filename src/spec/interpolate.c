/* Compose Specification, "Interpolation": variables in every value, but not in keys; after that a
 * string where a number or a boolean belongs becomes one. */
#include "spec/mistakes.h"
#include "spec/passes.h"

#include "spec/outside.h"
#include "spec/scalar.h"
#include "spec/template.h"

#include "base/buffer.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const char *lookup(void *context, const char *name) {
    const struct scope *scope = context;
    const char *value = variables_get(scope->variables, name);
    if (value)
        outside_add(scope->context, name, value, NULL);
    return value;
}

static bool missing(void *context, const char *name, struct position at, struct err *err) {
    const struct scope *scope = context;
    (void)err;
    context_warn(scope->context, at, "the variable %s is not set; it is taken as empty", name);
    return true;
}

bool interpolate_text(const struct scope *scope, const char *text, struct position at,
                      const char **ret, struct err *err) {
    enum { LONGEST = 1 << 20 };
    autobuffer struct buffer into = BUFFER_INIT_MAX(LONGEST);
    struct template_rules rules = {lookup, missing, (void *)scope};
    *ret = text;
    if (!strchr(text, '$'))
        return true;
    if (!template_expand(text, &rules, at, &into, err))
        return false;
    scope->context->text += into.length;
    if (scope->context->text > SPEC_TEXT_MAX)
        return err_at(err, at, "the files become too large when their variables are put in");
    *ret = arena_strndup(scope->context->arena, into.data, into.length);
    return true;
}

/* ---- Types ---- */

static bool to_bool(struct node *node) {
    static const char *const yes[] = {"true", "y", "yes", "on"};
    static const char *const no[] = {"false", "n", "no", "off"};
    for (size_t i = 0; i < lengthof(yes); i++) {
        bool is_yes = !strcasecmp(node->text, yes[i]);
        if (!is_yes && strcasecmp(node->text, no[i]))
            continue;
        tree_become_text(node, is_yes ? "true" : "false");
        node->kind = NODE_BOOL;
        node->boolean = is_yes;
        return true;
    }
    return false;
}

static bool to_integer(struct arena *arena, struct node *node) {
    char *end;
    const char *text = node->text;
    if (!*text || strspn(text + (*text == '-' || *text == '+'), "0123456789") == 0)
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    tree_become_text(node, arena_printf(arena, "%lld", value));
    node->kind = NODE_INT;
    node->integer = value;
    return true;
}

static bool to_float(struct arena *arena, struct node *node) {
    char *end;
    if (!*node->text || strpbrk(node->text, " \t\n\v\f\rxX"))
        return false;
    double value = strtod(node->text, &end);
    if (*end || !isfinite(value))
        return false;
    tree_become_text(node, scalar_float_text(arena, value, false));
    node->kind = NODE_FLOAT;
    node->number = value;
    return true;
}

static bool cast(const struct scope *scope, struct node *node, const struct key *key,
                 const struct trail *trail, struct err *err) {
    struct arena *arena = scope->context->arena;
    const char *wanted = "a whole number";
    bool ok = true;
    if (!key || !(key->kinds & IS_STRING))
        return true;
    if (key->form == AS_BOOL) {
        ok = to_bool(node);
        wanted = "true or false";
    } else if (key->form == AS_FLOAT) {
        ok = to_float(arena, node);
        wanted = "a number";
    } else if (key->form == AS_INTEGER || key->form == AS_UNSIGNED || key->form == AS_ULIMIT) {
        ok = to_integer(arena, node);
    }
    if (ok)
        return true;
    autofree char *where = trail_text(trail);
    return err_at(err, node->at, "`%s` must be %s, not `%.100s`", where, wanted, node->text);
}

/* ---- The walk ---- */

static void mark_raw(struct node *node) {
    node->flags |= NODE_RAW;
    tree_each (child, node)
        mark_raw(child);
}

static void put_in(const struct scope *scope, struct node *node, const struct key *key,
                   const struct trail *trail) {
    struct err one = ERR_INIT;
    if (!interpolate_text(scope, node->text, node->at, &node->text, &one) ||
        !cast(scope, node, key, trail, &one))
        mistake_take(scope->context, node, &one);
}

static void walk(const struct scope *scope, struct node *node, const struct key *key,
                 const struct trail *trail) {
    size_t index = 0;
    if (key && key->flags & KEY_RAW) {
        mark_raw(node);
        return;
    }
    if (node->kind == NODE_STRING)
        put_in(scope, node, key, trail);
    tree_each (child, node) {
        struct trail here = {trail, child, index++};
        const struct key *child_key = schema_child(key, node, child);
        bool was_shown = scope->context->is_shown;
        scope->context->is_shown |= child_key && child_key->flags & KEY_SHOWN;
        walk(scope, child, child_key, &here);
        scope->context->is_shown = was_shown;
    }
}

void interpolate(const struct scope *scope, struct node *root) {
    struct trail trail = {.node = root};
    walk(scope, root, &schema_root, &trail);
}
