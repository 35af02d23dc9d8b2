#include "spec/mistakes.h"

#include "base/buffer.h"
#include "base/text.h"

#include <string.h>

/* ---- Taking note ---- */

static bool same(const struct err *a, const struct err *b) {
    return a->line == b->line && a->column == b->column && text_equal(a->file, b->file) &&
           !strcmp(a->message, b->message);
}

void mistake_take(struct context *context, struct node *node, struct err *one) {
    bool known = context->mistake_count >= SPEC_MISTAKES_MAX;
    if (node)
        node->flags |= NODE_BROKEN;
    for (const struct err *told = &context->mistakes; told && err_is(told); told = told->next)
        known = known || same(told, one);
    if (known) {
        err_release(one);
        return;
    }
    context->mistake_count++;
    err_join(&context->mistakes, one);
}

void mistake(struct context *context, struct node *node, struct position at, const char *format,
             ...) {
    struct err one = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    err_at(&one, at, "%s", text.data);
    mistake_take(context, node, &one);
}

/* ---- Going on without what is wrong ---- */

static bool is_broken(const struct node *node) {
    return node->flags & NODE_BROKEN;
}

static void mend_services(struct node *services) {
    tree_each (service, services) {
        if (is_broken(service) && service->kind != NODE_MAP)
            tree_become(service, &(struct node){.kind = NODE_MAP, .at = service->at});
        tree_drop(service, is_broken);
    }
}

/* A resource keeps its name, so that nobody misses it, but nothing else. */
static void mend_resources(struct arena *arena, struct node *section) {
    tree_each (resource, section) {
        if (!is_broken(resource))
            continue;
        struct node *external = tree_new(arena, NODE_MAP, resource->at);
        tree_set(external, "external", tree_bool(arena, resource->at, true));
        tree_become(resource, external);
    }
}

static bool is_broken_part(const struct node *part) {
    static const char *const sections[] = {"services", "networks", "volumes",
                                           "secrets",  "configs",  "models"};
    for (size_t i = 0; i < lengthof(sections); i++)
        if (!strcmp(part->key, sections[i]))
            return is_broken(part) && part->kind != NODE_MAP;
    return is_broken(part);
}

void mistakes_mend(struct context *context, struct node *root) {
    if (!(root->flags & NODE_BROKEN))
        return;
    tree_drop(root, is_broken_part);
    tree_each (section, root) {
        if (!is_broken(section))
            continue;
        if (!strcmp(section->key, "services"))
            mend_services(section);
        else
            mend_resources(context->arena, section);
    }
}

/* ---- Telling ---- */

static int rank_of(const struct err *mistakes, const struct err *one) {
    int rank = 0;
    for (; mistakes && !text_equal(mistakes->file, one->file); mistakes = mistakes->next)
        rank++;
    return rank;
}

static bool stands_before(const struct err *mistakes, const struct err *a, const struct err *b) {
    int difference = rank_of(mistakes, a) - rank_of(mistakes, b);
    difference = difference ? difference : a->line - b->line;
    return (difference ? difference : a->column - b->column) < 0;
}

/* Take the one that stands first out of the list, whose head is on the heap. */
static struct err *take_first(struct err **list, const struct err *order) {
    struct err **first = list;
    for (struct err **link = list; *link; link = &(*link)->next)
        if (stands_before(order, *link, *first))
            first = link;
    struct err *taken = *first;
    *first = taken->next;
    taken->next = NULL;
    return taken;
}

bool mistakes_tell(struct context *context, struct err *err) {
    struct err order = ERR_INIT, last = ERR_INIT;
    if (!err_is(&context->mistakes))
        return !err_is(err);
    err_copy(&order, &context->mistakes);
    struct err *list = xnew(struct err);
    *list = ERR_INIT;
    err_move(list, &context->mistakes);
    err_move(&last, err);
    while (list) {
        struct err *first = take_first(&list, &order);
        err_join(err, first);
        free(first);
    }
    err_join(err, &last);
    err_release(&order);
    return false;
}
