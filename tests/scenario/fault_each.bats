#!/usr/bin/env bats
# Each request of a run fails in turn, in each way. Whatever it is: the run ends within its deadline, says why in one
# sentence, has the right exit code, and leaves nothing.
#
# 0: it went on all the same. 69: the engine does not answer as an engine does. 75: it refuses.

load lib
load fake

# ended_well CODE CODES: the run of ./err and ./fake's report have ended as they may with the fault ./fault.
ended_well() {
    [[ " $2 " == *" $1 "* ]] || { echo "with $(cat fault): exit code $1, expected one of $2"; show err; return 1; }
    tells_its_end || return
    if [ "$1" != 0 ] && [ "$(grep -cE 'failed: .' err)" -gt 3 ]; then
        echo "with $(cat fault): more than one sentence"
        show err
        return 1
    fi
}

# run_with FAULT CODES ARGUMENT...: on the engine that is there.
run_with() {
    local code=0 codes=$2
    echo "$1" >fault
    fake_again "$1"
    envrun run "${@:3}" >out 2>err || code=$?
    ! grep -q 'no Docker engine that envrun can use' err || codes=69 # the first ping
    ended_well "$code" "$codes"
}

# each MAKE FAULT CODES: MAKE writes an environment; its requests get the fault, one run per request, until a run has no
# more requests.
each() {
    local at=0 made=$1 fault=$2 codes=$3
    "$made"
    fake_begin
    while :; do
        at=$((at + 1))
        [ -n "$fake_pid" ] || fake_begin
        run_with "{\"at\": $at, $fault}" "$codes"
        if kill -0 "$fake_pid" 2>/dev/null; then
            fake_is_empty
            [ "$(jq .requests report)" -ge "$at" ] || break
        else
            fake_end
        fi
    done
    [ "$at" -gt 25 ]
}

# apart DIRECTORY FAULT CODES: one run in a folder and on an engine of its own.
apart() {
    cd "$1" || return
    fake_begin
    run_with "$2" "$3" && fake_is_empty
    local code=$?
    fake_end
    return "$code"
}

# each_apart MAKE FAULT CODES: as each, but many at once, for faults that take time.
each_apart() {
    local at=0 count made=$1 fault=$2 codes=$3 pids=() pid bad=0
    "$made"
    fake_begin
    envrun run >out 2>err
    count=$(fake_report | jq .requests)
    fake_end
    while [ "$at" -lt "$count" ]; do
        at=$((at + 1))
        cp -r "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR.$at"
        apart "$BATS_TEST_TMPDIR.$at" "{\"at\": $at, $fault}" "$codes" >"$at.log" 2>&1 3>&- &
        pids+=($!)
        [ $((at % 8)) -gt 0 ] || for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
        [ $((at % 8)) -gt 0 ] || pids=()
    done
    for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
    [ "$bad" = 0 ] || { tail -n +1 ./*.log; return 1; }
    [ "$at" -gt 25 ]
}

# ---- An environment with a pull, volume, network, probes, seeds and a suite on the host ----

@test "500 to each request" { each small_environment '"do": "status", "status": 500' '0 75'; }

@test "409 to each request" { each small_environment '"do": "status", "status": 409' '0 75'; }

@test "404 to each request" { each small_environment '"do": "status", "status": 404' '0 75'; }

@test "the connection closed before each request is carried out" { each small_environment '"do": "drop-before"' '0 69'; }

@test "the connection closed after each request is carried out" { each small_environment '"do": "drop-after"' '0 69'; }

@test "half of each answer's JSON" { each small_environment '"do": "garbage"' '0 69'; }

@test "each answer's body cut off" { each small_environment '"do": "cut", "bytes": 9' '0 69'; }

@test "the engine gone at each request" {
    export ENVRUN_ENGINE_TIMEOUT=1 # what a teardown waits for it to come back
    each small_environment '"do": "kill"' '0 69 70'
}

@test "no answer to each request" {
    export ENVRUN_ENGINE_TIMEOUT=2
    each_apart small_environment '"do": "stall"' '0 69 75'
}

@test "each answer's body stuck in the middle" {
    export ENVRUN_ENGINE_TIMEOUT=2
    each_apart small_environment '"do": "hang", "bytes": 9' '0 69 75'
}

# ---- One with a build, files that go in, and a suite in the graph ----

@test "with a suite in the graph: 500 to each request" { each graph_environment '"do": "status"' '0 75 126'; }

@test "with a suite in the graph: each connection closed" {
    each graph_environment '"do": "drop-before"' '0 69'
    each graph_environment '"do": "drop-after"' '0 69'
}

@test "with a suite in the graph: no answer to each request" {
    export ENVRUN_ENGINE_TIMEOUT=2
    each_apart graph_environment '"do": "stall"' '0 69 75 124'
}

# ---- The stream of events ----

@test "events that are closed again and again" {
    small_environment
    fake_begin
    run_with '{"match": "GET /events", "do": "drop-before"}' '69'
    fake_is_empty
    run_with '{"match": "GET /events", "do": "cut", "bytes": 0}' '0' # each of them loses one event
    fake_is_empty
}
