/*
 * Tell a CI system where a bundle is: in the files that it gives for that.
 */
#include "replay/bundle.h"

#include "base/path.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

/* It is the CI system's own file; what cannot be written is no failure of the run. */
static void append(const char *path, const char *text) {
    FILE *file = path && *path ? fopen(path, "ae") : NULL;
    if (!file)
        return;
    fputs(text, file);
    fclose(file);
}

static const char *or_nothing(const char *text) {
    return text ? text : "";
}

/* https://docs.github.com/actions: job summaries */
static char *summary(const char *path, const struct ending *ending) {
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "### envrun: %s\n\n", or_nothing(ending->outcome));
    if (ending->cause)
        buffer_printf(&text, "    %s\n\n", ending->cause); /* indented: nothing in it is markup */
    vec_each (test, &ending->tests)
        buffer_printf(&text, "    failed: %s\n", test->name);
    buffer_printf(&text,
                  "\nDownload the artifact with the bundle, and run it again anywhere:\n\n"
                  "    envrun repro %s\n\n",
                  path_name(path));
    return buffer_detach(&text);
}

/* An artifact's path is seen from the project's folder; the file is a report of type dotenv. */
static void hand_to_gitlab(const char *path, const char *folder) {
    size_t length = strlen(folder);
    bool inside = text_starts(path, folder) && path[length] == '/';
    autofree char *directory = path_directory(path);
    autofree char *file = path_join(directory, "bundle.env");
    autofree char *line = xasprintf("ENVRUN_BUNDLE=%s\n", inside ? path + length + 1 : path);
    struct err ignored = ERR_INIT;
    path_write(file, line, strlen(line), false, &ignored);
    err_release(&ignored);
}

void bundle_hand_out(const struct bundle *bundle, const struct ending *ending,
                     const char *const *environment) {
    const char *path = bundle_path(bundle), *gitlab = variable(environment, "CI_PROJECT_DIR");
    autofree char *output = xasprintf("bundle=%s\n", path);
    autofree char *words = summary(path, ending);
    if (strchr(path, '\n'))
        return;
    append(variable(environment, "GITHUB_OUTPUT"), output);
    append(variable(environment, "GITHUB_STEP_SUMMARY"), words);
    if (gitlab && variable(environment, "GITLAB_CI"))
        hand_to_gitlab(path, gitlab);
}
