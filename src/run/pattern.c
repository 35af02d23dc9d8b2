#include "run/pattern.h"

#include "base/memory.h"

#include <fnmatch.h>
#include <string.h>

char *pattern_root(const char *pattern, bool *ret_below) {
    size_t plain = strcspn(pattern, "*?[\\");
    *ret_below = pattern[plain];
    if (!*ret_below)
        return xstrdup(pattern);
    while (plain > 1 && pattern[plain - 1] != '/')
        plain--;
    return xstrndup(pattern, plain > 1 ? plain - 1 : 1); /* without the '/', but for the top */
}

bool pattern_is(const char *pattern, const char *path) {
    return !fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD);
}

bool pattern_has(const char *pattern, const char *path) {
    autofree char *part = xstrdup(path);
    if (pattern_is(pattern, path) || pattern_is(pattern, "/"))
        return true;
    for (char *slash; (slash = strrchr(part, '/')) && slash > part;) {
        *slash = '\0';
        if (pattern_is(pattern, part))
            return true;
    }
    return false;
}
