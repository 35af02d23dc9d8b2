#!/usr/bin/env bats
# DOCKER_HOST=tcp://, and engines whose containers cannot be reached at their own addresses: ports are published.

load lib
load where

teardown() {
    proxy_end
    unset DOCKER_HOST
    nothing_is_left
}

# Each kind of probe; the suite asks for the page.
every_probe() {
    compose <<END
services:
  tcp: {image: $busybox, command: ["sh", "-c", "$server"], ready: {tcp: 80}}
  http: {image: $busybox, command: ["sh", "-c", "$server"], ready: {http: {port: 80, body: fine}}}
  exec: {image: $busybox, command: sleep 1000, ready: {exec: "true"}}
  log: {image: $busybox, command: [sh, -c, "echo here; exec sleep 1000"], ready: {log: here}}
  redis: {image: shop/redis}
suite:
  command: |
    echo "\$TCP_HOST:\$TCP_PORT \$REDIS_URL"
    curl -sS "http://\$TCP_HOST:\$TCP_PORT/" "http://\$HTTP_HOST:\$HTTP_PORT/"
END
}

@test "DOCKER_HOST=tcp:// on loopback: the suite's variables hold an address that answers" {
    every_probe
    proxy_begin
    DOCKER_HOST=tcp://127.0.0.1:$proxy_port exits 0 run
    is "$(sed -n 2,3p out)" $'fine\nfine'
}

@test "where the engine's bridge is not ours, they hold 127.0.0.1 and a port that answers" {
    every_probe
    exits_elsewhere 0 run
    grep -qE '^127\.0\.0\.1:[0-9]{5} redis://127\.0\.0\.1:[0-9]{5}$' out
    is "$(sed -n 2,3p out)" $'fine\nfine'
}

@test "so they do for DOCKER_HOST=tcp:// on loopback" {
    every_probe
    proxy_begin
    DOCKER_HOST=tcp://localhost:$proxy_port exits_elsewhere 0 run
    grep -qE '^127\.0\.0\.1:[0-9]{5} redis://127\.0\.0\.1:[0-9]{5}$' out
    is "$(sed -n 2,3p out)" $'fine\nfine'
}

@test "an engine on another host: they hold that host, by its address or by its name" {
    local host address
    address=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
    every_probe
    proxy_begin "$address"
    for host in "$address" "$(hostname)"; do
        getent ahostsv4 "$host" | grep -q . || continue
        [ "$host" = "$address" ] || { proxy_end; rm port; proxy_begin 0.0.0.0; }
        DOCKER_HOST=tcp://$host:$proxy_port exits_elsewhere 0 run
        grep -qE "^$host:[0-9]{5} redis://$host:[0-9]{5}\$" out
        is "$(sed -n 2,3p out)" $'fine\nfine'
    done
}

@test "a published port is not ready because the engine's proxy accepts" {
    compose <<END
services:
  late: {image: $busybox, command: ["sh", "-c", "sleep 2; $server"], ready: {tcp: 80}}
suite: {command: 'curl -sS "http://\$LATE_HOST:\$LATE_PORT/"'}
END
    exits_elsewhere 0 run
    is "$(cat out)" fine
}

@test "nor because the service listens on its own loopback" {
    compose <<END
services:
  own: {image: $busybox, command: httpd -f -p 127.0.0.1:80, ready: {tcp: 80, timeout: 2s}}
END
    exits_elsewhere 75 run -- true
    says 'service `own` was not ready within 2' 'nothing listens on port 80 in the container'
}

@test "a service without cat is asked by a connection that must last" {
    cp /bin/busybox .
    printf 'FROM scratch\nCOPY busybox /httpd\n' >Dockerfile
    docker build -q -t "$name" . >/dev/null 2>&1
    compose <<END
services:
  bare: {image: $name, command: [/httpd, -f, -p, "80", -h, /], ready: {tcp: 80}}
  shut: {image: $name, command: [/httpd, -f, -p, "81", -h, /], ready: {tcp: 80, timeout: 1s}}
suite: {command: 'curl -sS -o page "http://\$BARE_HOST:\$BARE_PORT/httpd"; cmp busybox page'}
END
    exits_elsewhere 75 up
    says 'service `shut` was not ready within 1'
    sed -i '/shut/d' compose.yaml
    exits_elsewhere 0 run
    docker rmi "$name" >/dev/null
}
