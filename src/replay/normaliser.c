#include "replay/normaliser.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

enum { TEXT_MAX = 16 << 10 };

#define NUMBER "[0-9]+([.,][0-9]+)?"
#define UNIT "(ns|us|µs|ms|s|sec|secs|seconds?|min|minutes?)"

/* In this order: what is longer comes before its parts. */
static const struct rule {
    const char *pattern, *name;
} rules[] = {
    {"\x1b\\[[0-9;?]*[A-Za-z]", ""}, /* colours and the like */
    {"\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)", ""},
    {"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", "<uuid>"},
    {"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?( "
     "?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})\\>)?",
     "<time>"},
    {"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?", "<time>"},
    {"\\<[0-9]{1,2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?", "<time>"},
    {"\\<[0-9]{2}:[0-9]{2}[.,][0-9]+", "<time>"},
    {"\\<[0-9]{1,3}:[0-9]{2} ?(min|h)\\>", "<duration>"},
    {"(/private)?(/var)?/tmp/[^][:space:]\"'`:;,)>]*", "<path>"},
    {"\\<[0-9]{1,3}(\\.[0-9]{1,3}){3}(:[0-9]+)?\\>", "<address>"},
    {"\\[[0-9a-fA-F:]*:[0-9a-fA-F:]*\\](:[0-9]+)?", "<address>"},
    {"\\<localhost:[0-9]+", "<address>"},
    {"(\\<|_)(port|Port|PORT)[ =:]+[0-9]+", "<port>"},
    {":[0-9]{4,5}\\>", "<port>"},
    {"0x[0-9a-fA-F]+", "<hex>"},
    {"\\<1[0-9]{9}([0-9]{3})?(\\.[0-9]+)?\\>", "<time>"}, /* since 1970 */
    {"\\<[0-9a-f]{12,64}\\>", "<hex>"},
    {"while it was starting", "before it was ready"}, /* which of them is seen is chance */
    {"\\<(pid|PID|process|Process)[ =:]+[0-9]+", "<process>"},
    {"\\(node:[0-9]+\\)", "<process>"},
    {"\\[[0-9]{1,7}\\]:", "<process>:"},
    {"<time> \\[[0-9]{1,7}\\]", "<time> <process>"},
    {"\\<goroutine [0-9]+", "goroutine <number>"},
    {"\\<([Ss]eed|shuffle)[ =:]+[0-9]+", "<seed>"},
    {"\\<([0-9]+h)?([0-9]+m)?" NUMBER " ?" UNIT "\\>", "<duration>"},
    {"\\<(elapsed|[Dd]uration(_ms)?|took|[Tt]ime)[ =:]+" NUMBER "\\>", "<duration>"},
    {"<duration>(,? (estimated )?<duration>)+", "<duration>"},
    {" ?\\((<duration>|<time>)\\)", ""}, /* some say it only where it is long */
    {"\\<Memory[ =:]+" NUMBER " ?[KMG]i?B", "<memory>"},
    {"[-=_*#~]{4,}", "----"}, /* as long as the line has room for */
};

struct normaliser {
    regex_t compiled[lengthof(rules)];
};

struct normaliser *normaliser_new(void) {
    struct normaliser *normaliser = xnew(struct normaliser);
    for (size_t i = 0; i < lengthof(rules); i++)
        if (regcomp(&normaliser->compiled[i], rules[i].pattern, REG_EXTENDED))
            abort();
    return normaliser;
}

struct normaliser *normaliser_free(struct normaliser *normaliser) {
    for (size_t i = 0; normaliser && i < lengthof(rules); i++)
        regfree(&normaliser->compiled[i]);
    free(normaliser);
    return NULL;
}

/* Not where the word goes on: "/work" is not in "/workshop". */
static char *replace_word(const char *text, const char *word, const char *by) {
    struct buffer out = BUFFER_INIT;
    size_t length = strlen(word);
    for (const char *found; (found = strstr(text, word)); text = found + length) {
        buffer_add(&out, text, (size_t)(found - text));
        buffer_puts(&out, isalnum((unsigned char)found[length]) ? word : by);
    }
    buffer_puts(&out, text);
    return buffer_detach(&out);
}

static char *replace_matches(const char *text, const regex_t *regex, const char *by) {
    struct buffer out = BUFFER_INIT;
    regmatch_t match;
    int flags = 0;
    while (*text && !regexec(regex, text, 1, &match, flags) && match.rm_eo > match.rm_so) {
        buffer_add(&out, text, (size_t)match.rm_so);
        buffer_puts(&out, by);
        text += match.rm_eo;
        flags = REG_NOTBOL;
    }
    buffer_puts(&out, text);
    return buffer_detach(&out);
}

/* Blanks say nothing either. */
static void join_blanks(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++)
        if (!strchr(" \t\r\n", *from))
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static char *replace_owned(char *text, const char *word, const char *by) {
    if (!word || strlen(word) < 2)
        return text;
    char *next = replace_word(text, word, by);
    free(text);
    return next;
}

char *normaliser_apply(const struct normaliser *normaliser, const struct normaliser_words *words,
                       const char *text) {
    char *now = xstrndup(text, strnlen(text, TEXT_MAX));
    now = replace_owned(now, words->environment, "<environment>");
    now = replace_owned(now, words->directory, "<project>");
    for (size_t i = 0; i < lengthof(rules); i++) {
        char *next = replace_matches(now, &normaliser->compiled[i], rules[i].name);
        free(now);
        now = next;
    }
    join_blanks(now);
    return now;
}
