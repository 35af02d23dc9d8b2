/*
 * A container that ends for good: what is said of it, and what its end means for who waits.
 */
#include "run/environment.h"

#include "base/instant.h"

#include <string.h>

/* Not every engine tells when the kernel kills for memory: some only see the SIGKILL. */
static bool may_be_out_of_memory(const struct life *life) {
    enum { KILLED = 128 + 9 };
    return life->exit_code == KILLED && json_get(life->planned->body, "HostConfig.Memory");
}

void life_fill_death(const struct life *life, struct buffer *sentence) {
    if (life->out_of_memory)
        buffer_puts(sentence, "was killed because it used more memory than it may");
    else if (may_be_out_of_memory(life))
        buffer_printf(sentence,
                      "was killed (code %d), probably because it used more memory than its "
                      "mem_limit allows",
                      life->exit_code);
    else
        buffer_printf(sentence, "exited with code %d", life->exit_code);
    if (life->deaths > 1)
        buffer_printf(sentence, " after %d starts", life->deaths);
}

/* The engine sees an end somewhat later than it happens, and says so of the latest one only. */
long long life_finished_at(const cJSON *container, long long seen_at) {
    const long long late = 10 * 1000000000LL;
    long long at;
    const char *text = json_text_or(container, "State.FinishedAt", "");
    bool known = instant_parse(text, &at) && at <= seen_at && at > seen_at - late;
    return known ? at : seen_at;
}

/* Does somebody wait for it to complete? Then its exit code is told by who waits. */
static bool is_waited_for_by_exit(const struct life *life) {
    const struct environment *environment = life->environment;
    size_t self = (size_t)(life - environment->lives);
    for (size_t i = 0; i < environment->life_count; i++)
        for (size_t e = 0; e < environment->lives[i].planned->edge_count; e++) {
            const struct planned_edge *edge = &environment->lives[i].planned->edges[e];
            if (edge->to == self && edge->condition == CONDITION_COMPLETED)
                return true;
        }
    return false;
}

static const char *phase_words(enum event_phase phase) {
    switch (phase) {
    case PHASE_READY:
        return "before it was ready";
    case PHASE_SEED:
        return "while it was being seeded";
    default:
        return "while it was starting";
    }
}

void life_died(struct life *life) {
    struct environment *environment = life->environment;
    struct err err = ERR_INIT;
    autobuffer struct buffer sentence = BUFFER_INIT;

    if (environment->stopping || environment->culprit)
        return;                       /* what is under way is being dropped */
    environment_changed(environment); /* who waits for its completion may go on, or fail */
    suite_life_ended(environment, life, false);
    if (life->is_suite || environment->is_up)
        return;
    if (life->exit_code == 0 && !life->out_of_memory) {
        if (life->probing)
            task_end(life->probing, TASK_DONE); /* a one-shot job that has done its work */
        return;
    }
    life_fill_death(life, &sentence);
    err_set(&err, ERR_ENVIRONMENT, "service `%s` %s %s", life->name, sentence.data,
            life->sequence ? phase_words(life->phase) : "before the environment was up");
    life->probing = NULL;
    life->gate = NULL;
    if (life->sequence)
        sequence_abort(life->sequence, &err);
    else if (life_is_optional(life))
        life_fail_softly(life);
    else if (!is_waited_for_by_exit(life))
        environment_doom(environment, life, &err);
    err_release(&err);
}
