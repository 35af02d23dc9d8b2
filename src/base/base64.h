/*
 * base64.h: RFC 4648, with padding.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* In the alphabet for URLs and headers ('-' and '_'); to be freed by the caller. */
char *base64_encode_url(const void *data, size_t length);
/* In the usual alphabet; to be freed by the caller. */
char *base64_encode(const void *data, size_t length);
/* Either alphabet, padding or none; NULL if it is not base64. A NUL stands behind what is decoded;
 * to be freed by the caller. */
char *base64_decode(const char *text, size_t *ret_length);

#endif
