#!/usr/bin/env bats
# --max-parallel: the line. On an engine of its own, as every environment of an engine counts.

# shellcheck disable=SC2154  # name and busybox are set in lib
load lib

# The tests share an engine, where each environment of one is one more for the others.
setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    export LINE=/tmp/envrun-line.$$
    local saved="$BATS_FILE_TMPDIR/busybox.tar"
    [ "$(id -u)" = 0 ] || { export NO_ENGINE="only root may start a second engine"; return; }
    docker save "$busybox" >"$saved"
    "$BATS_TEST_DIRNAME/../second-engine" start "$LINE"
    "$BATS_TEST_DIRNAME/../second-engine" exec "$LINE" docker load -q -i "$saved"
}

teardown_file() { [ -n "${NO_ENGINE-}" ] || "$BATS_TEST_DIRNAME/../second-engine" remove "$LINE"; }

setup() {
    [ -z "${NO_ENGINE-}" ] || skip "$NO_ENGINE"
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    export DOCKER_HOST=unix://$LINE/docker.sock
    printf '#!/bin/bash\nexec nsenter --net=%q %q "$@"\n' \
        "/run/netns/envrun-$(cksum <<<"$LINE" | cut -d' ' -f1)" "$ENVRUN" >envrun.sh
    chmod +x envrun.sh
    ENVRUN=$PWD/envrun.sh
    compose <<<"services: {web: {image: $busybox, command: [sleep, '600'], init: true}}"
}

# queue N: a run that waits for its place, in the background; its stderr in ./errN, its process in $pids[N].
queue() {
    "$ENVRUN" run -p "$name-$1" --max-parallel 1 -- sh -c "echo $1 >>order" >"out$1" 2>"err$1" </dev/null 3>&- &
    pids[$1]=$!
    eventually grep -q "waiting for $1 other environment" "err$1"
}

@test "who came first goes first, and who was killed does not block the line" {
    exits 0 up --max-parallel 1
    queue 1
    queue 2
    queue 3
    kill -KILL "${pids[1]}"
    wait "${pids[1]}" || true
    exits 0 down
    wait "${pids[2]}" || { show err2; false; }
    wait "${pids[3]}" || { show err3; false; }
    is "$(tr '\n' ' ' <order)" "2 3 "
    grep -q "waiting for 1 other environment (--max-parallel 1)" err3
    eventually nothing_is_left
}

@test "the wait has an end, and a number is expected" {
    exits 0 up
    exits 75 up -p "$name-2" --max-parallel 1 --max-wait 1s
    says "there was no room for it within 1.0 s (--max-wait): waiting for 1 other environment (--max-parallel 1)"
    exits 0 down
    ENVRUN_MAX_PARALLEL=none exits 64 up
    says "--max-parallel takes a number of environments, from 1 on, not \`none\`"
}

@test "an environment for which there is no memory, or too few processes, waits for the others" {
    exits 0 up
    compose <<<"services: {web: {image: $busybox, command: [sleep, '600'], init: true, mem_limit: 64t}}"
    exits 75 up -p "$name-2" --max-parallel 5 --max-wait 1s
    says "waiting for memory: the services' limits come to 64 TiB, and the engine's host has "
    compose <<<"services: {web: {image: $busybox, command: [sleep, '600'], init: true, pids_limit: 4000000}}"
    exits 75 up -p "$name-2" --max-parallel 5 --max-wait 1s
    says "waiting for processes: the services may need 4000000, and the engine's host has room for "
    exits 0 down
    exits 0 up --max-parallel 5
    exits 0 down
}

@test "of six at once there are never more than two" {
    local i
    for i in 1 2 3 4 5 6; do
        "$ENVRUN" run -p "$name-$i" --max-parallel 2 -- sh -c "mkdir here.$i; ls -d here.* | wc -l >>most; sleep 0.5; rmdir here.$i" \
            >"out$i" 2>"err$i" </dev/null 3>&- &
        pids[i]=$!
    done
    for i in 1 2 3 4 5 6; do wait "${pids[i]}" || { show "err$i"; false; }; done
    is "$(wc -l <most)" 6
    [ "$(sort -n most | tail -1)" -le 2 ]
}
