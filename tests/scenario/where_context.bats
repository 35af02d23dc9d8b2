#!/usr/bin/env bats
# The engine that the docker CLI would use: contexts, TLS, a rootless engine's socket.
# shellcheck disable=SC2016,SC2154  # backquotes stand for themselves; from what is loaded

load lib
load where

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    socket=$(engine_socket)
    usual=${DOCKER_HOST-}
    export DOCKER_CONFIG=$PWD/docker
    mkdir docker
    unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH XDG_RUNTIME_DIR
    compose <<END
services:
  web: {image: $busybox, command: sleep 1000}
END
}

teardown() {
    proxy_end
    unset DOCKER_CONFIG DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
    [ -z "$usual" ] || export DOCKER_HOST=$usual
    nothing_is_left
}

# certificates: in ./tls those of an engine on loopback and of one who may use it; in ./other those of another.
certificates() {
    local folder who
    for folder in tls other; do
        mkdir "$folder"
        (
            cd "$folder" || exit
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$folder" -keyout ca.key -out ca.pem
            for who in server client; do
                openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" -keyout "$who.key" -out "$who.csr"
                openssl x509 -req -in "$who.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$who.crt" \
                    -extfile <(echo subjectAltName=IP:127.0.0.1)
            done
            cat server.crt server.key >server.pem
            mv client.crt cert.pem
            mv client.key key.pem
        ) >/dev/null 2>&1
    done
}

@test "the current context, and the one that DOCKER_CONTEXT names" {
    proxy_begin
    docker context create near --docker "host=tcp://127.0.0.1:$proxy_port" >/dev/null
    docker context create gone --docker "host=unix://$PWD/no.sock" >/dev/null
    docker context use gone >/dev/null
    exits 69 run -- true
    says "$PWD/no.sock: the socket does not exist"
    DOCKER_CONTEXT=near exits 0 run -- true
    DOCKER_HOST=unix://$socket exits 0 run -- true
    DOCKER_CONTEXT=nowhere exits 64 run -- true
    says "there is no docker context \`nowhere\` in $PWD/docker/contexts"
}

@test "an engine over ssh: how to reach it is said" {
    docker context create far --docker host=ssh://ada@far >/dev/null
    DOCKER_CONTEXT=far exits 64 run -- true
    says 'docker context `far`: envrun does not speak ssh' '/var/run/docker.sock ada@far`'
}

@test "TLS: DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or a context's certificates; exec in both directions" {
    certificates
    proxy_begin 127.0.0.1 "$PWD/tls"
    export DOCKER_HOST=tcp://127.0.0.1:$proxy_port DOCKER_TLS_VERIFY=1
    DOCKER_CERT_PATH=$PWD/tls exits 0 run -- true
    DOCKER_CERT_PATH=$PWD/other exits 69 run -- true
    says "$DOCKER_HOST"
    exits 69 run -- true
    unset DOCKER_TLS_VERIFY
    exits 69 run -- true
    docker context create safe --docker "host=$DOCKER_HOST,ca=tls/ca.pem,cert=tls/cert.pem,key=tls/key.pem" >/dev/null
    unset DOCKER_HOST
    export DOCKER_CONTEXT=safe
    exits 0 up
    head -c 300000 /dev/urandom >sent
    timeout 60 "$ENVRUN" exec -p "$name" web cat <sent >received
    cmp sent received
    exits 0 down
}
