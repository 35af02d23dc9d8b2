#!/usr/bin/env bats
# Several containers that share the engine's socket: each envrun is process 1 of its own namespace, none sees another,
# and a namespace's number may be another one's later. What nobody owns may be swept by any envrun on this engine.

# shellcheck disable=SC2154  # name and busybox are set in lib
load lib
load where

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    image_build "lc$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')"
}

setup() {
    own_folder
    socket=$(engine_socket)
}

teardown() {
    docker rm -f "$name-one" "$name-two" >/dev/null 2>&1 || true
    nothing_is_left
}

teardown_file() { docker rmi -f "$(image)" >/dev/null; }

# begins WHICH: a run in a container of that name, until its suite is there.
begins() {
    mkdir "$1"
    cat >"$1/compose.yaml" <<END
services: {a: {image: $busybox, command: sleep 1000}}
suite: {command: 'echo here >here; exec sleep 1000'}
END
    docker run -d --name "$name-$1" -v "$socket:/var/run/docker.sock" -v "$PWD/$1:$PWD/$1" -w "$PWD/$1" \
        "$(image)" envrun run -p "$name-$1" >/dev/null
    eventually test -s "$1/here"
}

# also WHICH ARGUMENT...: another envrun in that container.
also() { timeout 60 docker exec "$name-$1" envrun "${@:2}"; }

of() { objects | grep "^$name-$1" || true; }

# label WHICH LABEL: what that one's container on the engine carries.
label() {
    docker ps -a --filter "label=envrun.environment=$(of "$1" | head -n 1 | cut -d' ' -f1)" --format "{{.Label \"$2\"}}"
}

# crafted NAME OWNER DEADLINE: an environment that is one volume.
crafted() {
    docker volume create --label "envrun.environment=$name-$1" --label "envrun.owner=$2" \
        --label "envrun.deadline=$3" "$name-$1" >/dev/null
}

# ended WHICH: it takes its environment down, as if nothing had been.
ended() {
    docker kill -s TERM "$name-$1" >/dev/null
    is "$(timeout 60 docker wait "$name-$1")" 143
    is "$(of "$1")" ''
}

@test "one container is killed: the other leaves alone what it cannot see, and what it owns" {
    begins one
    begins two
    of one >one.before
    of two >two.before
    also two ls >ls
    grep -E "^$name-one-[0-9a-f]{6} +run +unseen +elsewhere .* in [0-9]" ls
    grep -E "^$name-two-[0-9a-f]{6} +run +owned +alive " ls
    docker kill "$name-one" >/dev/null
    also two gc --yes
    is "$(of one)" "$(cat one.before)"
    is "$(of two)" "$(cat two.before)"
    timeout 60 "$ENVRUN" down "$(cut -d' ' -f1 one.before | head -n 1)" 2>err
    is "$(of one)" ''
    ended two
}

gone_with_gc() {
    also two gc --yes
    [ -z "$(of one)" ]
}

@test "what a container that is gone has held goes by its deadline, with another container's gc" {
    begins two
    of two >before
    mkdir one
    echo "services: {a: {image: $busybox, command: sleep 1000}}" >one/compose.yaml
    within "$(image)" envrun up --project-directory one -f one/compose.yaml -p "$name-one" --ttl 4s 2>err
    eventually gone_with_gc
    is "$(of two)" "$(cat before)"
    ended two
}

@test "a namespace's number that is used again, and labels that envrun never wrote" {
    local two elsewhere
    begins two
    two=$(label two envrun.owner)
    of two >before
    elsewhere=$(sed -E 's|/[0-9]+/([0-9]+/1/[0-9]+)$|/1/\1|' <<<"$two")
    crafted reused "${two%/*}/1" 9999999999
    crafted past "$elsewhere" 1
    crafted future "$elsewhere" 9999999999
    crafted soon "$elsewhere" soon
    crafted negative "$elsewhere" -5
    crafted huge "$elsewhere" 99999999999999999999
    crafted nobody '' ''
    crafted garbage "$two/../1" ''
    crafted overflow "${two%/*/*}/99999999999999999999/1" ''
    also two gc --yes >gc
    is "$(of past)$(of reused)" ''
    is "$(of two)" "$(cat before)"
    for kept in future soon negative huge nobody garbage overflow; do
        docker volume rm "$name-$kept" >/dev/null
    done
    ended two
}
