#!/usr/bin/env bats
# Images of registries: Debian's docker-registry on loopback, one that is open and one that wants a password.
# shellcheck disable=SC2016,SC2154  # backquotes stand for themselves; from what is loaded

load lib
load where
load registry

# The tests share a registry and its images: one after the other.
setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cd "$BATS_FILE_TMPDIR" || return
    htpasswd -Bbn ada s3cret-word >passwords 2>/dev/null
    registry_begin open
    registry_begin shut "auth: {htpasswd: {realm: test, path: $PWD/passwords}}"
    open=$(registry_address open)
    shut=$(registry_address shut)
    export open shut
    mkdir ada
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$shut" "$(printf ada:s3cret-word | base64)" >ada/config.json
    image_push "$open" thing 1
    image_push "$shut" thing 1
}

teardown_file() {
    local file names
    for file in "$BATS_FILE_TMPDIR"/*.pid; do
        kill "$(cat "$file")" || true
    done
    names='{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}'
    docker images --digests --format "$names" --filter reference="$open/*" --filter reference="$shut/*" | tr ' ' '\n' |
        grep -v '<none>' | sort -u | xargs -r docker rmi >/dev/null 2>&1 || true # a digest goes with its last tag
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    engine_socket >/dev/null
    export DOCKER_CONFIG=$PWD/docker
    mkdir docker
    unset DOCKER_AUTH_CONFIG DOCKER_CONTEXT
}

# thing IMAGE [MORE]: a service of that image.
thing() {
    compose <<END
services:
  thing: {image: $1, ready: {log: says}${2-}}
END
}

forget() { docker rmi -f "$1" >/dev/null 2>&1 || true; }

# helper NAME COMMAND: docker-credential-NAME.
helper() {
    mkdir -p bin
    printf '#!/bin/sh\n%s\n' "$2" >"bin/docker-credential-$1"
    chmod +x "bin/docker-credential-$1"
    PATH=$PWD/bin:$PATH
}

answers_ada='read -r server; echo "$* $server" >>asked; echo "{\"Username\":\"ada\",\"Secret\":\"s3cret-word\"}"'

@test "an image of an open registry, and how far its pull is" {
    forget "$open/thing"
    thing "$open/thing"
    exits 0 run --json -- true
    happened '.event == "phase" and .phase == "image" and .detail == "pull"'
    happened '.event == "progress" and .total > 4000000 and (.text | test("3.8 MiB, .*2 of 2 layers$"))'
}

@test "a password, of config.json" {
    forget "$shut/thing"
    thing "$shut/thing"
    exits 75 run -- true
    says "$shut wants credentials, and the docker configuration has none for it: run \`docker login $shut\`"
    DOCKER_CONFIG=$BATS_FILE_TMPDIR/ada exits 0 run -- true
    keeps_silent_on s3cret
}

@test "a password, of DOCKER_AUTH_CONFIG; and a wrong one" {
    forget "$shut/thing"
    thing "$shut/thing" ', pull_policy: always'
    DOCKER_AUTH_CONFIG=$(cat "$BATS_FILE_TMPDIR/ada/config.json") exits 0 run -- true
    DOCKER_AUTH_CONFIG=$(jq '.auths[].auth = "YWRhOndyb25nLXdvcmQ="' "$BATS_FILE_TMPDIR/ada/config.json") \
        exits 75 run --json -- true
    says "$shut does not accept the credentials that the docker configuration has for it"
    keeps_silent_on wrong-word YWRhOndyb25nLXdvcmQ
}

@test "a helper for one registry is asked once for all services, and not in its arguments" {
    forget "$shut/thing"
    helper test "$answers_ada"
    echo "{\"credHelpers\": {\"$shut\": \"test\"}}" >docker/config.json
    compose <<END
services:
  one: {image: $shut/thing, pull_policy: always}
  two: {image: $shut/thing:latest, pull_policy: always}
END
    exits 0 run --json -- true
    is "$(cat asked)" "get $shut"
    keeps_silent_on s3cret
}

@test "a store for all registries; one that fails is told of, and the registry asked all the same" {
    forget "$shut/thing"
    helper test "$answers_ada"
    echo '{"credsStore": "test"}' >docker/config.json
    thing "$shut/thing"
    exits 0 run -- true
    forget "$shut/thing"
    forget "$open/thing"
    helper test 'echo the store is locked; exit 1'
    thing "$open/thing"
    exits 0 run -- true
    says "docker-credential-test gives no credentials for $open: the store is locked"
    echo '{"credsStore": "nowhere"}' >docker/config.json
    thing "$shut/thing"
    exits 75 run -- true
    says 'cannot run `docker-credential-nowhere`: no such program' "$shut wants credentials"
}

@test "a configuration that cannot be read is told of" {
    echo '{"auths":' >docker/config.json
    forget "$open/thing"
    thing "$open/thing"
    exits 0 run -- true
    says 'docker/config.json is not a JSON object'
}

@test "a build from a private image" {
    forget "$shut/thing"
    printf 'FROM %s/thing\nCMD ["sh", "-c", "echo says it is built; sleep 1000"]\n' "$shut" >Dockerfile
    printf 'services: {thing: {build: ., ready: {log: it is built}}}\n' >compose.yaml
    exits 75 run -- true
    says 'cannot build the image of service `thing`'
    DOCKER_CONFIG=$BATS_FILE_TMPDIR/ada exits 0 run -- true
}

# said: what the service says.
said() { envrun logs thing | grep -o 'says.*'; }

@test "always, missing, never: when the registry is asked" {
    image_push "$open" changing 1
    thing "$open/changing"
    exits 0 up
    is "$(said)" 'says 1'
    image_push_again changing 2
    exits 0 down
    exits 0 up
    is "$(said)" 'says 1'
    exits 0 down
    thing "$open/changing" ', pull_policy: never'
    exits 0 up
    is "$(said)" 'says 1'
    exits 0 down
    thing "$open/changing" ', pull_policy: always'
    exits 0 up
    is "$(said)" 'says 2'
    exits 0 down
}

# image_push_again IMAGE SAYS: the registry has another one; here it stays as it is.
image_push_again() {
    docker tag "$open/$1" "keep-$name"
    image_push "$open" "$1" "$2"
    docker tag "keep-$name" "$open/$1"
    docker rmi "keep-$name" >/dev/null
}

@test "an image is asked for again when it is older than the policy says" {
    image_push "$open" ageing 1
    thing "$open/ageing" ', pull_policy: daily'
    exits 0 up
    [[ $(docker image inspect --format '{{.Metadata.LastTagTime}}' "$open/ageing") = 20* ]]
    image_push_again ageing 2
    exits 0 down
    exits 0 up
    is "$(said)" 'says 1'
    exits 0 down
    sleep 1
    thing "$open/ageing" ', pull_policy: every_1s'
    exits 0 up
    is "$(said)" 'says 2'
    exits 0 down
    thing "$open/ageing" ', pull_policy: refresh, pull_refresh_after: 1h'
    image_push_again ageing 3
    exits 0 up
    is "$(said)" 'says 2'
    exits 0 down
}

@test "build: nothing is pulled; and with always, a build stands in for what cannot be pulled" {
    thing "$open/never-there" ', pull_policy: build'
    exits 75 run -- true
    says 'pull_policy is `build`, and nothing says how to build it'
    printf 'FROM %s\nCMD ["sh", "-c", "echo says built; sleep 1000"]\n' "$busybox" >Dockerfile
    thing "$open/never-there" ', pull_policy: always, build: .'
    exits 0 run -- true
    image_push "$open" there pulled
    thing "$open/there" ', pull_policy: always, build: .'
    exits 0 up
    is "$(said)" 'says pulled'
    exits 0 down
}

@test "one sentence for what is not there" {
    thing "$open/nothing:7"
    exits 75 run -- true
    says "failed: cannot pull image \`$open/nothing:7\` of service \`thing\`: $open has no such image"
    thing 127.0.0.1:9/thing
    exits 75 run -- true
    says 'of service `thing`: nobody answers at 127.0.0.1:9'
    thing no-such-host.invalid/thing
    exits 75 run -- true
    says 'of service `thing`: '
    grep -qE 'there is no host `no-such-host.invalid`|cannot|could not|lookup' err
}
