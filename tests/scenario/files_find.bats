#!/usr/bin/env bats
# Which files are read, from where, and what their paths start from.

# shellcheck disable=SC2016,SC2094,SC2154  # not expanded here; only named; set by what is loaded
load command

# service NAME [IMAGE]: a file with one service.
service() { printf 'services: {%s: {image: "%s"}}\n' "$1" "${2-image}"; }

# services: what `config` says the services are.
services() {
    try 0 config --format json "$@"
    jq -r '.services | keys | join(" ")' "$out"
}

# image_of SERVICE
image_of() {
    try 0 config --format json
    jq -r ".services.$1.image" "$out"
}

@test "Compose's names, in Compose's order, with the override file; envrun.yaml laid over them" {
    for file in docker-compose.yaml docker-compose.yml compose.yml compose.yaml; do
        service one "$file" >"$file"
        is "$(image_of one)" "$file"
    done
    has "$err" "is not read, but compose.yaml is"
    rm docker-compose.* compose.yml
    service two >compose.override.yaml
    is "$(services)" "one two"
    printf 'services: {one: {image: ours}, three: {image: image}}\nsuite: {command: make}\n' >envrun.yaml
    is "$(services)" "one three two"
    is "$(image_of one)" ours
    is "$(jq -r '."x-suite".command' "$out")" make
    is_empty "$err"
    # What is named is all that is read.
    is "$(services -f compose.yaml)" "one"
    is "$(services -f compose.yaml -f compose.override.yaml)" "one two"
}

@test "envrun.yaml alone will do; neither is an error that names what was looked for and where" {
    try 65 config
    has "$err" "there is no compose.yaml and no envrun.yaml in" "or above it"
    service one >envrun.yaml
    is "$(services)" one
}

@test "from a folder below: the nearest one above that has files; paths start from there" {
    mkdir -p a/b/c
    service top >compose.yaml
    cat >a/envrun.yaml <<'END'
services: {near: {image: x, volumes: ["./data:/data"], build: ./source}}
END
    mkdir -p a/source
    cd a/b/c
    is "$(services)" near
    is "$(jq -r '.services.near.volumes[0].source' "$out")" "$project/a/data"
    is "$(jq -r '.services.near.build.context' "$out")" "$project/a/source"
    is "$(services -f ../../../compose.yaml)" top
    is "$(services --project-directory "$project")" top
}

@test "--environment NAME: environments/NAME.yaml, or the files of environments/NAME/; where there is none" {
    mkdir -p environments/shop
    service flat >environments/small.yaml
    service base >environments/shop/compose.yaml
    service ours >environments/shop/envrun.yaml
    service here >compose.yaml
    is "$(services --environment small)" flat
    is "$(services --environment shop)" "base ours"
    is "$(services)" here
    try 64 config --environment shpo
    has "$err" "there is neither environments/shpo.yaml nor environments/shpo/"
    try 64 config --environment ../environments/shop
    has "$err" "--environment takes a name"
}

@test "--environment: a run, with the folder's own paths, from the project's folder" {
    mkdir -p environments/small/seed
    echo hello >environments/small/seed/greeting
    cat >environments/small/envrun.yaml <<'END'
services:
  one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, volumes: ["./seed:/seed:ro"], seed: [{exec: "grep hello /seed/greeting"}]}
suite: {command: pwd}
END
    try 0 run --environment small
    is "$(cat "$out")" "$project/environments/small"
    # Without -p a run's name begins with the folder's.
    run_name=$(sed -nE 's/.*envrun run (small-[0-9a-f]+):.*/\1/p' "$err")
    is "$(docker ps -aq --filter "label=envrun.environment=$run_name")" ""
    [ "$run_name" ]
}

@test ".env beside the file, --env-file instead, the shell over both; what is unset is told" {
    service one '${IMAGE:-none}-${OTHER:-none}' >compose.yaml
    is "$(image_of one)" none-none
    echo 'IMAGE=file' >.env
    is "$(image_of one)" file-none
    is "$(IMAGE=shell image_of one)" shell-none
    printf 'IMAGE=first\nOTHER=first\n' >first.env
    echo 'IMAGE=second' >second.env
    try 0 config --format json --env-file first.env --env-file second.env
    is "$(jq -r .services.one.image "$out")" second-first
    mkdir below
    is "$(cd below && image_of one)" file-none
    service one 'x$UNSET' >compose.yaml
    try 0 config
    has "$err" "warning: " UNSET
    service one '${UNSET:?say which image}' >compose.yaml
    try 65 config
    has "$err" "compose.yaml:1:25: " "say which image"
    try 65 config --env-file gone.env
    has "$err" "the env file gone.env does not exist"
}

@test "COMPOSE_FILE, COMPOSE_PROFILES and COMPOSE_PROJECT_NAME mean what they mean to Compose" {
    service one >first.yaml
    printf 'services: {two: {image: x, profiles: [more]}}\n' >second.yaml
    is "$(COMPOSE_FILE=first.yaml:second.yaml services)" one
    is "$(COMPOSE_FILE=first.yaml:second.yaml COMPOSE_PROFILES=more services)" "one two"
    is "$(services -f first.yaml -f second.yaml --profile more)" "one two"
    COMPOSE_PROJECT_NAME=other try 0 config -f first.yaml --format json
    is "$(jq -r .name "$out")" other
}

@test "config: YAML and JSON of the resolved model read back as the same; -q only checks; a service by name" {
    cat >envrun.yaml <<'END'
name: resolved
services:
  db: {image: "x:${TAG:-1}", ports: ["80"], ready: {tcp: 80}, seed: [{exec: load}]}
  app: {image: y, depends_on: [db]}
  other: {image: z}
suite: {command: [make, test], environment: {A: "$DB_HOST"}, timeout: 5m}
END
    try 0 config
    cp "$out" first
    try 0 config -f first
    diff first "$out"
    try 0 config --format json
    jq -e '.name == "resolved" and .services.db.image == "x:1" and ."x-suite".command == ["make", "test"]' "$out"
    try 0 config -q
    is_empty "$out"
    is "$(services app)" "app db"
}
