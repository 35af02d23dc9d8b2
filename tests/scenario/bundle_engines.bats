#!/usr/bin/env bats
# A failure of one engine, run again on another: Debian 12's 20.10 and the 28.5 of Debian's sid with the containerd
# image store, which has no registry, its own data and its own networks.
# shellcheck disable=SC2016,SC2154  # variables of inner shells; from what is loaded

load lib
load bundle

engine=$BATS_TEST_DIRNAME/../second-engine

setup_file() {
    local get=$BATS_TEST_DIRNAME/../get-debian-next dockerd containerd
    dockerd=$("$get" --release sid docker.io dockerd) || skip "the other engine cannot be fetched"
    containerd=$("$get" --release sid containerd) || skip "the other engine cannot be fetched"
    export OTHER=/tmp/e$$ BATS_NO_PARALLELIZE_WITHIN_FILE=true
    ENGINE_BIN=${dockerd%/*}:${containerd%/*} "$engine" start "$OTHER" --feature containerd-snapshotter=true
}

teardown_file() { [ ! -e "${OTHER-}" ] || "$engine" remove "$OTHER"; }

# elsewhere COMMAND...: where the other engine is.
elsewhere() { "$engine" exec "$OTHER" "$@"; }

# repro_there CODE [ARGUMENT...]: as repro, on the other engine.
repro_there() {
    local expected=$1 code=0
    shift
    elsewhere timeout --kill-after 5 120 "$ENVRUN" repro --yes "$@" b.tar.zst >out 2>err </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "envrun repro $* exited with $code, expected $expected"
    show out err
    return 1
}

@test "a failing suite is reproduced on another engine: the same failing set" {
    app <<END
services:
  web: {build: ., image: $name, command: sh -c 'cat /version; exec sleep 1000', ready: {log: one}, volumes: ["data:/data", "./conf:/conf:ro"],
        seed: [{exec: cp /conf/it /data/}]}
  tests: {image: $busybox, volumes: ["data:/data", "./conf:/conf:ro"]}
volumes: {data: {}}
suite: {service: tests, command: 'cat /data/it; echo then >>/data/it; cd /tmp; sh /conf/tests.sh orders', junit: /tmp/reports/*.xml}
END
    mkdir app/conf
    tester | sed '/urandom/d' >app/conf/tests.sh
    echo it >app/conf/it
    printf 'FROM %s\nRUN echo one >/version\n' "$busybox" >app/Dockerfile
    packs 1 --bundle-data
    rm -r gone
    docker tag "$busybox" "$name"
    [ -z "$(elsewhere docker images -q)" ]
    repro_there 0
    is "$(cat out)" it
    says 'compared by the failing tests and their messages' 'outcome=reproduced'
    repro_there 0 --at-failure
    is "$(cat out)" "$(printf 'it\nthen')"
    [ -z "$(elsewhere docker ps -aq)$(elsewhere docker images -q)$(elsewhere docker volume ls -q)" ]
}

@test "what passes on the other engine, and why that may be" {
    app <<END
services:
  web: {image: $busybox, command: sleep 1000}
suite: {command: 'exit \$(cat $PWD/state)'}
END
    echo 3 >state
    packs 3
    echo 0 >state
    repro_there 1
    in_order 'what differs' 'engine           20.10' 'storage_driver   overlay2' 'passes here'
}
