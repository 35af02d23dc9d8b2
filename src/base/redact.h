/*
 * redact.h: values that nobody may see are taken out of texts.
 *
 * A value is found as it stands, and in what a text says when it is read as base64 (either
 * alphabet, at any alignment), percent-encoded, with backslash escapes (JSON, C, shells) or with
 * XML's entities. Line ends and single quotes within it are passed over, and a '+' is a space: so
 * it is found across the lines that it was broken into, in shell quotes and in forms. What is found
 * becomes [redacted], its line ends stay: the text has as many lines as before.
 *
 * A text may be a piece of a longer one. So the end of a value at its beginning is taken out too,
 * and the beginning of one at its end, if that is at least half of the value or 12 bytes of it.
 *
 * A value of more than 64 bytes is looked for in pieces of 32, one of several lines also line by
 * line. Time is linear in the text and in the values; what is held back of a stream is bounded
 * (REDACT_HELD_MAX).
 */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H

#include "base/buffer.h"
#include "base/vector.h"

#include <cjson/cJSON.h>
#include <envrun/err.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    REDACT_LEAST = 6,           /* bytes: a shorter value is not looked for */
    REDACT_TOTAL_MAX = 1 << 20, /* bytes of all values */
    REDACT_HELD_MAX = 4096,     /* bytes of a stream that are held back */
};

#define REDACTED "[redacted]"

/* A set of values. A NULL one is empty. */
struct redactor;
struct redactor *redactor_new(void);
struct redactor *redactor_free(struct redactor *redactor);
/* False: there are REDACT_TOTAL_MAX bytes already, and it is not looked for. Blanks around it do
 * not count. Streams that are under way look for it from now on. */
bool redactor_add(struct redactor *redactor, const char *value);
/* The same for the value of a variable or a secret. */
bool redactor_add_named(struct redactor *redactor, const char *name, const char *value);
/* The names of what is looked for, each once, sorted. */
const struct strings *redactor_names(const struct redactor *redactor);

/* ---- Whole texts ---- */

/* Add the text without the values, as much as fits. */
void redact(struct redactor *redactor, const char *text, size_t length, struct buffer *into);
/* Replace an owned string that holds one. NULL stays NULL. */
void redact_string(struct redactor *redactor, char **text);
/* The same for lines that follow each other, each of which may be a piece of a longer one. */
void redact_lines(struct redactor *redactor, char **lines, size_t count);
void redact_err(struct redactor *redactor, struct err *err);
/* Every string and every key. A number is never touched. */
void redact_json(struct redactor *redactor, cJSON *json);

/* ---- A text that comes in pieces ---- */

struct redaction;
/* The redactor must outlive it. */
struct redaction *redaction_new(struct redactor *redactor,
                                void (*sink)(void *context, const char *data, size_t length),
                                void *context);
struct redaction *redaction_free(struct redaction *redaction);
void redaction_push(struct redaction *redaction, const char *data, size_t length);
/* Nothing more will come: what was held back goes to the sink. */
void redaction_end(struct redaction *redaction);

#endif
