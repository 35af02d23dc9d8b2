/*
 * hash.h: SHA-256, as lower-case hexadecimal digits.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <sha2.h>
#include <stddef.h>

enum { HASH_TEXT_SIZE = 65 }; /* 64 digits and a NUL */

void hash_bytes(const void *data, size_t length, char ret_hex[static HASH_TEXT_SIZE]);

/* The same of what comes piece by piece. */
struct hash {
    SHA2_CTX state;
};

void hash_begin(struct hash *hash);
void hash_add(struct hash *hash, const void *data, size_t length);
void hash_end(struct hash *hash, char ret_hex[static HASH_TEXT_SIZE]);

#endif
