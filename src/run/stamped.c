#include "run/stamped.h"

#include "base/instant.h"

#include <string.h>

enum {
    MESSAGE_MOST = 16 << 10, /* bytes; longer lines come as several messages */
    LINE_MOST = 64 << 10,    /* bytes; longer lines are told in pieces */
};

static void on_line(void *context, char *text, size_t length) {
    struct stamped *stamped = context;
    for (char *nul = text; (nul = memchr(nul, '\0', length - (size_t)(nul - text))); nul++)
        *nul = '?'; /* an event's text ends there */
    stamped->line(stamped->context, stamped, text, length);
}

void stamped_init(struct stamped *stamped, bool bare,
                  void (*line)(void *context, const struct stamped *from, char *text,
                               size_t length),
                  void *context) {
    *stamped = (struct stamped){.bare = bare, .line = line, .context = context};
    lines_init(&stamped->lines, LINE_MOST, on_line, stamped);
    stamped->lines.in_pieces = true;
}

/* ---- The time in front of a message ---- */

static void end_stamp(struct stamped *stamped) {
    long long at;
    size_t length = stamped->stamp_length;
    stamped->stamp[length] = '\0';
    size_t parsed = instant_parse(stamped->stamp, &at);
    bool is_stamp = parsed && parsed + 1 == length && stamped->stamp[parsed] == ' ';
    if (!stamped->goes_on)
        stamped->at = is_stamp ? at : instant_now();
    stamped->stamp_length = 0;
    stamped->inside = true;
    stamped->body = 0;
    if (is_stamp)
        return;
    stamped->body = length;
    lines_push(&stamped->lines, stamped->stamp, length);
    stamped->goes_on = true;
    if (stamped->stamp[length - 1] == '\n')
        stamped->inside = stamped->goes_on = false;
}

/* Answers how much was taken. */
static size_t take_stamp(struct stamped *stamped, const char *data, size_t length) {
    size_t taken = 0;
    while (taken < length) {
        char c = data[taken++];
        stamped->stamp[stamped->stamp_length++] = c;
        if (c == ' ' || c == '\n' || stamped->stamp_length == sizeof stamped->stamp - 1) {
            end_stamp(stamped);
            break;
        }
    }
    return taken;
}

/* ---- What it says ---- */

static size_t take_body(struct stamped *stamped, const char *data, size_t length) {
    size_t most = stamped->bare ? length : MESSAGE_MOST - stamped->body;
    size_t taken = length < most ? length : most;
    const char *end = memchr(data, '\n', taken);
    if (end)
        taken = (size_t)(end - data) + 1;
    if (stamped->bare && !stamped->goes_on)
        stamped->at = instant_now();
    lines_push(&stamped->lines, data, taken);
    stamped->body += taken;
    stamped->goes_on = !end;
    if (end || stamped->body >= MESSAGE_MOST)
        stamped->inside = false;
    return taken;
}

void stamped_push(struct stamped *stamped, const char *data, size_t length) {
    while (length) {
        bool in_body = stamped->inside || stamped->bare;
        size_t taken =
            in_body ? take_body(stamped, data, length) : take_stamp(stamped, data, length);
        data += taken;
        length -= taken;
    }
}

void stamped_end(struct stamped *stamped) {
    if (stamped->stamp_length)
        end_stamp(stamped);
    lines_end(&stamped->lines);
    stamped->inside = stamped->goes_on = false;
}

void stamped_release(struct stamped *stamped) {
    lines_release(&stamped->lines);
}
