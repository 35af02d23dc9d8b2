#!/usr/bin/env bats
# Images that the engine's classic builder makes: every key it can express, without a docker CLI.

load lib

# built SERVICE FORMAT: of the image that its container was made from.
built() { docker image inspect --format "$2" "$(inspect "$1" '{{.Image}}')"; }

# without_docker CODE VERB...: as `exits`, where there is no docker CLI.
without_docker() {
    local program
    mkdir -p no-docker
    for program in timeout tail; do
        ln -sf "$(command -v $program)" no-docker/
    done
    PATH=$PWD/no-docker exits "$@"
}

# serve: the current folder over HTTP, for a minute at most; its port is $port.
serve() {
    timeout 60 python3 -u -m http.server 0 --bind 127.0.0.1 >server.log 2>&1 3>&- &
    server_pid=$!
    eventually grep -q 'port [0-9]' server.log
    port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' server.log)
}

@test "every key of a plain build, without a docker CLI" {
    mkdir app
    echo content >app/file
    compose <<END
services:
  app:
    image: $name/app:1
    build:
      context: app
      dockerfile_inline: |
        ARG base=nothing
        FROM \$\$base AS first
        ARG word
        COPY file /file
        RUN echo "\$\$word" >/word; cat /etc/hosts >/hosts; ulimit -n >/nofile; df -k /dev/shm >/shm; ls /sys/class/net >/net
        FROM first AS second
        RUN false
      target: first
      args: {base: $busybox, word: given}
      labels: {own.label: "one two"}
      tags: ["$name/other:2", "$name/third"]
      cache_from: ["$name/app:1", "type=registry,ref=$name/other:2"]
      extra_hosts: ["far.example.test:10.9.8.7", "far6.example.test=::2"]
      isolation: default
      network: none
      no_cache: true
      platforms: [linux/amd64, linux/arm64]
      privileged: false
      provenance: false
      pull: false
      sbom: false
      shm_size: 13m
      ulimits: {nofile: {soft: 123, hard: 456}}
    command: sleep 1000
END
    without_docker 0 up
    is "$(inside app 'cat /file /word /nofile; ls /net' | tr '\n' ' ')" 'content given 123 /net '
    inside app 'cat /hosts' | grep -q '^10\.9\.8\.7[[:space:]]*far\.example\.test'
    inside app 'cat /hosts' | grep -q '^::2[[:space:]]*far6\.example\.test'
    inside app 'cat /shm' | grep -q ' 13312 '
    is "$(inside app 'cat /net')" lo
    is "$(built app '{{index .Config.Labels "own.label"}}')" 'one two'
    is "$(built app '{{.Os}}/{{.Architecture}}')" linux/amd64
    is "$(built app '{{join .RepoTags " "}}' | tr ' ' '\n' | sort | tr '\n' ' ')" \
        "$name/app:1 $name/other:2 $name/third:latest "
    exits 0 down
}

@test "the only platform of the list is built for" {
    compose <<END
services:
  app: {image: "$name:1", build: {dockerfile_inline: "FROM scratch\nCOPY compose.yaml /", platforms: [linux/riscv64]}, command: x}
END
    exits 75 run -- true
    says 'service `app`'
    is "$(docker image inspect --format '{{.Os}}/{{.Architecture}}' "$name:1")" linux/riscv64
}

@test "the .dockerignore holds beside an inlined Dockerfile, too" {
    echo 'left-out' >.dockerignore
    touch left-out taken-along
    compose <<END
services:
  app: {build: {dockerfile_inline: "FROM $busybox\nCOPY . /context\n"}, command: sleep 1000}
END
    exits 0 up
    is "$(inside app 'cd /context && find . -type f | grep -vE "compose|^./(out|err)$" | sort | tr "\n" " "')" \
        './.dockerignore ./taken-along '
    exits 0 down
}

# What an engine of this machine can fetch: a tar archive, or a repository (with the git that it finds).
@test "a context that the engine fetches, and one that nobody serves" {
    mkdir source
    printf 'FROM %s\nCOPY word /word\n' "$busybox" >source/Other.dockerfile
    echo fetched >source/word
    tar -C source -cf context.tar .
    git init -q -b main source
    git -C source add .
    git -C source -c user.name=t -c user.email=t commit -q -m one
    git clone -q --bare source served.git
    git -C served.git update-server-info
    serve
    compose <<END
services:
  archive: {build: {context: "http://127.0.0.1:$port/context.tar", dockerfile: Other.dockerfile}, command: sleep 1000}
  repository: {build: {context: "http://127.0.0.1:$port/served.git#main", dockerfile: Other.dockerfile}, command: sleep 1000}
END
    exits 0 up
    is "$(inside archive 'cat /word')" fetched
    is "$(inside repository 'cat /word')" fetched
    exits 0 down
    kill "$server_pid"
    wait "$server_pid" || true
    exits 75 run -- true
    says 'compose.yaml:' 'failed: cannot build the image of service `' "127.0.0.1:$port"
}

@test "a Dockerfile or a key that needs BuildKit ends in one error with its place, where buildx is missing" {
    mkdir app
    printf '# syntax=docker/dockerfile:1\nFROM %s\n\nRUN --mount=type=cache,target=/c \\\n  true\n' "$busybox" >app/Dockerfile
    compose <<END
services:
  app: {build: app}
END
    without_docker 75 run -- true
    says 'app/Dockerfile:4: failed: cannot build the image of service `app`: `RUN --mount` needs BuildKit, and there is no docker CLI here: install'
    compose <<END
services:
  app:
    build:
      dockerfile_inline: "FROM $busybox"
      ssh: [default]
END
    export DOCKER_CONFIG=$PWD/none
    ! docker buildx version >/dev/null 2>&1 || skip "buildx is installed for everybody here"
    exits 75 run -- true
    says 'compose.yaml:5:13: failed: cannot build the image of service `app`: `build.ssh` needs BuildKit, and the docker CLI has no buildx here: install'
}
