/*
 * project.h: which of the project's files go into a bundle.
 *
 * Those that git knows or does not ignore (without git: all), and besides them what the model uses:
 * seeds, bind mounts, configs. Never .git, what envrun itself wrote, env files and files of
 * secrets; nor a file that holds a value from outside, unless that is how it is committed.
 */
#ifndef REPLAY_PROJECT_H
#define REPLAY_PROJECT_H

#include "loop/task.h"
#include "replay/contents.h"
#include "replay/pin.h"

/* What git says of the project, in files of the folder: "files", "changed" and "untracked" (names
 * with a NUL behind each), "commit", "diff". None of them is there if there is no git. Always done.
 */
struct task *project_ask_git(struct loop *loop, const struct model *model,
                             const char *const *environment, const char *folder);

/* `git`: that folder, in which all is spooled; `out`: where bundles are written. */
void project_add(struct contents *contents, const struct environment_options *run,
                 const struct pinned *pinned, const char *git, const char *out);

#endif
