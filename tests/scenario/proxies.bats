#!/usr/bin/env bats
# The proxies of the docker CLI's configuration: as with Docker Compose, containers and builds get them.
# shellcheck disable=SC2016,SC2154  # the container's shell expands it; set by what is loaded

load lib

proxy=http://ada:s3cr%40tword@proxy.example:3128

setup() {
    own_folder
    mkdir docker
    export DOCKER_CONFIG=$PWD/docker
    echo "{\"proxies\": {\"default\": {\"httpProxy\": \"$proxy\", \"noProxy\": \"one,two\", \"ftpProxy\": \"\"},
        \"tcp://elsewhere:2375\": {\"allProxy\": \"$proxy\"}}}" >docker/config.json
}

# variables SERVICE: of its container, but PATH, on one line in the order of their names.
variables() { inspect "$1" '{{json .Config.Env}}' | jq -r 'map(select(startswith("PATH=") | not)) | sort | join(" ")'; }

@test "of containers: upper and lower case; what the file says wins" {
    compose <<END
services:
  bare: {image: $busybox, command: sleep 1000, stop_signal: KILL}
  own:
    image: $busybox
    command: sleep 1000
    stop_signal: KILL
    environment: {HTTP_PROXY: mine, no_proxy: "", NO_PROXY: }
END
    exits 0 up
    is "$(variables bare)" "HTTP_PROXY=$proxy NO_PROXY=one,two http_proxy=$proxy no_proxy=one,two"
    is "$(variables own)" "HTTP_PROXY=mine NO_PROXY http_proxy=$proxy no_proxy="
    exits 0 down
    exits 0 config
    fails grep -q proxy.example out
}

@test "of one engine: those under its address, and no others" {
    compose <<<"services: {one: {image: $busybox, command: sleep 1000, stop_signal: KILL}}"
    export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
    jq --arg host "$DOCKER_HOST" '.proxies[$host] = {allProxy: "socks5://s:1"}' docker/config.json >new
    mv new docker/config.json
    exits 0 up
    is "$(variables one)" 'ALL_PROXY=socks5://s:1 all_proxy=socks5://s:1'
    exits 0 down
}

@test "of builds by the classic builder; what the file says wins" {
    printf 'FROM %s\nRUN env | grep -i _proxy | sort >/proxies\n' "$busybox" >Dockerfile
    compose <<<"services: {app: {build: {context: ., args: {NO_PROXY: mine}}, command: sleep 1000, stop_signal: KILL}}"
    exits 0 up
    is "$(inside app 'grep -E ^H /proxies; grep -E ^N /proxies')" "HTTP_PROXY=$proxy
NO_PROXY=mine"
    exits 0 down
}

@test "a suite in the graph has them; they are kept out of what is told and recorded, and so is a password in them" {
    compose <<END
services:
  talks: {image: $busybox, command: sh -c 'echo "\$\$http_proxy"; printf "s3cr%stword\n" @; exec sleep 1000', ready: {log: tword}, stop_signal: KILL}
  tests: {image: $busybox}
suite: {service: tests, command: 'test "\$HTTP_PROXY" = "\$http_proxy" -a "\$NO_PROXY" && exit 3'}
END
    exits 3 run --json
    fails grep -rqE 's3cr(@|%40)tword|one,two' err .envrun
    grep -rq '\[redacted\]' .envrun
}

@test "a configuration that cannot be read is warned of, once" {
    echo '{"proxies":' >docker/config.json
    compose <<<"services: {one: {image: $busybox, command: sleep 1000, stop_signal: KILL}}"
    exits 0 run -- true
    is "$(grep -c 'docker/config.json is not a JSON object: it is not used' err)" 1
}
