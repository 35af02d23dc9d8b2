#!/usr/bin/env bats
# What containers use, and what happens to those that use too much memory. On an engine of its own, started with all cgroups there.
# shellcheck disable=SC2016,SC2154  # backquotes stand for themselves; from what is loaded

load lib

engine=$BATS_TEST_DIRNAME/../second-engine

setup_file() {
    [ "$(id -u)" = 0 ] || skip "an engine of its own needs root"
    export SAMPLES=/tmp/s$$ BATS_NO_PARALLELIZE_WITHIN_FILE=true
    "$engine" start "$SAMPLES" 3>&-
    docker save "$busybox" | "$engine" exec "$SAMPLES" docker load -q
}

teardown_file() { [ ! -e "${SAMPLES-}" ] || "$engine" remove "$SAMPLES"; }

# Nothing of this test is on the usual engine.
teardown() { [ -z "$("$engine" exec "$SAMPLES" docker ps -aq)" ]; }

@test "CPU time, throttling, memory and its limit, processes" {
    compose <<END
services:
  busy: {image: $busybox, command: [sh, -c, "sleep 600 & while :; do :; done"], cpus: 0.2, mem_limit: 48m}
  idle: {image: $busybox, command: sleep 600, init: true}
suite: {command: sleep 4}
END
    "$engine" exec "$SAMPLES" timeout 60 "$ENVRUN" run -p "$name" >out 2>err </dev/null
    samples=$(echo .envrun/runs/*/samples.ndjson)
    jq -se '[.[] | select(.service == "busy") | .usage] | length >= 2 and (last |
        .cpu > 0 and .cpu < 4000 and .throttled > 0 and .memory > 0 and .memory < .memory_limit and
        .memory_limit == 48 * 1048576 and .processes == 2)' "$samples" || { cat "$samples"; return 1; }
    jq -se '[.[] | select(.service == "idle") | .usage] | length >= 2 and all(.memory_limit == null and .memory > 0)' "$samples" ||
        { cat "$samples"; return 1; }
    "$ENVRUN" show >page
    grep -E '^busy +memory .* of 48 MiB, CPU [0-9.]+ m?s, held back by its CPU limit for ' page
    grep -E '^idle +memory [0-9.]+ [KM]iB, CPU [0-9.]+ m?s$' page
}

@test "what is killed for its memory under a suite: a service, and a process of one that goes on" {
    compose <<END
services:
  db: {image: $busybox, command: [sh, -c, "sleep 2; exec tail /dev/zero"], mem_limit: 24m}
  web: {image: $busybox, command: [sh, -c, "sleep 2; tail /dev/zero; sleep 600"], mem_limit: 24m}
suite: {command: sleep 5; exit 3}
END
    code=0
    "$engine" exec "$SAMPLES" timeout 60 "$ENVRUN" run -p "$name" >out 2>err </dev/null || code=$?
    is "$code" 3
    says 'died during the suite: service `db` was killed because it used more memory than it may' \
        'warning: a process of service `web` was killed because the service used more memory than it may'
    keeps_silent_on 'process of service `db`'
}
