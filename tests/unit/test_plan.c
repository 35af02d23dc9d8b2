/* The plan floor: from the text of a file to the bodies of requests. No engine, no clock. */
#include "spec_help.h"

#include <envrun/plan.h>

#include "base/json.h"
#include "base/text.h"

TestSuite(plan, .timeout = 20);

/* ---- Help ---- */

struct planning {
    struct model *model;
    struct plan *plan;
    struct err err;
};

static const struct plan_options usual = {
    .name = "env-1a2b",
    .verb = "run",
    .owner = "me",
    .created = 1700000000,
    .api_minor = 41,
    .reach = REACH_DIRECT,
};

static struct planning plan_text(const char *text, const struct plan_options *options) {
    struct planning p = {.err = ERR_INIT};
    p.model = load_text(text, &p.err);
    cr_assert(p.model, "%s", p.err.message);
    p.plan = plan_make(p.model, options, &p.err);
    return p;
}

static struct planning must_plan(const char *text, const struct plan_options *options) {
    struct planning p = plan_text(text, options);
    cr_assert(p.plan, "%s", p.err.message);
    return p;
}

static void planning_end(struct planning *p) {
    plan_free(p->plan);
    model_free(p->model);
    err_release(&p->err);
}

static struct planned_service *service(const struct planning *p, const char *name) {
    for (size_t i = 0; i < p->plan->service_count; i++)
        if (!strcmp(p->plan->services[i].name, name))
            return &p->plan->services[i];
    cr_assert_fail("there is no service %s", name);
    abort();
}

/* What is at "A.B.C" of a body, as JSON without spaces; a label's name holds dots. */
static void expect_json(const cJSON *body, const char *path, const char *expected) {
    static const char labels[] = "Labels.";
    const cJSON *found =
        text_starts(path, labels)
            ? cJSON_GetObjectItemCaseSensitive(json_get(body, "Labels"), path + strlen(labels))
            : json_get(body, path);
    char *text autofree = found ? json_line(found) : xstrdup("nothing");
    cr_expect_str_eq(text, expected, "%s is %s, expected %s", path, text, expected);
}

static void settle(struct planning *p, struct planned_service *planned, const char *image) {
    autojson cJSON *json = cJSON_Parse(image);
    cr_assert(json, "%s", image);
    cr_assert(plan_settle_image(p->plan, planned, json, &p->err), "%s", p->err.message);
}

/* The file makes a model, but no plan; "FILE" in the message is the name that the file has. */
static void refused(const char *text, const struct plan_options *options, int line, int column,
                    const char *message) {
    struct planning p = plan_text(text, options);
    cr_assert_null(p.plan, "it is not refused: %s", text);
    cr_expect_str_eq(p.err.message, message);
    cr_expect_eq(p.err.kind, ERR_FILE);
    cr_expect_eq(p.err.line, line, "line %d: %s", p.err.line, message);
    cr_expect_eq(p.err.column, column, "column %d: %s", p.err.column, message);
    planning_end(&p);
}

/* ---- Every key that goes into the body ---- */

static const struct {
    const char *yaml; /* of service `a`, beside its image */
    const char *path, *json;
} keys[] = {
    {"cap_add: [NET_ADMIN]", "HostConfig.CapAdd", "[\"NET_ADMIN\"]"},
    {"cap_drop: [ALL]", "HostConfig.CapDrop", "[\"ALL\"]"},
    {"cgroup: private", "HostConfig.CgroupnsMode", "\"private\""},
    {"cgroup_parent: p", "HostConfig.CgroupParent", "\"p\""},
    {"command: [a, 'b c']", "Cmd", "[\"a\",\"b c\"]"},
    {"command: sh -c 'a b'", "Cmd", "[\"sh\",\"-c\",\"a b\"]"},
    {"command: []", "Cmd", "[]"},
    {"cpu_period: 50000", "HostConfig.CpuPeriod", "50000"},
    {"cpu_quota: 25000", "HostConfig.CpuQuota", "25000"},
    {"cpu_shares: 73", "HostConfig.CpuShares", "73"},
    {"cpus: 0.5", "HostConfig.NanoCpus", "500000000"},
    {"cpuset: '0,1'", "HostConfig.CpusetCpus", "\"0,1\""},
    {"device_cgroup_rules: ['c 1:3 mr']", "HostConfig.DeviceCgroupRules", "[\"c 1:3 mr\"]"},
    {"devices: ['/dev/null:/dev/x:r']", "HostConfig.Devices",
     "[{\"PathOnHost\":\"/dev/null\",\"PathInContainer\":\"/dev/x\",\"CgroupPermissions\":\"r\"}]"},
    {"dns: 8.8.8.8", "HostConfig.Dns", "[\"8.8.8.8\"]"},
    {"dns_opt: [ndots:1]", "HostConfig.DnsOptions", "[\"ndots:1\"]"},
    {"dns_search: [a.example]", "HostConfig.DnsSearch", "[\"a.example\"]"},
    {"domainname: d.example", "Domainname", "\"d.example\""},
    {"entrypoint: /e -x", "Entrypoint", "[\"/e\",\"-x\"]"},
    {"environment: {A: b, N: 1, E: ''}", "Env", "[\"A=b\",\"E=\",\"N=1\"]"},
    {"environment: [SHELL_ONLY, NOT_SET]", "Env", "[\"NOT_SET\",\"SHELL_ONLY=from-shell\"]"},
    {"extra_hosts: ['h:10.0.0.1']", "HostConfig.ExtraHosts", "[\"h:10.0.0.1\"]"},
    {"group_add: [mail]", "HostConfig.GroupAdd", "[\"mail\"]"},
    {"hostname: h", "Hostname", "\"h\""},
    {"init: true", "HostConfig.Init", "true"},
    {"ipc: host", "HostConfig.IpcMode", "\"host\""},
    {"labels: {l: v, envrun.environment: stolen}", "Labels.l", "\"v\""},
    {"labels: {envrun.environment: stolen}", "Labels.envrun.environment", "\"env-1a2b\""},
    {"mem_limit: 64m", "HostConfig.Memory", "67108864"},
    {"mem_reservation: 32m", "HostConfig.MemoryReservation", "33554432"},
    {"memswap_limit: 128m", "HostConfig.MemorySwap", "134217728"},
    {"oom_score_adj: -500", "HostConfig.OomScoreAdj", "-500"},
    {"oom_score_adj: 100", "HostConfig.OomScoreAdj", "100"},
    {"pid: host", "HostConfig.PidMode", "\"host\""},
    {"pids_limit: -1", "HostConfig.PidsLimit", "-1"},
    {"pids_limit: 10", "HostConfig.PidsLimit", "10"},
    {"privileged: true", "HostConfig.Privileged", "true"},
    {"read_only: true", "HostConfig.ReadonlyRootfs", "true"},
    {"restart: always", "HostConfig.RestartPolicy", "{\"Name\":\"always\"}"},
    {"restart: always, deploy: {restart_policy: {condition: none}}", "HostConfig.RestartPolicy",
     "{\"Name\":\"no\"}"},
    {"restart: 'no'", "HostConfig.RestartPolicy", "{\"Name\":\"no\"}"},
    {"restart: on-failure:3", "HostConfig.RestartPolicy",
     "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"},
    {"runtime: runc", "HostConfig.Runtime", "\"runc\""},
    {"security_opt: [no-new-privileges]", "HostConfig.SecurityOpt", "[\"no-new-privileges\"]"},
    {"security_opt: ['seccomp=unconfined', 'systempaths=unconfined']", "HostConfig.SecurityOpt",
     "[\"seccomp=unconfined\"]"},
    {"security_opt: ['systempaths=unconfined']", "HostConfig.MaskedPaths", "[]"},
    {"credential_spec: {file: c.json}", "HostConfig.SecurityOpt",
     "[\"credentialspec=file://c.json\"]"},
    {"devices: ['vendor.com/gpu=all']", "HostConfig.DeviceRequests",
     "[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"vendor.com/gpu=all\"]}]"},
    {"mac_address: 02:42:ac:11:00:02", "MacAddress", "\"02:42:ac:11:00:02\""},
    {"use_api_socket: true", "HostConfig.Mounts",
     "[{\"Type\":\"bind\",\"Source\":\"/var/run/docker.sock\",\"Target\":\"/var/run/"
     "docker.sock\"}]"},
    {"use_api_socket: true", "Env", "[\"DOCKER_CONFIG=/run/secrets/docker\"]"},
    {"use_api_socket: true, environment: {DOCKER_CONFIG: /mine}", "Env",
     "[\"DOCKER_CONFIG=/mine\"]"},
    {"use_api_socket: false", "HostConfig.Mounts", "nothing"},
    {"shm_size: 1gb", "HostConfig.ShmSize", "1073741824"},
    {"stdin_open: true", "OpenStdin", "true"},
    {"stop_grace_period: 1m1.5s", "StopTimeout", "62"},
    {"stop_grace_period: 0s", "Labels.envrun.grace", "\"0\""},
    {"stop_signal: SIGINT", "StopSignal", "\"SIGINT\""},
    {"sysctls: {net.core.somaxconn: 1024}", "HostConfig.Sysctls",
     "{\"net.core.somaxconn\":\"1024\"}"},
    {"tmpfs: /run", "HostConfig.Tmpfs", "{\"/run\":\"\"}"},
    {"tmpfs: ['/run:size=1m']", "HostConfig.Tmpfs", "{\"/run\":\"size=1m\"}"},
    {"tty: true", "Tty", "true"},
    {"ulimits: {nproc: 100}", "HostConfig.Ulimits",
     "[{\"Name\":\"nproc\",\"Soft\":100,\"Hard\":100}]"},
    {"ulimits: {nofile: {soft: 10, hard: 20}}", "HostConfig.Ulimits",
     "[{\"Name\":\"nofile\",\"Soft\":10,\"Hard\":20}]"},
    {"user: '1000:1000'", "User", "\"1000:1000\""},
    {"userns_mode: host", "HostConfig.UsernsMode", "\"host\""},
    {"uts: host", "HostConfig.UTSMode", "\"host\""},
    {"working_dir: /w", "WorkingDir", "\"/w\""},
    {"network_mode: none", "HostConfig.NetworkMode", "\"none\""},
};

Test(plan, every_key_has_its_place_in_the_body) {
    for (size_t i = 0; i < lengthof(keys); i++) {
        char *text autofree = xasprintf("services: {a: {image: x, %s}}\n", keys[i].yaml);
        struct planning p = must_plan(text, &usual);
        expect_json(service(&p, "a")->body, keys[i].path, keys[i].json);
        planning_end(&p);
    }
}

Test(plan, restart_policies_say_whether_a_death_is_final) {
    struct planning p = must_plan("services:\n"
                                  "  never: {image: x}\n"
                                  "  no: {image: x, restart: 'no'}\n"
                                  "  some: {image: x, restart: 'on-failure:2'}\n"
                                  "  ever: {image: x, restart: unless-stopped}\n",
                                  &usual);
    cr_expect(!service(&p, "never")->restarts);
    cr_expect(!service(&p, "no")->restarts);
    cr_expect(service(&p, "some")->restarts && !service(&p, "some")->restarts_always);
    cr_expect_eq(service(&p, "some")->restart_most, 2);
    cr_expect(service(&p, "ever")->restarts_always);
    planning_end(&p);
}

/* ---- What is refused ---- */

Test(plan, what_cannot_be_done_is_refused_at_its_place) {
    refused(
        "services:\n  a:\n    image: x\n    kind: elephant\n", &usual, 2, 3,
        "`kind: elephant` of service `a` is none of postgres, mysql, mariadb, redis, mongo, "
        "rabbitmq, kafka, elasticsearch, minio, localstack, nats, clickhouse, vault, cassandra, "
        "memcached, nginx (or none)");
    refused(
        "services:\n  a:\n    image: x\n    volumes:\n      - {type: volume, source: v, target: "
        "/v, volume: {subpath: s}}\nvolumes: {v: }\n",
        &usual, 5, 55, "`subpath` needs an engine with API 1.45; this one has 1.41");
    refused("services:\n  a: {image: x, credential_spec: {config: c}}\n", &usual, 2, 35,
            "services.a.credential_spec.config: this key means a config of a swarm, which only a "
            "swarm's services can read; use `file` or `registry`");
    refused("services:\n  a: {image: x, secrets: [s]}\nsecrets:\n  s: {external: true}\n", &usual,
            4, 7,
            "secrets.s.external: this key means one of a swarm, which only a swarm's services can "
            "read; use `file` or `environment`");
    refused("services:\n  a: {image: x, read_only: true, use_api_socket: true}\n", &usual, 2, 34,
            "service `a` is `read_only`: the registries' credentials cannot be copied into it; set "
            "its environment's DOCKER_CONFIG to do without them");
}

/* Each names the API's version that it wants, and is planned where the engine has it. */
Test(plan, keys_that_an_older_engine_does_not_know) {
    static const struct {
        int minor;
        const char *service, *top, *what;
        const char *path, *json;
    } newer[] = {
        {43, "annotations: {k: v}", "", "services.a.annotations", "HostConfig.Annotations",
         "{\"k\":\"v\"}"},
        {48, "networks: {n: {gw_priority: 7}}", "networks: {n: }",
         "services.a.networks.n.gw_priority",
         "NetworkingConfig.EndpointsConfig.env-1a2b_n.GwPriority", "7"},
        {49, "networks: {n: {interface_name: eth7}}", "networks: {n: }",
         "services.a.networks.n.interface_name",
         "NetworkingConfig.EndpointsConfig.env-1a2b_n.DriverOpts",
         "{\"com.docker.network.endpoint.ifname\":\"eth7\"}"},
        {44, "networks: {m: , n: {mac_address: '02:00:00:00:00:01'}}", "networks: {m: , n: }",
         "services.a.networks.n.mac_address",
         "NetworkingConfig.EndpointsConfig.env-1a2b_n.MacAddress", "\"02:00:00:00:00:01\""},
        {48, "volumes: [{type: image, source: i, target: /i, image: {subpath: s}}]", "",
         "a volume of type `image`", "HostConfig.Mounts",
         "[{\"Type\":\"image\",\"Source\":\"i\",\"Target\":\"/"
         "i\",\"ImageOptions\":{\"Subpath\":\"s\"}}]"},
        {44, "volumes: [{type: bind, source: /s, target: /t, bind: {recursive: readonly}}]", "",
         "`bind.recursive` of a read-only mount", "HostConfig.Mounts",
         "[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\",\"BindOptions\":{"
         "\"ReadOnlyForceRecursive\":true}}]"},
    };
    for (size_t i = 0; i < lengthof(newer); i++) {
        struct plan_options options = usual;
        char *text autofree =
            xasprintf("services: {a: {image: x, %s}}\n%s\n", newer[i].service, newer[i].top);
        char *message autofree = xasprintf("%s needs an engine with API 1.%d; this one has 1.%d",
                                           newer[i].what, newer[i].minor, newer[i].minor - 1);
        options.api_minor = newer[i].minor - 1;
        struct planning p = plan_text(text, &options);
        cr_assert_null(p.plan, "%s", text);
        cr_expect_str_eq(p.err.message, message);
        planning_end(&p);
        options.api_minor = newer[i].minor;
        p = must_plan(text, &options);
        expect_json(service(&p, "a")->body, newer[i].path, newer[i].json);
        planning_end(&p);
    }
}

Test(plan, a_network_without_ipv4) {
    struct plan_options options = usual;
    options.api_minor = 48;
    struct planning p = must_plan("services: {a: {image: x, networks: [n]}}\n"
                                  "networks: {n: {enable_ipv4: false, enable_ipv6: true}}\n",
                                  &options);
    expect_json(p.plan->networks[0].body, "EnableIPv4", "false");
    expect_json(p.plan->networks[0].body, "EnableIPv6", "true");
    planning_end(&p);
}

/* ---- Proxies ---- */

Test(plan, proxies_where_the_file_has_no_other) {
    autojson cJSON *proxies = cJSON_Parse("{\"A\": \"1\", \"a\": \"2\"}");
    struct plan_options options = usual;
    options.proxies = proxies;
    struct planning p = must_plan("services:\n"
                                  "  bare: {image: x}\n"
                                  "  own:\n"
                                  "    image: x\n"
                                  "    environment: {A: own, AB: x}\n"
                                  "    pre_start: [{command: [c], environment: {a: hook}}]\n"
                                  "  taken: {image: x, environment: [A]}\n"
                                  "  built: {build: {context: ., args: {a: own}}}\n",
                                  &options);
    expect_json(service(&p, "bare")->body, "Env", "[\"A=1\",\"a=2\"]");
    expect_json(service(&p, "own")->body, "Env", "[\"A=own\",\"AB=x\",\"a=2\"]");
    expect_json(service(&p, "own")->inits[0].body, "Env", "[\"A=own\",\"AB=x\",\"a=hook\"]");
    expect_json(service(&p, "taken")->body, "Env", "[\"A\",\"a=2\"]");
    expect_json(service(&p, "built")->build->query, "buildargs", "{\"a\":\"own\",\"A\":\"1\"}");
    expect_json(service(&p, "built")->build->arguments, "1", "nothing");
    planning_end(&p);
}

/* ---- pre_start ---- */

static const char prepared[] = "services:\n"
                               "  a:\n"
                               "    image: x\n"
                               "    scale: 2\n"
                               "    user: '7'\n"
                               "    working_dir: /w\n"
                               "    environment: {A: a, B: b}\n"
                               "    networks: {n: {aliases: [other], ipv4_address: 10.0.0.9}}\n"
                               "    pre_start:\n"
                               "      - {command: migrate up, environment: {B: own}}\n"
                               "      - {image: y, privileged: true, per_replica: true}\n"
                               "networks: {n: }\n";

Test(plan, a_hook_before_the_start_is_a_container_beside_the_services) {
    struct planning p = must_plan(prepared, &usual);
    struct planned_service *a = service(&p, "a");
    cr_assert_eq(a->init_count, 2);
    const struct planned_init *first = &a->inits[0], *second = &a->inits[1];

    cr_expect_str_eq(first->container_name, "env-1a2b-a-1-pre-start-1");
    cr_expect_str_eq(first->what, "pre_start hook `migrate up`");
    cr_expect_null(first->image);
    expect_json(first->body, "Cmd", "[\"migrate\",\"up\"]");
    expect_json(first->body, "Env", "[\"A=a\",\"B=own\"]");
    expect_json(first->body, "User", "\"7\"");
    expect_json(first->body, "WorkingDir", "\"/w\"");
    expect_json(first->body, "Labels.envrun.environment", "\"env-1a2b\"");
    expect_json(first->body, "Labels.envrun.hook", "\"pre_start\"");
    expect_json(first->body, "HostConfig",
                "{\"VolumesFrom\":[\"env-1a2b-a-1\"],\"NetworkMode\":\"env-1a2b_n\"}");
    expect_json(first->body, "NetworkingConfig.EndpointsConfig.env-1a2b_n",
                "{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"}}");

    cr_expect_str_eq(second->image, "y");
    cr_expect_str_eq(second->what, "pre_start hook 2");
    expect_json(second->body, "Cmd", "nothing");
    expect_json(second->body, "User", "nothing");
    expect_json(second->body, "HostConfig.Privileged", "true");
    cr_assert_eq(a->further_image_count, 1);
    cr_expect_str_eq(a->further_images[0].reference, "y");
    planning_end(&p);
}

Test(plan, a_hook_runs_once_for_a_service_or_for_each_of_its_containers) {
    struct planning p = must_plan(prepared, &usual);
    struct planned_service *second = service(&p, "a-2");
    cr_assert_eq(second->init_count, 1);
    cr_expect_str_eq(second->inits[0].image, "y");
    expect_json(second->inits[0].body, "HostConfig.VolumesFrom", "[\"env-1a2b-a-2\"]");
    planning_end(&p);
}

Test(plan, several_mistakes_are_joined) {
    struct planning p =
        plan_text("services:\n  a: {image: x, kind: p}\n  b: {image: x, kind: q}\n", &usual);
    cr_assert_null(p.plan);
    cr_assert(p.err.next);
    cr_expect_eq(p.err.line, 2);
    cr_expect_eq(p.err.next->line, 3);
    planning_end(&p);
}

/* ---- Ports ---- */

static const char ported[] =
    "services: {a: {image: x, ports: ['8080:80', '127.0.0.2:53:53/udp'], expose: ['9000-9001']}}\n";

static void expect_bindings(struct plan_options options, const char *json) {
    struct planning p = must_plan(ported, &options);
    struct planned_service *a = service(&p, "a");
    settle(&p, a, "{\"Config\": {\"ExposedPorts\": {\"80/tcp\": {}, \"7000/tcp\": {}}}}");
    expect_json(a->body, "HostConfig.PortBindings", json);
    expect_json(a->body, "ExposedPorts",
                "{\"9000/tcp\":{},\"9001/tcp\":{},\"80/tcp\":{},\"53/udp\":{},\"7000/tcp\":{}}");
    planning_end(&p);
}

Test(plan, ports_of_the_file_are_remapped_on_loopback) {
    expect_bindings(usual, "{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}],"
                           "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}");
}

Test(plan, ports_as_written_keep_their_numbers_and_addresses) {
    struct plan_options options = usual;
    options.ports_as_written = true;
    expect_bindings(options, "{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"}],"
                             "\"53/udp\":[{\"HostIp\":\"127.0.0.2\",\"HostPort\":\"53\"}]}");
}

Test(plan, every_known_port_is_published_where_nothing_else_reaches_it) {
    struct plan_options options = usual;
    options.reach = REACH_PUBLISH;
    options.publish_address = "0.0.0.0";
    expect_bindings(options, "{\"9000/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}],"
                             "\"9001/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}],"
                             "\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}],"
                             "\"53/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}],"
                             "\"7000/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}]}");
}

Test(plan, a_port_that_is_exposed_too_is_published_once) {
    struct plan_options options = usual;
    options.reach = REACH_PUBLISH;
    struct planning p =
        must_plan("services: {a: {image: x, ports: ['8:80'], expose: [80]}}\n", &options);
    struct planned_service *a = service(&p, "a");
    settle(&p, a, "{\"Config\": {\"ExposedPorts\": {\"80/tcp\": {}}}}");
    expect_json(a->body, "HostConfig.PortBindings",
                "{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}");
    planning_end(&p);
}

Test(plan, the_main_port_is_the_kinds_else_the_first) {
    struct planning p = must_plan("services:\n"
                                  "  db: {image: 'postgres:15', ports: ['1:1']}\n"
                                  "  web: {image: x, ports: ['2:2', '3:3'], expose: [1]}\n"
                                  "  bare: {image: x}\n",
                                  &usual);
    settle(&p, service(&p, "db"), "{\"Config\": {}}");
    settle(&p, service(&p, "bare"), "{\"Config\": {\"ExposedPorts\": {\"7/tcp\": {}}}}");
    cr_expect_eq(plan_main_port(service(&p, "db")), 5432);
    cr_expect_eq(plan_main_port(service(&p, "web")), 2);
    cr_expect_eq(plan_main_port(service(&p, "bare")), 7);
    planning_end(&p);
}

/* ---- Volumes ---- */

/* So many volumes that a create would make carry labels; those are taken out of the body. */
static void expect_volumes_labelled(const cJSON *body, int count) {
    cJSON *mount;
    cJSON_ArrayForEach (mount, json_get(body, "HostConfig.Mounts")) {
        cJSON *options = cJSON_GetObjectItem(mount, "VolumeOptions");
        const cJSON *labels = json_get(options, "Labels");
        if (!labels)
            continue;
        count--;
        cr_expect(cJSON_GetObjectItemCaseSensitive(labels, LABEL_ENVIRONMENT));
        cJSON_DeleteItemFromObject(options, "Labels");
        if (!cJSON_GetArraySize(options))
            cJSON_DeleteItemFromObject(mount, "VolumeOptions");
    }
    cr_expect_eq(count, 0);
}

Test(plan, volumes_of_every_kind) {
    struct planning p =
        must_plan("services:\n"
                  "  a:\n"
                  "    image: x\n"
                  "    volumes:\n"
                  "      - data:/data:ro\n"
                  "      - /host:/bound:ro\n"
                  "      - {type: bind, source: /etc, target: /etc2, bind: {propagation: rslave}}\n"
                  "      - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o700}}\n"
                  "      - {type: volume, source: theirs, target: /x, volume: {nocopy: true}}\n"
                  "      - /anonymous\n"
                  "volumes: {data: {driver_opts: {o: size=1}, labels: {l: v}}, theirs: {external: "
                  "true, name: real}}\n",
                  &usual);
    struct planned_service *a = service(&p, "a");
    expect_volumes_labelled(a->body, 2); /* not the external one */
    expect_json(a->body, "HostConfig.Binds", "[\"/host:/bound:ro\"]");
    expect_json(
        a->body, "HostConfig.Mounts",
        "[{\"Type\":\"volume\",\"Source\":\"env-1a2b_data\",\"Target\":\"/data\",\"ReadOnly\":"
        "true},{\"Type\":\"bind\",\"Source\":\"/etc\",\"Target\":\"/etc2\",\"BindOptions\":{"
        "\"Propagation\":\"rslave\"}},{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"TmpfsOptions\":{"
        "\"Mode\":448,\"SizeBytes\":1048576}},{\"Type\":\"volume\",\"Source\":\"real\",\"Target\":"
        "\"/x\",\"VolumeOptions\":{\"NoCopy\":true}},{\"Type\":\"volume\",\"Source\":\"env-1a2b-a-"
        "1-1\",\"Target\":\"/anonymous\"}]");
    cr_expect_eq(p.plan->volume_count, 2);
    for (size_t i = 0; i < p.plan->volume_count; i++) {
        const struct planned_volume *volume = &p.plan->volumes[i];
        cr_expect_eq(volume->external, !strcmp(volume->key, "theirs"));
        cr_expect_eq(!volume->body, volume->external);
        if (volume->body) {
            expect_json(volume->body, "Name", "\"env-1a2b_data\"");
            expect_json(volume->body, "DriverOpts", "{\"o\":\"size=1\"}");
            expect_json(volume->body, "Labels.l", "\"v\"");
            expect_json(volume->body, "Labels.envrun.key", "\"data\"");
        }
    }
    planning_end(&p);
}

Test(plan, volume_paths_of_an_image_get_a_labelled_volume_unless_something_is_there) {
    struct planning p = must_plan("services:\n"
                                  "  a: {image: x, volumes: ['data:/data', '/host:/bound'], tmpfs: "
                                  "/tmp1}\n"
                                  "volumes: {data: }\n",
                                  &usual);
    struct planned_service *a = service(&p, "a");
    settle(&p, a,
           "{\"Config\": {\"Volumes\": {\"/data\": {}, \"/bound\": {}, \"/tmp1\": {}, \"/own\": "
           "{}}}}");
    cr_assert_eq(cJSON_GetArraySize(a->image_volumes), 1);
    const cJSON *own = cJSON_GetArrayItem(a->image_volumes, 0);
    expect_json(own, "Name", "\"env-1a2b-a-1-1\"");
    expect_json(own, "Labels.envrun.environment", "\"env-1a2b\"");
    expect_json(own, "Labels.envrun.service", "\"a\"");
    expect_json(own, "Labels.envrun.key", "\"/own\"");
    planning_end(&p);
}

Test(plan, secrets_and_configs_are_copied_in) {
    struct planning p =
        must_plan("services:\n"
                  "  a:\n"
                  "    image: x\n"
                  "    secrets: [s, {source: s, target: other, uid: '5', gid: '6', mode: 0o400}]\n"
                  "    configs: [c, {source: c, target: /etc/c.conf}]\n"
                  "secrets: {s: {file: ./s.txt}}\n"
                  "configs: {c: {file: ./c.txt}}\n",
                  &usual);
    struct planned_service *a = service(&p, "a");
    static const struct {
        const char *target, *source;
        int uid, gid, mode;
    } files[] = {
        {"/c", "/c.txt", 0, 0, 0444},
        {"/etc/c.conf", "/c.txt", 0, 0, 0444},
        {"/run/secrets/s", "/s.txt", 0, 0, 0444},
        {"/run/secrets/other", "/s.txt", 5, 6, 0400},
    };
    cr_assert_eq(a->file_count, lengthof(files));
    for (size_t i = 0; i < lengthof(files); i++) {
        cr_expect_str_eq(a->files[i].target, files[i].target);
        cr_expect(text_ends(a->files[i].source, files[i].source));
        cr_expect_eq(a->files[i].uid, files[i].uid);
        cr_expect_eq(a->files[i].gid, files[i].gid);
        cr_expect_eq(a->files[i].mode, files[i].mode);
    }
    planning_end(&p);
}

/* ---- Networks ---- */

static const char networked[] = "services:\n"
                                "  a:\n"
                                "    image: x\n"
                                "    container_name: old\n"
                                "    networks:\n"
                                "      back: {aliases: [b]}\n"
                                "      front: {priority: 5, ipv4_address: 10.9.0.7}\n"
                                "networks:\n"
                                "  back: {internal: true, labels: {l: v}}\n"
                                "  front: {ipam: {config: [{subnet: 10.9.0.0/24}]}}\n";

Test(plan, before_api_44_one_network_is_created_with_and_the_others_are_connected) {
    struct planning p = must_plan(networked, &usual);
    struct planned_service *a = service(&p, "a");
    expect_json(a->body, "NetworkingConfig.EndpointsConfig",
                "{\"env-1a2b_front\":{\"Aliases\":[\"a\",\"old\"],\"IPAMConfig\":{\"IPv4Address\":"
                "\"10.9.0.7\"}}}");
    expect_json(a->body, "HostConfig.NetworkMode", "\"env-1a2b_front\"");
    expect_json(a->connections, "env-1a2b_back.EndpointConfig",
                "{\"Aliases\":[\"a\",\"old\",\"b\"]}");
    cr_expect_str_eq(a->networks[0], "env-1a2b_front");
    cr_expect_str_eq(a->networks[1], "env-1a2b_back");
    cr_expect_null(a->networks[2]);
    planning_end(&p);
}

Test(plan, from_api_44_on_all_are_created_with) {
    struct plan_options options = usual;
    options.api_minor = 44;
    struct planning p = must_plan(networked, &options);
    struct planned_service *a = service(&p, "a");
    expect_json(a->body, "NetworkingConfig.EndpointsConfig",
                "{\"env-1a2b_front\":{\"Aliases\":[\"a\",\"old\"],\"IPAMConfig\":{\"IPv4Address\":"
                "\"10.9.0.7\"}},\"env-1a2b_back\":{\"Aliases\":[\"a\",\"old\",\"b\"]}}");
    cr_expect_null(a->connections->child);
    planning_end(&p);
}

Test(plan, bodies_of_networks) {
    struct planning p = must_plan(networked, &usual);
    cr_assert_eq(p.plan->network_count, 2);
    const cJSON *back = p.plan->networks[0].body, *front = p.plan->networks[1].body;
    expect_json(back, "Name", "\"env-1a2b_back\"");
    expect_json(back, "Driver", "\"bridge\"");
    expect_json(back, "Internal", "true");
    expect_json(back, "Labels.l", "\"v\"");
    expect_json(back, "Labels.envrun.key", "\"back\"");
    expect_json(back, "Labels.com.docker.compose.project", "nothing");
    expect_json(front, "IPAM.Config", "[{\"Subnet\":\"10.9.0.0/24\"}]");
    planning_end(&p);
}

Test(plan, an_external_network_keeps_its_name) {
    struct planning p = must_plan("services: {a: {image: x, networks: [n]}}\n"
                                  "networks: {n: {external: true, name: real}}\n",
                                  &usual);
    cr_expect(p.plan->networks[0].external);
    cr_expect_null(p.plan->networks[0].body);
    expect_json(service(&p, "a")->body, "HostConfig.NetworkMode", "\"real\"");
    planning_end(&p);
}

/* ---- Labels ---- */

Test(plan, labels_group_the_containers_as_compose_does_but_leave_them_ours) {
    struct plan_options options = usual;
    options.deadline = 1700000600;
    struct planning p = must_plan("services: {a: {image: x}}\n", &options);
    static const char *const expected[][2] = {
        {"envrun.version", "\"1\""},
        {"envrun.environment", "\"env-1a2b\""},
        {"envrun.service", "\"a\""},
        {"envrun.verb", "\"run\""},
        {"envrun.owner", "\"me\""},
        {"envrun.created", "\"1700000000\""},
        {"envrun.deadline", "\"1700000600\""},
        {"com.docker.compose.project", "\"env-1a2b\""},
        {"com.docker.compose.service", "\"a\""},
        {"com.docker.compose.container-number", "\"1\""},
        {"com.docker.compose.oneoff", "\"False\""},
        {"com.docker.compose.config-hash", "nothing"},
    };
    const cJSON *labels = json_get(service(&p, "a")->body, "Labels");
    for (size_t i = 0; i < lengthof(expected); i++) {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(labels, expected[i][0]);
        char *text autofree = found ? json_line(found) : xstrdup("nothing");
        cr_expect_str_eq(text, expected[i][1], "%s is %s", expected[i][0], text);
    }
    planning_end(&p);
}

/* ---- Kinds and probes ---- */

Test(plan, a_kind_is_known_by_its_image_or_by_its_name) {
    struct err err = ERR_INIT;
    struct kinds *kinds = kinds_load(&err);
    static const char *const images[][2] = {
        {"postgres", "postgres"},
        {"postgres:15-alpine", "postgres"},
        {"docker.io/library/postgres:15", "postgres"},
        {"localhost:5000/team/postgres@sha256:00", "postgres"},
        {"bitnami/postgresql", "postgres"},
        {"valkey/valkey:8", "redis"},
        {"my-postgres", NULL},
        {"postgres-exporter:1", NULL},
    };
    cr_assert(kinds, "%s", err.message);
    for (size_t i = 0; i < lengthof(images); i++) {
        const struct service_kind *kind = kinds_of_image(kinds, images[i][0]);
        cr_expect_str_eq(kind ? kind->name : "none", images[i][1] ? images[i][1] : "none", "%s",
                         images[i][0]);
    }
    kinds_free(kinds);

    struct planning p = must_plan("services:\n"
                                  "  by-name: {image: x, kind: redis}\n"
                                  "  off: {image: redis, kind: none}\n",
                                  &usual);
    cr_expect_str_eq(service(&p, "by-name")->kind->name, "redis");
    cr_expect_null(service(&p, "off")->kind);
    planning_end(&p);
}

static const char health[] =
    "{\"Config\": {\"Healthcheck\": {\"Test\": [\"CMD-SHELL\", \"image test\"], \"Interval\": "
    "40000000000, \"Timeout\": 20000000000, \"Retries\": 2, \"StartPeriod\": 5000000000}}}";

/* How the service with these keys is probed: "KIND TIMEOUT COMMAND". */
static void expect_probe(const char *yaml, const char *image, const char *expected) {
    static const char *const names[] = {"none", "tcp", "http", "exec", "log", "healthcheck"};
    char *text autofree = xasprintf("services: {a: {%s}}\n", yaml);
    struct planning p = must_plan(text, &usual);
    struct planned_service *a = service(&p, "a");
    settle(&p, a, image);
    char *command autofree = command_text(&a->probe.command);
    char *found autofree =
        a->probe_kind ? xasprintf("kind %s", a->probe_kind->name)
                      : xasprintf("%s %lld %s", names[a->probe.kind], a->probe.timeout, command);
    cr_expect_str_eq(found, expected, "%s: %s", yaml, found);
    planning_end(&p);
}

Test(plan, ready_else_the_files_healthcheck_else_the_kind_else_the_images_healthcheck) {
    static const char bare[] = "{\"Config\": {}}";
    expect_probe("image: x", bare, "none 0 ");
    expect_probe("image: redis", bare, "kind redis");
    expect_probe("image: redis", health, "kind redis");
    expect_probe("image: x", health, "healthcheck 125000 image test");
    expect_probe("image: redis, kind: none", health, "healthcheck 125000 image test");
    expect_probe("image: redis, healthcheck: {test: own}", health, "healthcheck 125000 own");
    expect_probe("image: x, healthcheck: {test: [CMD, a, b], interval: 1s, timeout: 1s}", bare,
                 "healthcheck 60000 a b");
    expect_probe("image: x, healthcheck: {interval: 100s}", health,
                 "healthcheck 245000 image test");
    expect_probe("image: x, healthcheck: {disable: true}", health, "none 0 ");
    expect_probe("image: redis, ready: {exec: own}", health, "exec 0 own");
    expect_probe("image: redis, ready: {tcp: 1, timeout: 3s}", health, "tcp 3000 ");
    expect_probe("image: redis, ready: healthcheck", health, "healthcheck 125000 image test");
    expect_probe("image: redis, ready: {healthcheck: true, timeout: 3s}", health,
                 "healthcheck 3000 image test");
}

Test(plan, a_healthcheck_that_is_nowhere_cannot_be_waited_for) {
    struct planning p =
        must_plan("services:\n  a:\n    image: x\n    ready: healthcheck\n", &usual);
    autojson cJSON *image = cJSON_Parse("{\"Config\": {}}");
    cr_assert(!plan_settle_image(p.plan, service(&p, "a"), image, &p.err));
    cr_expect_str_eq(p.err.message, "`ready: healthcheck` of service `a`: neither the file nor the "
                                    "image has a healthcheck");
    cr_expect_eq(p.err.line, 4);
    planning_end(&p);
}

Test(plan, a_healthcheck_in_the_engines_units) {
    struct plan_options options = usual;
    const char *text = "services: {a: {image: x, healthcheck: {test: t, interval: 1.5s, timeout: "
                       "2s, start_period: 1m, start_interval: 1s, retries: 4}}}\n";
    struct planning p = must_plan(text, &options);
    expect_json(service(&p, "a")->body, "Healthcheck",
                "{\"Test\":[\"CMD-SHELL\",\"t\"],\"Interval\":1500000000,\"Timeout\":2000000000,"
                "\"StartPeriod\":60000000000,\"Retries\":4}");
    planning_end(&p);
    options.api_minor = 44;
    p = must_plan(text, &options);
    expect_json(service(&p, "a")->body, "Healthcheck.StartInterval", "1000000000");
    planning_end(&p);
}

Test(plan, the_environment_is_the_files_else_the_images) {
    struct planning p =
        must_plan("services: {a: {image: x, environment: {A: file, LONGER: x}}}\n", &usual);
    struct planned_service *a = service(&p, "a");
    settle(&p, a, "{\"Config\": {\"Env\": [\"A=image\", \"B=image\", \"BB=x\"]}}");
    cr_expect_str_eq(plan_environment(a, "A"), "file");
    cr_expect_str_eq(plan_environment(a, "B"), "image");
    cr_expect_null(plan_environment(a, "LONG"));
    planning_end(&p);
}

/* ---- Who waits for whom; what is built ---- */

Test(plan, edges_have_their_condition) {
    struct planning p =
        must_plan("services:\n"
                  "  a: {image: x, depends_on: {b: {condition: service_started}, c: {condition: "
                  "service_healthy, required: false}, d: {condition: "
                  "service_completed_successfully}}}\n"
                  "  b: {image: x, depends_on: [c]}\n"
                  "  c: {image: x}\n"
                  "  d: {image: x}\n",
                  &usual);
    struct planned_service *a = service(&p, "a");
    cr_assert_eq(a->edge_count, 3);
    cr_expect_str_eq(p.plan->services[a->edges[0].to].name, "b");
    cr_expect_eq(a->edges[0].condition, CONDITION_STARTED);
    cr_expect_eq(a->edges[1].condition, CONDITION_HEALTHY);
    cr_expect(!a->edges[1].required);
    cr_expect_eq(a->edges[2].condition, CONDITION_COMPLETED);
    cr_expect_eq(service(&p, "b")->edges[0].condition, CONDITION_READY);
    planning_end(&p);
}

Test(plan, a_build_and_its_tag) {
    struct planning p = must_plan("name: shop\n"
                                  "services:\n"
                                  "  a: {build: {context: ./a, target: t, args: {A: 1}}}\n"
                                  "  b: {build: ., image: 'own:1'}\n",
                                  &usual);
    const struct planned_build *a = service(&p, "a")->build;
    cr_expect(text_ends(a->context, "/a"));
    cr_expect_str_eq(a->dockerfile, "Dockerfile");
    cr_expect_str_eq(a->tag, "shop-a");
    cr_expect_null(a->needs);
    expect_json(a->query, "target", "\"t\"");
    expect_json(a->query, "buildargs.A", "\"1\"");
    cr_expect_str_eq(service(&p, "b")->build->tag, "own:1");
    planning_end(&p);
}

/* What both builders are asked for. */
static const struct {
    const char *yaml; /* of `build`, beside its context */
    const char *path, *json, *arguments;
} build_keys[] = {
    {"args: [A=1, SHELL_ONLY, NOT_SET]", "buildargs", "{\"A\":\"1\",\"SHELL_ONLY\":\"from-shell\"}",
     "--build-arg A=1 --build-arg SHELL_ONLY"},
    {"cache_from: [a:1, 'type=registry,ref=b:2']", "cachefrom", "\"[\\\"a:1\\\",\\\"b:2\\\"]\"",
     "--cache-from a:1 --cache-from type=registry,ref=b:2"},
    {"extra_hosts: ['a:10.0.0.1', 'b=::1']", "extrahosts", "[\"a:10.0.0.1\",\"b:::1\"]",
     "--add-host a:10.0.0.1 --add-host b:::1"},
    {"isolation: default", "isolation", "\"default\"", ""},
    {"labels: {l: v}", "labels", "{\"l\":\"v\"}", "--label l=v"},
    {"network: host", "networkmode", "\"host\"", "--network host"},
    {"no_cache: true", "nocache", "\"1\"", "--no-cache"},
    {"no_cache: false", "nocache", "nothing", ""},
    {"platforms: [linux/arm64]", "platform", "\"linux/arm64\"", "--platform linux/arm64"},
    {"platforms: [linux/arm64, linux/amd64]", "platform", "nothing", ""},
    {"privileged: false", "privileged", "nothing", ""},
    {"provenance: false", "provenance", "nothing", "--provenance false"},
    {"pull: true", "pull", "\"1\"", "--pull"},
    {"shm_size: 32m", "shmsize", "\"33554432\"", "--shm-size 33554432"},
    {"tags: ['t:1', u]", "t", "[\"t:1\",\"u\"]", "--tag t:1 --tag u"},
    {"target: t", "target", "\"t\"", "--target t"},
    {"ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits",
     "\"[{\\\"Name\\\":\\\"nofile\\\",\\\"Soft\\\":1,\\\"Hard\\\":2}]\"", "--ulimit nofile=1:2"},
};

/* What only BuildKit is asked for. */
static const struct {
    const char *yaml, *needs, *arguments;
} buildkit_keys[] = {
    {"additional_contexts: {d: /dir, i: 'docker-image://i'}", "additional_contexts",
     "--build-context d=/dir --build-context i=docker-image://i"},
    {"additional_contexts: [own=service:b]", "additional_contexts",
     "--build-context own=docker-image://p-b"},
    {"cache_from: ['type=gha']", "cache_from", "--cache-from type=gha"},
    {"cache_to: ['type=inline']", "cache_to", "--cache-to type=inline"},
    {"entitlements: [network.host]", "entitlements", "--allow network.host"},
    {"privileged: true", "privileged", "--allow security.insecure"},
    {"provenance: mode=max", "provenance", "--provenance mode=max"},
    {"sbom: true", "sbom", "--sbom true"},
    {"secrets: [f]", "secrets", "--secret 'id=f,\"src=/a,\"\"b\"\"\"'"},
    {"secrets: [{source: e, target: other}]", "secrets", "--secret id=other,env=ENVRUN_SECRET_e"},
    {"ssh: [default, id=/key]", "ssh", "--ssh default --ssh id=/key"},
};

static struct planning plan_build_key(const char *yaml) {
    autofree char *text =
        xasprintf("name: p\n"
                  "services:\n"
                  "  a: {build: {context: ., %s}}\n"
                  "  b: {build: .}\n"
                  "secrets: {f: {file: '/a,\"b\"'}, e: {environment: SHELL_ONLY}}\n",
                  yaml);
    return must_plan(text, &usual);
}

static void expect_arguments(const struct planned_build *build, const char *expected) {
    autobuffer struct buffer all = BUFFER_INIT;
    const cJSON *word;
    cJSON_ArrayForEach (word, build->arguments) {
        buffer_puts(&all, all.length ? " " : "");
        text_quote_shell(&all, word->valuestring);
    }
    cr_expect_str_eq(all.data, expected);
}

Test(plan, each_build_key_for_both_builders) {
    for (size_t i = 0; i < lengthof(build_keys); i++) {
        struct planning p = plan_build_key(build_keys[i].yaml);
        const struct planned_build *build = service(&p, "a")->build;
        expect_json(build->query, build_keys[i].path, build_keys[i].json);
        expect_arguments(build, build_keys[i].arguments);
        cr_expect_null(build->needs, "%s", build_keys[i].yaml);
        planning_end(&p);
    }
}

Test(plan, each_build_key_that_needs_buildkit) {
    for (size_t i = 0; i < lengthof(buildkit_keys); i++) {
        struct planning p = plan_build_key(buildkit_keys[i].yaml);
        const struct planned_build *build = service(&p, "a")->build;
        expect_arguments(build, buildkit_keys[i].arguments);
        cr_expect_str_eq(build->needs, buildkit_keys[i].needs);
        cr_expect_eq(build->needs_at.line, 3, "%s", buildkit_keys[i].yaml);
        planning_end(&p);
    }
}

Test(plan, a_builds_secret_goes_through_the_environment_and_its_base_is_built_first) {
    struct planning p = plan_build_key("secrets: [e], additional_contexts: {base: 'service:b'}");
    const struct planned_build *build = service(&p, "a")->build;
    expect_json(build->variables, "ENVRUN_SECRET_e", "\"from-shell\"");
    cr_assert_eq(build->base_count, 1);
    cr_expect_str_eq(build->bases[0], "b");
    planning_end(&p);
}

Test(plan, builds_that_cannot_be) {
    refused("services:\n"
            "  a:\n"
            "    build:\n"
            "      context: https://example.test/a.git\n"
            "      dockerfile_inline: FROM x\n",
            &usual, 5, 7,
            "`dockerfile_inline` needs a `context` on this host, not https://example.test/a.git");
    refused("services:\n"
            "  a:\n"
            "    build: {context: ., additional_contexts: {b: 'service:b'}}\n"
            "  b: {build: ., scale: 0}\n",
            &usual, 3, 50,
            "the image of `b` is needed for a build, but that service is not among those that come "
            "up: name it, too");
    refused("services:\n"
            "  a:\n"
            "    build: {context: ., secrets: [s]}\n"
            "secrets: {s: {environment: NOT_SET}}\n",
            &usual, 3, 35,
            "secrets.s has neither `file` nor an `environment` variable that is set");
}

/* ---- Names ---- */

Test(plan, a_folders_name_tells_host_path_user_and_job_apart) {
    char *one autofree = plan_name_for_folder("shop", "host", "/src/shop", "1000", NULL);
    char *same autofree = plan_name_for_folder("shop", "host", "/src/shop", "1000", NULL);
    const char *const others[][4] = {{"other", "/src/shop", "1000", NULL},
                                     {"host", "/src/shop2", "1000", NULL},
                                     {"host", "/src/shop", "1001", NULL},
                                     {"host", "/src/shop", "1000", "7"}};
    cr_expect_str_eq(one, same);
    cr_expect_eq(strlen(one), strlen("shop-000000"));
    for (size_t i = 0; i < lengthof(others); i++) {
        char *other autofree =
            plan_name_for_folder("shop", others[i][0], others[i][1], others[i][2], others[i][3]);
        cr_expect_str_neq(one, other);
    }
}
