/* Whole files to models. The cases under data/spec/ say what they are about themselves. */
#include "spec_help.h"

#include "base/buffer.h"
#include "base/text.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>

/* ---- Cases as data: files, and what must be in the model or in the error ---- */

static const struct node *read_case(const char *path, struct document **document) {
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    cr_assert(path_read(path, &text, &err), "%s", path);
    const struct node *root = document_parse(text.data, text.length, path, document, &err);
    cr_assert(root, "%s: %s", path, err.message);
    buffer_release(&text);
    return root;
}

/* Everything that is wanted is there; lists are equal as a whole. */
static bool contains(const struct node *got, const struct node *want) {
    if (!got || (got->kind != want->kind))
        return false;
    if (want->kind == NODE_MAP) {
        node_each (entry, want)
            if (!(entry->kind == NODE_STRING && !strcmp(entry->text, "ABSENT")
                      ? !node_get(got, entry->key)
                      : contains(node_get(got, entry->key), entry)))
                return false;
        return true;
    }
    if (want->kind == NODE_LIST) {
        const struct node *item = got->first;
        node_each (wanted, want) {
            if (!contains(item, wanted))
                return false;
            item = item->next;
        }
        return !item;
    }
    return text_equal(got->text, want->text);
}

static const char **texts(const struct node *list) {
    const char **array = xcalloc((list ? list->length : 0) + 1, sizeof *array);
    size_t i = 0;
    node_each (item, list)
        array[i++] = item->text;
    return array;
}

static void replace_directory(char **text, const char *directory) {
    struct buffer out = BUFFER_INIT;
    for (char *at = *text, *found; *at; at = found ? found + strlen(directory) : at + strlen(at)) {
        found = strstr(at, directory);
        buffer_add(&out, at, found ? (size_t)(found - at) : strlen(at));
        if (found)
            buffer_puts(&out, "/dir");
    }
    free(*text);
    *text = buffer_detach(&out);
}

static void assert_wanted(const struct model *model, const struct node *want, const char *path,
                          const char *directory) {
    struct document *document;
    struct err err = ERR_INIT;
    char *json autofree = model_to_json(model);
    replace_directory(&json, directory);
    const struct node *got = document_parse(json, strlen(json), "output", &document, &err);
    cr_assert(got, "%s: %s", path, err.message);
    cr_assert(contains(got, want), "%s: got\n%s", path, json);
    document_free(document);
}

/* The model's own output, read as a file in the same place, comes to the same output. */
static void assert_reads_back(const struct model *model, const struct model_input *input,
                              const char *path, char *(*print)(const struct model *model)) {
    struct workplace w = workplace_new();
    struct err err = ERR_INIT;
    struct model_input there = *input;
    char *text autofree = print(model), *file autofree = path_join(w.directory, "printed.yaml");
    there.files = (const char *const[]){file, NULL};
    there.services = NULL;
    there.project_directory = model->directory;
    workplace_write(&w, "printed.yaml", text);
    struct model *again = model_load(&there, &err);
    cr_assert(again, "%s: what was printed is refused: %s\n%s", path, err.message, text);
    char *second autofree = print(again);
    cr_assert_str_eq(second, text, "%s", path);
    model_free(again);
    workplace_remove(&w);
}

static void assert_round_trips(const struct model *model, const struct model_input *input,
                               const char *path) {
    assert_reads_back(model, input, path, model_to_yaml);
    assert_reads_back(model, input, path, model_to_json);
    assert_reads_back(model, input, path, model_to_record);
}

static char *all_text(const struct err *err) {
    struct buffer all = BUFFER_INIT;
    for (; err && err_is(err); err = err->next) {
        char *one autofree = err_text(err);
        buffer_printf(&all, "%s\n", one);
    }
    return all.data ? buffer_detach(&all) : xstrdup("");
}

static void run_case(const char *path) {
    struct document *document;
    struct err err = ERR_INIT;
    const struct node *root = read_case(path, &document);
    struct workplace w = workplace_new();
    node_each (file, node_get(root, "files"))
        workplace_write(&w, file->key, file->text);

    const char **files autofree = texts(node_get(root, "use"));
    const char **services autofree = texts(node_get(root, "services"));
    const char **profiles autofree = texts(node_get(root, "profiles"));
    const char **environment autofree = texts(node_get(root, "environment"));
    struct model_input input = {
        .directory = w.directory,
        .environment = environment,
        .files = files,
        .services = services,
        .profiles = profiles,
        .name = "test",
    };
    struct model *model = model_load(&input, &err);
    char *message autofree = all_text(&err);
    const char *wrong = node_text(root, "error", NULL);
    if (wrong) {
        cr_assert_null(model, "%s was accepted", path);
        cr_assert(strstr(message, wrong), "%s: %s", path, message);
    } else {
        cr_assert(model, "%s: %s", path, message);
        assert_wanted(model, node_get(root, "want"), path, w.directory);
        if (!*services) /* else resources of those left out are printed, and unused when read */
            assert_round_trips(model, &input, path);
    }
    model_free(model);
    err_release(&err);
    workplace_remove(&w);
    document_free(document);
}

Test(model, cases) {
    const char *directory = "tests/unit/data/spec";
    DIR *open = opendir(directory);
    size_t count = 0;
    cr_assert(open, "run from the top of the tree");
    for (struct dirent *entry; (entry = readdir(open));) {
        if (!text_ends(entry->d_name, ".yaml"))
            continue;
        char *path autofree = path_join(directory, entry->d_name);
        run_case(path);
        count++;
    }
    closedir(open);
    cr_assert_geq(count, 20);
}

Test(model, shipped_environments_read_back) {
    glob_t found;
    cr_assert_eq(glob("environments/*", GLOB_ONLYDIR, NULL, &found), 0, "run from the top");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct err err = ERR_INIT;
        char *directory autofree = realpath(found.gl_pathv[i], NULL);
        struct model_input input = {.directory = directory, .name = "test"};
        struct model *model = model_load(&input, &err);
        cr_assert(model, "%s: %s", found.gl_pathv[i], err.message);
        assert_round_trips(model, &input, found.gl_pathv[i]);
        model_free(model);
    }
    globfree(&found);
}

/* ---- The typed part ---- */

static const char own_keys[] = "services:\n"
                               "  db:\n"
                               "    image: postgres:15\n"
                               "    kind: postgres\n"
                               "    ready: {exec: pg_isready -h $HOST, timeout: 30s}\n"
                               "    seed:\n"
                               "      - sql: \"seed/*.sql\"\n"
                               "        database: shop\n"
                               "      - http: {port: 80, path: x, json: {a: [1, null]}, "
                               "expect: 200-204}\n"
                               "      - exec: [./load.sh, $X]\n"
                               "        user: root\n"
                               "    snapshot: true\n"
                               "  web:\n"
                               "    image: nginx\n"
                               "    x-ready: {http: 8080}\n"
                               "    depends_on: [db]\n"
                               "  job:\n"
                               "    image: job\n"
                               "    ready: {log: done}\n"
                               "    depends_on: {db: {condition: service_started}}\n"
                               "suite:\n"
                               "  command: pytest -q $DB_URL\n"
                               "  environment: {URL: \"${DB_URL:-none}$$\"}\n"
                               "  junit: \"reports/*.xml\"\n"
                               "  timeout: 10m\n";

static void assert_own_keys(const struct model *model) {
    const struct service *db = model_service(model, "db"), *web = model_service(model, "web"),
                         *job = model_service(model, "job");
    cr_assert_str_eq(db->kind, "postgres");
    cr_assert(db->snapshot);
    cr_assert_eq(db->ready.kind, PROBE_EXEC);
    cr_assert_eq(db->ready.timeout, 30000);
    cr_assert_str_eq(db->ready.command.argv[2], "pg_isready -h $HOST");
    cr_assert_eq(db->seed_count, 3);
    cr_assert(text_ends(db->seeds[0].files[0], "/seed/*.sql"));
    cr_assert_str_eq(db->seeds[0].database, "shop");
    cr_assert_str_eq(db->seeds[1].text, "{\"a\":[1,null]}");
    cr_assert_str_eq(db->seeds[1].method, "POST");
    cr_assert_str_eq(db->seeds[1].path, "/x");
    cr_assert_eq(db->seeds[1].expect_most, 204);
    cr_assert_str_eq(db->seeds[2].command.argv[1], "$X");
    cr_assert_eq(web->ready.kind, PROBE_HTTP);
    cr_assert_eq(web->ready.port, 8080);
    cr_assert_eq(web->dependencies[0].condition, CONDITION_READY);
    cr_assert_eq(job->dependencies[0].condition, CONDITION_STARTED);
    cr_assert_eq(job->ready.count, 1);
    const struct suite *suite = model_suite(model, "suite");
    cr_assert_str_eq(suite->command.argv[2], "pytest -q $DB_URL");
    cr_assert_str_eq(suite->environment[0].value, "${DB_URL:-none}$$");
    cr_assert_eq(suite->timeout, 600000);
}

Test(model, own_keys_are_typed) {
    struct err err = ERR_INIT;
    struct model *model = load_text(own_keys, &err);
    cr_assert(model, "%s", err.message);
    assert_own_keys(model);
    cr_assert_eq(model_service(model, "db")->at.line, 2);
    model_free(model);
}

static char *moved(void *context, const char *path) {
    (void)context;
    return xasprintf("moved:%s", path);
}

static char *as_it_is(void *context, const char *text, bool raw) {
    (void)context, (void)text, (void)raw;
    return NULL;
}

Test(model, a_suite_in_the_graph_names_what_is_in_its_container) {
    struct err err = ERR_INIT;
    struct model *model = load_text("services: {tests: {image: x}}\n"
                                    "suites:\n"
                                    "  outside: {command: a, junit: out.xml, working_dir: w}\n"
                                    "  inside: {service: tests, junit: [in.xml, /r/*.xml],\n"
                                    "           artifacts: ./shots/, working_dir: w}\n",
                                    &err);
    cr_assert(model, "%s", err.message);
    const struct suite *outside = model_suite(model, "outside"),
                       *inside = model_suite(model, "inside");
    cr_assert_eq(*outside->junit[0], '/');
    cr_assert_eq(*outside->working_dir, '/');
    cr_assert_str_eq(inside->junit[0], "in.xml");
    cr_assert_str_eq(inside->junit[1], "/r/*.xml");
    cr_assert_str_eq(inside->artifacts[0], "./shots/");
    cr_assert_str_eq(inside->working_dir, "w");
    struct model_texts texts = {moved, as_it_is, NULL};
    autofree char *elsewhere = model_to_record_elsewhere(model, &texts);
    cr_assert(strstr(elsewhere, "\"moved:/"));
    cr_assert(strstr(elsewhere, "\"/r/*.xml\""));
    model_free(model);
}

Test(model, reads_its_own_output) {
    struct err err = ERR_INIT;
    struct model *first = load_text(own_keys, &err);
    cr_assert(first, "%s", err.message);
    char *yaml autofree = model_to_yaml(first), *json autofree = model_to_json(first);
    struct model *from_yaml = load_text(yaml, &err), *from_json = load_text(json, &err);
    cr_assert(from_yaml && from_json, "%s", err.message);
    assert_own_keys(from_yaml);
    assert_own_keys(from_json);
    char *again autofree = model_to_yaml(from_yaml),
                *json_again autofree = model_to_json(from_json);
    cr_assert_str_eq(again, yaml);
    cr_assert_str_eq(json_again, json);
    model_free(first);
    model_free(from_yaml);
    model_free(from_json);
}

Test(model, a_record_keeps_what_compose_has_no_place_for) {
    struct err err = ERR_INIT;
    struct model *plain =
        load_text("services:\n  a: {image: x, depends_on: [b]}\n  b: {image: y}\n", &err);
    char *json autofree = model_to_json(plain), *record autofree = model_to_record(plain);
    cr_assert_null(strstr(json, "x-condition"));
    struct model *again = load_text(record, &err);
    cr_assert_eq(model_service(again, "a")->dependencies[0].condition, CONDITION_READY);
    model_free(plain);
    model_free(again);
}

static bool hides(const struct model *model, const char *text) {
    for (size_t i = 0; i < model->outside_count; i++)
        if (!strcmp(model->outside[i].value, text))
            return true;
    return false;
}

Test(model, knows_what_came_from_outside) {
    struct workplace w = workplace_new();
    struct err err = ERR_INIT;
    workplace_write(&w, ".env", "FROM_DOTENV=dotenv-value\n");
    workplace_write(&w, "e.env", "FILE=file-value\n");
    workplace_write(&w, "key.pem", "first key line\nsecond key line\n");
    workplace_write(&w, "compose.yaml",
                    "services:\n"
                    "  a:\n"
                    "    image: x\n"
                    "    env_file: e.env\n"
                    "    secrets: [key]\n"
                    "    environment: {FROM_DOTENV: , LITERAL: literal-value, S: \"$SHELL_ONLY\"}\n"
                    "secrets: {key: {file: ./key.pem}}\n");
    struct model *model = workplace_load(&w, &err);
    cr_assert(model, "%s", err.message);
    cr_assert(hides(model, "from-shell"));
    cr_assert(hides(model, "dotenv-value"));
    cr_assert(hides(model, "file-value"));
    cr_assert(hides(model, "first key line\nsecond key line\n"));
    cr_assert_not(hides(model, "literal-value"));
    cr_assert_str_eq(model_variable(model, "FROM_DOTENV"), "dotenv-value");
    for (size_t i = 0; i < model->outside_count; i++) {
        const struct outside *one = &model->outside[i];
        if (!strcmp(one->name, "FILE"))
            cr_assert_str_eq(one->from, "e.env");
        if (!strcmp(one->name, "SHELL_ONLY"))
            cr_assert_str_eq(one->from, "the process environment");
        if (!strcmp(one->name, "key"))
            cr_assert_str_eq(one->from, "key.pem");
    }
    model_free(model);
    workplace_remove(&w);
}

Test(model, shows_what_is_no_secret) {
    struct workplace w = workplace_new();
    struct err err = ERR_INIT;
    workplace_write(&w, "data", "");
    workplace_write(&w, ".env",
                    "TAG=15-alpine\nDB_USER=postgres\nSHORT=12345\nDIR=./data\nDB_HOST=localhost\n"
                    "NO_DIR=./no-such\nCOMPOSE_PROFILES=profile-a\nPASSWORD=hunter22\n");
    workplace_write(&w, "compose.yaml",
                    "services:\n"
                    "  a: {image: \"postgres:$TAG\", environment: {A: \"$DB_USER\"}}\n");
    struct model *model = workplace_load(&w, &err);
    static const char *const shown[] = {"15-alpine", "postgres",  "12345",
                                        "./data",    "localhost", "profile-a"};
    cr_assert(model, "%s", err.message);
    for (size_t i = 0; i < lengthof(shown); i++)
        cr_assert_not(hides(model, shown[i]), "%s", shown[i]);
    cr_assert(hides(model, "./no-such"));
    cr_assert(hides(model, "hunter22"));
    cr_assert_not(model_may_show(model, "ANY", "hunter22"));
    cr_assert(model_may_show(model, "HOME", "/nowhere/at-all"));
    model_free(model);
    workplace_remove(&w);
}

Test(model, no_mistake_is_told_with_a_value_from_outside) {
    struct workplace w = workplace_new();
    struct err err = ERR_INIT;
    workplace_write(&w, ".env", "CPUS=not-a-number-at-all\n");
    workplace_write(&w, "compose.yaml", "services:\n  a: {image: x, cpus: \"$CPUS\"}\n");
    cr_assert_null(workplace_load(&w, &err));
    cr_assert(strstr(err.message, "[redacted]"), "%s", err.message);
    cr_assert_null(strstr(err.message, "not-a-number-at-all"));
    err_release(&err);
    workplace_write(&w, ".env", "a secret that stands alone=x\n");
    cr_assert_null(workplace_load(&w, &err));
    cr_assert_null(strstr(err.message, "stands"), "%s", err.message);
    cr_assert(err.is_private);
    err_release(&err);
    workplace_remove(&w);
}

/* ---- Mistakes ---- */

Test(model, independent_mistakes_are_told_together) {
    struct err err = ERR_INIT;
    cr_assert_null(load_text("services:\n"
                             "  a:\n"
                             "    image: x\n"
                             "    enviroment: {A: 1}\n"
                             "    privileged: [1]\n"
                             "  b:\n"
                             "    imagee: y\n",
                             &err));
    char *first autofree = err_text(&err), *second autofree = err_text(err.next),
                *third autofree = err_text(err.next->next);
    cr_assert_str_eq(first, "compose.yaml:4:5: unknown key `enviroment` in `services.a`, did you "
                            "mean `environment`?");
    cr_assert_str_eq(
        second, "compose.yaml:5:17: `services.a.privileged` must be true or false, not a list");
    cr_assert_str_eq(
        third, "compose.yaml:7:5: unknown key `imagee` in `services.b`, did you mean `image`?");
    cr_assert_null(err.next->next->next);
    err_release(&err);
}

/* What stands below a wrong name is looked at, too: the passes behind rely on that. */
Test(model, a_wrong_name_and_what_stands_below_it_are_told_together) {
    struct err err = ERR_INIT;
    cr_assert_null(load_text("services:\n"
                             "  a@:\n"
                             "    image: x\n"
                             "    environment:\n"
                             "      -\n",
                             &err));
    char *first autofree = err_text(&err), *second autofree = err_text(err.next);
    cr_assert_str_eq(first, "compose.yaml:2:3: `a@` cannot be a name: only letters, digits and . "
                            "_ - are allowed");
    cr_assert_str_eq(second, "compose.yaml:5:8: `services.a@.environment[0]` must be a string, but "
                             "it is empty");
    cr_assert_null(err.next->next);
    err_release(&err);
}

static void assert_refused(const char *text, const char *message) {
    struct err err = ERR_INIT;
    cr_assert_null(load_text(text, &err));
    cr_assert(strstr(err.message, message), "%s", err.message);
    cr_assert(err.line);
    err_release(&err);
}

Test(model, bombs_end_in_errors, .timeout = 20) {
    struct buffer bomb = BUFFER_INIT;
    buffer_puts(&bomb, "x-a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++)
        buffer_printf(&bomb, "x-a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_refused(bomb.data, "aliases expanded");
    buffer_truncate(&bomb, 0);
    buffer_puts(&bomb, "x: ");
    for (int i = 0; i < 100000; i++)
        buffer_putc(&bomb, '[');
    assert_refused(bomb.data, "levels are nested");
    buffer_release(&bomb);
}

Test(model, encodings) {
    assert_refused("services: {a: {image: \"\xff\"}}\n", "not UTF-8");
    assert_refused("services: {a: {image: \"\xc3\"}}\n", "not UTF-8");
    assert_refused("\xff\xfe-", "UTF-16");
}

Test(model, a_thousand_services, .timeout = 20) {
    struct buffer text = BUFFER_INIT;
    struct err err = ERR_INIT;
    buffer_puts(&text, "services:\n");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&text, "  s%d: {image: x, depends_on: [s%d], volumes: [\"v%d:/v\"]}\n", i,
                      i ? i - 1 : 999, i);
    buffer_puts(&text, "volumes:\n");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&text, "  v%d:\n", i);
    cr_assert_null(load_text(text.data, &err));
    cr_assert(strstr(err.message, "services wait for each other: s0 -> s999 -> s998"));
    err_release(&err);
    buffer_release(&text);
}
