#include "report/style.h"

#include "base/utf8.h"

#include <string.h>
#include <wchar.h>

/* More of one line, or of one column, is of no use to anyone. */
enum { LINE_MAX_BYTES = 16 << 10, COLUMN_MAX_BYTES = 16 };

static const char *const codes[] = {
    [STYLE_NONE] = "",          [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",
    [STYLE_RED] = "\033[1;31m", [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
    [STYLE_CYAN] = "\033[36m",
};

void style_init(struct style *style, bool color, bool unicode) {
    style->color = color;
    style->unicode = unicode;
    /* Not the process's locale: widths are the same whatever the caller has set. */
    style->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

void style_release(struct style *style) {
    if (style->locale)
        freelocale(style->locale);
    style->locale = (locale_t)0;
}

void style_begin(struct buffer *into, const struct style *style, enum style_color color) {
    if (style->color)
        buffer_puts(into, codes[color]);
}

void style_end(struct buffer *into, const struct style *style, enum style_color color) {
    if (style->color && color != STYLE_NONE)
        buffer_puts(into, "\033[0m");
}

void style_put(struct buffer *into, const struct style *style, enum style_color color,
               const char *text) {
    style_begin(into, style, color);
    buffer_puts(into, text);
    style_end(into, style, color);
}

/* Skips the parameters and the final byte of a control sequence, behind "ESC [". */
static const char *skip_csi(const char *at) {
    while (*at >= 0x20 && *at < 0x40)
        at++;
    return *at >= 0x40 && *at < 0x7f ? at + 1 : at;
}

/* Skips a control string to its end; if it has none, only what introduces it: a line must not be
 * able to hide its rest. */
static const char *skip_string(const char *at) {
    const char *end = at + strcspn(at, "\a\033");
    if (*end == '\a')
        return end + 1;
    return *end && end[1] == '\\' ? end + 2 : at;
}

/* Skips an escape sequence; `at` is behind the ESC. */
static const char *skip_escape(const char *at) {
    if (*at == '[')
        return skip_csi(at + 1);
    if (*at && strchr("]PX^_", *at))
        return skip_string(at + 1);
    while (*at >= 0x20 && *at < 0x30)
        at++;
    return *at >= 0x30 && *at < 0x7f ? at + 1 : at;
}

/* Characters without a width that move or reorder what stands around them. */
static bool is_treacherous(uint32_t c) {
    return (c >= 0x80 && c < 0xa0) || c == 0x00ad || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Columns of a character; -1: not to be shown. The style's locale is in use. */
static int width_of(uint32_t c) {
    if (c < 0x20 || c == 0x7f || is_treacherous(c))
        return -1;
    if (c < 0x7f)
        return 1;
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : width;
}

/* The next character that is shown, and its width: escape sequences and controls are passed over.
 * False at the end. */
static bool next_shown(const char **at, uint32_t *ret_character, int *ret_width) {
    while (**at) {
        if (**at == '\033') {
            *at = skip_escape(*at + 1);
            continue;
        }
        *at += utf8_next(*at, strnlen(*at, 4), ret_character);
        if (*ret_character == '\t' || *ret_character == '\n')
            *ret_character = ' ';
        *ret_width = width_of(*ret_character);
        if (*ret_width >= 0)
            return true;
    }
    return false;
}

/* Behind the last '\r' that something follows. */
static const char *last_overwritten(const char *text) {
    const char *from = text;
    for (const char *at = text; (at = strchr(at, '\r')); at++)
        if (at[1 + strspn(at + 1, "\r\n")])
            from = at + 1;
    return from;
}

static int put_cut(struct buffer *into, const struct style *style, const char *text, int columns) {
    const char *ellipsis = style->unicode ? "…" : "...";
    int room = style->unicode ? 1 : 3, used = 0, width, width_at_cut = 0;
    size_t begin = into->length, cut = into->length, most = LINE_MAX_BYTES;
    uint32_t c;

    if (columns >= 0 && columns < LINE_MAX_BYTES / COLUMN_MAX_BYTES)
        most = (size_t)(columns + 1) * COLUMN_MAX_BYTES;
    while (next_shown(&text, &c, &width)) {
        if ((columns >= 0 && used + width > columns) || into->length - begin > most) {
            if (columns >= 0 && columns < room)
                return used;
            buffer_truncate(into, cut);
            buffer_puts(into, ellipsis);
            return width_at_cut + room;
        }
        utf8_put(into, c);
        used += width;
        if (columns < 0 || used <= columns - room) {
            cut = into->length;
            width_at_cut = used;
        }
    }
    return used;
}

int style_clean(struct buffer *into, const struct style *style, const char *text, int columns) {
    locale_t before = style->locale ? uselocale(style->locale) : (locale_t)0;
    int used = put_cut(into, style, last_overwritten(text), columns);
    if (before)
        uselocale(before);
    return used;
}

void style_clean_padded(struct buffer *into, const struct style *style, const char *text,
                        int columns) {
    int used = style_clean(into, style, text, columns);
    buffer_printf(into, "%*s", columns > used ? columns - used : 0, "");
}

int style_width(const struct style *style, const char *text) {
    struct buffer scratch autobuffer = BUFFER_INIT;
    return style_clean(&scratch, style, text, STYLE_UNCUT);
}

void style_put_seconds(struct buffer *into, long long ms) {
    long long tenths = ms < 0 ? 0 : (ms + 50) / 100;
    buffer_printf(into, "%lld.%lld", tenths / 10, tenths % 10);
}

void style_put_duration(struct buffer *into, long long ms) {
    if (ms >= 60000)
        buffer_printf(into, "%lld min %lld s", ms / 60000, ms / 1000 % 60);
    else if (ms >= 100)
        style_put_clock(into, ms);
    else
        buffer_printf(into, "%lld ms", ms < 0 ? 0 : ms);
}

void style_put_clock(struct buffer *into, long long ms) {
    if (ms >= 60000) {
        buffer_printf(into, "%lldm%02llds", ms / 60000, ms / 1000 % 60);
        return;
    }
    style_put_seconds(into, ms);
    buffer_puts(into, " s");
}
