#include "base/base64.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64_encode_url(const void *data, size_t length) {
    const unsigned char *bytes = data;
    char *text = xmalloc((length + 2) / 3 * 4 + 1), *to = text;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[group & 63] : '=';
    }
    *to = '\0';
    return text;
}

char *base64_encode(const void *data, size_t length) {
    char *text = base64_encode_url(data, length);
    for (char *at = text; *at; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    return text;
}

static int digit_value(char c) {
    const char *at = c ? strchr(digits, c == '+' ? '-' : c == '/' ? '_' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

char *base64_decode(const char *text, size_t *ret_length) {
    size_t length = strlen(text), count = 0;
    uint32_t group = 0;
    while (length && text[length - 1] == '=')
        length--;
    if (length % 4 == 1)
        return NULL;
    char *data = xmalloc(length / 4 * 3 + 3);
    for (size_t i = 0; i < length; i++) {
        int value = digit_value(text[i]);
        if (value < 0) {
            free(data);
            return NULL;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4)
            data[count++] = (char)(group >> (6 - 2 * (i % 4)));
    }
    data[count] = '\0';
    *ret_length = count;
    return data;
}
