#include "spec/schema.h"

#include "base/text.h"

#include <string.h>

/* An entry may refine what its macro says. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

#define CHOICES(...)                                                                               \
    .choices = (const char *const[]) {                                                             \
        __VA_ARGS__, NULL                                                                          \
    }
#define TEXT(n) .name = (n), .kinds = IS_STRING, .form = AS_STRING
#define BOOL(n) .name = (n), .kinds = IS_BOOL | IS_STRING, .form = AS_BOOL
#define INTEGER(n) .name = (n), .kinds = IS_NUMBER | IS_STRING, .form = AS_INTEGER
#define UNSIGNED(n) .name = (n), .kinds = IS_NUMBER | IS_STRING, .form = AS_UNSIGNED
#define FLOAT(n) .name = (n), .kinds = IS_NUMBER | IS_STRING, .form = AS_FLOAT
#define SIZE(n) .name = (n), .kinds = IS_NUMBER | IS_STRING, .form = AS_SIZE
#define DURATION(n) .name = (n), .kinds = IS_STRING, .form = AS_DURATION
#define STRINGS(n) .name = (n), .kinds = IS_LIST, .form = AS_STRINGS, .item = &text
#define STRING_OR_LIST(n)                                                                          \
    .name = (n), .kinds = IS_STRING | IS_LIST, .form = AS_STRINGS, .item = &text,                  \
    .flags = KEY_DISTINCT
#define LIST_OR_MAP(n)                                                                             \
    .name = (n), .kinds = IS_LIST | IS_MAP, .item = &text, .value = &scalar, .flags = KEY_DISTINCT
#define MAP(n, k) .name = (n), .kinds = IS_MAP, .keys = (k)
#define LIST_OF(n, i) .name = (n), .kinds = IS_LIST, .item = (i)
#define OPTIONS(n)                                                                                 \
    .name = (n), .kinds = IS_MAP, .form = AS_TEXTS, .value = &(const struct key) {                 \
        .kinds = IS_STRING | IS_NUMBER                                                             \
    }
#define COMMAND(n)                                                                                 \
    .name = (n), .kinds = IS_NULL | IS_STRING | IS_LIST, .form = AS_COMMAND, .item = &text,        \
    .flags = KEY_KEPT

static const struct key text = {.kinds = IS_STRING, .form = AS_STRING};
static const struct key scalar = {.kinds = IS_STRING | IS_NUMBER | IS_BOOL | IS_NULL};
static const struct key number_or_text = {.kinds = IS_STRING | IS_INTEGER, .flags = KEY_EXACT};

/* ---- Shared by several ---- */

static const struct key ulimit_keys[] = {
    {INTEGER("soft"), .kinds = IS_INTEGER | IS_STRING, .flags = KEY_REQUIRED | KEY_KEPT},
    {INTEGER("hard"), .kinds = IS_INTEGER | IS_STRING, .flags = KEY_REQUIRED | KEY_KEPT},
    {0},
};
static const struct key ulimit = {
    .kinds = IS_INTEGER | IS_STRING | IS_MAP,
    .flags = KEY_EXACT,
    .form = AS_ULIMIT,
    .merge = MERGE_REPLACE,
    .keys = ulimit_keys,
};
#define ULIMITS                                                                                    \
    { .name = "ulimits", .kinds = IS_MAP, .value = &ulimit }

static const struct key file_mount_keys[] = {
    {TEXT("source")},
    {TEXT("target")},
    {TEXT("uid")},
    {TEXT("gid")},
    {UNSIGNED("mode"), .flags = KEY_KEPT},
    {0},
};
static const struct key file_mount = {
    .kinds = IS_STRING | IS_MAP,
    .short_form = SHORT_MOUNT,
    .keys = file_mount_keys,
};

static const struct key host_addresses = {.kinds = IS_STRING | IS_LIST, .item = &text};
#define EXTRA_HOSTS                                                                                \
    {                                                                                              \
        .name = "extra_hosts", .kinds = IS_LIST | IS_MAP, .form = AS_HOSTS, .merge = MERGE_HOSTS,  \
        .item = &text, .value = &host_addresses, .flags = KEY_DISTINCT                             \
    }

#define HOOK_KEYS                                                                                  \
    {TEXT("user")}, {BOOL("privileged")}, {TEXT("working_dir")}, {                                 \
        LIST_OR_MAP("environment"), .form = AS_VARIABLES                                           \
    }
static const struct key hook_keys[] = {
    {COMMAND("command"), .flags = KEY_KEPT | KEY_ALWAYS}, HOOK_KEYS, {0}};
static const struct key hook = {.kinds = IS_MAP, .keys = hook_keys};
static const struct key init_keys[] = {
    {COMMAND("command")}, HOOK_KEYS, {TEXT("image")}, {BOOL("per_replica")}, {0}};
static const struct key init = {.kinds = IS_MAP, .keys = init_keys};

static const struct key device_request_keys[] = {
    {STRINGS("capabilities"), .flags = KEY_REQUIRED | KEY_DISTINCT},
    {TEXT("driver")},
    {.name = "count", .kinds = IS_STRING | IS_INTEGER, .form = AS_COUNT},
    {STRINGS("device_ids"), .flags = KEY_DISTINCT},
    {LIST_OR_MAP("options"), .form = AS_TEXTS},
    {0},
};
static const struct key gpu_keys[] = {
    {STRINGS("capabilities"), .flags = KEY_DISTINCT},
    {TEXT("driver")},
    {.name = "count", .kinds = IS_STRING | IS_INTEGER, .form = AS_COUNT},
    {STRINGS("device_ids"), .flags = KEY_DISTINCT},
    {LIST_OR_MAP("options"), .form = AS_TEXTS},
    {0},
};
static const struct key device_request = {.kinds = IS_MAP, .keys = device_request_keys};
static const struct key gpu = {.kinds = IS_MAP, .keys = gpu_keys, .flags = KEY_OPEN};

/* ---- build ---- */

static const struct key build_keys[] = {
    {TEXT("context"), .path = PATH_CONTEXT},
    {TEXT("dockerfile")},
    {TEXT("dockerfile_inline")},
    {STRINGS("entitlements")},
    {LIST_OR_MAP("args"), .form = AS_VARIABLES, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {LIST_OR_MAP("ssh"), .form = AS_SSH, .short_form = SHORT_SSH,
     .value = &(const struct key){.kinds = IS_STRING | IS_NUMBER | IS_BOOL | IS_NULL,
                                  .path = PATH_PORTABLE}},
    {LIST_OR_MAP("labels"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {STRINGS("cache_from")},
    {STRINGS("cache_to")},
    {BOOL("no_cache")},
    {LIST_OR_MAP("additional_contexts"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE,
     .unique = UNIQUE_NAME, .short_form = SHORT_NAME_VALUE,
     .value = &(const struct key){.kinds = IS_STRING | IS_NUMBER | IS_BOOL | IS_NULL,
                                  .path = PATH_CONTEXT}},
    {BOOL("pull")},
    EXTRA_HOSTS,
    {TEXT("isolation")},
    {TEXT("network")},
    {TEXT("target")},
    {LIST_OF("secrets", &file_mount)},
    {.name = "shm_size", .kinds = IS_INTEGER | IS_STRING, .form = AS_SIZE},
    {STRINGS("tags"), .unique = UNIQUE_NAME},
    ULIMITS,
    {STRINGS("platforms")},
    {BOOL("privileged")},
    {.name = "provenance", .kinds = IS_STRING | IS_BOOL, .form = AS_STRING},
    {.name = "sbom", .kinds = IS_STRING | IS_BOOL, .form = AS_STRING},
    {0},
};

/* ---- deploy ---- */

static const struct key limits_keys[] = {
    {FLOAT("cpus")},
    {TEXT("memory"), .form = AS_SIZE},
    {.name = "pids", .kinds = IS_INTEGER | IS_STRING, .form = AS_INTEGER},
    {0},
};
static const struct key discrete_keys[] = {
    {TEXT("kind"), .flags = KEY_KEPT | KEY_ALWAYS},
    {INTEGER("value"), .flags = KEY_KEPT | KEY_ALWAYS},
    {0},
};
static const struct key generic_resource_keys[] = {
    {MAP("discrete_resource_spec", discrete_keys), .flags = KEY_KEPT},
    {0},
};
static const struct key generic_resource = {.kinds = IS_MAP, .keys = generic_resource_keys};
static const struct key reservations_keys[] = {
    {FLOAT("cpus")},
    {TEXT("memory"), .form = AS_SIZE},
    {LIST_OF("devices", &device_request)},
    {LIST_OF("generic_resources", &generic_resource)},
    {0},
};
static const struct key resources_keys[] = {
    {MAP("limits", limits_keys), .flags = KEY_KEPT},
    {MAP("reservations", reservations_keys), .flags = KEY_KEPT},
    {0},
};
static const struct key update_keys[] = {
    {.name = "parallelism",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_UNSIGNED,
     .flags = KEY_KEPT},
    {DURATION("delay")},
    {TEXT("failure_action")},
    {DURATION("monitor")},
    {FLOAT("max_failure_ratio")},
    {TEXT("order"), CHOICES("start-first", "stop-first")},
    {0},
};
static const struct key restart_policy_keys[] = {
    {TEXT("condition")},
    {DURATION("delay"), .flags = KEY_KEPT},
    {.name = "max_attempts",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_UNSIGNED,
     .flags = KEY_KEPT},
    {DURATION("window"), .flags = KEY_KEPT},
    {0},
};
static const struct key preference_keys[] = {{TEXT("spread")}, {0}};
static const struct key preference = {.kinds = IS_MAP, .keys = preference_keys};
static const struct key placement_keys[] = {
    {STRINGS("constraints")},
    {LIST_OF("preferences", &preference)},
    {.name = "max_replicas_per_node", .kinds = IS_INTEGER | IS_STRING, .form = AS_UNSIGNED},
    {0},
};
static const struct key deploy_keys[] = {
    {TEXT("mode")},
    {.name = "replicas", .kinds = IS_INTEGER | IS_STRING, .form = AS_INTEGER, .flags = KEY_KEPT},
    {LIST_OR_MAP("labels"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {MAP("update_config", update_keys), .flags = KEY_KEPT},
    {MAP("rollback_config", update_keys), .flags = KEY_KEPT},
    {MAP("resources", resources_keys)},
    {MAP("restart_policy", restart_policy_keys), .flags = KEY_KEPT},
    {MAP("placement", placement_keys)},
    {TEXT("endpoint_mode")},
    {0},
};

/* ---- The parts of a service ---- */

static const struct key watch_keys[] = {
    {TEXT("path"), .flags = KEY_REQUIRED | KEY_KEPT, .path = PATH_LINK},
    {TEXT("action"), .flags = KEY_REQUIRED | KEY_KEPT,
     CHOICES("rebuild", "sync", "restart", "sync+restart", "sync+exec")},
    {TEXT("target")},
    {MAP("exec", hook_keys)},
    {STRING_OR_LIST("ignore"), .flags = 0},
    {STRING_OR_LIST("include"), .flags = 0},
    {BOOL("initial_sync")},
    {0},
};
static const struct key watch = {.kinds = IS_MAP, .keys = watch_keys};
static const struct key develop_keys[] = {{LIST_OF("watch", &watch)}, {0}};

static const struct key weight_device_keys[] = {
    {TEXT("path"), .flags = KEY_KEPT | KEY_ALWAYS, .json = "Path"},
    {.name = "weight",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_UNSIGNED,
     .flags = KEY_KEPT | KEY_ALWAYS,
     .json = "Weight"},
    {0},
};
static const struct key rate_device_keys[] = {
    {TEXT("path"), .flags = KEY_KEPT | KEY_ALWAYS, .json = "Path"},
    {.name = "rate",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_SIZE,
     .flags = KEY_KEPT | KEY_ALWAYS,
     .json = "Rate"},
    {0},
};
static const struct key weight_device = {
    .kinds = IS_MAP, .keys = weight_device_keys, .flags = KEY_CLOSED};
static const struct key rate_device = {
    .kinds = IS_MAP, .keys = rate_device_keys, .flags = KEY_CLOSED};
static const struct key blkio_keys[] = {
    {.name = "weight", .kinds = IS_INTEGER | IS_STRING, .form = AS_UNSIGNED, .most = 65535},
    {LIST_OF("weight_device", &weight_device)},
    {LIST_OF("device_read_bps", &rate_device)},
    {LIST_OF("device_read_iops", &rate_device)},
    {LIST_OF("device_write_bps", &rate_device)},
    {LIST_OF("device_write_iops", &rate_device)},
    {0},
};

static const struct key credential_spec_keys[] = {
    {TEXT("config")}, {TEXT("file")}, {TEXT("registry")}, {0}};

static const struct key dependency_keys[] = {
    {TEXT("condition"), .flags = KEY_REQUIRED,
     CHOICES("service_started", "service_healthy", "service_completed_successfully",
             "service_ready")},
    {BOOL("restart")},
    {.name = "required", .kinds = IS_BOOL, .form = AS_BOOL, .flags = KEY_KEPT},
    {TEXT("x-condition"), CHOICES("service_ready"), .flags = KEY_UNPRINTED},
    {0},
};
static const struct key dependency = {
    .kinds = IS_MAP, .keys = dependency_keys, .flags = KEY_SERVICE};

static const struct key device_keys[] = {
    {TEXT("source"), .flags = KEY_REQUIRED},
    {TEXT("target"), .flags = KEY_REQUIRED},
    {TEXT("permissions")},
    {0},
};
static const struct key device = {
    .kinds = IS_STRING | IS_MAP, .short_form = SHORT_DEVICE, .keys = device_keys};

static const struct key env_file_keys[] = {
    {TEXT("path"), .flags = KEY_REQUIRED, .path = PATH_FILE},
    {BOOL("required"), .flags = KEY_KEPT},
    {TEXT("format")},
    {0},
};
static const struct key env_file = {
    .kinds = IS_STRING | IS_MAP, .keys = env_file_keys, .flags = KEY_CLOSED};

static const struct key extends_keys[] = {
    {TEXT("service"), .flags = KEY_REQUIRED}, {TEXT("file"), .path = PATH_FILE}, {0}};

static const struct key healthcheck_keys[] = {
    {.name = "test",
     .kinds = IS_STRING | IS_LIST,
     .form = AS_TEST,
     .merge = MERGE_REPLACE,
     .item = &text},
    {DURATION("timeout"), .flags = KEY_KEPT},
    {DURATION("interval"), .flags = KEY_KEPT},
    {UNSIGNED("retries"), .flags = KEY_KEPT},
    {DURATION("start_period"), .flags = KEY_KEPT},
    {DURATION("start_interval"), .flags = KEY_KEPT},
    {BOOL("disable")},
    {0},
};

static const struct key log_option = {.kinds = IS_STRING | IS_NUMBER | IS_NULL};
static const struct key logging_keys[] = {
    {TEXT("driver")},
    {.name = "options", .kinds = IS_MAP, .form = AS_TEXTS, .value = &log_option},
    {0},
};

static const struct key service_network_keys[] = {
    {.name = "priority", .kinds = IS_NUMBER, .form = AS_INTEGER},
    {.name = "gw_priority", .kinds = IS_NUMBER, .form = AS_INTEGER, .flags = KEY_UNPRINTED},
    {STRINGS("aliases"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {TEXT("interface_name")},
    {TEXT("ipv4_address")},
    {TEXT("ipv6_address")},
    {STRINGS("link_local_ips"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {TEXT("mac_address")},
    {OPTIONS("driver_opts")},
    {0},
};
static const struct key service_network = {
    .kinds = IS_NULL | IS_MAP, .keys = service_network_keys, .flags = KEY_KEPT};

static const struct key service_model_keys[] = {{TEXT("endpoint_var")}, {TEXT("model_var")}, {0}};
static const struct key service_model = {
    .kinds = IS_NULL | IS_MAP, .keys = service_model_keys, .flags = KEY_KEPT};

static const struct key provider_keys[] = {
    {TEXT("type"), .flags = KEY_REQUIRED},
    {.name = "options",
     .kinds = IS_MAP,
     .value = &(const struct key){.kinds = IS_STRING | IS_NUMBER | IS_BOOL | IS_LIST,
                                  .form = AS_STRINGS}},
    {0},
};

static const struct key port_keys[] = {
    {TEXT("name")},
    {TEXT("mode")},
    {TEXT("host_ip")},
    {.name = "target",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_UNSIGNED,
     .most = 65535,
     .flags = KEY_REQUIRED},
    {.name = "published", .kinds = IS_INTEGER | IS_STRING, .form = AS_STRING},
    {TEXT("protocol")},
    {TEXT("app_protocol")},
    {0},
};
static const struct key port = {.kinds = IS_NUMBER | IS_STRING | IS_MAP, .keys = port_keys};

static const struct key bind_keys[] = {
    {TEXT("selinux"), CHOICES("z", "Z")},
    {TEXT("propagation")},
    {BOOL("create_host_path")},
    {TEXT("recursive"), CHOICES("enabled", "disabled", "writable", "readonly")},
    {0},
};
static const struct key volume_options_keys[] = {
    {BOOL("nocopy")},
    {LIST_OR_MAP("labels"), .form = AS_TEXTS},
    {TEXT("subpath")},
    {0},
};
static const struct key tmpfs_keys[] = {
    {.name = "size",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_SIZE,
     .least = 0,
     .most = 1LL << 62},
    {UNSIGNED("mode")},
    {0},
};
static const struct key image_mount_keys[] = {{TEXT("subpath")}, {0}};
static const struct key mount_keys[] = {
    {TEXT("type"), .flags = KEY_REQUIRED},
    {TEXT("source")},
    {TEXT("target")},
    {BOOL("read_only")},
    {TEXT("consistency")},
    {MAP("bind", bind_keys), .flags = KEY_KEPT},
    {MAP("volume", volume_options_keys), .flags = KEY_KEPT},
    {MAP("tmpfs", tmpfs_keys), .flags = KEY_KEPT},
    {MAP("image", image_mount_keys), .flags = KEY_KEPT},
    {0},
};
static const struct key mount = {
    .kinds = IS_STRING | IS_MAP,
    .short_form = SHORT_VOLUME,
    .path = PATH_MOUNT,
    .keys = mount_keys,
};

/* ---- envrun's own ---- */

#define OWN_COMMAND(n)                                                                             \
    .name = (n), .kinds = IS_STRING | IS_LIST, .item = &text, .flags = KEY_RAW | KEY_KEPT,         \
    .merge = MERGE_REPLACE
#define PORT(n)                                                                                    \
    .name = (n), .kinds = IS_INTEGER | IS_STRING, .form = AS_UNSIGNED, .least = 1, .most = 65535
#define STATUS(n) .name = (n), .kinds = IS_INTEGER | IS_STRING

static const struct key ready_http_keys[] = {
    {PORT("port"), .flags = KEY_REQUIRED},
    {TEXT("path")},
    {TEXT("scheme"), CHOICES("http", "https")},
    {TEXT("method")},
    {STATUS("status")},
    {TEXT("body")},
    {0},
};
static const struct key ready_log_keys[] = {
    {TEXT("regex"), .flags = KEY_REQUIRED},
    {.name = "count",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_UNSIGNED,
     .least = 1,
     .most = 1000000},
    {0},
};
static const struct key ready_keys[] = {
    {PORT("tcp")},
    {.name = "http", .kinds = IS_INTEGER | IS_STRING | IS_MAP, .keys = ready_http_keys},
    {OWN_COMMAND("exec")},
    {.name = "log", .kinds = IS_STRING | IS_MAP, .keys = ready_log_keys},
    {BOOL("healthcheck")},
    {DURATION("timeout")},
    {0},
};

static const struct key seed_copy_keys[] = {
    {TEXT("from"), .flags = KEY_REQUIRED, .path = PATH_FILE},
    {TEXT("to"), .flags = KEY_REQUIRED},
    {0},
};
static const struct key seed_http_keys[] = {
    {TEXT("method")},
    {PORT("port")},
    {TEXT("path")},
    {TEXT("scheme"), CHOICES("http", "https")},
    {.name = "headers", .kinds = IS_MAP, .form = AS_TEXTS, .value = &scalar},
    {TEXT("body"), .path = PATH_FILE},
    {TEXT("text")},
    {.name = "json", .kinds = IS_ANY, .flags = KEY_KEPT | KEY_NULL},
    {STATUS("expect")},
    {0},
};
static const struct key seed_keys[] = {
    {STRING_OR_LIST("sql"), .short_form = SHORT_LIST, .path = PATH_FILE},
    {TEXT("database")},
    {MAP("copy", seed_copy_keys)},
    {MAP("http", seed_http_keys), .flags = KEY_KEPT},
    {OWN_COMMAND("exec")},
    {OWN_COMMAND("run")},
    {TEXT("user")},
    {DURATION("timeout")},
    {0},
};
static const struct key seed = {.name = "seed step", .kinds = IS_MAP, .keys = seed_keys};

static const struct key suite_keys[] = {
    {OWN_COMMAND("command")},
    {TEXT("service")},
    {TEXT("working_dir"), .path = PATH_SUITE},
    {LIST_OR_MAP("environment"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME,
     .flags = KEY_RAW},
    {DURATION("timeout")},
    {STRING_OR_LIST("junit"), .merge = MERGE_SEQUENCE, .short_form = SHORT_LIST,
     .path = PATH_SUITE},
    {STRING_OR_LIST("artifacts"), .merge = MERGE_SEQUENCE, .short_form = SHORT_LIST,
     .path = PATH_SUITE},
    {0},
};
static const struct key suite = {.name = "x-suite", .kinds = IS_MAP, .keys = suite_keys};

/* ---- Service ---- */

static const struct key service_keys[] = {
    {STRINGS("profiles"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {LIST_OR_MAP("annotations"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {BOOL("attach"), .flags = KEY_KEPT},
    {.name = "build",
     .kinds = IS_STRING | IS_MAP,
     .short_form = SHORT_BUILD,
     .merge = MERGE_BUILD,
     .keys = build_keys,
     .flags = KEY_KEPT},
    {.name = "develop", .kinds = IS_NULL | IS_MAP, .keys = develop_keys, .flags = KEY_KEPT},
    {MAP("blkio_config", blkio_keys), .flags = KEY_CLOSED | KEY_KEPT},
    {STRINGS("cap_add"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {STRINGS("cap_drop"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {TEXT("cgroup_parent")},
    {TEXT("cgroup"), CHOICES("host", "private")},
    {.name = "cpu_count",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_INTEGER,
     .least = 0,
     .most = 1LL << 62},
    {.name = "cpu_percent",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_FLOAT,
     .least = 0,
     .most = 100},
    {INTEGER("cpu_period")},
    {INTEGER("cpu_quota")},
    {INTEGER("cpu_rt_period")},
    {INTEGER("cpu_rt_runtime")},
    {FLOAT("cpus")},
    {TEXT("cpuset")},
    {INTEGER("cpu_shares")},
    {COMMAND("command"), .merge = MERGE_REPLACE},
    {LIST_OF("configs", &file_mount), .unique = UNIQUE_CONFIG},
    {TEXT("container_name"), .flags = KEY_SHOWN},
    {MAP("credential_spec", credential_spec_keys), .flags = KEY_KEPT},
    {.name = "depends_on",
     .kinds = IS_LIST | IS_MAP,
     .item = &text,
     .value = &dependency,
     .short_form = SHORT_DEPENDS_ON,
     .merge = MERGE_DEPENDS_ON,
     .flags = KEY_NAMES | KEY_DISTINCT},
    {.name = "deploy", .kinds = IS_NULL | IS_MAP, .keys = deploy_keys, .flags = KEY_KEPT},
    {STRINGS("device_cgroup_rules"), .flags = KEY_DISTINCT},
    {LIST_OF("devices", &device), .unique = UNIQUE_DEVICE},
    {STRING_OR_LIST("dns"), .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME,
     .short_form = SHORT_LIST},
    {STRINGS("dns_opt"), .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME, .flags = KEY_DISTINCT},
    {STRING_OR_LIST("dns_search"), .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {TEXT("domainname")},
    {COMMAND("entrypoint"), .merge = MERGE_REPLACE},
    {LIST_OR_MAP("environment"), .form = AS_VARIABLES, .merge = MERGE_SEQUENCE,
     .unique = UNIQUE_NAME},
    {.name = "env_file",
     .kinds = IS_STRING | IS_LIST,
     .item = &env_file,
     .merge = MERGE_SEQUENCE,
     .unique = UNIQUE_ENV_FILE,
     .short_form = SHORT_ENV_FILE},
    {LIST_OF("expose", &number_or_text), .form = AS_STRINGS, .unique = UNIQUE_TEXT,
     .flags = KEY_DISTINCT | KEY_SHOWN},
    {.name = "extends",
     .kinds = IS_STRING | IS_MAP,
     .keys = extends_keys,
     .short_form = SHORT_EXTENDS,
     .flags = KEY_CLOSED | KEY_SPENT},
    {STRINGS("external_links"), .flags = KEY_DISTINCT},
    EXTRA_HOSTS,
    {LIST_OF("group_add", &number_or_text), .form = AS_STRINGS, .flags = KEY_DISTINCT},
    {.name = "gpus",
     .kinds = IS_STRING | IS_LIST,
     .item = &gpu,
     .short_form = SHORT_GPUS,
     CHOICES("all")},
    {TEXT("hostname"), .flags = KEY_SHOWN},
    {MAP("healthcheck", healthcheck_keys), .flags = KEY_KEPT},
    {TEXT("image"), .flags = KEY_SHOWN},
    {BOOL("init"), .flags = KEY_KEPT},
    {TEXT("ipc")},
    {TEXT("isolation")},
    {LIST_OR_MAP("labels"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {.name = "label_file",
     .kinds = IS_STRING | IS_LIST,
     .item = &text,
     .form = AS_STRINGS,
     .merge = MERGE_SEQUENCE,
     .short_form = SHORT_LIST,
     .path = PATH_FILE},
    {STRINGS("links"), .flags = KEY_DISTINCT, .unique = UNIQUE_NAME},
    {MAP("logging", logging_keys), .merge = MERGE_LOGGING, .flags = KEY_KEPT},
    {SIZE("mem_limit")},
    {.name = "mem_reservation", .kinds = IS_INTEGER | IS_STRING, .form = AS_SIZE},
    {SIZE("memswap_limit"), .least = -1, .most = 1LL << 62},
    {.name = "mem_swappiness",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_SIZE,
     .least = -1,
     .most = 1LL << 62},
    {TEXT("mac_address")},
    {.name = "models",
     .kinds = IS_LIST | IS_MAP,
     .item = &text,
     .value = &service_model,
     .short_form = SHORT_MODEL,
     .merge = MERGE_NETWORKS,
     .flags = KEY_NAMES},
    {TEXT("network_mode")},
    {.name = "networks",
     .kinds = IS_LIST | IS_MAP,
     .item = &text,
     .value = &service_network,
     .short_form = SHORT_NETWORKS,
     .merge = MERGE_NETWORKS,
     .flags = KEY_NAMES | KEY_DISTINCT},
    {BOOL("oom_kill_disable")},
    {.name = "oom_score_adj",
     .kinds = IS_INTEGER | IS_STRING,
     .form = AS_INTEGER,
     .least = -1000,
     .most = 1000},
    {.name = "pid", .kinds = IS_STRING | IS_NULL, .form = AS_STRING},
    {INTEGER("pids_limit")},
    {TEXT("platform"), .flags = KEY_SHOWN},
    {LIST_OF("ports", &port), .short_form = SHORT_PORTS, .unique = UNIQUE_PORT,
     .flags = KEY_DISTINCT | KEY_SHOWN},
    {BOOL("privileged")},
    {MAP("provider", provider_keys), .flags = KEY_KEPT},
    {TEXT("pull_policy")},
    {DURATION("pull_refresh_after")},
    {BOOL("read_only")},
    {TEXT("restart")},
    {TEXT("runtime")},
    {.name = "scale", .kinds = IS_INTEGER | IS_STRING, .form = AS_INTEGER, .flags = KEY_KEPT},
    {LIST_OF("secrets", &file_mount), .unique = UNIQUE_SECRET},
    {STRINGS("security_opt"), .flags = KEY_DISTINCT},
    {SIZE("shm_size")},
    {BOOL("stdin_open")},
    {DURATION("stop_grace_period"), .flags = KEY_KEPT},
    {TEXT("stop_signal")},
    {.name = "storage_opt", .kinds = IS_MAP, .form = AS_TEXTS},
    {LIST_OR_MAP("sysctls"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {STRING_OR_LIST("tmpfs"), .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {BOOL("tty")},
    ULIMITS,
    {BOOL("use_api_socket")},
    {TEXT("user")},
    {TEXT("userns_mode")},
    {TEXT("uts")},
    {LIST_OF("volumes", &mount), .unique = UNIQUE_VOLUME, .flags = KEY_DISTINCT},
    {STRINGS("volumes_from"), .flags = KEY_DISTINCT},
    {TEXT("working_dir")},
    {LIST_OF("pre_start", &init)},
    {LIST_OF("post_start", &hook)},
    {LIST_OF("pre_stop", &hook)},
    {.name = "x-ready",
     .kinds = IS_STRING | IS_MAP,
     .keys = ready_keys,
     .merge = MERGE_REPLACE,
     .short_form = SHORT_READY,
     .flags = KEY_OWN | KEY_CLOSED},
    {LIST_OF("x-seed", &seed), .flags = KEY_OWN},
    {TEXT("x-kind"), .flags = KEY_OWN},
    {BOOL("x-snapshot"), .flags = KEY_OWN},
    {0},
};
const struct key schema_service = {.kinds = IS_MAP, .keys = service_keys};

/* ---- Networks, volumes, secrets, configs, models ---- */

static const struct key pool_keys[] = {
    {TEXT("subnet")},
    {TEXT("gateway")},
    {TEXT("ip_range")},
    {.name = "aux_addresses", .kinds = IS_MAP, .form = AS_TEXTS, .value = &text},
    {0},
};
static const struct key pool = {.kinds = IS_MAP, .keys = pool_keys};
static const struct key ipam_keys[] = {
    {TEXT("driver")},
    {LIST_OF("config", &pool), .merge = MERGE_IPAM},
    {.name = "options", .kinds = IS_MAP, .value = &text, .flags = KEY_SPENT},
    {0},
};
static const struct key external_keys[] = {{TEXT("name")}, {0}};
#define EXTERNAL(f)                                                                                \
    {                                                                                              \
        .name = "external", .kinds = IS_BOOL | IS_STRING | IS_MAP, .form = AS_BOOL,                \
        .keys = external_keys, .flags = (f)                                                        \
    }
static const struct key network_keys[] = {
    {TEXT("name"), .flags = KEY_SHOWN},
    {TEXT("driver")},
    {OPTIONS("driver_opts")},
    {MAP("ipam", ipam_keys)},
    EXTERNAL(0),
    {BOOL("internal")},
    {BOOL("attachable")},
    {LIST_OR_MAP("labels"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {BOOL("enable_ipv4"), .flags = KEY_KEPT},
    {BOOL("enable_ipv6"), .flags = KEY_KEPT},
    {0},
};
static const struct key network = {
    .kinds = IS_NULL | IS_MAP, .keys = network_keys, .short_form = SHORT_EXTERNAL};

static const struct key volume_keys[] = {
    {TEXT("name"), .flags = KEY_SHOWN},
    {TEXT("driver")},
    {OPTIONS("driver_opts")},
    EXTERNAL(0),
    {LIST_OR_MAP("labels"), .form = AS_TEXTS, .merge = MERGE_SEQUENCE, .unique = UNIQUE_NAME},
    {0},
};
static const struct key volume = {
    .kinds = IS_NULL | IS_MAP,
    .keys = volume_keys,
    .short_form = SHORT_EXTERNAL,
    .path = PATH_DRIVER_OPTS,
};

static const struct key secret_keys[] = {
    {TEXT("name"), .flags = KEY_SHOWN},
    {TEXT("file"), .path = PATH_PORTABLE},
    {TEXT("environment")},
    EXTERNAL(KEY_OPEN),
    {LIST_OR_MAP("labels"), .form = AS_TEXTS},
    {TEXT("driver")},
    {OPTIONS("driver_opts")},
    {TEXT("template_driver")},
    {0},
};
static const struct key secret = {
    .kinds = IS_MAP, .keys = secret_keys, .short_form = SHORT_EXTERNAL};

static const struct key config_keys[] = {
    {TEXT("name"), .flags = KEY_SHOWN},
    {TEXT("file"), .path = PATH_PORTABLE},
    {TEXT("environment")},
    {TEXT("content")},
    EXTERNAL(KEY_OPEN),
    {LIST_OR_MAP("labels"), .form = AS_TEXTS},
    {TEXT("template_driver")},
    {0},
};
static const struct key config = {
    .kinds = IS_MAP, .keys = config_keys, .short_form = SHORT_EXTERNAL};

static const struct key model_keys[] = {
    {TEXT("name")},
    {TEXT("model"), .flags = KEY_REQUIRED},
    {INTEGER("context_size")},
    {STRINGS("runtime_flags")},
    {0},
};
static const struct key model = {.kinds = IS_MAP, .keys = model_keys};

static const struct key include_keys[] = {
    {STRING_OR_LIST("path")},
    {STRING_OR_LIST("env_file")},
    {TEXT("project_directory")},
    {0},
};
static const struct key include_item = {
    .kinds = IS_STRING | IS_MAP, .keys = include_keys, .flags = KEY_CLOSED};

/* ---- The file ---- */

static const struct key root_keys[] = {
    {TEXT("version"), .flags = KEY_SPENT},
    {TEXT("name"), .flags = KEY_KEPT | KEY_SHOWN},
    {LIST_OF("include", &include_item), .flags = KEY_SPENT},
    {.name = "services", .kinds = IS_MAP, .value = &schema_service, .flags = KEY_NAMES | KEY_KEPT},
    {.name = "networks", .kinds = IS_MAP, .value = &network},
    {.name = "volumes", .kinds = IS_MAP, .value = &volume, .flags = KEY_NAMES},
    {.name = "secrets", .kinds = IS_MAP, .value = &secret, .flags = KEY_NAMES},
    {.name = "configs", .kinds = IS_MAP, .value = &config, .flags = KEY_NAMES},
    {.name = "models", .kinds = IS_MAP, .value = &model, .flags = KEY_NAMES},
    {MAP("x-suite", suite_keys), .flags = KEY_OWN | KEY_CLOSED},
    {.name = "x-suites",
     .kinds = IS_MAP,
     .value = &suite,
     .flags = KEY_OWN | KEY_NAMES | KEY_ORDERED},
    {0},
};
const struct key schema_root = {.kinds = IS_MAP, .keys = root_keys};

/* ---- Looking up ---- */

const struct key *schema_find(const struct key *keys, const char *name) {
    for (; keys && keys->name; keys++)
        if ((*keys->name == *name && !strcmp(keys->name, name)) ||
            (keys->json && !strcmp(keys->json, name)))
            return keys;
    return NULL;
}

const struct key *schema_own(const struct key *keys, const char *name) {
    for (; keys && keys->name; keys++)
        if (keys->flags & KEY_OWN && !strcmp(keys->name + strlen("x-"), name))
            return keys;
    return NULL;
}

bool schema_known(const struct key *keys, const char *name) {
    return schema_find(keys, name) || schema_own(keys, name);
}

const struct key *schema_child(const struct key *key, const struct node *parent,
                               const struct node *child) {
    if (!key)
        return NULL;
    if (parent->kind == NODE_LIST)
        return key->item;
    return key->keys ? schema_find(key->keys, child->key) : key->value;
}

bool schema_is_inside(const struct key *key, const struct node *map) {
    return key && key->path == PATH_SUITE && node_text(map, "service", NULL);
}
