/*
 * Names: of an environment that `up` holds, and of commands in sentences.
 */
#include <envrun/plan.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/text.h"

char *plan_name_for_folder(const char *project, const char *host, const char *path,
                           const char *user, const char *job) {
    char hex[HASH_TEXT_SIZE];
    autobuffer struct buffer all = BUFFER_INIT;
    buffer_printf(&all, "%s\n%s\n%s\n%s", host, path, user, job ? job : "");
    hash_bytes(all.data, all.length, hex);
    return xasprintf("%s-%.6s", project, hex);
}

char *command_text(const struct command *command) {
    struct buffer text = BUFFER_INIT;
    if (command->shell)
        return xstrdup(command->argv[2]);
    for (const char **word = command->argv; word && *word; word++) {
        if (text.length)
            buffer_putc(&text, ' ');
        text_quote_shell(&text, *word);
    }
    return buffer_detach(&text);
}
