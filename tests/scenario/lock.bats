#!/usr/bin/env bats
# envrun.lock: which image each name means, by Debian's docker-registry on loopback.
# shellcheck disable=SC2016,SC2154  # backquotes stand for themselves; from what is loaded

load lib
load registry

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cd "$BATS_FILE_TMPDIR" || return
    registry_begin open
    open=$(registry_address open)
    export open
    mkdir -p ada
}

teardown_file() {
    kill "$(cat "$BATS_FILE_TMPDIR/open.pid")" || true
    docker images --digests --format '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}' --filter reference="$open/*" |
        tr ' ' '\n' | grep -v '<none>' | sort -u | xargs -r docker rmi >/dev/null 2>&1 || true
}

# thing [MORE]: a service of the image, which says what it is.
thing() {
    compose <<END
services:
  thing: {image: $open/thing:1, ready: {log: says}}
${1-}
END
}

said() { envrun logs thing | grep -o 'says.*'; }

@test "a locked image stays, though its tag moves" {
    image_push "$open" thing:1 one
    thing
    exits 0 lock
    jq -e --arg image "$open/thing:1" '.version == 1 and (.images[$image]["linux/amd64"] | test("^sha256:[0-9a-f]{64}$"))' envrun.lock
    cp envrun.lock first
    exits 0 lock
    cmp first envrun.lock
    image_push "$open" thing:1 two
    exits 0 up --locked
    is "$(said)" 'says one'
    exits 0 down
    exits 0 lock
    fails cmp -s first envrun.lock
    exits 0 up
    is "$(said)" 'says two'
    exits 0 down
    keeps_silent_on stale
}

@test "a stale lock is told of, and with --locked an error" {
    image_push "$open" thing:1 one
    thing
    exits 65 run --locked -- true
    says '--locked needs' '`envrun lock` makes it'
    exits 0 lock
    thing "  other: {image: $busybox, command: sleep 1000}"
    exits 0 run -- true
    says "envrun.lock is stale: it does not have the image \`$busybox\` of service \`other\`"
    exits 65 run --locked -- true
    says 'envrun.lock is stale'
    printf 'services: {other: {image: %s, command: sleep 1000}}\n' "$busybox" >compose.yaml
    exits 65 run --locked -- true
    says "no service has the image \`$open/thing:1\` any more"
}

@test "what no registry has cannot be locked; and a file that is no lock is refused" {
    printf 'services: {thing: {image: %s/nothing:1}}\n' "$open" >compose.yaml
    exits 75 lock
    says "image \`$open/nothing:1\`"
    [ ! -e envrun.lock ]
    echo '[]' >envrun.lock
    exits 65 run -- true
    says 'envrun.lock: it is not a JSON object'
    echo '{"version": 2}' >envrun.lock
    exits 65 run -- true
    says 'it has version 2'
    printf '{"version": 1, "images": {"a": {"linux/amd64": "latest"}}}' >envrun.lock
    exits 65 run -- true
    says 'what it says of `a` is no digest'
}
