/*
 * envrun env: the suite's variables, for a shell or a program.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void print_shell(const char *name, const char *value) {
    autobuffer struct buffer quoted = BUFFER_INIT;
    text_quote_shell(&quoted, value);
    printf("export %s=%s\n", name, quoted.data);
}

/* In double quotes; a dotenv reader expands $ there. */
static void print_dotenv(const char *name, const char *value) {
    printf("%s=\"", name);
    for (; *value; value++) {
        if (strchr("\"\\$", *value))
            putchar('\\');
        putchar(*value);
    }
    puts("\"");
}

static void print_json(const char *const *variables) {
    autojson cJSON *all = cJSON_CreateObject();
    for (; *variables; variables++) {
        autofree char *name = xstrndup(*variables, strcspn(*variables, "="));
        json_put_text(all, name, strchrnul(*variables, '=') + 1);
    }
    autofree char *text = cJSON_Print(all);
    puts(text);
}

static void print_variables(const char *const *variables, const char *format) {
    if (!strcmp(format, "json")) {
        print_json(variables);
        return;
    }
    for (; *variables; variables++) {
        autofree char *name = xstrndup(*variables, strcspn(*variables, "="));
        const char *value = strchrnul(*variables, '=') + 1;
        if (!strcmp(format, "dotenv"))
            print_dotenv(name, value);
        else
            print_shell(name, value);
    }
}

static bool format_is_known(const char *format, struct err *err) {
    return !strcmp(format, "shell") || !strcmp(format, "json") || !strcmp(format, "dotenv") ||
           err_set(err, ERR_USAGE, "--format is `shell`, `json` or `dotenv`, not `%s`", format);
}

/* An environment that is only named was made from files that its labels name. */
static bool load_by_labels(struct session *session, struct err *err) {
    autojson cJSON *containers = session_containers(session, err);
    const cJSON *first = cJSON_GetArrayItem(containers, 0);
    if (!containers)
        return false;
    text_split(container_label(first, LABEL_FILES), ',', &session->options->files);
    session->options->directory = session->folder = xstrdup(container_label(first, LABEL_FOLDER));
    return session_load(session, err);
}

/* Those that are named, else the only one. */
static bool choose_suites(const struct session *session, struct suites *chosen, struct err *err) {
    const struct model *model = session->model;
    if (!session_suites(session, chosen, err))
        return false;
    if (!chosen->length && model->suite_count == 1)
        vec_push(chosen, &model->suites[0]);
    vec_push(chosen, NULL);
    return true;
}

static bool find(struct session *session, const struct suites *chosen, const char *const **ret,
                 struct err *err) {
    struct environment_options options = {
        .suites = chosen->at,
        .model = session->model,
        .name = session->name,
        .verb = "env",
        .process_environment = (const char *const *)environ,
    };
    session->environment = environment_new(session->loop, session->engine, &options);
    return session_drive(session, environment_find(session->environment), true, err) &&
           environment_variables(session->environment, ret, err);
}

int command_env(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    struct suites chosen = {0};
    const char *const *variables;
    const char *format = options->format ? options->format : "shell";
    bool named_only = options->name && !options->files.length && !options->environment;
    int code = 0;

    session_init(&session, options);
    if (format_is_known(format, &err) && session_name(&session, &err) &&
        session_open(&session, &err) &&
        (session.model ||
         (named_only ? load_by_labels(&session, &err) : session_load(&session, &err))) &&
        choose_suites(&session, &chosen, &err) && find(&session, &chosen, &variables, &err))
        print_variables(variables, format);
    else
        code = session_fail(&session, &err);
    session_release(&session);
    vec_free(&chosen);
    err_release(&err);
    return code;
}
