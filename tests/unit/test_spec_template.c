#include "spec/dotenv.h"
#include "spec/template.h"

#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *lookup(void *context, const char *name) {
    (void)context;
    if (!strcmp(name, "A"))
        return "va";
    if (!strcmp(name, "B"))
        return "vb";
    return !strcmp(name, "EMPTY") ? "" : NULL;
}

static bool missing(void *context, const char *name, struct position at, struct err *err) {
    (void)name, (void)at, (void)err;
    ++*(int *)context;
    return true;
}

static char *expand(const char *text, int *warnings) {
    struct err err = ERR_INIT;
    struct buffer into = BUFFER_INIT_MAX(1000);
    struct template_rules rules = {lookup, missing, warnings};
    if (!template_expand(text, &rules, (struct position){"f", 1, 1}, &into, &err)) {
        buffer_truncate(&into, 0);
        buffer_printf(&into, "error: %s", err.message);
    }
    err_release(&err);
    return buffer_detach(&into);
}

Test(template, forms) {
    static const struct {
        const char *from, *to;
    } pairs[] = {
        {"$A-${B}", "va-vb"},
        {"${A}_B", "va_B"},
        {"${U:-d}${EMPTY:-d}${EMPTY-d}${U-d}", "ddd"},
        {"${A:+y}${EMPTY:+y}${EMPTY+y}${U+y}", "yy"},
        {"${U:-${B}}", "vb"},
        {"${U:-$B$A}", "vbva"},
        {"${U:-{\"x\":{\"y\":1}}}", "{\"x\":{\"y\":1}}"},
        {"${U:-a}b}", "ab}"},
        {"${U:-{{x}}}", "{{x}}"},
        {"$$A $1 a$ $(x) $", "$A $1 a$ $(x) $"},
        {"${U:-$$x}", "$x"},
        {"${A?m}${EMPTY?m}", "va"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        int warnings = 0;
        char *got autofree = expand(pairs[i].from, &warnings);
        cr_assert_str_eq(got, pairs[i].to, "%s: %s", pairs[i].from, got);
    }
}

Test(template, mistakes) {
    static const char *const wrong[] = {"${}",        "${1}",          "${A",     "${A B}",
                                        "${A:=d}",    "${A:}",         "${A!}",   "${U:?m}",
                                        "${EMPTY:?}", "${A:-${U:?x}}", "${U:-\n}"};
    for (size_t i = 0; i < lengthof(wrong); i++) {
        int warnings = 0;
        char *got autofree = expand(wrong[i], &warnings);
        cr_assert(text_starts(got, "error: "), "%s: %s", wrong[i], got);
    }
}

Test(template, tells_of_what_is_not_set) {
    int warnings = 0;
    char *got autofree = expand("$U ${U} ${U:-x} ${U+x}", &warnings);
    cr_assert_str_eq(got, "  x ");
    cr_assert_eq(warnings, 2);
}

Test(template, is_bounded) {
    char *deep autofree = xcalloc(1, 5001);
    int warnings = 0;
    for (int i = 0; i < 1000; i++)
        memcpy(deep + i * 5, "${U:-", 5);
    char *got autofree = expand(deep, &warnings);
    cr_assert(text_starts(got, "error: "));
    char *many autofree = xcalloc(1, 2001);
    for (int i = 0; i < 1000; i++)
        memcpy(many + i * 2, "$A", 2);
    char *long_one autofree = expand(many, &warnings);
    cr_assert(text_starts(long_one, "error: "));
}

Test(template, strict_for_the_suite) {
    static const char *const names[] = {"DB_HOST", "DB_PORT", "DB_URL", NULL};
    struct err err = ERR_INIT;
    char *text = NULL;
    struct position at = {"envrun.yaml", 3, 7};
    cr_assert(spec_interpolate("x-$A-${U:-d}", lookup, NULL, names, at, &text, &err));
    cr_assert_str_eq(text, "x-va-d");
    free(text);
    cr_assert_not(spec_interpolate("$DB_ULR", lookup, NULL, names, at, &text, &err));
    char *message autofree = err_text(&err);
    cr_assert_str_eq(message,
                     "envrun.yaml:3:7: the variable DB_ULR is not set, did you mean DB_URL?");
    err_release(&err);
}

/* ---- Files of variables ---- */

static char *dotenv(const char *text) {
    struct model_input input = {.directory = "/"};
    struct context context = {.arena = arena_new(), .input = &input};
    context.outside = context.shown = VARIABLES_INIT(context.arena);
    struct variables shell = VARIABLES_INIT(context.arena), found = VARIABLES_INIT(context.arena);
    struct lookup where = {&shell, NULL};
    struct err err = ERR_INIT;
    struct buffer out = BUFFER_INIT;
    variables_set(&shell, "X", "vx");
    if (!dotenv_parse(&context, text, "e.env", &where, &found, &err)) {
        char *message autofree = err_text(&err);
        buffer_puts(&out, message);
    }
    for (size_t i = 0; i < found.length && !err_is(&err); i++)
        buffer_printf(&out, "%s%s=<%s>", i ? " " : "", found.at[i].name, found.at[i].value);
    err_release(&err);
    strings_release(&context.warnings);
    arena_free(context.arena);
    return buffer_detach(&out);
}

Test(dotenv, forms) {
    static const struct {
        const char *from, *to;
    } pairs[] = {
        {"A=1\nB=$A\n", "A=<1> B=<1>"},
        {"export  A = 1", "A=<1>"},
        {"A=b#c\nB=b #c\nC= #c", "A=<b#c> B=<b> C=<#c>"},
        {"A=\"x\\ny\" # z", "A=<x\ny>"},
        {"A='x\\ny'", "A=<x\\ny>"},
        {"A='$X'\nB=\"$X\"\nC=\"\\$X\"", "A=<$X> B=<vx> C=<$X>"},
        {"A=\"x\ny\"\nB=2", "A=<x\ny> B=<2>"},
        {"X\nNOPE\n", "X=<vx>"},
        {"A: 1\nB:2", "A=<1> B=<2>"},
        {"A=1\r\nB=2\r\n", "A=<1> B=<2>"},
        {"\xef\xbb\xbf# c\n\nA=", "A=<>"},
        {"A='it\\'s'", "A=<it's>"},
        {"A=\"\\0101\"", "A=<A>"},
        {"A=x\nB=\"open\n", "e.env:2:3: the quote \" is not closed"},
        {"A B=1", "e.env:1:1: a variable's name cannot have a space in it"},
        {"=b", "e.env:1:1: there is no name before `=`"},
        {"\nA@=1", "e.env:2:2: `@` cannot be part of a variable's name"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        char *got autofree = dotenv(pairs[i].from);
        cr_assert_str_eq(got, pairs[i].to, "%s: %s", pairs[i].from, got);
    }
}
