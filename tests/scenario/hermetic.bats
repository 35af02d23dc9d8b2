#!/usr/bin/env bats
# --hermetic: the services reach each other, the suite reaches them, and nothing reaches out.

load lib
load where

# Another network namespace is the world outside: the engine's host forwards to it.
begin_world() {
    local third=$((RANDOM % 256))
    world=w$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
    outside=10.254.$third.2
    ip netns add "$world" 2>/dev/null || skip "only root may make a network namespace"
    ip link add "$world" type veth peer name eth0 netns "$world"
    ip addr add "10.254.$third.1/30" dev "$world"
    ip link set "$world" up
    ip -n "$world" addr add "$outside/30" dev eth0
    ip -n "$world" link set eth0 up
    nsenter --net="/run/netns/$world" python3 -m http.server 80 >/dev/null 2>&1 3>&- &
    server_pid=$!
    eventually curl -sS -o /dev/null "http://$outside/"
}

end_world() {
    kill "$server_pid"
    ip link del "$world"
    ip netns del "$world"
}

graph() {
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], ports: ["8080:80"], ready: {http: {port: 80}}}
  tests: {image: $busybox, depends_on: [web]}
suites:
  host: {command: 'curl -sS "http://\$WEB_HOST:\$WEB_PORT/"'}
  inside:
    service: tests
    command: 'wget -qO- http://web/; nc -w 3 ${outside-} 80 </dev/null >/dev/null 2>&1 && echo out || echo in'
END
}

@test "without --hermetic the world is reached, with it only the services are" {
    begin_world
    graph
    local code=0
    { exits 0 run inside && is "$(tr '\n' ' ' <out)" "fine out "; } || code=1
    { exits 0 run --hermetic && is "$(tr '\n' ' ' <out)" "fine fine in "; } || code=1
    end_world
    return "$code"
}

@test "the host's resolver is not asked, and no port is published" {
    graph
    exits 0 up --hermetic
    is "$(inspect web '{{json .HostConfig.Dns}} {{json .HostConfig.PortBindings}}')" '["127.0.0.1"] null'
    is "$(docker network inspect "${name}_default" --format '{{.Internal}}')" true
    exits 0 down
}

@test "what leads out is a mistake" {
    graph
    exits 64 up --hermetic --ports=written
    says "--hermetic and --ports=written exclude each other"
    exits_elsewhere 64 up --hermetic
    says "--hermetic needs an engine whose containers are reached by their own addresses"
    compose <<<"services: {a: {image: $busybox, network_mode: host}}"
    exits 65 up --hermetic
    says "compose.yaml:1:" "--hermetic: \`network_mode: host\` leads out"
    compose <<END
services: {a: {image: $busybox, networks: [x]}}
networks: {x: {external: true}}
END
    exits 65 up --hermetic
    says "compose.yaml:2:" "--hermetic: network \`x\` is external"
}
