#!/usr/bin/env bats
# In a container that shares the engine's socket: envrun's own container joins the environment's networks.

load lib
load where

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    image_build "tw$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')"
}

teardown_file() { docker rmi -f "$(image)" >/dev/null; }

@test "the suite in the container reaches the services, and the networks go although it joined them" {
    compose <<END
services:
  web:
    image: $busybox
    command: ["sh", "-c", "$server"]
    expose: ["80"]
    networks: [back, front]
    ready: {http: {port: 80, body: fine}}
  log: {image: $busybox, command: [sh, -c, "echo here; exec sleep 1000"], networks: [front], ready: {log: here}}
  exec: {image: $busybox, command: sleep 1000, networks: [back], ready: {exec: "true"}}
networks: {back: {}, front: {}}
suite: {command: 'echo "\$WEB_HOST:\$WEB_PORT"; wget -q -O - "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    exits_within 0 run
    grep -qE '^[0-9.]+:80$' out
    is "$(sed -n 2p out)" fine
    says 'removed 3 containers, 2 networks'
}

@test "up, the suite's variables and down in one container" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {tcp: 80}}
END
    within "$(image)" sh -ec "envrun up -p $name; eval \"\$(envrun env -p $name)\"; "'
        wget -q -O page "http://$WEB_HOST:$WEB_PORT/"; '"envrun down -p $name" >out 2>err </dev/null || { show err; false; }
    is "$(cat page)" fine
}

@test "the networks of a hermetic environment are joined too" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {tcp: 80}}
END
    # shellcheck disable=SC2016  # the inner shell expands these
    within "$(image)" envrun run -p "$name" --hermetic -- \
        sh -c 'wget -q -O page "http://$WEB_HOST:$WEB_PORT/"' >out 2>err </dev/null || { show err; false; }
    is "$(cat page)" fine
}

@test "a bind mount that the engine cannot see is an error that names it" {
    mkdir seen
    echo fine >seen/index.html
    compose <<END
services:
  web:
    image: $busybox
    command: httpd -f -p 80 -h /www
    volumes: ["./seen:/www:ro"]
    ready: {http: {port: 80, body: fine}}
END
    exits_within 0 run -- true
    sed -i 's|./seen|/usr/bin|' compose.yaml
    exits_within 65 run -- true
    says "the engine cannot see /usr/bin: envrun runs in a container" 'compose.yaml:5:'
}

@test "a container on the host's network is as good as the host" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {tcp: 80}}
suite: {command: 'wget -q -O - "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    exits_within 0 run --network host
    is "$(cat out)" fine
}

@test "a container in another one's network joins through that one" {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {tcp: 80}}
suite: {command: 'wget -q -O - "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    docker run -d --name "$name-other" $busybox sleep 1000 >/dev/null
    exits_within 0 run --network "container:$name-other" || { docker rm -f "$name-other"; false; }
    docker rm -f "$name-other" >/dev/null
    is "$(cat out)" fine
}
