#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* Length by the first byte, and the least character that needs so many bytes. */
static size_t announced_length(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least) {
    if (first >= 0xc2 && first < 0xe0) {
        *ret_bits = first & 0x1f;
        *ret_least = 0x80;
        return 2;
    }
    if ((first & 0xf0) == 0xe0) {
        *ret_bits = first & 0x0f;
        *ret_least = 0x800;
        return 3;
    }
    if (first >= 0xf0 && first < 0xf5) {
        *ret_bits = first & 0x07;
        *ret_least = 0x10000;
        return 4;
    }
    return 0;
}

size_t utf8_next(const char *text, size_t length, uint32_t *ret_character) {
    const unsigned char *at = (const unsigned char *)text;
    uint32_t character, least;

    *ret_character = *at;
    if (*at < 0x80)
        return 1;
    *ret_character = UTF8_INVALID;
    size_t size = announced_length(*at, &character, &least);
    if (!size || size > length)
        return 1;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        character = character << 6 | (at[i] & 0x3f);
    }
    if (character < least || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
        return 1;
    *ret_character = character;
    return size;
}

void utf8_put(struct buffer *into, uint32_t c) {
    if (c < 0x80) {
        buffer_putc(into, (char)c);
        return;
    }
    if (c >= 0x10000)
        buffer_putc(into, (char)(0xf0 | c >> 18));
    if (c >= 0x800)
        buffer_putc(into, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12));
    buffer_putc(into, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
    buffer_putc(into, (char)(0x80 | (c & 0x3f)));
}

void utf8_put_repaired(struct buffer *into, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t character;
        i += utf8_next(text + i, length - i, &character);
        utf8_put(into, character);
    }
}

static bool is_visible(uint32_t c) {
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool direction = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                     (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x61c || c == 0xad;
    return !control && !direction && c < 0xe0000;
}

void utf8_put_visible(struct buffer *into, const char *text) {
    size_t length = strlen(text);
    while (length) {
        uint32_t character;
        size_t size = utf8_next(text, length, &character);
        if (is_visible(character))
            utf8_put(into, character);
        else
            buffer_printf(into, "\\u{%x}", (unsigned)character);
        text += size;
        length -= size;
    }
}
