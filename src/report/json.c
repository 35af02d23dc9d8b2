#include "report/look.h"

#include <string.h>

static void *json_create(const struct report_options *options, struct output *output) {
    (void)options;
    return output;
}

static void json_destroy(void *self) {
    (void)self;
}

static void json_event(void *self, const struct event *event) {
    struct buffer line autobuffer = BUFFER_INIT;
    char *text autofree = event_encode(event);
    buffer_puts(&line, text);
    buffer_putc(&line, '\n');
    output_put(self, line.data, line.length);
}

const struct look look_json = {
    .create = json_create,
    .destroy = json_destroy,
    .event = json_event,
};
