/* The text forms of single values: durations, sizes, ports, volumes, commands. */
#include "spec/passes.h"

#include "base/buffer.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- Durations: Compose Specification, "Specifying durations" ---- */

static const struct {
    const char *name;
    double nanoseconds;
} units[] = {
    {"ns", 1},   {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},      {"h", 3600e9},
};

static double unit_of(const char *text, size_t length) {
    for (size_t i = 0; i < lengthof(units); i++)
        if (strlen(units[i].name) == length && !strncmp(units[i].name, text, length))
            return units[i].nanoseconds;
    return 0;
}

bool duration_parse_nanoseconds(const char *text, long long *ret) {
    long double total = 0;
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    if (!strcmp(text, "0")) {
        *ret = 0;
        return true;
    }
    if (!*text)
        return false;
    while (*text) {
        size_t digits = strspn(text, "0123456789."), length = strcspn(text + digits, "0123456789.");
        double unit = unit_of(text + digits, length);
        bool number = strspn(text, "0123456789") || strspn(text + 1, "0123456789");
        if (!digits || digits > 60 || !unit || !number ||
            memchr(text, '.', digits) != memrchr(text, '.', digits))
            return false;
        total += strtold(text, NULL) * unit;
        text += digits + length;
    }
    if (total > 9223372036854775806.0L)
        return false;
    *ret = (negative ? -1 : 1) * (long long)(total + 0.5L);
    return true;
}

bool duration_parse(const char *text, long long *ret_milliseconds) {
    long long nanoseconds;
    if (!duration_parse_nanoseconds(text, &nanoseconds) || nanoseconds < 0)
        return false;
    *ret_milliseconds = nanoseconds / 1000000;
    return true;
}

bool duration_parse_days(const char *text, long long *ret_milliseconds) {
    enum { HOUR = 3600000, MOST = 10000 };
    static const char letters[] = "wd";
    static const long long lengths[] = {7LL * 24 * HOUR, 24LL * HOUR};
    long long total = 0, rest = 0;
    for (size_t i = 0; i < lengthof(lengths); i++) {
        size_t digits = strspn(text, "0123456789");
        if (!digits || text[digits] != letters[i])
            continue;
        long number = digits < 6 ? strtol(text, NULL, 10) : MOST;
        total += (number < MOST ? number : MOST) * lengths[i];
        text += digits + 1;
    }
    if ((*text || !total) && !duration_parse(text, &rest))
        return false;
    *ret_milliseconds = total + rest;
    return true;
}

/* A fraction without trailing zeros. */
static void add_fraction(struct buffer *into, long long rest, int digits) {
    char text[24];
    snprintf(text, sizeof text, ".%0*lld", digits, rest);
    size_t length = strlen(text);
    while (length && text[length - 1] == '0')
        length--;
    buffer_add(into, text, length > 1 ? length : 0);
}

char *duration_text(struct arena *arena, long long nanoseconds) {
    autobuffer struct buffer text = BUFFER_INIT;
    long long n = llabs(nanoseconds);
    if (!n)
        return arena_strdup(arena, "0s");
    if (nanoseconds < 0)
        buffer_putc(&text, '-');
    if (n < 1000) {
        buffer_printf(&text, "%lldns", n);
    } else if (n < 1000000) {
        buffer_printf(&text, "%lld", n / 1000);
        add_fraction(&text, n % 1000, 3);
        buffer_puts(&text, "\u00b5s");
    } else if (n < 1000000000) {
        buffer_printf(&text, "%lld", n / 1000000);
        add_fraction(&text, n % 1000000, 6);
        buffer_puts(&text, "ms");
    } else {
        long long seconds = n / 1000000000;
        if (seconds >= 3600)
            buffer_printf(&text, "%lldh", seconds / 3600);
        if (seconds >= 60)
            buffer_printf(&text, "%lldm", seconds / 60 % 60);
        buffer_printf(&text, "%lld", seconds % 60);
        add_fraction(&text, n % 1000000000, 9);
        buffer_putc(&text, 's');
    }
    return arena_strdup(arena, text.data);
}

/* ---- Sizes: "Specifying byte values" ---- */

static bool multiplier_of(const char *suffix, double *ret) {
    static const char letters[] = "kmgtp";
    const char *letter = *suffix ? strchr(letters, *suffix | 0x20) : NULL;
    *ret = 1;
    for (const char *c = letters; letter && c <= letter; c++)
        *ret *= 1024;
    suffix += letter != NULL;
    suffix += letter && (*suffix | 0x20) == 'i';
    suffix += (*suffix | 0x20) == 'b';
    return !*suffix;
}

/* 100, 64m, 1.5 GiB, 2gb */
bool size_parse(const char *text, long long *ret) {
    size_t whole = strspn(text, "0123456789"), digits = whole;
    double factor;
    if (text[whole] == '.') {
        size_t fraction = strspn(text + whole + 1, "0123456789");
        if (!fraction)
            return false;
        digits += 1 + fraction;
    }
    if (!whole || digits > 60 || !multiplier_of(text + digits + (text[digits] == ' '), &factor))
        return false;
    double size = strtod(text, NULL) * factor;
    if (size >= 9.2e18)
        return false;
    *ret = (long long)size;
    return true;
}

/* ---- Ports: [[IP:][PUBLISHED]:]TARGET[/PROTOCOL], each port may be a range ---- */

struct range {
    long first, last;
};

static bool range_parse(const char *text, struct range *ret) {
    const char *dash = strchr(text, '-');
    autofree char *first = dash ? xstrndup(text, (size_t)(dash - text)) : xstrdup(text);
    if (!text_to_long(first, 0, 65535, &ret->first))
        return false;
    ret->last = ret->first;
    return !dash || (text_to_long(dash + 1, 0, 65535, &ret->last) && ret->last >= ret->first);
}

struct port_text {
    char *ip, *published, *target; /* owned; "" if not given */
};

static void port_text_release(struct port_text *port) {
    free(port->ip);
    free(port->published);
    free(port->target);
}

/* Take apart at the last two colons; an address in brackets loses them. */
static struct port_text port_split(const char *text) {
    struct port_text port = {0};
    const char *last = strrchr(text, ':');
    port.target = xstrdup(last ? last + 1 : text);
    const char *before = last ? memrchr(text, ':', (size_t)(last - text)) : NULL;
    if (!last)
        port.published = xstrdup("");
    else
        port.published = before ? xstrndup(before + 1, (size_t)(last - before) - 1)
                                : xstrndup(text, (size_t)(last - text));
    size_t length = before ? (size_t)(before - text) : 0;
    bool brackets = length > 1 && *text == '[' && text[length - 1] == ']';
    bool bare = !brackets && memchr(text, ':', length); /* not to be told from the ports */
    port.ip = xstrndup(text + brackets, length + bare - 2 * brackets);
    return port;
}

static bool is_address(const char *ip) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return !*ip || inet_pton(AF_INET, ip, bytes) == 1 || inet_pton(AF_INET6, ip, bytes) == 1;
}

static void add_port(struct arena *arena, struct node *into, struct position at,
                     const struct port_text *port, long target, const char *published,
                     const char *protocol) {
    struct node *map = tree_new(arena, NODE_MAP, at);
    tree_set(map, "mode", tree_text(arena, at, "ingress"));
    if (*port->ip)
        tree_set(map, "host_ip", tree_text(arena, at, port->ip));
    tree_set(map, "target", tree_integer(arena, at, target));
    if (*published)
        tree_set(map, "published", tree_text(arena, at, published));
    tree_set(map, "protocol", tree_text(arena, at, protocol));
    tree_append(into, map);
}

/* Ports of one range follow each other as text, as Compose has them: 10 comes before 9. */
static void add_ports(struct arena *arena, struct node *into, struct position at,
                      const struct port_text *port, struct range target, struct range published,
                      const char *protocol) {
    long count = target.last - target.first + 1;
    autostrings struct strings order = {0};
    for (long i = 0; i < count; i++)
        strings_printf(&order, "%ld", target.first + i);
    strings_sort(&order);
    vec_each (number, &order) {
        char text[48] = "";
        long offset = atol(*number) - target.first;
        if (*port->published && count == 1 && published.last > published.first)
            snprintf(text, sizeof text, "%ld-%ld", published.first, published.last);
        else if (*port->published)
            snprintf(text, sizeof text, "%ld", published.first + offset);
        add_port(arena, into, at, port, target.first + offset, text, protocol);
    }
}

bool ports_parse(struct context *context, const char *text, struct position at, struct node *into,
                 struct err *err) {
    enum { NODES_OF_ONE = 6 };
    const char *slash = strchr(text, '/');
    autofree char *ports = slash ? xstrndup(text, (size_t)(slash - text)) : xstrdup(text);
    size_t length = slash ? strcspn(slash + 1, "/") : 0;
    autofree char *protocol = length ? xstrndup(slash + 1, length) : xstrdup("tcp");
    AUTO(port_text_release)
    struct port_text port = port_split(ports);
    struct range target, published = {0, 0};

    for (char *c = protocol; *c; c++)
        *c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
    if (strcmp(protocol, "tcp") && strcmp(protocol, "udp") && strcmp(protocol, "sctp"))
        return err_at(err, at, "a port's protocol must be tcp, udp or sctp, not `%.50s`", protocol);
    if (!range_parse(port.target, &target) || !target.first)
        return err_at(err, at,
                      "`%.100s` is not a port: `%.50s` must be a number from 1 to 65535, or "
                      "FIRST-LAST",
                      text, port.target);
    if (*port.published && !range_parse(port.published, &published))
        return err_at(err, at,
                      "`%.100s` is not a port: `%.50s` must be a number up to 65535, or "
                      "FIRST-LAST",
                      text, port.published);
    if (!is_address(port.ip))
        return err_at(err, at, "`%.100s` is not a port: `%.50s` is not an IP address", text,
                      port.ip);
    if (*port.published && target.last > target.first &&
        target.last - target.first != published.last - published.first)
        return err_at(err, at, "the ranges in `%.100s` are not of the same length", text);
    context->nodes += (size_t)(target.last - target.first + 1) * NODES_OF_ONE;
    if (context->nodes > SPEC_NODES_MAX)
        return err_at(err, at, "the files have more ports than envrun takes");
    add_ports(context->arena, into, at, &port, target, published, protocol);
    return true;
}

/* ---- Volumes: [SOURCE:]TARGET[:OPTION,...] ---- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_file_path(const char *source) {
    return strchr("./~", *source) || text_starts(source, "\\\\") ||
           (is_letter(*source) && source[1] == ':');
}

/* Split at colons, but not at a drive's. */
static void volume_split(const char *text, struct strings *into) {
    const char *start = text;
    for (const char *c = text;; c++) {
        if (*c && (*c != ':' || (c == start + 1 && is_letter(*start))))
            continue;
        strings_take(into, xstrndup(start, (size_t)(c - start)));
        if (!*c)
            return;
        start = c + 1;
    }
}

static struct node *map_at(struct arena *arena, struct node *volume, const char *key) {
    struct node *map = tree_get(volume, key);
    if (!map) {
        map = tree_new(arena, NODE_MAP, volume->at);
        tree_set(volume, key, map);
    }
    return map;
}

static void volume_option(struct arena *arena, struct node *volume, const char *option) {
    static const char *const propagations[] = {"rprivate", "private", "rshared",
                                               "shared",   "rslave",  "slave"};
    struct position at = volume->at;
    if (!strcmp(option, "ro"))
        tree_set(volume, "read_only", tree_bool(arena, at, true));
    if (!strcmp(option, "rw"))
        tree_remove(volume, "read_only");
    if (!strcmp(option, "nocopy"))
        tree_set(map_at(arena, volume, "volume"), "nocopy", tree_bool(arena, at, true));
    if (!strcasecmp(option, "z"))
        tree_set(map_at(arena, volume, "bind"), "selinux", tree_text(arena, at, option));
    for (size_t i = 0; i < lengthof(propagations); i++)
        if (!strcmp(option, propagations[i]))
            tree_set(map_at(arena, volume, "bind"), "propagation", tree_text(arena, at, option));
}

static struct node *volume_of(struct arena *arena, const struct strings *parts,
                              struct position at) {
    struct node *volume = tree_new(arena, NODE_MAP, at);
    const char *source = parts->length > 1 ? parts->at[0] : "";
    bool bind = *source && is_file_path(source);
    tree_set(volume, "type", tree_text(arena, at, bind ? "bind" : "volume"));
    if (*source)
        tree_set(volume, "source", tree_text(arena, at, source));
    tree_set(volume, "target", tree_text(arena, at, parts->at[parts->length > 1]));
    if (parts->length > 2) {
        autostrings struct strings options = {0};
        text_split(parts->at[2], ',', &options);
        vec_each (option, &options)
            volume_option(arena, volume, *option);
    }
    if (bind)
        tree_set(map_at(arena, volume, "bind"), "create_host_path", tree_bool(arena, at, true));
    else
        map_at(arena, volume, "volume");
    return volume;
}

struct node *volume_parse(struct arena *arena, const char *text, struct position at,
                          struct err *err) {
    autostrings struct strings parts = {0};
    if (strlen(text) > 2)
        volume_split(text, &parts);
    else
        strings_add(&parts, text);
    vec_each (part, &parts)
        if (!**part) {
            err_at(err, at, "a part of the volume `%.200s` is empty", text);
            return NULL;
        }
    if (parts.length > 3) {
        err_at(err, at, "the volume `%.200s` has too many colons", text);
        return NULL;
    }
    return volume_of(arena, &parts, at);
}

/* ---- Commands ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

struct splitter {
    struct buffer word;
    bool begun; /* there is a word, if only an empty one */
    bool escaped;
    char quote; /* '"', '\'', '`' or ')' while within */
};

static void end_word(struct splitter *s, struct strings *into) {
    if (s->begun)
        strings_add(into, s->word.data);
    buffer_truncate(&s->word, 0);
    s->begun = false;
}

static void add_character(struct splitter *s, char c) {
    buffer_putc(&s->word, c);
    s->begun = true;
}

/* A character that may begin or end a quotation: whether it did. ` and $( keep theirs. */
static bool split_quote(struct splitter *s, char c) {
    if ((c == '"' || c == '\'') && (!s->quote || s->quote == c || s->quote == '`')) {
        s->begun |= s->quote == c;
        s->quote = s->quote == c ? 0 : c;
        return true;
    }
    if (c == '`' && (!s->quote || s->quote == '`'))
        s->quote = s->quote ? 0 : c;
    if (c == ')' && (!s->quote || s->quote == ')'))
        s->quote = s->quote ? 0 : c;
    return false;
}

static bool split_open(struct splitter *s, char c) {
    if (c != '(' || s->quote == '"' || s->quote == '\'' || s->quote == '`')
        return true;
    if (s->quote || !text_ends(s->word.data, "$"))
        return false;
    s->quote = ')';
    return true;
}

bool command_split(const char *text, struct strings *into, const char **ret_rest) {
    struct splitter s = {.word = BUFFER_INIT};
    bool ok = true;
    for (; ok && *text; text++) {
        char c = *text;
        if (s.escaped) {
            add_character(&s, c);
            s.escaped = false;
        } else if (c == '\\' && s.quote != '\'') {
            s.escaped = true;
        } else if (strchr(" \t\r\n", c)) {
            if (s.quote)
                buffer_putc(&s.word, c);
            else
                end_word(&s, into);
        } else if (!s.quote && strchr(";&|<>", c)) {
            s.begun &= c != '>' || !is_digit(s.word.data[0]); /* 2> */
            break; /* one command is run; for more a shell is asked for by name */
        } else if (!split_quote(&s, c)) {
            ok = split_open(&s, c);
            add_character(&s, c);
        }
    }
    *ret_rest = text;
    ok = ok && !s.escaped && !s.quote;
    end_word(&s, into);
    buffer_release(&s.word);
    return ok;
}
