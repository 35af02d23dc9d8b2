# shellcheck shell=bash
# shellcheck disable=SC2154  # from lib.bash
# Debian's docker-registry on loopback, for a file of tests.

# registry_begin NAME [MORE]: a registry of its own on a free port.
registry_begin() {
    cat >"$1.yaml" <<END
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $PWD/$1}}
http: {addr: "127.0.0.1:0"}
${2-}
END
    docker-registry serve "$1.yaml" >"$1.log" 2>&1 </dev/null 3>&- &
    echo $! >"$1.pid"
    eventually grep -q 'listening on' "$1.log"
}

registry_address() { grep -o 'listening on 127.0.0.1:[0-9]*' "$1.log" | grep -o '127.*'; }

# image_push REGISTRY NAME SAYS: an image that says something, with a layer that nobody else has.
image_push() {
    local folder
    folder=$(mktemp -d -p "$BATS_FILE_TMPDIR")
    head -c 4000000 /dev/urandom >"$folder/data"
    printf 'FROM %s\nCOPY data /\nCMD ["sh", "-c", "echo says %s; sleep 1000"]\n' "$busybox" "$3" >"$folder/Dockerfile"
    docker build -q -t "$1/$2" "$folder" >/dev/null 2>&1
    docker --config "$BATS_FILE_TMPDIR/ada" push -q "$1/$2" >/dev/null
    docker rmi -f "$1/$2" >/dev/null
}
