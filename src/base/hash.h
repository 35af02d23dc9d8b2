/*
 * hash.h: SHA-256, as lower-case hexadecimal digits.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

enum { HASH_TEXT_SIZE = 65 }; /* 64 digits and a NUL */

void hash_bytes(const void *data, size_t length, char ret_hex[static HASH_TEXT_SIZE]);

#endif
