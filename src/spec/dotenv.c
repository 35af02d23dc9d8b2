#include "spec/dotenv.h"

#include "spec/outside.h"
#include "spec/template.h"

#include "base/buffer.h"
#include "base/text.h"

#include <string.h>

struct dotenv {
    struct context *context;
    const char *at;
    const char *line;     /* where it begins */
    struct position here; /* without a column */
    const struct lookup *lookup;
    struct variables *into;
    struct err *err;
};

const char *lookup_get(const struct lookup *lookup, const char *name) {
    const char *value = lookup->first ? variables_get(lookup->first, name) : NULL;
    return !value && lookup->second ? variables_get(lookup->second, name) : value;
}

static bool is_blank(char c) { /* a space, but not a line's end */
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void step(struct dotenv *d) {
    if (*d->at++ != '\n')
        return;
    d->here.line++;
    d->line = d->at;
}

static struct position place(const struct dotenv *d, const char *at) {
    return (struct position){d->here.file, d->here.line, (int)(at - d->line) + 1};
}

static void skip_blanks(struct dotenv *d) {
    while (is_blank(*d->at))
        step(d);
}

/* To the next statement, over empty lines and comments. */
static bool find_statement(struct dotenv *d) {
    for (;;) {
        while (is_blank(*d->at) || *d->at == '\n')
            step(d);
        if (*d->at != '#')
            return *d->at;
        while (*d->at && *d->at != '\n')
            step(d);
    }
}

static void skip_export(struct dotenv *d) {
    if (text_starts(d->at, "export") && is_blank(d->at[strlen("export")])) {
        d->at += strlen("export");
        skip_blanks(d);
    }
}

static bool is_name_character(unsigned char c) {
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || strchr("_.-[]", c);
}

/* A name, to be freed by the caller; then we stand on '=', ':' or the line's end. */
static char *take_name(struct dotenv *d) {
    const char *start = d->at, *end = start;
    for (; *d->at && !strchr("=:\n", *d->at); d->at++) {
        if (is_blank(*d->at))
            continue;
        if (!is_name_character((unsigned char)*d->at)) {
            err_at(d->err, place(d, d->at), "`%c` cannot be part of a variable's name", *d->at);
            return NULL;
        }
        end = d->at + 1;
    }
    autofree char *name = xstrndup(start, (size_t)(end - start));
    bool spaced = strpbrk(name, " \t");
    if (spaced)
        err_at(d->err, place(d, start), "a variable's name cannot have a space in it");
    else if (!*name && *d->at)
        err_at(d->err, place(d, start), "there is no name before `%c`", *d->at);
    return spaced || err_is(d->err) ? NULL : xstrdup(name);
}

static const char *expand_lookup(void *context, const char *name) {
    struct dotenv *d = context;
    const char *value = lookup_get(d->lookup, name);
    return value ? value : variables_get(d->into, name);
}

static bool expand_missing(void *context, const char *name, struct position at, struct err *err) {
    struct dotenv *d = context;
    (void)err;
    context_warn(d->context, at, "the variable %s is not set; it is taken as empty", name);
    return true;
}

static bool expand(struct dotenv *d, const char *value, struct position at, struct buffer *into) {
    struct template_rules rules = {expand_lookup, expand_missing, d};
    return template_expand(value, &rules, at, into, d->err);
}

static bool take_bare_value(struct dotenv *d, struct buffer *into) {
    const char *start = d->at, *end = strchrnul(start, '\n');
    struct position at = place(d, start);
    const char *comment = memmem(start, (size_t)(end - start), " #", 2);
    const char *last = comment ? comment : end;
    while (last > start && (is_blank(last[-1])))
        last--;
    autofree char *value = xstrndup(start, (size_t)(last - start));
    d->at = end;
    if (*end)
        step(d);
    return expand(d, value, at, into);
}

/* \n, \t, ...; \$ becomes $$, which expand() makes a $. Others stay as they are. */
static void unescape(const char *text, struct buffer *into) {
    static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
    for (; *text; text++) {
        const char *known = *text == '\\' && text[1] ? strchr(from, text[1]) : NULL;
        if (known) {
            buffer_putc(into, to[known - from]);
            text++;
        } else if (text[0] == '\\' && text[1] == '$') {
            buffer_puts(into, "$$");
            text++;
        } else if (text_starts(text, "\\0") && strspn(text + 2, "01234567") >= 3) {
            int code = (text[2] - '0') * 64 + (text[3] - '0') * 8 + (text[4] - '0');
            if (code >= 0x80) /* a character, as UTF-8 */
                buffer_putc(into, (char)(0xc0 | code >> 6));
            buffer_putc(into, (char)(code >= 0x80 ? 0x80 | (code & 0x3f) : code ? code : ' '));
            text += 4;
        } else {
            buffer_putc(into, *text);
        }
    }
}

static bool take_quoted_value(struct dotenv *d, struct buffer *into) {
    struct position at = place(d, d->at);
    autobuffer struct buffer raw = BUFFER_INIT;
    char quote = *d->at++;
    for (; *d->at && *d->at != quote; step(d)) {
        if (*d->at == '\\' && d->at[1]) {
            if (d->at[1] != quote)
                buffer_putc(&raw, '\\');
            step(d);
        }
        buffer_putc(&raw, *d->at);
    }
    if (!*d->at)
        return err_at(d->err, at, "the quote %c is not closed", quote);
    d->at++;
    if (quote == '\'') {
        buffer_add(into, raw.data, raw.length);
        return true;
    }
    autobuffer struct buffer plain = BUFFER_INIT;
    unescape(raw.data, &plain);
    return expand(d, plain.data, at, into);
}

static void set(struct dotenv *d, const char *name, const char *value) {
    variables_set(d->into, name, value);
    outside_add(d->context, name, value, d->here.file);
}

static bool take_statement(struct dotenv *d) {
    skip_export(d);
    autofree char *name = take_name(d);
    autobuffer struct buffer value = BUFFER_INIT_MAX(SPEC_FILE_MAX);
    if (!name)
        return false;
    if (!*d->at || *d->at == '\n') {
        const char *inherited = lookup_get(d->lookup, name);
        if (inherited)
            set(d, name, inherited);
        return true;
    }
    d->at++; /* '=' or ':' */
    skip_blanks(d);
    bool quoted = *d->at == '"' || *d->at == '\'';
    if (!(quoted ? take_quoted_value(d, &value) : take_bare_value(d, &value)))
        return false;
    set(d, name, value.data);
    return true;
}

bool dotenv_parse(struct context *context, const char *text, const char *name,
                  const struct lookup *lookup, struct variables *into, struct err *err) {
    if (text_starts(text, "\xef\xbb\xbf"))
        text += strlen("\xef\xbb\xbf");
    struct dotenv d = {context, text, text, {name, 1, 0}, lookup, into, err};
    while (find_statement(&d))
        if (!take_statement(&d)) {
            err->is_private = true;
            return false;
        }
    return true;
}

static bool read_text(struct context *context, const char *path, struct position from,
                      struct buffer *into, struct err *err) {
    if (!context_read(context, path, from, into, err))
        return false;
    if (strlen(into->data) == into->length && text_is_utf8(into->data, into->length))
        return true;
    return err_at(err, (struct position){context_file_name(context, path), 0, 0},
                  "the file is not UTF-8");
}

enum { LARGEST = 1 << 20 };

bool dotenv_read(struct context *context, const char *path, struct position from,
                 const struct lookup *lookup, struct variables *into, struct err *err) {
    autobuffer struct buffer text = BUFFER_INIT_MAX(LARGEST);
    return read_text(context, path, from, &text, err) &&
           dotenv_parse(context, text.data, context_file_name(context, path), lookup, into, err);
}

bool dotenv_read_raw(struct context *context, const char *path, struct position from,
                     struct variables *into, struct err *err) {
    autobuffer struct buffer text = BUFFER_INIT_MAX(LARGEST);
    autostrings struct strings lines = {0};
    struct dotenv d = {
        .context = context, .here = {context_file_name(context, path), 0, 0}, .into = into};
    if (!read_text(context, path, from, &text, err))
        return false;
    text_split(text.data, '\n', &lines);
    vec_each (line, &lines) {
        char *sign = strchr(*line, '=');
        if (!sign || sign == *line || **line == '#')
            continue;
        *sign = '\0';
        set(&d, *line, sign + 1);
    }
    return true;
}
