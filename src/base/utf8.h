/*
 * utf8.h: text from outside, character by character.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum { UTF8_INVALID = 0xfffd }; /* U+FFFD stands for a byte that begins no character */

/* The character at the beginning of a text that is not empty, and how many bytes it has (at least
 * one). */
size_t utf8_next(const char *text, size_t length, uint32_t *ret_character);
void utf8_put(struct buffer *into, uint32_t character);
/* Append a text, with U+FFFD for what is not UTF-8. */
void utf8_put_repaired(struct buffer *into, const char *text, size_t length);
/* Append a text so that nothing in it is hidden, or hides what stands beside it: a control
 * character, and one that turns the direction of writing or has no width, as "\\u{202e}". */
void utf8_put_visible(struct buffer *into, const char *text);

#endif
