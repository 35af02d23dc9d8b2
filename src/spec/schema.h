/*
 * schema.h: the key table: every key of the Compose Specification and of envrun.
 *
 * Each pass walks the tree beside the table and does what the entry at hand says; nothing else in
 * the spec floor knows a key by name unless it relates several keys to each other.
 */
#ifndef SPEC_SCHEMA_H
#define SPEC_SCHEMA_H

#include "spec/tree.h"

/* The kinds of values that may be written. */
enum {
    IS_NULL = 1 << NODE_NULL,
    IS_BOOL = 1 << NODE_BOOL,
    IS_INTEGER = 1 << NODE_INT,
    IS_NUMBER = 1 << NODE_INT | 1 << NODE_FLOAT,
    IS_STRING = 1 << NODE_STRING,
    IS_LIST = 1 << NODE_LIST,
    IS_MAP = 1 << NODE_MAP,
    IS_ANY = IS_NULL | IS_BOOL | IS_NUMBER | IS_STRING | IS_LIST | IS_MAP,
};

/* What the value becomes in the canonical tree. */
enum value_form {
    AS_IS,
    AS_STRING,
    AS_BOOL,
    AS_INTEGER,
    AS_UNSIGNED,
    AS_FLOAT,     /* single precision */
    AS_SIZE,      /* "64m" -> "67108864" */
    AS_DURATION,  /* "90s" -> "1m30s" */
    AS_STRINGS,   /* a list of strings; one string is a list of one */
    AS_VARIABLES, /* a map of strings; null stays null */
    AS_TEXTS,     /* a map of strings; null is "" */
    AS_COMMAND,   /* a list; a string is split as a shell does */
    AS_TEST,      /* a list; a string is [CMD-SHELL, string] */
    AS_HOSTS,     /* a sorted list of NAME=ADDRESS */
    AS_COUNT,     /* a number; all is -1 */
    AS_ULIMIT,
    AS_SSH, /* a list of NAME or NAME=PATH */
};

/* How a later file's value meets an earlier one's (Compose Specification, "Merge"). */
enum merge_rule {
    MERGE_DEEP, /* maps by key, lists appended, else replaced */
    MERGE_REPLACE,
    MERGE_SEQUENCE, /* both become lists of K=V, appended */
    MERGE_HOSTS,    /* the same, without what is there already */
    MERGE_BUILD,
    MERGE_DEPENDS_ON,
    MERGE_NETWORKS,
    MERGE_LOGGING,
    MERGE_IPAM,
};

/* By what two items of a list are the same, so that the later one replaces the earlier. */
enum unique_rule {
    UNIQUE_NONE,
    UNIQUE_NAME, /* what stands before '=' */
    UNIQUE_TEXT,
    UNIQUE_VOLUME,
    UNIQUE_DEVICE,
    UNIQUE_SECRET,
    UNIQUE_CONFIG,
    UNIQUE_PORT,
    UNIQUE_ENV_FILE,
};

/* What becomes an absolute name. */
enum path_rule {
    PATH_NONE,
    PATH_FILE,        /* a string or a list of strings */
    PATH_PORTABLE,    /* may be a Windows path */
    PATH_CONTEXT,     /* may be a URL */
    PATH_LINK,        /* links are followed */
    PATH_MOUNT,       /* the source of a bind mount */
    PATH_DRIVER_OPTS, /* the device of a local volume that is a bind mount */
    PATH_SUITE,       /* as PATH_FILE; of a suite in the graph it names what is in its container */
};

/* The parser of the short form. */
enum short_form {
    SHORT_NONE,
    SHORT_BUILD,
    SHORT_DEPENDS_ON,
    SHORT_DEVICE,
    SHORT_ENV_FILE,
    SHORT_EXTENDS,
    SHORT_EXTERNAL,
    SHORT_GPUS,
    SHORT_LIST, /* a string is a list of one */
    SHORT_MODEL,
    SHORT_MOUNT, /* of a secret or a config */
    SHORT_NETWORKS,
    SHORT_NAME_VALUE,
    SHORT_PORTS,
    SHORT_READY,
    SHORT_SSH,
    SHORT_VOLUME,
};

enum {
    KEY_REQUIRED = 1,
    KEY_KEPT = 2,         /* printed even if it is zero or empty */
    KEY_DISTINCT = 4,     /* no two items may be equal */
    KEY_CLOSED = 8,       /* no x- keys among its keys */
    KEY_OPEN = 16,        /* unknown keys are left out with a warning */
    KEY_RAW = 32,         /* not interpolated */
    KEY_OWN = 64,         /* one of envrun's; also written without the x- */
    KEY_NAMES = 128,      /* its own keys are names: letters, digits, . _ - */
    KEY_SPENT = 256,      /* not part of the canonical tree */
    KEY_ORDERED = 512,    /* its entries stay in the file's order */
    KEY_UNPRINTED = 1024, /* Compose does not print it */
    KEY_SERVICE = 2048,   /* stands under the name of a service */
    KEY_SHOWN = 4096,     /* the engine shows what is written there to everyone */
    KEY_NULL = 8192,      /* printed even if it is null */
    KEY_ALWAYS = 16384,   /* printed even if it is not written */
    KEY_EXACT = 32768,    /* a whole number has neither a point nor an exponent */
};

struct key {
    const char *name; /* NULL ends a table, and for items and values */
    unsigned kinds;
    unsigned flags;
    enum value_form form;
    enum short_form short_form;
    enum merge_rule merge;
    enum unique_rule unique;
    enum path_rule path;
    const struct key *keys;     /* of a map whose keys are fixed */
    const struct key *value;    /* of every entry of a map with free keys */
    const struct key *item;     /* of every item of a list */
    const char *const *choices; /* of a string, NULL-terminated */
    long long least, most;      /* of a number; both 0: any */
    const char *json;           /* its name in JSON output, where that differs */
};

extern const struct key schema_root;
extern const struct key schema_service;

/* The entry for a map's key or a list's item, or NULL if the table does not say. */
const struct key *schema_child(const struct key *key, const struct node *parent,
                               const struct node *child);
/* Does the key of this map name something in a container, so that it is no path of this host? */
bool schema_is_inside(const struct key *key, const struct node *map);
/* The entry for a name among fixed keys. */
const struct key *schema_find(const struct key *keys, const char *name);
/* Whether a name is a key there, or one of envrun's without its x-. */
bool schema_known(const struct key *keys, const char *name);
/* The name under which a key of envrun is kept ("x-ready" for "ready"), or NULL. */
const struct key *schema_own(const struct key *keys, const char *name);

#endif
