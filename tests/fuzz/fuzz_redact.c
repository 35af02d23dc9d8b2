/* Values in a text that comes in pieces, beside a search that tries everything. */
#include "base/base64.h"
#include "base/redact.h"
#include "base/redact_reading.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *context, const char *data, size_t length) {
    buffer_add(context, data, length);
}

/* The text in pieces whose lengths the input gives. */
static void in_pieces(struct redactor *redactor, const char *text, size_t length,
                      const uint8_t *cuts, size_t cut_count, struct buffer *into) {
    struct redaction *redaction = redaction_new(redactor, take, into);
    for (size_t i = 0; length; i++) {
        size_t piece = cut_count ? cuts[i % cut_count] % 37u + 1 : length;
        piece = piece < length ? piece : length;
        redaction_push(redaction, text, piece);
        text += piece;
        length -= piece;
    }
    redaction_end(redaction);
    redaction_free(redaction);
}

/* Letters beside each other, a few line ends and quotes left out: where `value` is looked for. */
static void simplify(const char *text, size_t length, struct buffer *into) {
    size_t gap = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = redact_byte((unsigned char)text[i]);
        gap = byte < 0 ? gap + 1 : 0;
        if (byte >= 0 || gap > READING_GAP_MAX)
            buffer_putc(into, (char)byte);
    }
}

static void must_not_have(const struct buffer *text, const char *value, size_t length) {
    if (length && memmem(text->data, text->length, value, length))
        abort();
}

/* Digits of base64 from here on. */
static void must_not_decode(const char *text, const char *value) {
    enum { MOST = 120 };
    size_t count = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "+/-_");
    count = count < MOST ? count : MOST;
    autofree char *digits = xstrndup(text, count - (count % 4 == 1));
    size_t length;
    autofree char *bytes = base64_decode(digits, &length);
    if (bytes && memmem(bytes, length, value, strlen(value)))
        abort();
}

/* Input: cuts, 0xff, value, 0xff, value, 0xff, text. */
static size_t next_part(const uint8_t **data, size_t *size) {
    const uint8_t *end = memchr(*data, 0xff, *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    size_t used = length + (end != NULL);
    *data += used;
    *size -= used;
    return length;
}

static void check_value(const char *value, const struct buffer *out) {
    autobuffer struct buffer simple = BUFFER_INIT;
    size_t length = strlen(value);
    if (length < REDACT_LEAST || length > REDACT_DEPTH || strpbrk(value, " \t\r\n\v\f+'[]") ||
        strstr(REDACTED, value))
        return;
    simplify(out->data, out->length, &simple);
    must_not_have(&simple, value, length);
    for (size_t at = 0; at < out->length; at++)
        must_not_decode(out->data + at, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *values[2];
    autobuffer struct buffer whole = BUFFER_INIT, pieces = BUFFER_INIT;
    struct redactor *redactor = redactor_new();
    const uint8_t *cuts = data;
    size_t cut_count = next_part(&data, &size);
    for (size_t i = 0; i < lengthof(values); i++) {
        const char *at = (const char *)data;
        values[i] = xstrndup(at, next_part(&data, &size));
        redactor_add(redactor, values[i]);
    }
    in_pieces(redactor, (const char *)data, size, NULL, 0, &whole);
    in_pieces(redactor, (const char *)data, size, cuts, cut_count, &pieces);
    if (whole.length != pieces.length || memcmp(whole.data, pieces.data, whole.length) != 0)
        abort();
    for (size_t i = 0; i < lengthof(values); i++) {
        check_value(values[i], &whole);
        free(values[i]);
    }
    redactor_free(redactor);
    return 0;
}
