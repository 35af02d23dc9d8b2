/*
 * Prints docs/keys.md: every key that the resolver knows, and what the plan does with it.
 */
#include <envrun/plan.h>

#include "spec/schema.h"

#include <stdio.h>
#include <string.h>

static const char *const words[] = {
    [KEY_WORKS] = "works", [KEY_IGNORED] = "ignored", [KEY_REFUSED] = "refused"};

static void print_section(const char *section, const char *title, const struct key *keys) {
    printf("\n## %s\n\n| key | | |\n|---|---|---|\n", title);
    for (; keys && keys->name; keys++) {
        bool own = keys->flags & KEY_OWN;
        const char *name = own ? keys->name + strlen("x-") : keys->name;
        struct key_coverage coverage = plan_coverage(section, name);
        bool works = coverage.coverage == KEY_WORKS;
        printf("| `%s` | %s | %s%s%s |\n", name, words[coverage.coverage],
               own ? "envrun's own" : "", own && !works ? "; " : "", coverage.reason);
    }
}

static const struct key *below(const struct key *keys, const char *name) {
    const struct key *key = schema_find(keys, name);
    return key && key->value ? key->value->keys : key ? key->keys : NULL;
}

int main(void) {
    puts("# Keys\n\nEvery key of the Compose Specification and what envrun does with it: it works "
         "as in "
         "Docker Compose, it is\nignored for a reason, or it is refused by an error that names it. "
         "Made by "
         "`make docs` from the program's own tables.");
    print_section("", "Top level", schema_root.keys);
    print_section("services", "services", schema_service.keys);
    print_section("build", "services: build", below(schema_service.keys, "build"));
    print_section("deploy", "services: deploy", below(schema_service.keys, "deploy"));
    print_section("networks", "networks", below(schema_root.keys, "networks"));
    print_section("volumes", "volumes", below(schema_root.keys, "volumes"));
    print_section("secrets", "secrets", below(schema_root.keys, "secrets"));
    print_section("configs", "configs", below(schema_root.keys, "configs"));
    return 0;
}
