#include "base/hash.h"

#include <stdint.h>

void hash_bytes(const void *data, size_t length, char ret_hex[static HASH_TEXT_SIZE]) {
    SHA256Data((const uint8_t *)data, length, ret_hex);
}

void hash_begin(struct hash *hash) {
    SHA256Init(&hash->state);
}

void hash_add(struct hash *hash, const void *data, size_t length) {
    SHA256Update(&hash->state, data, length);
}

void hash_end(struct hash *hash, char ret_hex[static HASH_TEXT_SIZE]) {
    SHA256End(&hash->state, ret_hex);
}
