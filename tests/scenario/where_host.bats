#!/usr/bin/env bats
# On a host with a local engine: containers are reached at their own addresses.

load lib
load where

@test "the suite reaches a service at its own address, and no port is published" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {http: {port: 80}}}
suite: {command: 'echo "\$WEB_HOST \$WEB_PORT \$WEB_PORT_80"; curl -sS "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    exits 0 up
    is "$(inspect web '{{len .HostConfig.PortBindings}}')" 0
    local address
    address=$(inspect web '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
    is "$(eval "$(envrun env)" && echo "$WEB_HOST:$WEB_PORT")" "$address:80"
    exits 0 down
    exits 0 run
    grep -qE '^[0-9.]+ 80 80$' out
    is "$(sed -n 2p out)" fine
}

@test "a port that the file publishes is published on loopback, beside the service's own address" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], ports: ["8080:80"], ready: {http: {port: 80}}}
END
    exits 0 up
    local published
    published=$(inspect web '{{with index .NetworkSettings.Ports "80/tcp" 0}}{{.HostIp}}:{{.HostPort}}{{end}}')
    [[ $published == 127.0.0.1:* && $published != *:8080 ]]
    is "$(curl -sS "http://$published/")" fine
    is "$(envrun port web 80)" "$published"
    exits 0 down
}

@test "of two networks the first one's address answers" {
    compose <<END
services:
  web:
    image: $busybox
    command: ["sh", "-c", "$server"]
    networks: {back: {}, front: {priority: 10}}
    ready: {tcp: 80}
networks: {back: {}, front: {}}
suite: {command: 'curl -sS "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    exits 0 run
    is "$(cat out)" fine
}
