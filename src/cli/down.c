/*
 * envrun down: remove an environment, from any folder.
 */
#include "cli/cli.h"

#include "base/text.h"

int command_down(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;

    session_init(&session, options);
    if (options->word_count)
        options->name = options->words[0];
    bool ok = session_name(&session, &err) && session_open(&session, &err) &&
              session_drive(&session, engine_connect(session.engine), true, &err);
    if (ok) {
        session_report(&session);
        ok = session_drive(&session,
                           teardown_new(session.loop, session.engine,
                                        &(struct teardown_options){
                                            .name = session.name,
                                            .listener = session_listener(&session),
                                            .began = session.began,
                                        }),
                           false, &err);
    }
    if (!ok)
        code = session.report ? err_exit_code(&err) : session_fail(&session, &err);
    session_release(&session);
    err_release(&err);
    return code;
}
