#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool text_equal(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

bool text_starts(const char *text, const char *prefix) {
    return !strncmp(text, prefix, strlen(prefix));
}

bool text_ends(const char *text, const char *suffix) {
    size_t length = strlen(text), end = strlen(suffix);
    return length >= end && !strcmp(text + length - end, suffix);
}

bool text_to_long(const char *text, long least, long most, long *ret) {
    char *end;
    if (!(*text >= '0' && *text <= '9') && *text != '-')
        return false;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        return false;
    *ret = number;
    return true;
}

const char *environment_value(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}

void text_split(const char *text, char separator, struct strings *into) {
    for (;;) {
        const char *end = strchrnul(text, separator);
        strings_take(into, xstrndup(text, (size_t)(end - text)));
        if (!*end)
            return;
        text = end + 1;
    }
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t rows = strlen(a), columns = strlen(b);
    size_t d[LONGEST + 1][LONGEST + 1];

    if (rows > LONGEST || columns > LONGEST)
        return LONGEST;
    for (size_t i = 0; i <= rows; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= columns; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= rows; i++)
        for (size_t j = 1; j <= columns; j++) {
            size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(change, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[rows][columns];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count) {
    const char *nearest = NULL;
    size_t closest = strlen(word) / 3 + 2; /* further away is not a misspelling */

    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < closest) {
            closest = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

void text_quote_shell(struct buffer *into, const char *text) {
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-./:=@%+,";
    if (*text && !text[strspn(text, harmless)]) {
        buffer_puts(into, text);
        return;
    }
    buffer_putc(into, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buffer_puts(into, "'\\''");
        else
            buffer_putc(into, *text);
    }
    buffer_putc(into, '\'');
}

char *text_percent_decode(const char *text) {
    struct buffer plain = BUFFER_INIT;
    for (; *text; text++) {
        unsigned byte = (unsigned char)*text;
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            sscanf(text + 1, "%2x", &byte);
            text += 2;
        }
        buffer_putc(&plain, (char)byte);
    }
    return buffer_detach(&plain);
}

char *text_variable_name(const char *name) {
    char *variable = xstrdup(name);
    for (char *c = variable; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
        else if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9'))
            *c = '_';
    }
    return variable;
}

/* How many bytes a character has by its first byte; 0 if none begins so. */
static size_t utf8_length(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static bool utf8_second_byte_fits(unsigned char first, unsigned char second) {
    switch (first) { /* no overlong forms, no surrogates, nothing above U+10FFFF */
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return true;
    }
}

bool text_is_utf8(const char *text, size_t length) {
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    while (at < end) {
        size_t size = utf8_length(*at);
        if (!size || size > (size_t)(end - at))
            return false;
        for (size_t i = 1; i < size; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        if (size > 1 && !utf8_second_byte_fits(at[0], at[1]))
            return false;
        at += size;
    }
    return true;
}

size_t text_utf8_tail(const char *text, size_t length) {
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char c = (unsigned char)text[length - back];
        if ((c & 0xc0) == 0x80)
            continue;
        return utf8_length(c) > back ? back : 0;
    }
    return 0;
}

char *text_bytes(unsigned long long bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    while (amount >= 1024 && unit + 1 < lengthof(units)) {
        amount /= 1024;
        unit++;
    }
    return xasprintf(unit && amount < 10 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

char *text_milliseconds(long long milliseconds) {
    if (milliseconds < 1000)
        return xasprintf("%lld ms", milliseconds);
    if (milliseconds < 60000)
        return xasprintf("%.1f s", (double)milliseconds / 1000);
    if (milliseconds < 3600000)
        return xasprintf("%lld min %lld s", milliseconds / 60000, milliseconds / 1000 % 60);
    long long minutes = milliseconds / 60000;
    if (minutes < 24 * 60)
        return xasprintf("%lld h %lld min", minutes / 60, minutes % 60);
    return xasprintf("%lld d %lld h", minutes / 60 / 24, minutes / 60 % 24);
}
