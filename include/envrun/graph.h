/*
 * graph.h: order, cycles and the critical path of a graph whose nodes are numbers.
 *
 * An edge says that one node waits for another. Pure: nothing but memory is touched.
 */
#ifndef ENVRUN_GRAPH_H
#define ENVRUN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

struct graph_edge {
    size_t node, next; /* next: the node's next edge plus 1; 0: none */
};

struct graph {
    size_t count;  /* nodes 0 .. count - 1 */
    size_t *first; /* each node's first edge plus 1, in the order they were added */
    size_t *last;
    struct graph_edge *edges;
    size_t edge_count, edge_capacity;
};

void graph_init(struct graph *graph, size_t count);
void graph_release(struct graph *graph);
/* `node` waits for `other`. */
void graph_add(struct graph *graph, size_t node, size_t other);

/* Every node behind those it waits for; among equals the lower number first. False if there is a
 * cycle; ret_order then holds nothing of use. */
bool graph_order(const struct graph *graph, size_t *ret_order);

/* The first cycle, as a path whose last node is its first again; answers its length, 0 if there is
 * none. ret_path has room for count + 1. */
size_t graph_cycle(const struct graph *graph, size_t *ret_path);
/* "a -> b -> a", or NULL if there is no cycle; to be freed by the caller. */
char *graph_cycle_text(const struct graph *graph, const char *const *names);

/* The chain of nodes that wait for each other and take longest together, in the order in which
 * they run; answers its length. durations[i] belongs to node i; ret_path has room for count;
 * ret_total may be NULL. The graph must have no cycle. */
size_t graph_critical_path(const struct graph *graph, const long long *durations, size_t *ret_path,
                           long long *ret_total);

#endif
