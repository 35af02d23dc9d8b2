#include "engine/dockerfile.h"

#include "base/buffer.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct scan {
    const char *at; /* the next line */
    int line;       /* its number */
    char escape;    /* '\\', or '`' by a directive */
    const cJSON *args;
    struct buffer text; /* the instruction, its lines joined */
    struct dockerfile_feature *found;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at) {
    while (is_blank(*at))
        at++;
    return at;
}

static size_t word_length(const char *at) {
    return strcspn(at, " \t\r\n");
}

static const char *next_word(const char *at) {
    return skip_blanks(at + word_length(at));
}

static bool is_word(const char *at, const char *word) {
    return word_length(at) == strlen(word) && !strncasecmp(at, word, strlen(word));
}

static bool found(struct scan *scan, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool found(struct scan *scan, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(scan->found->what, sizeof scan->found->what, format, args);
    va_end(args);
    scan->found->line = line;
    return true;
}

/* ---- Directives: `# escape=` and `# syntax=` above everything else ---- */

/* "# NAME = VALUE", or NULL. */
static const char *directive_value(const char *line, const char *name) {
    const char *at = skip_blanks(line);
    if (*at != '#')
        return NULL;
    at = skip_blanks(at + 1);
    if (strncasecmp(at, name, strlen(name)) != 0)
        return NULL;
    at = skip_blanks(at + strlen(name));
    return *at == '=' ? skip_blanks(at + 1) : NULL;
}

/* Docker's own frontends speak the usual language; the engine's builders need not fetch them. */
static bool is_usual_frontend(const char *name) {
    static const char *const usual[] = {"docker/dockerfile", "docker/dockerfile-upstream"};
    static const char registry[] = "docker.io/";
    if (text_starts(name, registry))
        name += strlen(registry);
    for (size_t i = 0; i < lengthof(usual); i++)
        if (text_starts(name, usual[i]) && strchr(":@ \t\r\n", name[strlen(usual[i])]))
            return true;
    return false;
}

static void next_line(struct scan *scan) {
    scan->at += strcspn(scan->at, "\n");
    scan->at += *scan->at == '\n';
    scan->line++;
}

static bool read_directives(struct scan *scan) {
    for (; *skip_blanks(scan->at) == '#'; next_line(scan)) {
        const char *escape = directive_value(scan->at, "escape");
        const char *syntax = directive_value(scan->at, "syntax");
        if (escape && (*escape == '`' || *escape == '\\'))
            scan->escape = *escape;
        else if (syntax && !is_usual_frontend(syntax))
            return found(scan, scan->line, "`# syntax=%.*s`", (int)word_length(syntax), syntax);
        else if (!escape && !syntax && !directive_value(scan->at, "check"))
            break; /* an ordinary comment ends them */
    }
    return false;
}

/* ---- One instruction ---- */

/* Add a line; true: the next one continues it. */
static bool add_line(struct scan *scan) {
    size_t length = strcspn(scan->at, "\n");
    while (length && is_blank(scan->at[length - 1]))
        length--;
    bool continued = length && scan->at[length - 1] == scan->escape;
    buffer_add_capped(&scan->text, scan->at, length - continued);
    next_line(scan);
    return continued;
}

static bool is_comment_or_empty(const char *line) {
    const char *at = skip_blanks(line);
    return *at == '#' || *at == '\n' || !*at;
}

/* The next instruction into scan->text, comments and empty lines between its lines left out; its
 * line's number, or 0 at the end. */
static int read_instruction(struct scan *scan) {
    buffer_truncate(&scan->text, 0);
    while (*scan->at && is_comment_or_empty(scan->at))
        next_line(scan);
    int line = scan->line;
    if (!*scan->at)
        return 0;
    while (*scan->at && add_line(scan))
        while (*scan->at && is_comment_or_empty(scan->at))
            next_line(scan);
    return line;
}

/* ---- What only BuildKit knows ---- */

static bool is_known_flag(const char *const *known, const char *flag, size_t length) {
    for (; *known; known++)
        if (strlen(*known) == length && !strncasecmp(flag, *known, length))
            return true;
    return false;
}

/* Any flag but those of the classic builder. */
static bool has_new_flag(struct scan *scan, int line, const char *name, const char *rest,
                         const char *const *known) {
    for (; text_starts(rest, "--"); rest = next_word(rest)) {
        size_t length = strcspn(rest + 2, "= \t\r");
        if (length && !is_known_flag(known, rest + 2, length))
            return found(scan, line, "`%s --%.*s`", name, (int)length, rest + 2);
    }
    return false;
}

/* A word such as <<EOF, <<-'EOF' or 3<<EOF; a shell's <<< is none. */
static bool is_heredoc(const char *word) {
    word += strspn(word, "0123456789");
    if (!text_starts(word, "<<"))
        return false;
    word += 2 + (word[2] == '-');
    bool named = isalnum((unsigned char)*word) || (*word && strchr("\"'_", *word));
    return named && !memchr(word, '<', word_length(word));
}

/* Where the word that begins here ends, blanks in quotes taken along. */
static const char *end_of_word(const char *at) {
    char quote = 0;
    for (; *at && (quote || !is_blank(*at)); at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? 0 : *at;
        else if (*at == '\\' && at[1] && quote != '\'')
            at++;
    }
    return at;
}

static bool has_heredoc(struct scan *scan, int line, const char *rest) {
    for (; *rest; rest = skip_blanks(end_of_word(rest)))
        if (is_heredoc(rest))
            return found(scan, line, "a heredoc");
    return false;
}

/* A git repository: the classic builder would download it as if it were a file. */
static bool adds_repository(struct scan *scan, int line, const char *rest) {
    for (; *rest; rest = next_word(rest)) {
        size_t name = strcspn(rest, "# \t\r");
        bool is_address = text_starts(rest, "https://") || text_starts(rest, "http://");
        bool is_git = text_starts(rest, "git@") || text_starts(rest, "git://");
        bool ends_so = name > 4 && !strncmp(rest + name - 4, ".git", 4);
        if (is_git || (is_address && ends_so))
            return found(scan, line, "`ADD` of a git repository");
    }
    return false;
}

/* TARGETARCH and its like, which BuildKit sets by itself. */
static bool is_automatic(const char *name, size_t length) {
    static const char *const sides[] = {"BUILD", "TARGET"};
    static const char *const parts[] = {"PLATFORM", "OS", "ARCH", "VARIANT"};
    for (size_t i = 0; i < lengthof(sides) * lengthof(parts); i++) {
        char known[FEATURE_SIZE];
        snprintf(known, sizeof known, "%s%s", sides[i / lengthof(parts)],
                 parts[i % lengthof(parts)]);
        if (strlen(known) == length && !strncmp(name, known, length))
            return true;
    }
    return false;
}

static bool is_given(const struct scan *scan, const char *name, size_t length) {
    char key[FEATURE_SIZE];
    snprintf(key, sizeof key, "%.*s", (int)length, name);
    return cJSON_GetObjectItemCaseSensitive(scan->args, key);
}

/* `ARG TARGETARCH` without a default. */
static bool wants_automatic(struct scan *scan, int line, const char *rest) {
    for (; *rest; rest = next_word(rest)) {
        size_t length = word_length(rest);
        if (is_automatic(rest, length) && !is_given(scan, rest, length))
            return found(scan, line, "`ARG %.*s`", (int)length, rest);
    }
    return false;
}

/* `FROM --platform=$BUILDPLATFORM`: these need no ARG there. */
static bool wants_platform(struct scan *scan, int line, const char *rest) {
    static const char flag[] = "--platform=";
    if (!text_starts(rest, flag) || rest[strlen(flag)] != '$')
        return false;
    const char *name = rest + strlen(flag) + 1;
    name += *name == '{';
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (!is_automatic(name, length) || is_given(scan, name, length))
        return false;
    return found(scan, line, "`FROM --platform=$%.*s`", (int)length, name);
}

static bool examine(struct scan *scan, int line) {
    static const char *const copy_flags[] = {"chown", "from", NULL};
    static const char *const add_flags[] = {"chown", NULL};
    static const char *const no_flags[] = {NULL};
    const char *at = skip_blanks(scan->text.data);
    while (is_word(at, "ONBUILD"))
        at = next_word(at);
    const char *rest = next_word(at);
    if (is_word(at, "RUN"))
        return has_new_flag(scan, line, "RUN", rest, no_flags) || has_heredoc(scan, line, rest);
    if (is_word(at, "COPY"))
        return has_new_flag(scan, line, "COPY", rest, copy_flags) || has_heredoc(scan, line, rest);
    if (is_word(at, "ADD"))
        return has_new_flag(scan, line, "ADD", rest, add_flags) || has_heredoc(scan, line, rest) ||
               adds_repository(scan, line, rest);
    if (is_word(at, "ARG"))
        return wants_automatic(scan, line, rest);
    return is_word(at, "FROM") && wants_platform(scan, line, rest);
}

bool dockerfile_needs_buildkit(const char *text, const cJSON *args,
                               struct dockerfile_feature *ret) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct scan scan = {
        .at = text, .line = 1, .escape = '\\', .args = args, .text = BUFFER_INIT, .found = ret};
    if (text_starts(text, byte_order_mark))
        scan.at += strlen(byte_order_mark);
    bool needs = read_directives(&scan);
    for (int line; !needs && (line = read_instruction(&scan));)
        needs = examine(&scan, line);
    buffer_release(&scan.text);
    return needs;
}
