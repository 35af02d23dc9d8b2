#include "engine/ignore.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>

/* ---- One pattern ---- */

/* The character set that starts behind '['; answers what is behind its ']', or NULL. */
static const char *match_set(const char *set, char c, bool *ret_in) {
    bool negated = *set == '^', in = false;
    set += negated;
    for (const char *first = set; *set && (*set != ']' || set == first);) {
        char low = *set == '\\' && set[1] ? *++set : *set;
        char high = low;
        set++;
        if (*set == '-' && set[1] && set[1] != ']') {
            set++;
            high = *set == '\\' && set[1] ? *++set : *set;
            set++;
        }
        if (low <= c && c <= high)
            in = true;
    }
    *ret_in = in != negated;
    return *set == ']' ? set + 1 : NULL;
}

/* "**" stands for nothing or for whole directories; at the end for anything. */
static bool match_directories(const char *glob, const char *path) {
    if (*glob == '/')
        glob++;
    if (!*glob)
        return true;
    while (path) {
        if (ignore_glob(glob, path))
            return true;
        path = strchr(path, '/');
        path = path ? path + 1 : NULL;
    }
    return false;
}

static bool match_within_name(const char *glob, const char *path) {
    for (;; path++) {
        if (ignore_glob(glob, path))
            return true;
        if (!*path || *path == '/')
            return false;
    }
}

bool ignore_glob(const char *glob, const char *path) {
    for (; *glob; path++) {
        if (*glob == '*')
            return glob[1] == '*' ? match_directories(glob + 2, path)
                                  : match_within_name(glob + 1, path);
        if (!*path)
            return false;
        if (*glob == '?' && *path != '/') {
            glob++;
        } else if (*glob == '[') {
            bool in;
            if (*path == '/' || !(glob = match_set(glob + 1, *path, &in)) || !in)
                return false;
        } else {
            if (*glob == '\\' && glob[1])
                glob++;
            if (*glob++ != *path)
                return false;
        }
    }
    return !*path;
}

/* ---- All patterns ---- */

static void add_line(struct ignore *ignore, char *line) {
    size_t end = strlen(line);
    bool take_in = *line == '!';
    if (*line == '#')
        return;
    while (end && strchr(" \t\r", line[end - 1]))
        line[--end] = '\0';
    line += take_in;
    line += strspn(line, " \t");
    if (!*line)
        return;
    autofree char *clean = path_join("/", line);
    if (!clean[1]) /* the whole context: as Docker does, no pattern */
        return;
    ignore->takes_in |= take_in;
    vec_push(&ignore->patterns,
             (struct ignore_pattern){.glob = xstrdup(clean + 1), .take_in = take_in});
}

void ignore_parse(struct ignore *ignore, const char *text) {
    autostrings struct strings lines = {0};
    text_split(text_starts(text, "\xef\xbb\xbf") ? text + 3 : text, '\n', &lines);
    vec_each (line, &lines)
        add_line(ignore, *line + strspn(*line, " \t"));
}

/* Does the pattern match the path or a directory above it? */
static bool matches_or_holds(const char *glob, const char *path) {
    if (ignore_glob(glob, path))
        return true;
    autofree char *above = xstrdup(path);
    for (char *slash; (slash = strrchr(above, '/'));) {
        *slash = '\0';
        if (ignore_glob(glob, above))
            return true;
    }
    return false;
}

bool ignore_matches(const struct ignore *ignore, const char *path) {
    bool out = false;
    vec_each (pattern, &ignore->patterns)
        if (out == pattern->take_in && matches_or_holds(pattern->glob, path))
            out = !pattern->take_in;
    return out;
}

bool ignore_may_take_in_below(const struct ignore *ignore, const char *directory) {
    size_t length = strlen(directory);
    if (!ignore->takes_in)
        return false;
    vec_each (pattern, &ignore->patterns) {
        size_t plain = strcspn(pattern->glob, "*?[\\");
        bool whole = !pattern->glob[plain];
        if (!pattern->take_in)
            continue;
        if (plain > length ? text_starts(pattern->glob, directory) && pattern->glob[length] == '/'
                           : !whole && !strncmp(pattern->glob, directory, plain))
            return true;
    }
    return false;
}

void ignore_release(struct ignore *ignore) {
    vec_each (pattern, &ignore->patterns)
        free(pattern->glob);
    vec_free(&ignore->patterns);
}
