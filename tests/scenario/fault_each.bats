#!/usr/bin/env bats
# Each request of one small run fails in turn, in each way. Whatever it is: the run ends, says why, and leaves nothing.

load lib
load fake

# each FAULT CODES: with this fault in each request in turn envrun ends with one of these codes.
each() {
    local fault=$1 codes=$2 at=0 code
    small_environment
    fake_begin
    while :; do
        at=$((at + 1))
        code=0
        [ -n "$fake_pid" ] || fake_begin
        fake_again "{\"at\": $at, \"do\": \"$fault\"}"
        envrun run >out 2>err || code=$?
        [[ " $codes " == *" $code "* ]] || { echo "with the fault in request $at: exit code $code"; show err; return 1; }
        tells_its_end
        if kill -0 "$fake_pid" 2>/dev/null; then
            fake_is_empty
            [ "$(jq .requests report)" -ge "$at" ] || break
        else
            fake_end
        fi
    done
    [ "$at" -gt 30 ]
}

@test "an answer of 500" { each status '0 69 75'; }

@test "a connection that is closed before anything is done" { each drop-before '0 69'; }

@test "a connection that is closed when it is done" { each drop-after '0 69'; }

@test "half an answer" { each garbage '0 69'; }

@test "the engine is gone" { each kill '0 69 70'; }
