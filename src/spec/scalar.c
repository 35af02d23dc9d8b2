#include "spec/scalar.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Numbers ---- */

static char *without_underscores(const char *text) {
    char *plain = xstrdup(text), *to = plain;
    for (const char *c = text; *c; c++)
        if (*c != '_')
            *to++ = *c;
    *to = '\0';
    return plain;
}

static int base_of(const char **digits) {
    const char *c = *digits;
    if (c[0] != '0' || !c[1])
        return 10;
    *digits += 2;
    switch (c[1]) {
    case 'x':
    case 'X':
        return 16;
    case 'b':
    case 'B':
        return 2;
    case 'o':
    case 'O':
        return 8;
    }
    *digits -= 1;
    return 8;
}

static bool parse_magnitude(const char *digits, unsigned long long *ret) {
    int base = base_of(&digits);
    char *end;
    if (!(*digits >= '0' && *digits <= '9') && base != 16)
        return false;
    if (*digits == '+' || *digits == '-' || *digits == ' ')
        return false;
    errno = 0;
    *ret = strtoull(digits, &end, base);
    return !errno && end != digits && !*end;
}

bool scalar_to_integer(const char *text, long long *ret) {
    autofree char *plain = without_underscores(text);
    bool negative = *plain == '-';
    unsigned long long magnitude;
    if (!parse_magnitude(plain + (negative || *plain == '+'), &magnitude) ||
        magnitude > (unsigned long long)LLONG_MAX + negative)
        return false;
    *ret = negative ? (long long)-magnitude : (long long)magnitude;
    return true;
}

/* [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)? */
static bool is_float(const char *c) {
    c += *c == '-' || *c == '+';
    size_t whole = strspn(c, "0123456789"), fraction = 0;
    c += whole;
    if (*c == '.') {
        fraction = strspn(c + 1, "0123456789");
        c += 1 + fraction;
    }
    if (!whole && !fraction)
        return false;
    if (*c == 'e' || *c == 'E') {
        c++;
        c += *c == '-' || *c == '+';
        size_t exponent = strspn(c, "0123456789");
        if (!exponent)
            return false;
        c += exponent;
    }
    return !*c;
}

bool scalar_to_float(const char *text, double *ret) {
    autofree char *plain = without_underscores(text);
    if (!is_float(plain))
        return false;
    *ret = strtod(plain, NULL);
    return isfinite(*ret);
}

/* The digits and the exponent of the shortest form that reads back. */
static int shortest(double number, bool single, char digits[static 32]) {
    char text[64];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, number);
        if (single ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number)
            break;
    }
    char *e = strchr(text, 'e'), *to = digits;
    for (char *c = text; c < e; c++)
        if (*c >= '0' && *c <= '9')
            *to++ = *c;
    *to = '\0';
    return atoi(e + 1);
}

char *scalar_float_text(struct arena *arena, double number, bool single) {
    char digits[32];
    const char *sign = signbit(number) ? "-" : "";
    if (!isfinite(number))
        return arena_strdup(arena, isnan(number) ? "NaN" : number < 0 ? "-Inf" : "+Inf");
    int exponent = shortest(number, single, digits);
    int count = (int)strlen(digits);

    if (exponent < -4 || exponent >= 6)
        return arena_printf(arena, "%s%c%s%se%c%02d", sign, digits[0], digits[1] ? "." : "",
                            digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return arena_printf(arena, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
    if (count <= exponent + 1)
        return arena_printf(arena, "%s%s%.*s", sign, digits, exponent + 1 - count,
                            "000000000000000000000");
    return arena_printf(arena, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}

/* ---- Dates ---- */

struct date {
    int year, month, day, hour, minute, second;
    char fraction[16]; /* digits */
    int zone;          /* minutes east of UTC */
    bool utc;
};

static bool zone_parse(const char *text, struct date *date) {
    int hours, minutes = 0, used = 0;
    date->utc = true;
    if (!strcmp(text, "Z"))
        return true;
    if (*text != '+' && *text != '-')
        return false;
    if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used])
        return false;
    date->zone = (hours * 60 + minutes) * (*text == '-' ? -1 : 1);
    date->utc = !date->zone;
    return true;
}

static bool time_parse(const char *text, bool zone, struct date *date) {
    int used = 0;
    if (sscanf(text, "%2d:%2d:%2d%n", &date->hour, &date->minute, &date->second, &used) != 3)
        return false;
    text += used;
    if (*text == '.') {
        size_t length = strspn(++text, "0123456789");
        if (!length || length > 9)
            return false;
        snprintf(date->fraction, sizeof date->fraction, "%.*s", (int)length, text);
        text += length;
    }
    return date->hour < 24 && date->minute < 60 && date->second < 60 &&
           (zone ? zone_parse(text, date) : !*text);
}

/* 2001-12-14, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43.10 */
static bool date_parse(const char *text, struct date *date) {
    int used = 0;
    if (strspn(text, "0123456789") != 4 || text[4] != '-')
        return false;
    if (sscanf(text, "%4d-%2d-%2d%n", &date->year, &date->month, &date->day, &used) != 3 ||
        date->month < 1 || date->month > 12 || date->day < 1 || date->day > 31)
        return false;
    text += used;
    date->utc = true;
    if (!*text)
        return true;
    return strchr("tT ", *text) && time_parse(text + 1, *text != ' ', date);
}

static char *date_text(struct arena *arena, const struct date *date) {
    char zone[8];
    size_t digits = strlen(date->fraction);
    while (digits && date->fraction[digits - 1] == '0')
        digits--;
    snprintf(zone, sizeof zone, "%c%02d%02d", date->zone < 0 ? '-' : '+',
             abs(date->zone) / 60 % 100, abs(date->zone) % 60);
    return arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d%s%.*s %s %s", date->year, date->month,
                        date->day, date->hour, date->minute, date->second, digits ? "." : "",
                        (int)digits, date->fraction, zone, date->utc ? "UTC" : zone);
}

/* ---- Plain scalars ---- */

static bool one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static bool resolve_word(struct node *node, const char *text) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (one_of(text, nulls)) {
        node->kind = NODE_NULL;
        node->text = NULL;
        return true;
    }
    node->boolean = one_of(text, trues);
    if (!node->boolean && !one_of(text, falses))
        return false;
    node->kind = NODE_BOOL;
    node->text = node->boolean ? "true" : "false";
    return true;
}

static bool resolve_number(struct arena *arena, struct node *node, const char *text) {
    static const char *const infinite[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                           "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                           ".NaN",  ".NAN",  NULL};
    unsigned long long magnitude;
    if (scalar_to_integer(text, &node->integer)) {
        node->kind = NODE_INT;
        node->text = arena_printf(arena, "%lld", node->integer);
        return true;
    }
    autofree char *plain = without_underscores(text);
    if (parse_magnitude(plain, &magnitude)) { /* between 2^63 and 2^64 */
        node->kind = NODE_FLOAT;
        node->number = (double)magnitude;
        node->text = arena_printf(arena, "%llu", magnitude);
        return true;
    }
    if (one_of(text, infinite))
        node->number = strchr(text, 'n') && strchr(text, 'a') ? NAN : INFINITY;
    else if (!scalar_to_float(text, &node->number))
        return false;
    node->kind = NODE_FLOAT;
    node->text = scalar_float_text(arena, node->number, false);
    return true;
}

void scalar_resolve(struct arena *arena, struct node *node, const char *text) {
    struct date date = {0};
    node->kind = NODE_STRING;
    node->text = text;
    if (resolve_word(node, text) || !*text || !strchr("0123456789+-.", *text))
        return;
    if (date_parse(text, &date))
        node->text = date_text(arena, &date);
    else if (!resolve_number(arena, node, text)) {
        node->kind = NODE_STRING;
        node->text = text;
    }
}
