#include <envrun/graph.h>

#include "base/memory.h"

#include <criterion/criterion.h>

static struct graph graph_of(size_t count, const size_t (*edges)[2], size_t edge_count) {
    struct graph graph;
    graph_init(&graph, count);
    for (size_t i = 0; i < edge_count; i++)
        graph_add(&graph, edges[i][0], edges[i][1]);
    return graph;
}

Test(graph, order_puts_dependencies_first) {
    static const size_t edges[][2] = {{0, 2}, {0, 1}, {1, 3}, {2, 3}};
    struct graph graph = graph_of(4, edges, lengthof(edges));
    size_t order[4];
    cr_assert(graph_order(&graph, order));
    static const size_t want[] = {3, 2, 1, 0};
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(order[i], want[i]);
    graph_release(&graph);
}

Test(graph, names_the_first_cycle) {
    static const size_t edges[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 1}};
    static const char *const names[] = {"web", "api", "db", "cache"};
    struct graph graph = graph_of(4, edges, lengthof(edges));
    char *text autofree = graph_cycle_text(&graph, names);
    cr_assert_str_eq(text, "api -> db -> cache -> api");
    size_t order[4];
    cr_assert_not(graph_order(&graph, order));
    graph_release(&graph);
}

Test(graph, a_node_may_wait_for_itself) {
    static const size_t edges[][2] = {{1, 1}};
    static const char *const names[] = {"a", "b"};
    struct graph graph = graph_of(2, edges, lengthof(edges));
    char *text autofree = graph_cycle_text(&graph, names);
    cr_assert_str_eq(text, "b -> b");
    graph_release(&graph);
}

Test(graph, no_cycle_no_text) {
    struct graph graph = graph_of(3, NULL, 0);
    size_t order[3];
    cr_assert_null(graph_cycle_text(&graph, NULL));
    cr_assert(graph_order(&graph, order));
    graph_release(&graph);
}

Test(graph, critical_path) {
    static const size_t edges[][2] = {{2, 0}, {2, 1}, {3, 2}};
    static const long long durations[] = {5, 9, 1, 2};
    struct graph graph = graph_of(4, edges, lengthof(edges));
    size_t path[4];
    long long total;
    cr_assert_eq(graph_critical_path(&graph, durations, path, &total), 3);
    cr_assert_eq(total, 12);
    cr_assert_eq(path[0], 1);
    cr_assert_eq(path[1], 2);
    cr_assert_eq(path[2], 3);
    graph_release(&graph);
}

Test(graph, a_long_chain_needs_no_stack) {
    enum { COUNT = 300000 };
    struct graph graph;
    size_t *order autofree = xcalloc(COUNT, sizeof *order);
    graph_init(&graph, COUNT);
    for (size_t i = 0; i + 1 < COUNT; i++)
        graph_add(&graph, i, i + 1);
    cr_assert(graph_order(&graph, order));
    cr_assert_eq(order[0], COUNT - 1);
    graph_release(&graph);
}
