#include "base/hash.h"

#include <sha2.h>
#include <stdint.h>

void hash_bytes(const void *data, size_t length, char ret_hex[static HASH_TEXT_SIZE]) {
    SHA256Data((const uint8_t *)data, length, ret_hex);
}
