# shellcheck shell=bash
# Other places that envrun may run in, for the tests of where it runs; loaded after lib.

engine_socket() {
    local address=${DOCKER_HOST:-unix:///var/run/docker.sock}
    case $address in
    unix://*) echo "${address#unix://}" ;;
    *) skip "the engine at $address has no socket here" ;;
    esac
}

# A page of 5 bytes, served on port 80.
# shellcheck disable=SC2034  # for who loads this
server='mkdir -p /www; echo fine >/www/index.html; exec httpd -f -p 80 -h /www'

# ---- A host that the engine's bridge does not belong to, as with Docker Desktop or a remote engine ----

# elsewhere COMMAND...: run it where the host has another name, and the engine's addresses are not our own.
elsewhere() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(--user --map-root-user)
    # shellcheck disable=SC2016  # the inner shell expands these
    unshare "${root[@]}" --uts sh -c 'hostname elsewhere && exec "$@"' sh "$@"
}

# exits_elsewhere CODE VERB ARGUMENT...: as exits.
exits_elsewhere() {
    local code=0
    printf '#!/bin/bash\n%s\nelsewhere %q "$@"\n' "$(declare -f elsewhere)" "${ENVRUN:?}" >elsewhere
    chmod +x elsewhere
    ENVRUN=$PWD/elsewhere exits "$@" || code=$?
    return "$code"
}

# ---- A TCP port in front of the engine's socket ----

# proxy_begin [ADDRESS]: sets proxy_pid and proxy_port.
# shellcheck disable=SC2034  # for who loads this
proxy_begin() {
    local socket
    socket=$(engine_socket)
    mkfifo port
    "$BATS_TEST_DIRNAME/proxy.py" "$socket" "$@" >port 2>/dev/null 3>&- &
    proxy_pid=$!
    read -r proxy_port <port
}

proxy_end() { [ -z "${proxy_pid-}" ] || kill "$proxy_pid"; }

# ---- A container that shares the engine's socket ----

# image_build NAME: an image with envrun, the libraries that it needs and busybox, for all tests of a file.
image_build() {
    local library
    mkdir -p image/usr/bin
    cp "$ENVRUN" image/usr/bin/envrun
    for library in $(ldd "$ENVRUN" | grep -o '/[^ )]*'); do
        mkdir -p "image${library%/*}"
        cp -L "$library" "image$library"
    done
    # shellcheck disable=SC2154  # from lib
    printf 'FROM %s\nCOPY image /\n' "$busybox" >Dockerfile
    docker build -q -t "$1" . >/dev/null 2>&1
    rm -r image Dockerfile
    echo "$1" >"$BATS_FILE_TMPDIR/image-name"
}

image() { cat "$BATS_FILE_TMPDIR/image-name"; }

# within ARGUMENT...: docker run ARGUMENT... with the engine's socket, in this folder.
within() {
    local socket
    socket=$(engine_socket)
    timeout --kill-after 5 90 docker run --rm -v "$socket:/var/run/docker.sock" -v "$PWD:$PWD" -w "$PWD" "$@"
}

# exits_within CODE VERB [DOCKER-RUN-OPTION...] [-- COMMAND...]: as exits, in a container.
exits_within() {
    local expected=$1 verb=$2 code=0 options=()
    shift 2
    while [ $# != 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    # shellcheck disable=SC2154  # from lib
    within "${options[@]}" "$(image)" envrun "$verb" -p "$name" "$@" >out 2>err </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "in a container envrun $verb $* exited with $code, expected $expected"
    show out err
    return 1
}
