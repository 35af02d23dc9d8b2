#!/usr/bin/env bats
# Subnets of envrun's own range.

load lib

sleeper="{image: $busybox, command: [sleep, '600'], init: true"

# subnets: of the test's networks, one per line.
subnets() {
    docker network ls -q --filter "label=envrun.environment=$name" |
        xargs -r docker network inspect --format '{{range .IPAM.Config}}{{println .Subnet}}{{end}}' | sed '/^$/d'
}

# bits NETWORK: of its subnet's prefix.
bits() { docker network inspect "${name}_$1" --format '{{(index .IPAM.Config 0).Subnet}}' | sed 's,.*/,,'; }

@test "a network gets a small subnet of envrun's range, and the file's own stands" {
    compose <<END
services:
  a: $sleeper, networks: [bare, own, driver]}
networks:
  bare: {}
  driver: {ipam: {driver: default}}
  own: {ipam: {config: [{subnet: 10.253.77.0/28}]}}
END
    exits 0 up
    is "$(subnets | grep -c '^10\.1[12][0-9]\.[0-9.]*/26$')" 2
    is "$(subnets | grep -c '^10\.253\.77\.0/28$')" 1
    exits 0 down
}

@test "more networks than the engine's default pools hold" {
    {
        echo "services:"
        for i in 1 2; do
            echo "  s$i: $sleeper, networks: [$(seq -s ', ' -f 'n%g' $((i * 21 - 20)) $((i * 21)))]}"
        done
        echo "networks:"
        for i in $(seq 42); do echo "  n$i: {}"; done
    } >compose.yaml
    exits 0 up
    is "$(subnets | sort -u | wc -l)" 42
    exits 0 down
}

@test "--subnets says from where, and how large; a network of many gets a larger one" {
    compose <<END
services:
  one: $sleeper, networks: [small]}
  many: $sleeper, scale: 4, networks: [large]}
networks: {small: {}, large: {}}
END
    exits 0 up --subnets 10.253.78.0/24/29
    is "$(bits small) $(bits large)" "29 28"
    is "$(subnets | grep -c '^10\.253\.78\.')" 2
    exits 0 down
    ENVRUN_SUBNETS=10.253.78.0/25/29 exits 0 up
    is "$(subnets | grep -c '^10\.253\.78\.')" 2
    exits 0 down
    exits 0 up --subnets engine
    is "$(subnets | grep -cE '^10\.(253\.78|1[12][0-9])\.')" 0
    exits 0 down
}

@test "a range that is wrong or full is told" {
    compose <<<"services: {one: $sleeper}}"
    exits 64 up --subnets 10.253.78.0
    says "--subnets takes CIDR or CIDR/SIZE, as in 10.112.0.0/12/26, or \`engine\`, not \`10.253.78.0\`"
    docker network create --subnet 10.253.79.0/28 "$name-other" >/dev/null
    exits 75 up --subnets 10.253.79.0/28/29
    docker network rm "$name-other" >/dev/null
    says "network \`default\`: no subnet of /29 is free in 10.253.79.0/28/29 (--subnets)"
}

@test "a subnet that the host has a route to is left alone" {
    compose <<<"services: {one: $sleeper}}"
    ip route add 10.253.80.0/25 dev lo 2>/dev/null || skip "only root may add a route"
    local code=0
    exits 0 up --subnets 10.253.80.0/24/25 || code=1
    ip route del 10.253.80.0/25 dev lo
    [ "$code" = 0 ]
    is "$(subnets)" 10.253.80.128/25
    exits 0 down
}

@test "IPv6 has a unique local subnet" {
    compose <<END
services: {one: $sleeper, networks: [six]}}
networks: {six: {enable_ipv6: true}}
END
    exits 0 up
    is "$(subnets | grep -cE '^fd[0-9a-f]{2}:[0-9a-f:]+::/64$')" 1
    inside one "ip -6 addr show dev eth0" | grep -q 'inet6 fd'
    exits 0 down
}

@test "processes that ask at once for the last subnets all get one" {
    local i pids=()
    compose <<<"services: {one: $sleeper}}"
    for i in 1 2 3 4; do
        timeout 90 "$ENVRUN" up -p "$name-$i" --subnets 10.253.81.0/27/29 >"out$i" 2>"err$i" 3>&- &
        pids+=($!)
    done
    for i in 1 2 3 4; do
        wait "${pids[i - 1]}" || { show "err$i"; false; }
    done
    is "$(docker network ls -q --filter "name=$name-" | xargs docker network inspect \
        --format '{{(index .IPAM.Config 0).Subnet}}' | sort -u | wc -l)" 4
    for i in 1 2 3 4; do "$ENVRUN" down -p "$name-$i"; done
}
