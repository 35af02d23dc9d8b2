/*
 * envrun config: check the files and print the resolved model.
 */
#include "cli/cli.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool format_is_known(const char *format, struct err *err) {
    return !format || !strcmp(format, "yaml") || !strcmp(format, "json") ||
           err_set(err, ERR_USAGE, "--format is `yaml` or `json`, not `%s`", format);
}

int command_config(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;

    session_init(&session, options);
    if (options->word_count)
        session.services = (const char *const *)options->words;
    if (format_is_known(options->format, &err) && session_load(&session, &err)) {
        bool json = options->format && !strcmp(options->format, "json");
        autofree char *text = json ? model_to_json(session.model) : model_to_yaml(session.model);
        if (!options->quiet)
            fputs(text, stdout);
        if (!options->quiet && *text && !text_ends(text, "\n"))
            putchar('\n');
    } else {
        code = session_fail(&session, &err);
    }
    session_release(&session);
    err_release(&err);
    return code;
}
