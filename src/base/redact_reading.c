#include "base/redact_reading.h"

#include "base/redact.h"

#include <ctype.h>
#include <string.h>

void reading_init(struct reading *reading, enum reading_kind kind) {
    *reading = (struct reading){
        .kind = kind,
        .hash = REDACT_HASH_INIT,
        .fresh = true,
        .asleep = kind > READING_PLAIN && kind<READING_BASE64, .phase = kind> READING_BASE64
                      ? READING_BASE64 - (int)kind
                      : 0,
    };
}

/* ---- Following ---- */

static void forget(struct reading *reading) {
    reading->state = 0;
    reading->fresh = false;
}

/* The end of a value at the text's beginning. */
static void follow_beginning(struct reading *reading, const struct redactor *redactor,
                             const struct marker *marker, unsigned char byte, size_t end) {
    reading->hash = redact_hash(reading->hash, byte);
    if (reading->count >= REDACT_LEAST && redactor_is_end(redactor, reading->hash))
        marker->mark(marker->context, 0, end);
    reading->fresh = reading->count < REDACT_DEPTH;
}

static void follow(struct reading *reading, const struct redactor *redactor,
                   const struct marker *marker, unsigned char c, size_t start, size_t end) {
    int byte = redact_byte(c);
    if (byte < 0) {
        if (++reading->gap > READING_GAP_MAX)
            forget(reading);
        return;
    }
    reading->gap = 0;
    reading->starts[reading->count++ % REDACT_DEPTH] = start;
    reading->end = end;
    reading->state = redactor_next(redactor, reading->state, (unsigned char)byte);
    size_t length = redactor->states[reading->state].match;
    if (length)
        marker->mark(marker->context, reading->starts[(reading->count - length) % REDACT_DEPTH],
                     end);
    if (reading->fresh)
        follow_beginning(reading, redactor, marker, (unsigned char)byte, end);
}

/* ---- Escapes ---- */

enum { BROKEN = -1, MORE = 0 }; /* else: how many bytes it stands for */

static int hex_value(const char *digits, size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isxdigit((unsigned char)digits[i]))
            return -1;
        value = value * 16 +
                (isdigit((unsigned char)digits[i]) ? digits[i] - '0' : (digits[i] | 32) - 'a' + 10);
    }
    return value;
}

static int put_character(long code, char *into) {
    if (code <= 0 || code > 0x10ffff)
        return BROKEN;
    if (code < 0x80) {
        into[0] = (char)code;
        return 1;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
    into[0] = (char)(heads[more] | code >> 6 * more);
    for (int i = 1; i <= more; i++)
        into[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* So many hexadecimal digits behind the first bytes of an escape. */
static int hex_escape(const char *text, size_t length, size_t digits_at, size_t digits, int *ret) {
    size_t have = length - digits_at;
    *ret = hex_value(text + digits_at, have < digits ? have : digits);
    return *ret < 0 ? BROKEN : have < digits ? MORE : 1;
}

static int decode_percent(const char *text, size_t length, char *into) {
    int value, result = hex_escape(text, length, 1, 2, &value);
    into[0] = (char)value;
    return result;
}

static int decode_unicode(const char *text, size_t length, char *into) {
    int high, low, result = hex_escape(text, length, 2, 4, &high);
    if (result != 1 || high < 0xd800 || high > 0xdbff)
        return result == 1 ? put_character(high, into) : result;
    if (length <= 6)
        return MORE;
    if (text[6] != '\\' || (length > 7 && text[7] != 'u'))
        return BROKEN;
    if (length <= 8)
        return MORE;
    result = hex_escape(text, length, 8, 4, &low);
    return result == 1
               ? put_character(0x10000 + ((long)(high - 0xd800) << 10) + (low & 0x3ff), into)
               : result;
}

static int decode_backslash(const char *text, size_t length, char *into) {
    static const char from[] = "abfnrtve", to[] = "\a\b\f\n\r\t\v\x1b";
    int value, result;
    if (length < 2)
        return MORE;
    if (text[1] == 'u')
        return decode_unicode(text, length, into);
    if (text[1] == 'x') {
        result = hex_escape(text, length, 2, 2, &value);
        into[0] = (char)value;
        return result;
    }
    const char *known = text[1] ? strchr(from, text[1]) : NULL;
    into[0] = known ? to[known - from] : text[1];
    return 1;
}

static int decode_number(const char *text, size_t length, char *into) {
    char digits[READING_ESCAPE_MAX + 1], *end;
    memcpy(digits, text + 2, length - 3);
    digits[length - 3] = '\0';
    bool hex = digits[0] == 'x';
    long code = strtol(digits + hex, &end, hex ? 16 : 10);
    return *end || end == digits + hex ? BROKEN : put_character(code, into);
}

static int decode_entity(const char *text, size_t length, char *into) {
    static const char *const names[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    char last = text[length - 1];
    if (length > 1 && last != ';')
        return isalnum((unsigned char)last) || last == '#' ? MORE : BROKEN;
    if (length < 4)
        return length == 1 ? MORE : BROKEN;
    if (text[1] == '#')
        return decode_number(text, length, into);
    for (size_t i = 0; i < lengthof(names); i++)
        if (length == strlen(names[i]) && !memcmp(text, names[i], length)) {
            into[0] = "<>&\"'"[i];
            return 1;
        }
    return BROKEN;
}

static const struct {
    char opener;
    int (*decode)(const char *text, size_t length, char *into); /* into: 4 bytes */
} escapes[] = {
    [READING_PERCENT] = {'%', decode_percent},
    [READING_BACKSLASH] = {'\\', decode_backslash},
    [READING_ENTITY] = {'&', decode_entity},
};

/* It was no escape: its bytes stand for themselves. */
static void give_up_escape(struct reading *reading, const struct redactor *redactor,
                           const struct marker *marker, size_t length) {
    for (size_t i = 0; i < length; i++)
        follow(reading, redactor, marker, (unsigned char)reading->escape[i],
               reading->escape_start + i, reading->escape_start + i + 1);
    reading->escape_length = 0;
}

/* A line end stands in the middle of the escape, not at a line's end for the shell. */
static bool is_within(struct reading *reading) {
    bool plain_end = reading->kind == READING_BACKSLASH && reading->escape_length == 1;
    return !plain_end && ++reading->gap <= READING_GAP_MAX;
}

static void push_escaped(struct reading *reading, const struct redactor *redactor,
                         const struct marker *marker, unsigned char byte, size_t at) {
    char opener = escapes[reading->kind].opener, bytes[4];
    if (!reading->escape_length) {
        if ((char)byte != opener) {
            follow(reading, redactor, marker, byte, at, at + 1);
            return;
        }
        reading->escape_start = at;
    } else if (byte == '\n' && is_within(reading)) {
        return;
    }
    reading->escape[reading->escape_length++] = (char)byte;
    int count = escapes[reading->kind].decode(reading->escape, reading->escape_length, bytes);
    if (count == MORE && reading->escape_length < READING_ESCAPE_MAX)
        return;
    if (count <= 0) {
        bool again = (char)byte == opener && reading->escape_length > 1;
        give_up_escape(reading, redactor, marker, reading->escape_length - again);
        if (again)
            push_escaped(reading, redactor, marker, byte, at);
        return;
    }
    reading->escape_length = 0;
    for (int i = 0; i < count; i++)
        follow(reading, redactor, marker, (unsigned char)bytes[i], reading->escape_start, at + 1);
}

/* Without an escape the plain reading finds the same; it is followed from where that one is. */
static void wake(struct reading *reading, const struct reading *plain) {
    enum reading_kind kind = reading->kind;
    *reading = *plain;
    reading->kind = kind;
}

/* ---- base64 ---- */

static int digit_value(unsigned char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* A byte that is no digit ends the run. */
static void end_run(struct reading *reading) {
    forget(reading);
    reading->bit_count = reading->gap = reading->run_gap = 0;
    reading->phase = READING_BASE64 - (int)reading->kind;
}

static void push_base64(struct reading *reading, const struct redactor *redactor,
                        const struct marker *marker, unsigned char byte, size_t at) {
    int value = digit_value(byte);
    if (value < 0) {
        if (redact_byte(byte) >= 0 || ++reading->run_gap > READING_GAP_MAX)
            end_run(reading);
        return;
    }
    reading->run_gap = 0;
    if (reading->phase++ < 0)
        return;
    reading->bits = (reading->bits << 6 | (uint32_t)value) & 0xfff;
    reading->bit_count += 6;
    if (reading->bit_count >= 8) {
        reading->bit_count -= 8;
        follow(reading, redactor, marker, (unsigned char)(reading->bits >> reading->bit_count),
               reading->last, at + 1);
    }
    reading->last = at;
}

/* ---- A text ---- */

void reading_push(struct reading *reading, const struct reading *plain,
                  const struct redactor *redactor, const struct marker *marker, unsigned char byte,
                  size_t at) {
    if (reading->kind == READING_PLAIN) {
        follow(reading, redactor, marker, byte, at, at + 1);
    } else if (reading->kind >= READING_BASE64) {
        push_base64(reading, redactor, marker, byte, at);
    } else {
        if (reading->asleep && (char)byte == escapes[reading->kind].opener)
            wake(reading, plain);
        if (reading->asleep)
            return;
        push_escaped(reading, redactor, marker, byte, at);
        reading->asleep = !reading->state && !reading->escape_length && !reading->fresh;
    }
}

/* The beginning of a value at the text's end. */
void reading_end(const struct reading *reading, const struct redactor *redactor,
                 const struct marker *marker) {
    for (uint32_t i = reading->asleep ? 0 : reading->state; i; i = redactor->states[i].fail) {
        const struct redact_state *state = &redactor->states[i];
        if (redact_is_enough(state->depth, state->least)) {
            marker->mark(marker->context,
                         reading->starts[(reading->count - state->depth) % REDACT_DEPTH],
                         reading->end);
            return;
        }
    }
}

size_t reading_held(const struct reading *reading, const struct redactor *redactor, size_t at) {
    size_t depth = redactor->states[reading->state].depth;
    if (reading->asleep)
        return at;
    if (reading->fresh)
        return 0;
    if (depth)
        return reading->starts[(reading->count - depth) % REDACT_DEPTH];
    if (reading->escape_length)
        return reading->escape_start;
    return reading->bit_count ? reading->last : at;
}
