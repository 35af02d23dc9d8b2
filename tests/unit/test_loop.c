/* The loop and its tasks. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "loop/task.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;

static void begin(void) {
    struct err err = ERR_INIT;
    loop = loop_new(&err);
    cr_assert(loop);
}

static void end(void) {
    loop = loop_free(loop);
}

TestSuite(loop, .init = begin, .fini = end, .timeout = 20);

/* ---- A task that ends after so many steps ---- */

struct count {
    struct task task;
    int steps, left, *cancelled, *released;
    enum task_status end;
    bool own_pace; /* does not wake itself */
};

static enum task_status count_step(struct task *task) {
    struct count *count = (struct count *)task;
    count->steps++;
    if (count->left-- <= 0) {
        if (count->end == TASK_FAILED)
            err_set(&task->err, ERR_BUG, "counted down");
        return count->end;
    }
    if (!count->own_pace)
        task_wake(task);
    return TASK_PENDING;
}

static void count_cancel(struct task *task) {
    struct count *count = (struct count *)task;
    if (count->cancelled)
        ++*count->cancelled;
}

static void count_release(struct task *task) {
    struct count *count = (struct count *)task;
    if (count->released)
        ++*count->released;
}

static struct count *count_new(int left, enum task_status end) {
    static const struct task_type type = {
        .name = "count", .step = count_step, .cancel = count_cancel, .release = count_release};
    struct count *count = task_new(sizeof *count, &type, loop);
    count->left = left;
    count->end = end;
    return count;
}

static struct count *count_never(void) {
    struct count *count = count_new(1 << 30, TASK_DONE);
    count->own_pace = true;
    return count;
}

static enum task_status run(struct task *task) {
    task_start(task, NULL);
    loop_run(loop, task);
    return task->status;
}

Test(loop, a_task_is_stepped_until_it_ends) {
    struct count *count = count_new(3, TASK_DONE);
    cr_assert_eq(run(&count->task), TASK_DONE);
    cr_assert_eq(count->steps, 4);
    task_free(count);
}

Test(loop, a_task_that_is_not_started_does_nothing) {
    int cancelled = 0, released = 0;
    struct count *count = count_new(0, TASK_DONE);
    count->cancelled = &cancelled;
    count->released = &released;
    task_wake(&count->task);
    loop_turn(loop, 0);
    cr_assert_eq(count->steps, 0);
    task_free(count);
    cr_assert_eq(cancelled, 0);
    cr_assert_eq(released, 1);
}

Test(loop, freeing_cancels_what_is_under_way) {
    int cancelled = 0, released = 0;
    struct count *count = count_never();
    count->cancelled = &cancelled;
    count->released = &released;
    task_start(&count->task, NULL);
    loop_turn(loop, 0);
    task_wake(&count->task);
    task_free(count); /* while it is queued */
    loop_turn(loop, 0);
    cr_assert_eq(cancelled, 1);
    cr_assert_eq(released, 1);
}

Test(loop, a_limit_fails_a_task) {
    int cancelled = 0;
    struct count *count = count_never();
    count->cancelled = &cancelled;
    long long start = loop_now();
    task_limit(&count->task, deadline_in(30));
    cr_assert_eq(run(&count->task), TASK_FAILED);
    cr_assert(loop_now() - start >= 30);
    cr_assert_eq(count->task.err.kind, ERR_TIMEOUT);
    cr_assert_str_eq(count->task.err.message, "timed out");
    cr_assert_eq(cancelled, 1);
    task_free(count);
    cr_assert_eq(cancelled, 1);
}

Test(loop, a_limit_that_comes_after_the_end_changes_nothing) {
    int cancelled = 0;
    struct count *count = count_new(0, TASK_DONE);
    count->cancelled = &cancelled;
    run(&count->task);
    task_limit(&count->task, loop_now());
    loop_turn(loop, 5);
    loop_turn(loop, 0);
    cr_assert_eq(count->task.status, TASK_DONE);
    cr_assert_eq(cancelled, 0);
    task_free(count);
}

/* A task that frees another one which is queued behind it. */
struct killer {
    struct task task;
    struct task *victim;
};

static enum task_status killer_step(struct task *task) {
    struct killer *killer = (struct killer *)task;
    killer->victim = task_free(killer->victim);
    return TASK_DONE;
}

Test(loop, a_step_may_free_the_next_task) {
    static const struct task_type type = {.name = "killer", .step = killer_step};
    struct killer *killer = task_new(sizeof *killer, &type, loop);
    killer->victim = &count_never()->task;
    struct count *busy = count_new(1000, TASK_DONE);
    task_start(&busy->task, NULL);
    task_start(&killer->task, NULL);
    task_start(killer->victim, NULL);
    loop_turn(loop, 0);
    cr_assert_eq(killer->task.status, TASK_DONE);
    cr_assert(busy->steps <= 2,
              "one that wakes itself must not keep the loop from its descriptors");
    task_free(killer);
    task_free(busy);
}

/* ---- Timers ---- */

struct alarm {
    struct timer timer;
    int order;
};

static int fired;

static void alarm_fire(struct timer *timer) {
    ((struct alarm *)timer)->order = ++fired;
}

Test(loop, timers_fire_in_their_order) {
    enum { ALARMS = 200 };
    struct alarm alarms[ALARMS];
    long long now = loop_now();
    for (int i = 0; i < ALARMS; i++) {
        timer_init(&alarms[i].timer, loop, alarm_fire);
        timer_set(&alarms[i].timer, now + 1 + i * 7 % ALARMS / 4);
        alarms[i].order = 0;
    }
    for (int i = 0; i < ALARMS; i += 3)
        timer_stop(&alarms[i].timer);
    while (loop_now() <= now + ALARMS / 4 + 1)
        loop_turn(loop, 5);
    for (int i = 0; i < ALARMS; i++) {
        cr_assert_eq(!alarms[i].order, i % 3 == 0);
        cr_assert(!timer_is_set(&alarms[i].timer));
        for (int j = 0; j < ALARMS; j++)
            if (i % 3 && j % 3 && alarms[i].timer.at < alarms[j].timer.at)
                cr_assert(alarms[i].order < alarms[j].order);
    }
}

Test(loop, a_timer_can_be_set_anew) {
    struct alarm alarm = {0};
    long long now = loop_now();
    timer_init(&alarm.timer, loop, alarm_fire);
    timer_set(&alarm.timer, now + 100000);
    timer_set(&alarm.timer, now + 10);
    while (!alarm.order)
        loop_turn(loop, -1);
    cr_assert(loop_now() - now >= 10);
}

/* ---- Descriptors ---- */

struct pair {
    struct watch watch;
    struct watch *other; /* stopped when this one is ready */
    int calls;
};

static void pair_ready(struct watch *watch, uint32_t events) {
    struct pair *pair = (struct pair *)watch;
    cr_assert(events & EPOLLIN);
    pair->calls++;
    if (pair->other)
        watch_set(pair->other, 0);
}

Test(loop, a_watch_that_was_stopped_is_not_called) {
    int fds[2][2];
    struct pair pairs[2] = {0};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pipe(fds[i]), 0);
        cr_assert_eq(write(fds[i][1], "x", 1), 1);
        watch_init(&pairs[i].watch, loop, fds[i][0], pair_ready);
        cr_assert(watch_set(&pairs[i].watch, EPOLLIN));
        pairs[i].other = &pairs[!i].watch;
    }
    loop_turn(loop, 1000);
    cr_assert_eq(pairs[0].calls + pairs[1].calls, 1);
    for (int i = 0; i < 2; i++) {
        watch_set(&pairs[i].watch, 0);
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

Test(loop, a_regular_file_cannot_be_watched) {
    struct pair pair = {0};
    int fd = open("/proc/self/exe", O_RDONLY);
    watch_init(&pair.watch, loop, fd, pair_ready);
    cr_assert(!watch_set(&pair.watch, EPOLLIN));
    cr_assert(watch_set(&pair.watch, 0));
    close(fd);
}

static void arrived(void *context, int signal) {
    *(int *)context = signal;
}

Test(loop, signals_arrive_in_the_loop) {
    struct err err = ERR_INIT;
    int signal = 0;
    cr_assert(loop_take_signals(loop, arrived, &signal, &err));
    kill(getpid(), SIGTERM);
    loop_turn(loop, 1000);
    cr_assert_eq(signal, SIGTERM);
}

/* ---- Group ---- */

Test(loop, a_group_waits_for_all) {
    struct task_group *group = task_group_new(loop, GROUP_FAIL_FAST, 0);
    int released = 0;
    for (int i = 0; i < 10; i++) {
        struct count *count = count_new(i, TASK_DONE);
        count->released = &released;
        task_group_add(group, &count->task);
    }
    cr_assert_eq(run((struct task *)group), TASK_DONE);
    cr_assert_eq(released, 10);
    task_free(group);
}

Test(loop, an_empty_group_is_done) {
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    cr_assert_eq(run((struct task *)group), TASK_DONE);
    task_free(group);
}

Test(loop, a_failure_ends_a_group) {
    struct task_group *group = task_group_new(loop, GROUP_FAIL_FAST, 0);
    int cancelled = 0;
    struct count *never = count_never();
    never->cancelled = &cancelled;
    task_group_add(group, &never->task);
    task_group_add(group, &count_new(2, TASK_FAILED)->task);
    cr_assert_eq(run((struct task *)group), TASK_FAILED);
    cr_assert_eq(cancelled, 1);
    cr_assert_str_eq(((struct task *)group)->err.message, "counted down");
    task_free(group);
}

Test(loop, failures_are_collected) {
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    int released = 0;
    struct count *good = count_new(5, TASK_DONE);
    good->released = &released;
    task_group_add(group, &count_new(0, TASK_FAILED)->task);
    task_group_add(group, &good->task);
    task_group_add(group, &count_new(1, TASK_FAILED)->task);
    cr_assert_eq(run((struct task *)group), TASK_FAILED);
    cr_assert_eq(released, 1);
    cr_assert_not_null(((struct task *)group)->err.next);
    task_free(group);
}

static int running, most;

struct busy {
    struct task task;
    struct timer timer;
};

static void busy_over(struct timer *timer) {
    running--;
    task_end(&container_of(timer, struct busy, timer)->task, TASK_DONE);
}

static enum task_status busy_step(struct task *task) {
    struct busy *busy = (struct busy *)task;
    if (!timer_is_set(&busy->timer)) {
        most = ++running > most ? running : most;
        timer_set(&busy->timer, loop_now() + 2);
    }
    return TASK_PENDING;
}

Test(loop, a_group_keeps_its_limit) {
    static const struct task_type type = {.name = "busy", .step = busy_step};
    struct task_group *group = task_group_new(loop, GROUP_FAIL_FAST, 3);
    for (int i = 0; i < 10; i++) {
        struct busy *busy = task_new(sizeof *busy, &type, loop);
        timer_init(&busy->timer, loop, busy_over);
        task_group_add(group, &busy->task);
    }
    cr_assert_eq(run((struct task *)group), TASK_DONE);
    cr_assert_eq(most, 3);
    cr_assert_eq(running, 0);
    task_free(group);
}

/* ---- Gate, pause, retry ---- */

static enum task_status is_open(void *context, struct err *err) {
    int *left = context;
    if (*left < 0) {
        err_set(err, ERR_BUG, "will never open");
        return TASK_FAILED;
    }
    return *left ? TASK_PENDING : TASK_DONE;
}

Test(loop, a_gate_opens_when_it_is_woken) {
    int left = 1;
    struct task *gate = gate_new(loop, is_open, &left);
    task_start(gate, NULL);
    loop_turn(loop, 0);
    cr_assert_eq(gate->status, TASK_PENDING);
    left = 0;
    task_wake(gate);
    loop_run(loop, gate);
    cr_assert_eq(gate->status, TASK_DONE);
    task_free(gate);
    left = -1;
    gate = gate_new(loop, is_open, &left);
    cr_assert_eq(run(gate), TASK_FAILED);
    task_free(gate);
}

Test(loop, a_pause_takes_its_time) {
    long long start = loop_now();
    struct task *pause_task = pause_new(loop, 20);
    run(pause_task);
    cr_assert(loop_now() - start >= 20);
    task_free(pause_task);
}

static struct task *attempt(void *context) {
    int *left = context;
    return &count_new(0, (*left)-- > 0 ? TASK_FAILED : TASK_DONE)->task;
}

Test(loop, a_retry_goes_on_until_it_works) {
    int left = 4;
    struct retry *retry = retry_new(loop, attempt, &left, (struct retry_beat){2, 5});
    cr_assert_eq(run(&retry->task), TASK_DONE);
    cr_assert_eq(retry->tries, 5);
    cr_assert_str_eq(retry->last.message, "counted down");
    task_free(retry);
}

Test(loop, a_retry_is_ended_by_its_limit) {
    int left = 1 << 30;
    struct retry *retry = retry_new(loop, attempt, &left, (struct retry_beat){1, 5});
    task_limit(&retry->task, deadline_in(60));
    cr_assert_eq(run(&retry->task), TASK_FAILED);
    cr_assert_eq(retry->task.err.kind, ERR_TIMEOUT);
    cr_assert(retry->tries >= 2 && retry->tries <= 40);
    task_free(retry);
}

/* ---- Sequence ---- */

struct life {
    char said[256];
    bool fail_begin, fail_end, fail_work;
};

static void say(void *subject, const struct stage *stage, enum task_status status,
                const struct err *err) {
    struct life *life = subject;
    static const char marks[] = {[TASK_PENDING] = '+', [TASK_DONE] = '.', [TASK_FAILED] = '!'};
    size_t length = strlen(life->said);
    (void)err;
    snprintf(life->said + length, sizeof life->said - length, "%s%c ", stage->name, marks[status]);
}

static struct task *begin_work(void *subject, struct err *err) {
    struct life *life = subject;
    if (life->fail_begin) {
        err_set(err, ERR_BUG, "no beginning");
        return NULL;
    }
    return &count_new(2, life->fail_work ? TASK_FAILED : TASK_DONE)->task;
}

static struct task *begin_nothing(void *subject, struct err *err) {
    (void)subject, (void)err;
    return NULL;
}

static bool end_work(void *subject, struct task *work, struct err *err) {
    cr_assert_eq(work->status, TASK_DONE);
    return !((struct life *)subject)->fail_end || err_set(err, ERR_BUG, "no end");
}

static const struct stage stages[] = {
    {"a", begin_nothing, NULL}, {"b", begin_work, end_work}, {"c", begin_nothing, NULL}, {0}};

static void live(struct life life, enum task_status status, const char *said, const char *why) {
    struct sequence *sequence = sequence_new(loop, stages, &life, say);
    cr_assert_eq(run(&sequence->task), status);
    cr_assert_str_eq(life.said, said);
    if (why)
        cr_assert_str_eq(sequence->task.err.message, why);
    task_free(sequence);
}

Test(loop, a_sequence_goes_through_its_stages) {
    live((struct life){0}, TASK_DONE, "a+ a. b+ b. c+ c. ", NULL);
    live((struct life){.fail_begin = true}, TASK_FAILED, "a+ a. b+ b! ", "no beginning");
    live((struct life){.fail_work = true}, TASK_FAILED, "a+ a. b+ b! ", "counted down");
    live((struct life){.fail_end = true}, TASK_FAILED, "a+ a. b+ b! ", "no end");
}

Test(loop, a_sequence_can_be_aborted) {
    struct life life = {0};
    struct err err = ERR_INIT;
    struct sequence *sequence = sequence_new(loop, stages, &life, say);
    task_start(&sequence->task, NULL);
    loop_turn(loop, 0);
    err_set(&err, ERR_ENVIRONMENT, "it died");
    sequence_abort(sequence, &err);
    cr_assert_eq(sequence->task.status, TASK_FAILED);
    cr_assert_str_eq(sequence->task.err.message, "it died");
    cr_assert_str_eq(life.said, "a+ a. b+ b! ");
    task_free(sequence);
    loop_turn(loop, 0);
}
