/*
 * envrun version: of the program, and of the engine if one answers.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static cJSON *ask_engine(struct session *session, struct err *err) {
    if (!session_open(session, err) ||
        !session_drive(session, engine_connect(session->engine), true, err))
        return NULL;
    struct task *request = engine_request(session->engine, "GET", NULL, "/version");
    task_start(request, NULL);
    loop_run(session->loop, request);
    cJSON *answer = request->status == TASK_DONE ? request_take_answer(request) : NULL;
    if (!answer)
        err_move(err, &request->err);
    task_free(request);
    return answer;
}

int command_version(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    session_init(&session, options);
    autojson cJSON *engine = ask_engine(&session, &err);
    printf("envrun %s\n", ENVRUN_VERSION);
    if (engine)
        printf("engine %s, API %s to %s (%s/%s)\n", json_text_or(engine, "Version", "?"),
               json_text_or(engine, "MinAPIVersion", "?"), json_text_or(engine, "ApiVersion", "?"),
               json_text_or(engine, "Os", "?"), json_text_or(engine, "Arch", "?"));
    else
        printf("engine: %s\n", err.message ? err.message : "none");
    session_release(&session);
    err_release(&err);
    return 0;
}

int command_help(struct options *options) {
    if (!options->word_count) {
        options_print_help(NULL, stdout);
        return 0;
    }
    const struct cli_command *command = cli_command_named(options->words[0]);
    struct err err = ERR_INIT;
    if (command) {
        options_print_help(command, stdout);
        return 0;
    }
    err_set(&err, ERR_USAGE, "there is no command `%s`; `envrun help` lists them",
            options->words[0]);
    int code = cli_fail(&err);
    err_release(&err);
    return code;
}
