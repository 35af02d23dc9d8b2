/*
 * instant.h: a point in time to the nanosecond, as the engine and a record write it:
 * "2024-05-01T12:00:02.123456789Z" (RFC 3339, nine digits, UTC).
 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stddef.h>

enum { INSTANT_LENGTH = 30, INSTANT_SIZE = INSTANT_LENGTH + 1 }; /* with its NUL */

/* Nanoseconds of UNIX time, from 0 on. Answers `into`. */
const char *instant_format(long long nanoseconds, char into[static INSTANT_SIZE]);
/* Read one at the beginning of a text; fewer digits of the fraction, or none, will do. Answers how
 * many characters it has; 0: there is none. */
size_t instant_parse(const char *text, long long *ret_nanoseconds);
/* UNIX time now, in nanoseconds. */
long long instant_now(void);

#endif
