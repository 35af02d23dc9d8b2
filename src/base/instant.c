#include "base/instant.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { SECOND = 1000000000 }; /* nanoseconds */

const char *instant_format(long long nanoseconds, char into[static INSTANT_SIZE]) {
    /* What four digits of a year can hold; long long ends in 2262. */
    long long whole = nanoseconds < 0 ? 0 : nanoseconds;
    time_t seconds = whole / SECOND;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(into, INSTANT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(into + length, INSTANT_SIZE - length, ".%09dZ", (int)(whole % SECOND));
    return into;
}

/* Like "dddd-dd-ddTdd:dd:dd": lines of a log are many, and sscanf() is slow. */
static bool has_shape(const char *text, const char *shape) {
    for (; *shape; shape++, text++)
        if (*shape == 'd' ? !isdigit((unsigned char)*text) : *text != *shape)
            return false;
    return true;
}

static int number(const char *digits, size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; months count from March, so that the
 * leap day is the last of its year. */
static long long days_since_epoch(int year, int month, int day) {
    long long y = month <= 2 ? year - 1 : year;
    int m = month <= 2 ? month + 9 : month - 3;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool is_date(int year, int month, int day) {
    return year >= 1970 && year < 2262 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ".123": answers its length. */
static size_t parse_fraction(const char *text, long long *ret) {
    size_t length = 0;
    *ret = 0;
    if (*text != '.')
        return 0;
    for (long long worth = SECOND / 10; isdigit((unsigned char)text[length + 1]) && worth;
         worth /= 10)
        *ret += worth * (text[++length] - '0');
    return length + 1;
}

size_t instant_parse(const char *text, long long *ret_nanoseconds) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    if (!has_shape(text, shape))
        return 0;
    int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
    long long fraction;
    size_t length = sizeof shape - 1;
    length += parse_fraction(text + length, &fraction);
    if (text[length] != 'Z' || !is_date(year, month, day))
        return 0;
    long long seconds = days_since_epoch(year, month, day) * 86400 + number(text + 11, 2) * 3600LL +
                        number(text + 14, 2) * 60LL + number(text + 17, 2);
    *ret_nanoseconds = seconds * SECOND + fraction;
    return length + 1;
}

long long instant_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * SECOND + now.tv_nsec;
}
