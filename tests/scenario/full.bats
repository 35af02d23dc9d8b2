#!/usr/bin/env bats
# An engine whose disk is full, and an envrun whose own is: it is said so, nothing is lost, all goes.

# shellcheck disable=SC2154  # name and busybox are set in lib
load lib

setup_file() {
    export FULL=/tmp/envrun-full.$$
    mkdir -p "$FULL/data"
    truncate -s 80M "$FULL/disk"
    if ! { mkfs.ext4 -q -m 0 "$FULL/disk" && mount -o loop "$FULL/disk" "$FULL/data"; } 2>/dev/null; then
        rm -rf "$FULL"
        export NO_ENGINE="no file system can be mounted from a file here"
        return
    fi
    local saved="$BATS_FILE_TMPDIR/busybox.tar"
    docker save "$busybox" >"$saved"
    "$BATS_TEST_DIRNAME/../second-engine" start "$FULL" 3>&-
    own docker load -q -i "$saved"
}

teardown_file() {
    [ -z "${NO_ENGINE-}" ] || return 0
    "$BATS_TEST_DIRNAME/../second-engine" remove "$FULL"
}

# own COMMAND...: with the engine of this file.
own() { "$BATS_TEST_DIRNAME/../second-engine" exec "$FULL" "$@"; }

setup() {
    [ -z "${NO_ENGINE-}" ] || skip "$NO_ENGINE"
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    export DOCKER_HOST=unix://$FULL/docker.sock
    mkdir -p bin
    printf '#!/bin/bash\nexec %q exec %q %q "$@"\n' "$(realpath "$BATS_TEST_DIRNAME/../second-engine")" "$FULL" \
        "$ENVRUN" >bin/envrun
    chmod +x bin/envrun
    ENVRUN=$PWD/bin/envrun
}

teardown() {
    rm -f "$FULL/data/filler"
    [ ! -e registry.pid ] || kill "$(cat registry.pid)"
    [ -n "${NO_ENGINE-}" ] || nothing_is_left
}

# fill: leave nothing of the engine's disk. What is written back may take less room than was set apart for it.
fill() {
    local before=-1 now=0
    while [ "$now" -gt "$before" ]; do
        before=$now
        head -c 100M /dev/zero >>"$FULL/data/filler" 2>/dev/null || true
        sync -f "$FULL/data"
        now=$(stat -c %s "$FULL/data/filler")
    done
}

sentence() { says "failed: the engine's disk is full ($FULL/data): $1"; }

service() {
    compose <<END
services: {web: {image: $busybox, command: $1, init: true, volumes: ["vol:/data"]${2:+, $2}}}
volumes: {vol: {}}
END
}

@test "a build that fills the disk" {
    mkdir context
    printf 'FROM %s\nRUN dd if=/dev/zero of=/big bs=1M count=200\n' "$busybox" >context/Dockerfile
    compose <<<"services: {web: {build: context, image: $name}}"
    exits 75 up
    sentence "cannot build the image of service \`web\`"
    printf 'FROM %s\nCOPY big /\n' "$busybox" >context/Dockerfile
    head -c 100M /dev/zero >context/big
    exits 75 up
    sentence "cannot build the image of service \`web\`"
}

@test "a container that does not fit" {
    compose <<<"services: {web: {image: $busybox, command: [sleep, '600']}}"
    fill
    exits 75 up
    sentence "cannot create the container of service \`web\`"
    service '[sleep, "600"]'
    fill # what a build before has left may have gone meanwhile
    exits 75 up
    sentence ""
}

@test "a seed that does not fit" {
    head -c 100M /dev/zero >big
    service '[sleep, "600"]' "seed: [{copy: {from: big, to: /data/}}]"
    exits 75 up
    sentence "seed \`copy big to /data/\` of service \`web\`"
}

@test "a service that fills its volume" {
    service "[sh, -c, 'dd if=/dev/zero of=/data/x bs=1M; exit 3']" "ready: {log: never}"
    exits 75 up
    says "exited with code 3" "no space was left: the engine's disk ($FULL/data) is full, or a tmpfs of the container"
}

@test "logs that fill the disk: the suite runs on, and all goes" {
    service "[sh, -c, 'yes 0123456789012345678901234567890123456789 | head -c 90000000; exec sleep 600']"
    # shellcheck disable=SC2016
    exits 0 run -- sh -c 'until [ "$(df --output=pcent '"$FULL/data"' | tail -1 | tr -d " %")" -ge 99 ]; do sleep 0.2; done; echo full'
    is "$(cat out)" full
    says "removed 1 container, 1 network, 1 volume"
}

@test "a disk that fills while it is up does not keep it from going" {
    service '[sleep, "600"]'
    exits 0 up
    fill
    exits 0 down
    says "removed 1 container, 1 network, 1 volume"
}

# registry_with NAME: Debian's docker-registry where the engine can reach it, with an image of 12 MB; its address.
registry_with() {
    cat >registry.yaml <<END
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $PWD/registry}}
http: {addr: "127.0.0.1:0"}
END
    # shellcheck disable=SC2016
    own sh -c 'echo $$ >registry.pid; exec docker-registry serve registry.yaml' >registry.log 2>&1 </dev/null 3>&- 4>&- &
    eventually grep -q 'listening on' registry.log
    registry=$(grep -o 'listening on 127.0.0.1:[0-9]*' registry.log | grep -o '127.*')
    mkdir image
    head -c 12000000 /dev/urandom >image/data
    printf 'FROM %s\nCOPY data /\n' "$busybox" >image/Dockerfile
    own docker build -q -t "$registry/$1" image >/dev/null 2>&1
    own docker push -q "$registry/$1" >/dev/null
    own docker rmi "$registry/$1" >/dev/null
}

@test "a pull that fills the disk" {
    command -v docker-registry >/dev/null || skip "there is no docker-registry here"
    registry_with thing
    head -c "$(($(df --output=avail -B1 "$FULL/data" | tail -1) - 6000000))" /dev/zero >"$FULL/data/filler"
    compose <<<"services: {web: {image: $registry/thing, command: [sleep, '600']}}"
    exits 75 up
    sentence "cannot pull image \`$registry/thing\` of service \`web\`"
}

@test "envrun's own disk is full: at most one warning, and the suite's outcome" {
    local code=0
    mkdir here tmp
    mount -t tmpfs -o size=64k here here
    mount --bind here tmp
    service '[sleep, "600"]'
    mv compose.yaml here
    head -c 1M /dev/zero >here/filler 2>/dev/null || true
    (cd here && TMPDIR=$PWD/../tmp envrun run -- sh -c 'echo it runs; exit 3') >out 2>err || code=$?
    umount tmp here
    is "$code" 3
    is "$(cat out)" "it runs"
    [ "$(grep -c 'No space left on device' err)" -le 1 ]
}
