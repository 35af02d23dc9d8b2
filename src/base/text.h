/*
 * text.h: small questions about strings.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buffer.h"
#include "base/vector.h"

#include <stdbool.h>
#include <stddef.h>

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* A whole decimal number in [least, most], nothing before or behind it. */
bool text_to_long(const char *text, long least, long most, long *ret);
/* A variable of NAME=VALUE, NULL-terminated; NULL if it is not set, or "". */
const char *environment_value(const char *const *environment, const char *name);
/* The pieces between separators, empty ones too. */
void text_split(const char *text, char separator, struct strings *into);
/* The candidate that is most like a misspelt word, or NULL if none is close. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);
/* Append for a POSIX shell: bare if it is harmless, else in single quotes. */
void text_quote_shell(struct buffer *into, const char *text);
/* What %XX says, as it is; anything else stays. To be freed by the caller. */
char *text_percent_decode(const char *text);
/* Upper case, every character but A-Z, 0-9 as '_': a service's name as part of a variable's. */
char *text_variable_name(const char *name);
bool text_is_utf8(const char *text, size_t length);
/* How many bytes at the end begin a UTF-8 character that is not complete yet (0 to 3). */
size_t text_utf8_tail(const char *text, size_t length);
/* Bytes as people read them: "512 B", "1.5 MiB". */
char *text_bytes(unsigned long long bytes);
/* Milliseconds as people read them: "85 ms", "2.4 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
char *text_milliseconds(long long milliseconds);

#endif
