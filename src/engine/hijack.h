/*
 * hijack.h: a connection to the engine that has become a two-way stream, as exec and attach with
 * stdin need it.
 *
 * The task is done when the engine has closed the stream. What is sent before the engine has
 * switched over waits, for the engine drops what reaches it too early. A stdin that nobody reads
 * any more swallows what is sent.
 */
#ifndef ENGINE_HIJACK_H
#define ENGINE_HIJACK_H

#include "engine/connection.h"
#include "engine/frames.h"

enum { HIJACK_INPUT_MAX = 256 << 10 }; /* bytes that wait to be sent */

struct task *hijack_new(struct engine *engine, bool tty, struct output_sink sink);
/* Before it is started: what to POST. `body` now belongs to it. */
void hijack_request(struct task *hijack, const char *path, cJSON *body);
bool hijack_is_open(const struct task *hijack); /* the parent is woken when this turns true */

size_t hijack_room(const struct task *hijack);
void hijack_on_room(struct task *hijack, void (*room)(void *context), void *context);
/* At most hijack_room() bytes. */
void hijack_send(struct task *hijack, const char *data, size_t length);
/* Close the sending side once all is sent. */
void hijack_end_input(struct task *hijack);
void hijack_hold(struct task *hijack, bool hold);

#endif
