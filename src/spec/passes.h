/*
 * passes.h: the passes over a tree, in the order in which a file goes through them.
 *
 *     own_rename         envrun's keys to their x- names
 *     interpolate        variables; strings to the types that the table names
 *     include_apply      other models
 *     extends_apply      other services
 *     merge              over what the files before gave
 *     unique             the later of two equal items replaces the earlier
 *     check              kinds, names, required keys: the Compose Specification's schema
 *     canonical          short forms to long forms
 *     unique
 *  and once all files are in:
 *     defaults           what is meant where nothing is written
 *     exclusive          keys that exclude each other
 *     paths              relative names to absolute ones
 *     environment_apply  variables that are named only
 *     normalise          implied networks, dependencies, names
 *     values             every value to the type and form in which it is printed
 *
 * A pass that answers nothing notes its mistakes (mistakes.h) and leaves a sound tree.
 */
#ifndef SPEC_PASSES_H
#define SPEC_PASSES_H

#include "spec/context.h"
#include "spec/dotenv.h"
#include "spec/schema.h"

/* What one file is read for: the project or an included one. */
struct scope {
    struct context *context;
    const char *directory;             /* relative names are seen from here */
    const struct variables *variables; /* for interpolation */
    const struct scope *includer;      /* NULL: the project */
    const char *file;                  /* being read, absolute */
};

bool own_rename(struct context *context, struct node *root, struct err *err);
void interpolate(const struct scope *scope, struct node *root);
/* One text, as the values of a file are. */
bool interpolate_text(const struct scope *scope, const char *text, struct position at,
                      const char **ret, struct err *err);
bool include_apply(const struct scope *scope, struct node *root, struct err *err);
bool extends_apply(const struct scope *scope, struct node *root, struct err *err);
bool merge(struct context *context, struct node *base, const struct node *over,
           const struct key *key, struct err *err);
void unique(struct context *context, struct node *root);
void check(struct context *context, struct node *root);
void canonical(struct context *context, struct node *root);
void defaults(struct context *context, struct node *root);
void exclusive(struct context *context, struct node *root);
bool paths(const struct scope *scope, struct node *root, struct err *err);
void environment_apply(const struct scope *scope, struct node *root);
void normalise(const struct scope *scope, struct node *root, const char *name);
void values(struct context *context, struct node *root);
/* Put a service's keys into the table's order again. */
void values_arrange(struct arena *arena, struct node *service);

/* env_file and label_file, when it is known which services there are. */
bool environment_files(const struct scope *scope, struct node *root, struct err *err);
/* Services without an active profile are taken out of the tree into another map. */
bool is_active(const struct node *service, const struct strings *profiles);
/* What relates several parts of a model to each other. `inactive` services are known, too. */
void consistent(struct context *context, const struct node *root, const struct node *inactive);
/* Leave only these services and what they depend on. */
bool select_services(struct context *context, struct node *root, const char *const *names,
                     struct err *err);
/* Drop networks, volumes, secrets and configs that no service uses. */
void select_resources(struct node *root);

/* Text forms of single values. */
bool ports_parse(struct context *context, const char *text, struct position at, struct node *into,
                 struct err *err);
struct node *volume_parse(struct arena *arena, const char *text, struct position at,
                          struct err *err);
bool size_parse(const char *text, long long *ret);
bool duration_parse_nanoseconds(const char *text, long long *ret);
char *duration_text(struct arena *arena, long long nanoseconds);
/* Split as a POSIX shell does, without expansions; stops at ; & | < > and points *ret_rest there
 * (else to the end). */
bool command_split(const char *text, struct strings *into, const char **ret_rest);

#endif
