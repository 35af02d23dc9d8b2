#include "report/board.h"

#include "base/text.h"

#include <string.h>

static void set(char **text, const char *to) {
    free(*text);
    *text = xstrdup_or_null(to);
}

struct board_service *board_find(const struct board *board, const char *name) {
    vec_each (service, &board->services)
        if (text_equal(service->name, name))
            return service;
    return NULL;
}

static struct board_service *find_or_add(struct board *board, const char *name) {
    struct board_service *service = board_find(board, name);
    if (service)
        return service;
    vec_push(&board->services, (struct board_service){.name = xstrdup(name)});
    return &board->services.at[board->services.length - 1];
}

static void service_release(struct board_service *service) {
    free(service->name);
    free(service->what);
    free(service->how);
    free(service->tail);
    free(service->awaited);
}

void board_clear_endpoints(struct board *board) {
    vec_each (endpoint, &board->endpoints) {
        free(endpoint->service);
        free(endpoint->address);
    }
    vec_free(&board->endpoints);
}

void board_release(struct board *board) {
    vec_each (service, &board->services)
        service_release(service);
    vec_free(&board->services);
    board_clear_endpoints(board);
    free(board->name);
    free(board->verb);
    *board = (struct board){0};
}

bool board_is_up(const struct board_service *service) {
    return service->phase == PHASE_UP &&
           (service->status == STATUS_DONE || service->status == STATUS_NONE);
}

bool board_failed(const struct board_service *service) {
    return service->status == STATUS_FAILED;
}

bool board_is_under_way(const struct board_service *service) {
    return service->phase != PHASE_NONE && service->phase != PHASE_WAIT &&
           service->status == STATUS_BEGAN && !board_is_up(service);
}

bool board_is_prepared(const struct board_service *service) {
    return service->phase != PHASE_UP && service->status == STATUS_DONE;
}

long long board_elapsed(const struct board *board, const struct board_service *service) {
    if (board_is_up(service))
        return service->ended;
    if (board_failed(service) || board_is_prepared(service))
        return service->ended - service->since;
    return service->phase == PHASE_NONE ? 0 : board->now - service->since;
}

long long board_own_time(const struct board_service *service) {
    long long sum = 0;
    for (size_t phase = 0; phase < lengthof(service->spent); phase++)
        if (phase != PHASE_WAIT)
            sum += service->spent[phase];
    return sum;
}

static void begin_run(struct board *board, const struct event *event) {
    board_release(board);
    board->now = event->ms;
    board->name = xstrdup_or_null(event->text);
    board->verb = xstrdup_or_null(event->detail);
    for (size_t i = 0; i < event->list_length; i++)
        find_or_add(board, event->list[i]);
}

static bool all_up(const struct board *board) {
    vec_each (service, &board->services)
        if (!board_is_up(service))
            return false;
    return board->services.length > 0;
}

static void begin_phase(struct board_service *service, const struct event *event) {
    bool again = service->phase == event->phase && service->status == STATUS_BEGAN;
    if (!again)
        service->since = event->ms;
    service->seed_count = service->seed_total = 0;
    set(&service->tail, NULL);
    if (event->phase == PHASE_WAIT)
        set(&service->awaited, event->text);
}

static void end_phase(struct board_service *service, const struct event *event) {
    service->ended = event->ms;
    if (event->duration > 0)
        service->since = event->ms - event->duration;
    if (event->phase != PHASE_UP)
        service->spent[event->phase] += event->duration;
}

static void take_phase(struct board *board, const struct event *event) {
    struct board_service *service = find_or_add(board, event->service);
    if (event->phase == PHASE_STOP) {
        service->stopping = event->status == STATUS_BEGAN;
        return;
    }
    if (event->status == STATUS_BEGAN)
        begin_phase(service, event);
    else
        end_phase(service, event);
    service->phase = event->phase;
    service->status = event->status;
    set(&service->what, event->text);
    if (event->phase == PHASE_IMAGE && event->detail)
        set(&service->how, event->detail);
    board->everything_up = board->everything_up || all_up(board);
}

static void take_tail(struct board *board, const struct event *event) {
    set(&find_or_add(board, event->service)->tail, event->text);
}

static void take_progress(struct board *board, const struct event *event) {
    struct board_service *service = find_or_add(board, event->service);
    take_tail(board, event);
    if (event->phase == PHASE_IMAGE && !service->how)
        set(&service->how, "");
}

static void take_outcome(struct board *board, const struct event *event) {
    /* It passed: a service that did not come up was not needed. */
    board->everything_up = board->everything_up || text_equal(event->text, "passed");
}

static void take_seed(struct board *board, const struct event *event) {
    struct board_service *service = find_or_add(board, event->service);
    service->seed_count = event->count;
    service->seed_total = event->total;
    set(&service->tail, event->text);
}

static void take_endpoint(struct board *board, const struct event *event) {
    vec_push(&board->endpoints,
             (struct board_endpoint){.service = xstrdup(event->service),
                                     .address = xstrdup(event->text ? event->text : "")});
}

static void take_suite(struct board *board, const struct event *event) {
    board->suite_running = event->status == STATUS_BEGAN;
    board->everything_up = true;
}

static void take_teardown(struct board *board, const struct event *event) {
    board->suite_running = false;
    board->teardown_running = event->status == STATUS_BEGAN;
    if (board->teardown_running)
        board->teardown_since = event->ms;
}

/* What an event changes; those about a service are passed over if they name none. */
static const struct {
    void (*take)(struct board *board, const struct event *event);
    bool of_service;
} takers[] = {
    [EVENT_BEGAN] = {begin_run, false},       [EVENT_PHASE] = {take_phase, true},
    [EVENT_PROGRESS] = {take_progress, true}, [EVENT_PROBE] = {take_tail, true},
    [EVENT_SEED] = {take_seed, true},         [EVENT_ENDPOINT] = {take_endpoint, true},
    [EVENT_SUITE] = {take_suite, false},      [EVENT_TEARDOWN] = {take_teardown, false},
    [EVENT_OUTCOME] = {take_outcome, false},
};

void board_take(struct board *board, const struct event *event) {
    if (event->ms > board->now)
        board->now = event->ms;
    if (event->kind >= lengthof(takers) || !takers[event->kind].take)
        return;
    if (takers[event->kind].of_service && !event->service)
        return;
    takers[event->kind].take(board, event);
}

/* Whether a name is among "db, cache". */
static bool is_among(const char *names, const char *name) {
    size_t length = strlen(name);
    while (names) {
        names += strspn(names, ", ");
        if (strcspn(names, ", ") == length && !strncmp(names, name, length))
            return true;
        names = strchr(names, ',');
    }
    return false;
}

/* The service that came up last among those that `by` waited for, or among all. */
static const struct board_service *last_up(const struct board *board,
                                           const struct board_service *by) {
    const struct board_service *last = NULL;
    vec_each (service, &board->services) {
        if (!board_is_up(service) || (by && !is_among(by->awaited, service->name)))
            continue;
        if (by && service->ended > by->ended) /* not the one it waited for: it came up again */
            continue;
        if (!last || service->ended > last->ended)
            last = service;
    }
    return last == by ? NULL : last;
}

static bool is_step(const struct board_steps *steps, const struct board_service *service) {
    vec_each (step, steps)
        if (step->service == service)
            return true;
    return false;
}

/* From the last one back to the first, then turned round. */
static void find_path(const struct board *board, struct board_steps *path) {
    const struct board_service *service = last_up(board, NULL), *before;
    for (; service && !is_step(path, service); service = before) {
        before = last_up(board, service);
        long long ms = service->ended - (before ? before->ended : 0);
        vec_push(path, (struct board_step){.service = service, .ms = ms});
    }
    for (size_t i = 0; i < path->length / 2; i++) {
        struct board_step step = path->at[i];
        path->at[i] = path->at[path->length - 1 - i];
        path->at[path->length - 1 - i] = step;
    }
}

static int compare_steps(const void *a, const void *b) {
    const struct board_step *one = a, *other = b;
    if (one->ms != other->ms)
        return one->ms < other->ms ? 1 : -1;
    return one->service < other->service ? -1 : one->service > other->service;
}

void board_critical_path(const struct board *board, struct board_steps *ret_path,
                         struct board_steps *ret_others) {
    find_path(board, ret_path);
    vec_each (service, &board->services)
        if (board_is_up(service) && !is_step(ret_path, service))
            vec_push(ret_others,
                     (struct board_step){.service = service, .ms = board_own_time(service)});
    if (ret_others->length)
        qsort(ret_others->at, ret_others->length, sizeof *ret_others->at, compare_steps);
}
