#!/usr/bin/env bats
# Images that BuildKit makes, through the docker CLI's buildx, which is put beside the CLI's configuration.
#
# Engine 20.10 speaks the Dockerfiles of 1.2: no heredocs, no `COPY --link`, no further contexts. `# syntax=` would
# have it pull a newer frontend from Docker Hub, which cannot be reached everywhere: it is not used here.

load lib

setup_file() {
    local buildx
    buildx=$("$BATS_TEST_DIRNAME/../get-debian-next" docker-buildx)
    mkdir -p "$BATS_FILE_TMPDIR/docker/cli-plugins"
    ln -s "$buildx" "$BATS_FILE_TMPDIR/docker/cli-plugins/"
    export DOCKER_CONFIG=$BATS_FILE_TMPDIR/docker
}

setup() {
    own_folder
    export TMPDIR=$PWD
}

# nothing_is_kept: no folder that a build has put its files in.
nothing_is_kept() { is "$(ls -d "$TMPDIR"/envrun-build-* 2>/dev/null)" ''; }

@test "secrets, modes and keys of a build by BuildKit; made from its ID" {
    mkdir app
    echo 'of a file, with "quotes"' >'secret, file'
    echo content >app/file
    cat >app/Dockerfile <<END
FROM $busybox AS first
ARG word
RUN --mount=type=secret,id=from-file --mount=type=secret,id=other \
    cat /run/secrets/from-file /run/secrets/other >/secrets; echo "\$word" >/word; cat /etc/hosts >/hosts
COPY --chmod=604 file /file
FROM first
RUN false
END
    compose <<END
services:
  app:
    image: $name/app:1
    build:
      context: app
      target: first
      args: {word: given}
      labels: {own.label: one two}
      tags: ["$name/other:2"]
      secrets: [from-file, {source: from_shell, target: other}]
      extra_hosts: ["far.example.test:10.9.8.7"]
      no_cache: true
    command: sleep 1000
secrets:
  from-file: {file: "./secret, file"}
  from_shell: {environment: SECRET_OF_THE_SHELL}
END
    export SECRET_OF_THE_SHELL="of the shell"
    # Neither another builder nor another engine that the user has chosen is used.
    unset DOCKER_HOST
    BUILDX_BUILDER=nothing DOCKER_CONTEXT=default exits 0 up --verbose
    is "$(inside app 'cat /secrets /word; stat -c %a /file')" 'of a file, with "quotes"
of the shellgiven
604'
    inside app 'cat /hosts' | grep -q '^10\.9\.8\.7[[:space:]]*far\.example\.test'
    says 'app  | #' 'RUN --mount=type=secret,id=from-file'
    keeps_silent_on 'of the shell'
    is "$(inspect app '{{.Image}}')" "$(docker image inspect --format '{{.Id}}' "$name/other:2")"
    is "$(docker image inspect --format '{{index .Config.Labels "own.label"}}' "$name/app:1")" 'one two'
    nothing_is_kept
    exits 0 down
}

@test "an inlined Dockerfile, and two services of one build: it is built once" {
    echo content >file
    compose <<END
services:
  one: &service
    build: {dockerfile_inline: "FROM $busybox\nCOPY --chmod=640 file /file\n"}
    command: sleep 1000
  two: *service
END
    exits 0 up --json
    is "$(inspect one '{{.Image}}')" "$(inspect two '{{.Image}}')"
    is "$(jq -r 'select(.phase == "image" and .status == "began" and .detail == "build") | .service' err | wc -l)" 1
    nothing_is_kept
    exits 0 down
}

@test "a build by BuildKit that fails: its step, its last lines, and 75" {
    printf 'FROM %s\nRUN --mount=type=tmpfs,target=/t echo last words; exit 9\n' "$busybox" >Dockerfile
    compose <<END
services:
  app: {build: .}
END
    exits 75 run -- true
    says 'compose.yaml:2:3: failed: cannot build the image of service `app`: ' 'exit 9' 'exit code: 9' 'last words'
    nothing_is_kept
}

@test "interrupted while BuildKit builds: buildx ends, too" {
    printf 'FROM %s\nRUN --mount=type=tmpfs,target=/t echo it runs; sleep 60 # %s\n' "$busybox" "$name" >Dockerfile
    compose <<END
services:
  app: {build: .}
END
    begin run --verbose -- true
    eventually grep -q '[0-9] it runs' err
    [ "$(pgrep -fc "envrun-build-.*$BATS_TEST_TMPDIR")" -gt 0 ]
    kill -INT "$envrun_pid"
    ends 130
    eventually fails pgrep -f "envrun-build-.*$BATS_TEST_TMPDIR"
    nothing_is_kept
}

@test "killed while BuildKit builds: buildx ends, too; the next build removes the folder that is left" {
    printf 'FROM %s\nRUN --mount=type=tmpfs,target=/t echo it runs; sleep 300 # %s\n' "$busybox" "$name" >Dockerfile
    compose <<<"services: {app: {build: .}}"
    begin run --verbose -- true
    eventually grep -q '[0-9] it runs' err
    [ "$(pgrep -f "envrun-build-.*$BATS_TEST_TMPDIR")" ]
    kill -KILL "$envrun_pid"
    ends 137
    eventually fails pgrep -f "envrun-build-.*$BATS_TEST_TMPDIR"
    touch -d '2 minutes ago' "$TMPDIR"/envrun-build-*
    mkdir -m 700 "$TMPDIR/envrun-build-young"
    printf 'FROM %s\nRUN --mount=type=tmpfs,target=/t true\n' "$busybox" >Dockerfile
    exits 0 run -- true
    is "$(cd "$TMPDIR" && ls -d envrun-build-*)" envrun-build-young
    eventually nothing_is_left
}

@test "an image that another is built upon is built first, though its service is for a suite that is not run" {
    compose <<END
services:
  base: {build: {dockerfile_inline: "FROM $busybox\nRUN echo base >/base\n"}, command: "true"}
  app:
    build: {dockerfile_inline: "FROM base\n", additional_contexts: {base: "service:base"}}
    command: sleep 1000
suites: {one: {command: "true"}, two: {service: base}}
END
    local code=0
    envrun up --json >out 2>err || code=$?
    [ "$code" = 0 ] || grep -q 'moby.buildkit.frontend.contexts' err || { show err; false; }
    # What comes first, whether or not this engine's BuildKit is new enough for the rest.
    [ "$(transitions err | grep -n 'base image done' | cut -d: -f1)" -lt \
        "$(transitions err | grep -nE 'app image (done|failed)' | cut -d: -f1)" ]
    is "$(transitions err | grep -c 'base create')" 0
    if [ "$code" = 0 ]; then
        is "$(inside app 'cat /base')" base
        exits 0 down
    fi
}
