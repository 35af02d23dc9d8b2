/* From the command line and the environment to the files of a project, and from there to a model.
 */
#include "spec/file.h"
#include "spec/mistakes.h"
#include "spec/model.h"
#include "spec/outside.h"

#include "base/buffer.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

struct loaded {
    const char *path; /* NULL ends the list */
    struct documents documents;
};

struct project {
    struct context context;
    struct model_whole *whole;
    const struct model_input *input;
    struct scope scope;
    struct strings files;         /* absolute, or "-" */
    struct strings env_files;     /* read so far */
    struct strings dotenv;        /* NAME=VALUE of them */
    const char *listed_env_files; /* COMPOSE_ENV_FILES of the process, or NULL */
    struct strings profiles;
    struct loaded *loaded;
    const char *name;
    struct err *err;
};

static const char *own(struct project *p, char *text) {
    const char *copy = arena_strdup(p->whole->arena, text);
    free(text);
    return copy;
}

static const char *variable(struct project *p, const char *name) {
    return variables_get(&p->whole->variables, name);
}

/* ---- Variables ---- */

static void take_environment(struct project *p) {
    struct variables *variables = &p->whole->variables;
    for (const char *const *entry = p->input->environment; entry && *entry; entry++) {
        const char *sign = strchr(*entry, '=');
        autofree char *name = sign ? xstrndup(*entry, (size_t)(sign - *entry)) : NULL;
        if (sign)
            variables_set(variables, name, sign + 1);
        if (sign && outside_is_secret(name))
            outside_add(&p->context, name, sign + 1, NULL);
    }
    p->context.home = variables_get(variables, "HOME");
    p->listed_env_files = variables_get(variables, "COMPOSE_ENV_FILES");
}

static bool read_env_file(struct project *p, const char *path, struct variables *found) {
    struct variables fresh = VARIABLES_INIT(p->whole->arena);
    struct lookup lookup = {&p->whole->variables, found};
    if (strings_has(&p->env_files, path))
        return true;
    strings_add(&p->env_files, path);
    if (!path_exists(path))
        return err_set(p->err, ERR_FILE, "the env file %s does not exist",
                       context_file_name(&p->context, path));
    if (!dotenv_read(&p->context, path, (struct position){0}, &lookup, &fresh, p->err))
        return false;
    variables_update(found, &fresh);
    return true;
}

/* As Go's strconv.ParseBool has it; nothing is false. */
static bool take_bool(struct project *p, const char *name, bool *ret) {
    static const char *const words[] = {"",  "0", "f", "F",    "false", "FALSE", "False",
                                        "1", "t", "T", "true", "TRUE",  "True"};
    enum { FIRST_TRUE = 7 };
    const char *text = variable(p, name);
    for (size_t i = 0; i < lengthof(words); i++) {
        if (strcmp(words[i], text ? text : ""))
            continue;
        *ret = i >= FIRST_TRUE;
        return true;
    }
    return err_set(p->err, ERR_USAGE, "%s must be true or false, not `%.50s`", name, text);
}

static void list_dotenv(struct project *p, const struct variables *found) {
    for (size_t i = 0; i < found->length; i++)
        if (!variable(p, found->at[i].name))
            strings_printf(&p->dotenv, "%s=%s", found->at[i].name, found->at[i].value);
}

/* --env-file and the process's COMPOSE_ENV_FILES, else .env in the project's directory. What the
 * process has wins over files, and a later file over an earlier one. */
static bool take_env_files(struct project *p) {
    struct variables found = VARIABLES_INIT(p->whole->arena);
    autostrings struct strings names = {0};
    const char *listed = p->listed_env_files;
    bool disabled = false;
    if (!take_bool(p, "COMPOSE_DISABLE_ENV_FILE", &disabled))
        return false;
    for (const char *const *file = p->input->env_files; file && *file; file++)
        strings_add(&names, *file);
    if (!names.length && listed && *listed)
        text_split(listed, ',', &names);
    if (!names.length && !disabled) {
        autofree char *usual = path_join(p->scope.directory, ".env");
        if (path_exists(usual) && !path_is_directory(usual))
            strings_add(&names, usual);
    }
    vec_each (name, &names) {
        autofree char *path = path_join(p->input->directory, *name);
        if (!read_env_file(p, path, &found))
            return false;
    }
    list_dotenv(p, &found);
    variables_merge(&p->whole->variables, &found);
    return true;
}

/* ---- Files ---- */

static bool add_file(struct project *p, const char *name) {
    if (!strcmp(name, "-")) {
        strings_add(&p->files, name);
        return true;
    }
    autofree char *path = path_join(p->input->directory, name);
    if (!path_exists(path))
        return err_set(p->err, ERR_FILE, "the file %s does not exist", name);
    strings_add(&p->files, path);
    return true;
}

static bool add_listed_files(struct project *p) {
    autostrings struct strings names = {0};
    const char *separator = variable(p, "COMPOSE_PATH_SEPARATOR");
    const char *listed = variable(p, "COMPOSE_FILE");
    if (!listed || !*listed)
        return true;
    text_split(listed, separator && *separator ? *separator : ':', &names);
    strings_release(&p->files);
    vec_each (name, &names)
        if (!add_file(p, *name))
            return false;
    return true;
}

/* The first of some names in a directory; a warning if there are more. */
static bool add_first(struct project *p, const char *directory, const char *const *names) {
    autofree char *winner = NULL;
    for (; *names; names++) {
        char *path = path_join(directory, *names);
        if (!path_exists(path)) {
            free(path);
            continue;
        }
        if (winner)
            context_warn(&p->context, (struct position){0}, "%s is not read, but %s is",
                         path_name(path), path_name(winner));
        if (winner)
            free(path);
        else
            winner = path;
    }
    if (winner)
        strings_add(&p->files, winner);
    return winner;
}

static bool add_usual_files(struct project *p, const char *directory) {
    static const char *const usual[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                        "docker-compose.yaml", NULL};
    static const char *const over[] = {"compose.override.yml", "compose.override.yaml",
                                       "docker-compose.override.yml",
                                       "docker-compose.override.yaml", NULL};
    static const char *const ours[] = {"envrun.yaml", NULL};
    if (add_first(p, directory, usual))
        add_first(p, directory, over);
    add_first(p, directory, ours);
    return p->files.length;
}

/* In a directory or the nearest above it. */
static void find_files(struct project *p, const char *start) {
    autofree char *directory = xstrdup(start);
    while (!add_usual_files(p, directory)) {
        char *above = path_directory(directory);
        bool top = !strcmp(above, directory);
        free(directory);
        directory = above;
        if (top)
            return;
    }
}

static const char *directory_of(struct project *p) {
    if (p->input->project_directory)
        return own(p, path_join(p->input->directory, p->input->project_directory));
    vec_each (file, &p->files)
        if (strcmp(*file, "-"))
            return own(p, path_directory(*file));
    return p->input->directory;
}

/* -f, else COMPOSE_FILE, else the usual names; but the .env beside those may set COMPOSE_FILE. */
static bool take_files(struct project *p) {
    bool given = p->input->files && *p->input->files;
    for (const char *const *file = p->input->files; file && *file; file++)
        if (!add_file(p, *file))
            return false;
    if (!given && !add_listed_files(p))
        return false;
    if (!p->files.length)
        find_files(p, directory_of(p));
    p->scope.directory = directory_of(p);
    if (!take_env_files(p) || (!given && !add_listed_files(p)))
        return false;
    if (!p->files.length)
        return err_set(p->err, ERR_FILE,
                       "there is no compose.yaml and no envrun.yaml in %s or above it",
                       p->input->directory);
    p->scope.directory = directory_of(p);
    return take_env_files(p);
}

/* ---- The name ---- */

static char *normal_name(const char *text) {
    struct buffer name = BUFFER_INIT;
    for (; *text; text++) {
        char c = *text;
        c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        bool begins = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (begins || (name.length && (c == '_' || c == '-')))
            buffer_putc(&name, c);
    }
    return buffer_detach(&name);
}

static bool check_name(struct project *p, const char *name) {
    autofree char *normal = normal_name(name);
    if (!strcmp(normal, name) && *name)
        return true;
    return err_set(p->err, ERR_USAGE,
                   "`%s` cannot be a name: only a-z, 0-9, _ and - are allowed, the first a letter "
                   "or a digit",
                   name);
}

/* The last `name` of the files; NULL if none. */
static bool name_in_files(struct project *p, const struct loaded *files, const char **ret) {
    for (; files->path; files++)
        for (size_t i = 0; i < files->documents.length; i++) {
            const struct node *name = tree_get(files->documents.at[i], "name");
            if (node_is(name, NODE_STRING) && *name->text &&
                !interpolate_text(&p->scope, name->text, name->at, ret, p->err))
                return false;
        }
    return true;
}

static bool take_name(struct project *p, const struct loaded *files) {
    const char *given = p->input->name ? p->input->name : variable(p, "COMPOSE_PROJECT_NAME");
    const char *name = NULL;
    if (given && *given) {
        p->name = arena_strdup(p->whole->arena, given);
        return check_name(p, given);
    }
    if (!name_in_files(p, files, &name))
        return false;
    p->name = name ? own(p, normal_name(name)) : "";
    if (!*p->name)
        p->name = own(p, normal_name(path_name(p->scope.directory)));
    if (!*p->name)
        return err_set(p->err, ERR_USAGE, "the project needs a name: give one with -p");
    return true;
}

/* ---- The tree ---- */

static bool parse_files(struct project *p) {
    struct loaded *files = arena_alloc(p->whole->arena, (p->files.length + 1) * sizeof *files);
    p->loaded = files;
    for (size_t i = 0; i < p->files.length; i++) {
        files[i].path = arena_strdup(p->whole->arena, p->files.at[i]);
        if (!file_parse(&p->context, files[i].path, (struct position){0}, &files[i].documents,
                        p->err))
            return false;
    }
    return true;
}

static bool apply_files(struct project *p, const struct loaded *files, struct node *root) {
    for (const struct loaded *file = files; file->path; file++) {
        p->scope.file = file->path;
        if (!documents_apply(&p->scope, &file->documents, root, p->err))
            return false;
    }
    struct position whole = {context_file_name(&p->context, files[0].path), 1, 1};
    root->at = whole;
    if (!root->length)
        return err_at(p->err, whole, "the file says nothing");
    return tree_finish(&p->scope, root, p->err);
}

static void take_profiles(struct project *p) {
    const char *listed = variable(p, "COMPOSE_PROFILES");
    for (const char *const *profile = p->input->profiles; profile && *profile; profile++)
        strings_add(&p->profiles, *profile);
    if (p->profiles.length)
        return;
    autostrings struct strings names = {0};
    text_split(listed ? listed : "", ',', &names);
    vec_each (name, &names) {
        size_t blank = strspn(*name, " \t"), length = strlen(*name);
        while (length > blank && strchr(" \t", (*name)[length - 1]))
            length--;
        strings_take(&p->profiles, xstrndup(*name + blank, length - blank));
    }
}

/* Move services whose profile is not active to another map. */
static void take_inactive(struct project *p, struct node *root, struct node *inactive) {
    struct node *services = tree_get(root, "services");
    struct node active = {.kind = NODE_MAP};
    if (!services)
        return;
    for (struct node *service = services->first, *next; service; service = next) {
        next = service->next;
        tree_append(is_active(service, &p->profiles) ? &active : inactive, service);
    }
    tree_take_children(services, &active);
}

/* A service that is asked for by name, or that is a suite's, is there whatever its profile. */
static bool activate(struct project *p, struct node *root, struct node *inactive,
                     const char *name) {
    struct node *service = tree_get(inactive, name);
    struct node *services = tree_get(root, "services");
    if (tree_get(services, name) || !service)
        return service || tree_get(services, name);
    node_each (profile, tree_get(service, "profiles"))
        strings_add(&p->profiles, profile->text);
    struct node rest = {.kind = NODE_MAP};
    for (struct node *one = inactive->first, *next; one; one = next) {
        next = one->next;
        tree_append(is_active(one, &p->profiles) ? services : &rest, one);
    }
    tree_take_children(inactive, &rest);
    tree_sort(services);
    return true;
}

static bool activate_for_suite(struct project *p, struct node *root, struct node *inactive,
                               const struct node *suite) {
    const struct node *service = tree_get(suite, "service");
    if (!service || activate(p, root, inactive, service->text))
        return true;
    return err_at(p->err, service->at, "there is no service `%s`", service->text);
}

static bool choose(struct project *p, struct node *root) {
    struct node *inactive = tree_new(p->whole->arena, NODE_MAP, root->at);
    take_profiles(p);
    take_inactive(p, root, inactive);
    if (!activate_for_suite(p, root, inactive, tree_get(root, "x-suite")))
        return false;
    node_each (suite, tree_get(root, "x-suites"))
        if (!activate_for_suite(p, root, inactive, suite))
            return false;
    consistent(&p->context, root, inactive);
    if (err_is(&p->context.mistakes))
        return false;
    for (const char *const *name = p->input->services; name && *name; name++)
        if (!activate(p, root, inactive, *name))
            return err_set(p->err, ERR_USAGE, "there is no service `%s`", *name);
    if (!environment_files(&p->scope, root, p->err))
        return false;
    select_resources(root);
    return !p->input->services || !*p->input->services ||
           select_services(&p->context, root, p->input->services, p->err);
}

/* ---- The model ---- */

static void set_model(struct project *p, struct node *root) {
    struct model *model = &p->whole->model;
    model->name = p->name;
    model->directory = p->scope.directory;
    model->root = root;
    model->files = arena_strings(p->whole->arena, &p->files);
    p->whole->own_keys = p->context.own_keys;
}

static void set_lists(struct project *p) {
    struct model *model = &p->whole->model;
    model->dotenv = arena_strings(p->whole->arena, &p->dotenv);
    model->warnings = arena_strings(p->whole->arena, &p->context.warnings);
}

/* What is said of files that do not make a model must not hold such values either. */
static void hide_outside(struct project *p) {
    struct redactor *redactor = redactor_new();
    p->whole->shown = p->context.shown;
    p->whole->texts = p->context.texts;
    p->whole->model.directory = p->scope.directory;
    p->context.texts = (struct strings){0};
    outside_list(&p->context, p->whole);
    for (size_t i = 0; i < p->whole->model.outside_count; i++)
        redactor_add(redactor, p->whole->model.outside[i].value);
    redact_err(redactor, p->err);
    redact_lines(redactor, p->context.warnings.at, p->context.warnings.length);
    redactor_free(redactor);
}

static bool load(struct project *p) {
    take_environment(p);
    p->scope.directory = p->input->directory;
    if (!take_files(p))
        return false;
    if (!parse_files(p) || !take_name(p, p->loaded))
        return false;
    variables_set(&p->whole->variables, "COMPOSE_PROJECT_NAME", p->name);
    struct node *root = tree_new(p->whole->arena, NODE_MAP, (struct position){0});
    if (!apply_files(p, p->loaded, root))
        return false;
    normalise(&p->scope, root, p->name);
    values(&p->context, root);
    if (!choose(p, root))
        return false;
    set_model(p, root);
    if (!model_type(p->whole, &p->context, p->err))
        return false;
    outside_add_secrets(&p->context, root);
    return true;
}

static void release(struct project *p) {
    for (struct loaded *file = p->loaded; file && file->path; file++)
        vec_free(&file->documents);
    strings_release(&p->dotenv);
    strings_release(&p->context.warnings);
    strings_release(&p->files);
    strings_release(&p->env_files);
    strings_release(&p->profiles);
}

/* What was warned of may be why it failed. */
static void join_warnings(const struct project *p, struct err *err) {
    size_t count = 0;
    vec_each (warning, &p->context.warnings) {
        struct err one = ERR_INIT;
        if (count++ == SPEC_MISTAKES_MAX)
            return;
        err_set(&one, ERR_FILE, "warning: %s", *warning);
        err_join(err, &one);
    }
}

struct model *model_load(const struct model_input *input, struct err *err) {
    struct model_whole *whole = xnew(struct model_whole);
    struct arena *arena = arena_new();
    *whole = (struct model_whole){.arena = arena, .variables = VARIABLES_INIT(arena)};
    struct project project = {
        .context = {.arena = arena,
                    .input = input,
                    .outside = VARIABLES_INIT(arena),
                    .shown = VARIABLES_INIT(arena)},
        .whole = whole,
        .input = input,
        .err = err,
    };
    project.scope.context = &project.context;
    project.scope.variables = &whole->variables;
    bool ok = load(&project);
    ok = mistakes_tell(&project.context, err) && ok;
    hide_outside(&project);
    if (ok)
        set_lists(&project);
    else
        join_warnings(&project, err);
    release(&project);
    if (ok)
        return &whole->model;
    model_free(&whole->model);
    return NULL;
}
