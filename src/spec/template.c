#include "spec/template.h"

#include "spec/context.h"

#include <envrun/spec.h>

#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct expansion {
    const struct template_rules *rules;
    const char *whole; /* for messages */
    struct position at;
    struct err *err;
};

bool template_has_variables(const char *text) {
    return strchr(text, '$');
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length(const char *text) {
    size_t length = 0;
    if (is_letter(*text))
        while (is_letter(text[length]) || (text[length] >= '0' && text[length] <= '9'))
            length++;
    return length;
}

static bool add(struct expansion *e, struct buffer *into, const char *text, size_t length) {
    if (buffer_fits(into, length)) {
        buffer_add(into, text, length);
        return true;
    }
    return err_at(e->err, e->at, "the text becomes too long when its variables are put in");
}

static bool fail_form(struct expansion *e) {
    return err_at(e->err, e->at,
                  "`%.*s` is not a variable in a form that is known; a $ that is meant is written "
                  "$$",
                  200, e->whole);
}

/* Where the brace that `open` points to is closed: braces within are counted, as `${a:-{"b":1}}`
 * needs it; if they do not match, the last one in the line. */
static const char *closing_brace(const char *open) {
    int depth = 0;
    const char *last = NULL;
    for (const char *c = open; *c && *c != '\n'; c++) {
        if (*c == '}') {
            last = c;
            if (!--depth)
                return c;
        }
        if (*c == '{') {
            depth++;
            if (!*++c || *c == '\n') /* the character behind it does not count */
                break;
            if (*c == '}')
                last = c;
        }
    }
    return last;
}

static bool expand(struct expansion *e, const char *text, size_t length, int depth,
                   struct buffer *into);

static bool use(struct expansion *e, const char *name, const char *value, struct buffer *into) {
    if (value)
        return add(e, into, value, strlen(value));
    return e->rules->missing(e->rules->context, name, e->at, e->err);
}

/* What stands behind NAME in ${NAME...}: an operator and a word. */
static bool expand_operator(struct expansion *e, const char *name, const char *form, size_t length,
                            int depth, struct buffer *into) {
    bool colon = *form == ':';
    char operator= form[colon];
    autobuffer struct buffer word = BUFFER_INIT_MAX(into->max);
    if (!strchr("-+?", operator) || !operator)
        return fail_form(e);
    if (!expand(e, form + colon + 1, length - colon - 1, depth + 1, &word))
        return false;
    const char *value = e->rules->lookup(e->rules->context, name);
    bool given = value && !(colon && !*value);
    if (operator== '?' && !given)
        return err_at(e->err, e->at, "the variable %s must be set%s%s", name,
                      word.length ? ": " : "", word.data);
    if (operator== '+' ? given : !given)
        return add(e, into, word.data, word.length);
    return !value || add(e, into, value, strlen(value));
}

/* ${...}; answers how many characters were used, 0 on failure. */
static size_t expand_braced(struct expansion *e, const char *text, int depth, struct buffer *into) {
    size_t length = name_length(text + 2);
    const char *form = text + 2 + length;
    const char *end = *form == '}' ? form : closing_brace(text + 1);
    if (!length || !end || end < form)
        return fail_form(e);
    autofree char *name = xstrndup(text + 2, length);
    bool ok = end == form ? use(e, name, e->rules->lookup(e->rules->context, name), into)
                          : expand_operator(e, name, form, (size_t)(end - form), depth, into);
    return ok ? (size_t)(end - text) + 1 : 0;
}

static size_t expand_variable(struct expansion *e, const char *text, int depth,
                              struct buffer *into) {
    if (text[1] == '{')
        return expand_braced(e, text, depth, into);
    size_t length = name_length(text + 1);
    autofree char *name = xstrndup(text + 1, length);
    return use(e, name, e->rules->lookup(e->rules->context, name), into) ? length + 1 : 0;
}

static bool expand_text(struct expansion *e, const char *text, int depth, struct buffer *into) {
    for (;;) {
        const char *dollar = strchrnul(text, '$');
        size_t used = 1;
        if (!add(e, into, text, (size_t)(dollar - text)))
            return false;
        if (!*dollar)
            return true;
        if (dollar[1] == '{' || is_letter(dollar[1])) {
            used = expand_variable(e, dollar, depth, into);
            if (!used)
                return false;
        } else {
            if (!add(e, into, "$", 1))
                return false;
            used += dollar[1] == '$';
        }
        text = dollar + used;
    }
}

static bool expand(struct expansion *e, const char *text, size_t length, int depth,
                   struct buffer *into) {
    if (depth > SPEC_NESTING_MAX)
        return err_at(e->err, e->at, "variables are nested more than %d deep here",
                      SPEC_NESTING_MAX);
    autofree char *part = xstrndup(text, length);
    return expand_text(e, part, depth, into);
}

bool template_expand(const char *text, const struct template_rules *rules, struct position at,
                     struct buffer *into, struct err *err) {
    struct expansion e = {rules, text, at, err};
    return expand_text(&e, text, 0, into);
}

/* ---- spec.h ---- */

struct strict {
    const char *(*lookup)(void *context, const char *name);
    const char *const *names;
    void *context;
};

static const char *strict_lookup(void *context, const char *name) {
    struct strict *strict = context;
    return strict->lookup(strict->context, name);
}

static bool strict_missing(void *context, const char *name, struct position at, struct err *err) {
    struct strict *strict = context;
    size_t count = 0;
    while (strict->names && strict->names[count])
        count++;
    const char *nearest = text_nearest(name, strict->names, count);
    return err_at(err, at, "the variable %s is not set%s%s%s", name,
                  nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

bool spec_interpolate(const char *text, const char *(*lookup)(void *context, const char *name),
                      void *context, const char *const *names, struct position at, char **ret,
                      struct err *err) {
    enum { LONGEST = 1 << 20 };
    struct strict strict = {lookup, names, context};
    struct template_rules rules = {strict_lookup, strict_missing, &strict};
    struct buffer into = BUFFER_INIT_MAX(LONGEST);
    if (!template_expand(text, &rules, at, &into, err)) {
        buffer_release(&into);
        return false;
    }
    *ret = buffer_detach(&into);
    return true;
}
