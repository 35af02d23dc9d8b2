#include <envrun/graph.h>

#include "base/buffer.h"
#include "base/memory.h"

void graph_init(struct graph *graph, size_t count) {
    *graph = (struct graph){
        .count = count,
        .first = xcalloc(count + 1, sizeof *graph->first),
        .last = xcalloc(count + 1, sizeof *graph->last),
    };
}

void graph_release(struct graph *graph) {
    free(graph->first);
    free(graph->last);
    free(graph->edges);
    *graph = (struct graph){0};
}

void graph_add(struct graph *graph, size_t node, size_t other) {
    if (graph->edge_count == graph->edge_capacity) {
        graph->edge_capacity = graph->edge_capacity ? graph->edge_capacity * 2 : 16;
        graph->edges = xrealloc(graph->edges, graph->edge_capacity * sizeof *graph->edges);
    }
    graph->edges[graph->edge_count++] = (struct graph_edge){other, 0};
    if (graph->last[node])
        graph->edges[graph->last[node] - 1].next = graph->edge_count;
    else
        graph->first[node] = graph->edge_count;
    graph->last[node] = graph->edge_count;
}

/* ---- Depth first, with a stack of our own ---- */

enum { UNSEEN, OPEN, DONE };

struct visit {
    const struct graph *graph;
    unsigned char *state;
    size_t *stack, *edge; /* the open nodes, and the edge each goes on with */
    size_t depth;
    size_t *order, ordered;
};

static void visit_init(struct visit *v, const struct graph *graph, size_t *order) {
    *v = (struct visit){
        .graph = graph,
        .state = xcalloc(graph->count + 1, 1),
        .stack = xcalloc(graph->count + 1, sizeof *v->stack),
        .edge = xcalloc(graph->count + 1, sizeof *v->edge),
        .order = order,
    };
}

static void visit_release(struct visit *v) {
    free(v->state);
    free(v->stack);
    free(v->edge);
}

static void visit_open(struct visit *v, size_t node) {
    v->state[node] = OPEN;
    v->stack[v->depth] = node;
    v->edge[v->depth++] = v->graph->first[node];
}

static void visit_close(struct visit *v) {
    size_t node = v->stack[--v->depth];
    v->state[node] = DONE;
    if (v->order)
        v->order[v->ordered++] = node;
}

/* Visit all that can be reached; answers a node that is met while open, plus 1, or 0. */
static size_t visit_from(struct visit *v, size_t root) {
    visit_open(v, root);
    while (v->depth) {
        size_t edge = v->edge[v->depth - 1];
        if (!edge) {
            visit_close(v);
            continue;
        }
        size_t node = v->graph->edges[edge - 1].node;
        v->edge[v->depth - 1] = v->graph->edges[edge - 1].next;
        if (v->state[node] == OPEN)
            return node + 1;
        if (v->state[node] == UNSEEN)
            visit_open(v, node);
    }
    return 0;
}

static size_t visit_all(struct visit *v) {
    for (size_t node = 0; node < v->graph->count; node++) {
        size_t met = v->state[node] == UNSEEN ? visit_from(v, node) : 0;
        if (met)
            return met;
    }
    return 0;
}

bool graph_order(const struct graph *graph, size_t *ret_order) {
    AUTO(visit_release)
    struct visit v;
    visit_init(&v, graph, ret_order);
    return !visit_all(&v);
}

size_t graph_cycle(const struct graph *graph, size_t *ret_path) {
    AUTO(visit_release)
    struct visit v;
    visit_init(&v, graph, NULL);
    size_t met = visit_all(&v), start = 0, length = 0;
    if (!met)
        return 0;
    while (v.stack[start] != met - 1)
        start++;
    for (size_t i = start; i < v.depth; i++)
        ret_path[length++] = v.stack[i];
    ret_path[length++] = met - 1;
    return length;
}

char *graph_cycle_text(const struct graph *graph, const char *const *names) {
    autofree size_t *path = xcalloc(graph->count + 1, sizeof *path);
    size_t length = graph_cycle(graph, path);
    struct buffer text = BUFFER_INIT;
    if (!length)
        return NULL;
    for (size_t i = 0; i < length; i++)
        buffer_printf(&text, "%s%s", i ? " -> " : "", names[path[i]]);
    return buffer_detach(&text);
}

/* ---- The critical path ---- */

size_t graph_critical_path(const struct graph *graph, const long long *durations, size_t *ret_path,
                           long long *ret_total) {
    autofree size_t *order = xcalloc(graph->count + 1, sizeof *order);
    autofree size_t *before = xcalloc(graph->count + 1, sizeof *before); /* plus 1 */
    autofree long long *until = xcalloc(graph->count + 1, sizeof *until);
    size_t length = 0, node = 0;

    if (!graph->count || !graph_order(graph, order))
        return 0;
    for (size_t i = 0; i < graph->count; i++) {
        size_t at = order[i];
        for (size_t edge = graph->first[at]; edge; edge = graph->edges[edge - 1].next) {
            size_t other = graph->edges[edge - 1].node;
            if (!before[at] || until[other] > until[before[at] - 1])
                before[at] = other + 1;
        }
        until[at] = durations[at] + (before[at] ? until[before[at] - 1] : 0);
        if (until[at] > until[node])
            node = at;
    }
    if (ret_total)
        *ret_total = until[node];
    for (size_t at = node + 1; at; at = before[at - 1])
        ret_path[length++] = at - 1;
    for (size_t i = 0; i < length / 2; i++) {
        size_t swap = ret_path[i];
        ret_path[i] = ret_path[length - 1 - i];
        ret_path[length - 1 - i] = swap;
    }
    return length;
}
