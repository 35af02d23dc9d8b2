/*
 * envrun: the table of commands, and main().
 */
#include "cli/cli.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

const struct cli_command cli_commands[] = {
    {"run", command_run, "stand the environment up, run the suite, take it down",
     "[SUITE...] [-- COMMAND...]", "fEpxndjvPHBMwekDSslboAVZ",
     "The exit code is the suite's; envrun's own are 64 to 75, 124, 126, 127, 130 and 143\n"
     "(docs/exit-codes.md). A COMMAND behind -- takes the place of the suite's own.\n",
     -1, false},
    {"up", command_up, "stand the environment up and hold it", "[SERVICE...]", "fEpxndjvPHBMwkDl",
     "Prints where each service answers. `envrun down` takes it down.\n", -1, false},
    {"down", command_down, "take an environment down", "[NAME]", "fEpxndjv",
     "From any folder by its name, else the one that `envrun up` holds for these files.\n", 1,
     false},
    {"ps", command_ps, "list the containers of an environment", "", "fEpxndF", NULL, 0, false},
    {"logs", command_logs, "show what the services wrote", "[SERVICE...]", "fEpxndLTtiR",
     "With --run, those that a recorded run has kept; a suite's name shows what it wrote.\n", -1,
     false},
    {"runs", command_runs, "list the recorded runs", "", "dF",
     "They lie in .envrun/runs/ (docs/records.md); the latest ones are kept.\n"
     "Formats: table (the default), json.\n",
     0, false},
    {"show", command_show, "tell the story of a recorded run on one page", "[RUN]", "d",
     "RUN is its ID, the beginning of it, or its folder; the latest one if none is given.\n", 1,
     false},
    {"exec", command_exec, "run a command in a service's container", "SERVICE COMMAND [ARG...]",
     "fEpxndNUWei", NULL, -1, true},
    {"port", command_port, "print where a service's port answers", "SERVICE PORT", "fEpxndOi", NULL,
     2, false},
    {"env", command_env, "print the suite's variables", "", "fEpxndSF",
     "Where the services answer, and the `environment` of the suite if there is one, or of those\n"
     "that --suite names. For a shell: eval \"$(envrun env)\".\n"
     "Formats: shell (the default), json, dotenv.\n",
     0, false},
    {"config", command_config, "check the files and print the resolved model", "[SERVICE...]",
     "fEpxndFq", "Formats: yaml (the default), json.\n", -1, false},
    {"ls", command_ls, "list all environments on the engine", "", "F",
     "With who owns them and until when (docs/cleaning-up.md). Formats: table (the default), "
     "json.\n",
     0, false},
    {"gc", command_gc, "remove what runs that were killed have left", "", "yI",
     "Only environments whose owner is dead or whose deadline has passed; never another one's.\n"
     "Without --yes it only says what it would remove.\n",
     0, false},
    {"doctor", command_doctor, "check the engine and this host", "", "",
     "One line each, with what to do about it; 69 if something fails.\n", 0, false},
    {"lock", command_lock, "write envrun.lock: which image each name means", "", "fEpxnd",
     "`run` and `up` then take these images (docs/images.md).\n", 0, false},
    {"repro", command_repro, "run a failed run's bundle again, and compare", "BUNDLE|RUN",
     "jvyKacXkoMwB",
     "Exit codes: 0 it fails in the same way, 1 it passes here, 2 it fails differently\n"
     "(docs/bundles.md).\n",
     1, false},
    {"version", command_version, "print the versions of envrun and of the engine", "", "", NULL, 0,
     false},
    {"help", command_help, "explain a command", "[COMMAND]", "", NULL, 1, false},
    {0},
};

const struct cli_command *cli_command_named(const char *name) {
    for (const struct cli_command *command = cli_commands; command->name; command++)
        if (!strcmp(command->name, name))
            return command;
    return NULL;
}

static int unknown_command(const char *name) {
    if (*name == '-') {
        fputs("envrun: options stand behind the command, as in `envrun run -p NAME`; `envrun help` "
              "lists the commands\n",
              stderr);
        return EX_USAGE;
    }
    const char *names[lengthof(cli_commands)];
    size_t count = 0;
    for (const struct cli_command *command = cli_commands; command->name; command++)
        names[count++] = command->name;
    const char *nearest = text_nearest(name, names, count);
    fprintf(stderr, "envrun: there is no command `%s`", name);
    if (nearest)
        fprintf(stderr, "; did you mean `%s`?\n", nearest);
    else
        fputs("; `envrun help` lists them\n", stderr);
    return EX_USAGE;
}

/* Many log streams need many descriptors; children get the old limit back. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whoever calls us may have closed some: no other file shall take the place of stdout. */
static void fill_standard_descriptors(void) {
    int fd;
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
        ;
    if (fd >= 0)
        close(fd);
}

/* What was printed is worth nothing if it did not arrive. Who stops reading, as `head`, knows. */
static int end_output(int code) {
    errno = 0;
    if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE)
        return code;
    fprintf(stderr, "envrun: cannot write to stdout%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return code ? code : EX_IOERR;
}

static int run_command(const struct cli_command *command, int argc, char **argv) {
    struct options options = {.ttl = -1, .max_wait = 1800000};
    struct err err = ERR_INIT;
    int code;
    if (!options_parse(&options, command, argc, argv, &err)) {
        code = cli_fail(&err);
        fprintf(stderr, "Try `envrun help %s`.\n", command->name);
        if (command->run == command_run || command->run == command_up)
            fprintf(stderr, "envrun: outcome=error code=%d duration=0.0s\n", code);
    } else if (options.help) {
        options_print_help(command, stdout);
        code = EX_OK;
    } else {
        code = command->run(&options);
    }
    err_release(&err);
    options_release(&options);
    return code;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    raise_file_limit();
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        options_print_help(NULL, stderr);
        return EX_USAGE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h"))
        word = "help";
    if (!strcmp(word, "--version") || !strcmp(word, "-V"))
        word = "version";
    if (is_reaper(word))
        return command_reaper();
    const struct cli_command *command = cli_command_named(word);
    return command ? end_output(run_command(command, argc - 1, argv + 1)) : unknown_command(word);
}
