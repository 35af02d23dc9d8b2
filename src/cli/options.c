/*
 * The options: one table, from which getopt, the checks and the help are made.
 */
#include "cli/cli.h"

#include "base/text.h"

#include "plan/subnets.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct option_row {
    char letter;     /* how cli_command.flags names it */
    char short_name; /* or 0 */
    const char *name;
    const char *argument; /* NULL: none; "[X]": optional */
    const char *help;
};

static const struct option_row rows[] = {
    {'f', 'f', "file", "FILE",
     "a file to read; several are merged (default: compose.yaml, ... envrun.yaml)"},
    {'E', 0, "environment", "NAME", "environments/NAME.yaml or the files in environments/NAME/"},
    {'p', 'p', "project-name", "NAME", "the environment's name"},
    {'x', 0, "profile", "NAME", "activate a profile; may be given again"},
    {'n', 0, "env-file", "FILE", "read variables from FILE instead of .env; may be given again"},
    {'d', 0, "project-directory", "DIR", "the folder that relative paths start from"},
    {'j', 0, "json", NULL, "tell what happens as newline-delimited JSON on stderr"},
    {'v', 'v', "verbose", NULL, "show every line of builds and pulls"},
    {'P', 0, "ports", "HOW",
     "`ephemeral` (default): free ports of 127.0.0.1; `written`: as in the file"},
    {'H', 0, "hermetic", NULL, "internal networks: the services reach nothing outside of them"},
    {'B', 0, "subnets", "CIDR[/SIZE]", "where networks without a subnet get one, or `engine`"},
    {'M', 0, "max-parallel", "N", "wait in line while the engine has N environments or more"},
    {'w', 0, "max-wait", "DURATION", "how long to wait in line (default: 30m)"},
    {'e', 'e', "env", "KEY=VAL", "set a variable of the suite (of the command, for exec)"},
    {'S', 0, "suite", "NAME", "run this suite; may be given again"},
    {'k', 0, "keep", "[WHEN]", "do not take it down; with =on-failure, only after a failure"},
    {'D', 0, "ttl", "DURATION",
     "take it down after so long, as 30m or 2h; 0: never (with CI set: 2h)"},
    {'s', 0, "strict", NULL, "a service that dies under a green suite is a failure (75)"},
    {'l', 0, "locked", NULL, "fail if envrun.lock is missing, or is not what the files say"},
    {'b', 0, "bundle", "WHEN",
     "write a bundle: `on-failure` (default with CI), `always`, `never` (default without)"},
    {'o', 0, "out", "DIR", "where artifacts and bundles go (default: envrun-out)"},
    {'A', 0, "bundle-images", "WHICH",
     "`needed` (default): those that cannot be pulled by digest; `all`"},
    {'V', 0, "bundle-data", NULL, "with the volumes as they were at the failure"},
    {'Z', 0, "bundle-size", "MIB", "leave out what would make it larger, unpacked (default: 2048)"},
    {'K', 0, "secrets-file", "FILE", "variables that the bundle asks for, as in an env file"},
    {'a', 0, "at-failure", NULL, "begin with the volumes as they were at the failure"},
    {'c', 0, "like-ci", NULL, "with no more CPUs and memory than there were at the failure"},
    {'X', 0, "shell", NULL, "open a shell in the suite's place"},
    {'L', 0, "follow", NULL, "go on as the services write"},
    {'R', 0, "run", "RUN", "of a recorded run: its ID, the beginning of it, or its folder"},
    {'T', 0, "tail", "N", "only the last N lines of each"},
    {'t', 't', "timestamps", NULL, "the time before each line"},
    {'N', 'T', "no-tty", NULL, "no terminal, even if stdin and stdout are one"},
    {'U', 'u', "user", "USER", "as this user"},
    {'W', 'w', "workdir", "DIR", "in this folder of the container"},
    {'O', 0, "protocol", "NAME", "tcp (default), udp or sctp"},
    {'i', 0, "index", "N", "the Nth container of a service that has several"},
    {'F', 0, "format", "FORMAT", "the output's format"},
    {'y', 'y', "yes", NULL, "do it, without asking first"},
    {'I', 0, "images", NULL, "also images that envrun built and nobody uses"},
    {'q', 'q', "quiet", NULL, "only check, print nothing"},
    {'h', 'h', "help", NULL, "explain the command"},
};

/* What the process environment says in the place of an option that is not given. */
static const struct {
    char letter;
    const char *name;
} variables[] = {{'B', "ENVRUN_SUBNETS"}, {'M', "ENVRUN_MAX_PARALLEL"}};

static bool takes(const struct cli_command *command, char letter) {
    return letter == 'h' || strchr(command->flags, letter) != NULL;
}

/* ---- Setting one ---- */

static bool set_ports(struct options *options, const char *value, struct err *err) {
    options->ports_as_written = !strcmp(value, "written");
    return options->ports_as_written || !strcmp(value, "ephemeral") ||
           err_set(err, ERR_USAGE, "--ports is `written` or `ephemeral`, not `%s`", value);
}

static bool set_keep(struct options *options, const char *value, struct err *err) {
    options->keep = value ? KEEP_ON_FAILURE : KEEP_ALWAYS;
    return !value || !strcmp(value, "on-failure") ||
           err_set(err, ERR_USAGE, "--keep is bare or `--keep=on-failure`, not `--keep=%s`", value);
}

static bool set_variable(struct options *options, const char *value, struct err *err) {
    if (*value == '=' || !strchr(value, '='))
        return err_set(err, ERR_USAGE, "-e takes KEY=VAL, not `%s`", value);
    strings_add(&options->variables, value);
    return true;
}

static bool set_word(const char *option, const char *value, const char *const *words, int *ret,
                     struct err *err) {
    for (int i = 0; words[i]; i++)
        if (!strcmp(value, words[i])) {
            *ret = i;
            return true;
        }
    return err_set(err, ERR_USAGE, "--%s is `%s`, `%s`%s%s%s, not `%s`", option, words[0], words[1],
                   words[2] ? " or `" : "", words[2] ? words[2] : "", words[2] ? "`" : "", value);
}

static bool set_bundle(struct options *options, const char *value, struct err *err) {
    static const char *const words[] = {"never", "on-failure", "always", NULL};
    int when = 0;
    if (!set_word("bundle", value, words, &when, err))
        return false;
    options->bundle = BUNDLE_NEVER + when;
    return true;
}

static bool set_bundle_images(struct options *options, const char *value, struct err *err) {
    static const char *const words[] = {"needed", "all", NULL};
    int which = 0;
    bool ok = set_word("bundle-images", value, words, &which, err);
    options->bundle_all_images = which;
    return ok;
}

static bool set_bundle_size(struct options *options, const char *value, struct err *err) {
    return text_to_long(value, 1, 1 << 16, &options->bundle_mib) ||
           err_set(err, ERR_USAGE, "--bundle-size takes a number of MiB, not `%s`", value);
}

static bool set_tail(struct options *options, const char *value, struct err *err) {
    long number;
    options->tail = value;
    return !strcmp(value, "all") || text_to_long(value, 0, 1 << 30, &number) ||
           err_set(err, ERR_USAGE, "--tail takes a number of lines, not `%s`", value);
}

static bool set_index(struct options *options, const char *value, struct err *err) {
    return text_to_long(value, 1, 1 << 20, &options->index) ||
           err_set(err, ERR_USAGE, "--index takes a container's number, from 1 on, not `%s`",
                   value);
}

static bool set_ttl(struct options *options, const char *value, struct err *err) {
    options->ttl = 0;
    return !strcmp(value, "0") || duration_parse(value, &options->ttl) ||
           err_set(err, ERR_USAGE, "--ttl takes a duration such as 30m or 2h, or 0, not `%s`",
                   value);
}

static bool set_max_parallel(struct options *options, const char *value, struct err *err) {
    return text_to_long(value, 1, 1 << 20, &options->max_parallel) ||
           err_set(err, ERR_USAGE,
                   "--max-parallel takes a number of environments, from 1 on, not `%s`", value);
}

static bool set_subnets(struct options *options, const char *value, struct err *err) {
    struct subnet_range range;
    options->subnets = value;
    return !strcmp(value, "engine") || subnet_range_parse(value, &range, err);
}

static bool set_protocol(struct options *options, const char *value, struct err *err) {
    static const char *const words[] = {"tcp", "udp", "sctp", NULL};
    int which;
    options->protocol = value;
    return set_word("protocol", value, words, &which, err);
}

static bool set_max_wait(struct options *options, const char *value, struct err *err) {
    return duration_parse(value, &options->max_wait) ||
           err_set(err, ERR_USAGE, "--max-wait takes a duration such as 30m or 2h, not `%s`",
                   value);
}

static bool set_option(struct options *options, char letter, const char *value, struct err *err) {
    switch (letter) {
    case 'f':
        strings_add(&options->files, value);
        return true;
    case 'n':
        strings_add(&options->env_files, value);
        return true;
    case 'x':
        strings_add(&options->profiles, value);
        return true;
    case 'S':
        strings_add(&options->suites, value);
        return true;
    case 'e':
        return set_variable(options, value, err);
    case 'E':
        options->environment = value;
        return true;
    case 'p':
        options->name = value;
        return true;
    case 'd':
        options->directory = value;
        return true;
    case 'F':
        options->format = value;
        return true;
    case 'T':
        return set_tail(options, value, err);
    case 'i':
        return set_index(options, value, err);
    case 'R':
        options->run = value;
        return true;
    case 'U':
        options->user = value;
        return true;
    case 'W':
        options->working_dir = value;
        return true;
    case 'O':
        return set_protocol(options, value, err);
    case 'P':
        return set_ports(options, value, err);
    case 'k':
        return set_keep(options, value, err);
    case 'H':
        options->hermetic = true;
        return true;
    case 'M':
        return set_max_parallel(options, value, err);
    case 'w':
        return set_max_wait(options, value, err);
    case 'B':
        return set_subnets(options, value, err);
    case 's':
        options->strict = true;
        return true;
    case 'l':
        options->locked = true;
        return true;
    case 'b':
        return set_bundle(options, value, err);
    case 'o':
        options->out = value;
        return true;
    case 'A':
        return set_bundle_images(options, value, err);
    case 'V':
        options->bundle_data = true;
        return true;
    case 'Z':
        return set_bundle_size(options, value, err);
    case 'y':
        options->yes = true;
        return true;
    case 'K':
        options->secrets_file = value;
        return true;
    case 'a':
        options->at_failure = true;
        return true;
    case 'c':
        options->like_ci = true;
        return true;
    case 'X':
        options->shell = true;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    case 'L':
        options->follow = true;
        return true;
    case 't':
        options->timestamps = true;
        return true;
    case 'N':
        options->no_tty = true;
        return true;
    case 'D':
        return set_ttl(options, value, err);
    case 'I':
        options->images = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    default:
        options->help = true;
        return true;
    }
}

/* ---- getopt's tables, from ours ---- */

struct tables {
    struct option long_options[lengthof(rows) + 1];
    char short_options[3 * lengthof(rows) + 3];
};

static void make_tables(struct tables *tables, const struct cli_command *command) {
    size_t count = 0, length = 0;
    memset(tables, 0, sizeof *tables);
    if (command->stops_at_word)
        tables->short_options[length++] = '+';
    tables->short_options[length++] = ':'; /* a missing argument is told from an unknown option */
    for (size_t i = 0; i < lengthof(rows); i++) {
        const struct option_row *row = &rows[i];
        if (!takes(command, row->letter))
            continue;
        int argument = !row->argument          ? no_argument
                       : *row->argument == '[' ? optional_argument
                                               : required_argument;
        tables->long_options[count++] =
            (struct option){row->name, argument, NULL, 0x100 + row->letter};
        if (!row->short_name)
            continue;
        tables->short_options[length++] = row->short_name;
        if (argument == required_argument)
            tables->short_options[length++] = ':';
    }
}

static const struct option_row *row_of(const struct cli_command *command, int found) {
    for (size_t i = 0; i < lengthof(rows); i++)
        if (takes(command, rows[i].letter) &&
            (found == 0x100 + rows[i].letter || (found < 0x100 && found == rows[i].short_name)))
            return &rows[i];
    return NULL;
}

static bool refuse(const struct cli_command *command, const struct tables *tables, char **argv,
                   int found, struct err *err) {
    const char *word = argv[optind - 1];
    const char *names[lengthof(rows)];
    size_t count = 0;
    if (found == ':')
        return err_set(err, ERR_USAGE, "%s needs a value", word);
    for (; tables->long_options[count].name; count++)
        names[count] = tables->long_options[count].name;
    autofree char *bare =
        text_starts(word, "--") ? xstrndup(word + 2, strcspn(word + 2, "=")) : NULL;
    const char *nearest = bare ? text_nearest(bare, names, count) : NULL;
    if (optopt && !bare)
        return err_set(err, ERR_USAGE, "`envrun %s` has no option -%c", command->name, optopt);
    if (nearest && !strcmp(nearest, bare))
        return err_set(err, ERR_USAGE, "--%s takes no value", bare);
    return err_set(err, ERR_USAGE, "`envrun %s` has no option %s%s%s%s", command->name, word,
                   nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* What stands behind a bare `--` is a command, and no word of envrun's. */
static int cut_command(struct options *options, const struct cli_command *command, int argc,
                       char **argv) {
    for (int i = 1; i < argc && !command->stops_at_word; i++)
        if (!strcmp(argv[i], "--")) {
            options->command = argv + i + 1;
            return i;
        }
    return argc;
}

static bool words_fit(const struct options *options, const struct cli_command *command,
                      struct err *err) {
    int most = command->most_words;
    if (options->command && command->run != command_run)
        return err_set(err, ERR_USAGE, "only `envrun run` takes a command behind --");
    if (options->command && !*options->command)
        return err_set(err, ERR_USAGE, "a command is expected behind --");
    if (most < 0 || options->word_count <= (size_t)most)
        return true;
    return err_set(err, ERR_USAGE, "`envrun %s` takes %s, so not `%s`", command->name,
                   !most       ? "no arguments"
                   : most == 1 ? "one argument"
                               : "two arguments",
                   options->words[most]);
}

/* `given`: the letters of the options that are. */
static bool take_variables(struct options *options, const struct cli_command *command,
                           const char *given, struct err *err) {
    for (size_t i = 0; i < lengthof(variables); i++) {
        char letter = variables[i].letter;
        const char *value = getenv(variables[i].name);
        if (value && *value && takes(command, letter) && !strchr(given, letter) &&
            !set_option(options, letter, value, err))
            return err_prefix(err, "%s", variables[i].name);
    }
    return true;
}

bool options_parse(struct options *options, const struct cli_command *command, int argc,
                   char **argv, struct err *err) {
    struct tables tables;
    autobuffer struct buffer given = BUFFER_INIT;
    int found;
    argc = cut_command(options, command, argc, argv);
    make_tables(&tables, command);
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((found = getopt_long(argc, argv, tables.short_options, tables.long_options, NULL)) !=
           -1) {
        const struct option_row *row = row_of(command, found);
        if (!row)
            return refuse(command, &tables, argv, found, err);
        if (!set_option(options, row->letter, optarg, err))
            return false;
        buffer_putc(&given, row->letter);
    }
    if (!options->help && !take_variables(options, command, given.data, err))
        return false;
    options->words = argv + optind;
    options->word_count = (size_t)(argc - optind);
    return words_fit(options, command, err);
}

void options_release(struct options *options) {
    strings_release(&options->files);
    strings_release(&options->env_files);
    strings_release(&options->profiles);
    strings_release(&options->variables);
    strings_release(&options->suites);
}

/* ---- Help ---- */

static void print_option(const struct option_row *row, FILE *to) {
    bool optional = row->argument && *row->argument == '[';
    autofree char *name =
        xasprintf("%c%c%s--%s%s%s", row->short_name ? '-' : ' ',
                  row->short_name ? row->short_name : ' ', row->short_name ? ", " : "  ", row->name,
                  !row->argument ? ""
                  : optional     ? "[=on-failure]"
                                 : " ",
                  row->argument && !optional ? row->argument : "");
    fprintf(to, "  %-28s %s\n", name, row->help);
}

static void print_overview(FILE *to) {
    fputs(
        "envrun stands up an isolated graph of services in containers from a YAML file, seeds it,\n"
        "runs the test suite against it, says why it failed, and leaves nothing behind.\n\n"
        "Usage: envrun COMMAND [OPTION...]\n\n",
        to);
    for (const struct cli_command *command = cli_commands; command->name; command++)
        fprintf(to, "  %-9s %s\n", command->name, command->summary);
    fputs("\n`envrun help COMMAND` explains one.\n", to);
}

void options_print_help(const struct cli_command *command, FILE *to) {
    if (!command) {
        print_overview(to);
        return;
    }
    fprintf(to, "Usage: envrun %s [OPTION...]%s%s\n\n%c%s.\n", command->name,
            *command->arguments ? " " : "", command->arguments, command->summary[0] - 'a' + 'A',
            command->summary + 1);
    if (command->details)
        fputs(command->details, to);
    fputs("\nOptions:\n", to);
    for (size_t i = 0; i < lengthof(rows); i++)
        if (takes(command, rows[i].letter))
            print_option(&rows[i], to);
}
