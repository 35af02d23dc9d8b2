#!/usr/bin/env bats
# doctor: a line for each thing that envrun needs, and what to do where it is not as it should be.

# shellcheck disable=SC2154  # set in lib
load lib

doctor() { timeout 60 "$ENVRUN" doctor >out 2>err; }

@test "of a real engine, and nothing of it is left" {
    doctor
    for what in engine permissions API storage snapshots disk subnets cgroups buildx leftovers; do
        grep -E "^(ok|warn) +$what " out || { echo "nothing of $what"; show out err; false; }
    done
    is "$(docker volume ls -q --filter label=envrun.verb=doctor)$(docker ps -aq --filter label=envrun.verb=doctor)" ''
    is "$(cat err)" ''
}

@test "of one that cannot mount an overlay" {
    load fake
    echo '{"images": {"i": {}}}' | scenario
    fake_begin --fault '{"match": "PUT .*archive", "nth": 2, "do": "status", "message": "invalid argument"}'
    doctor
    grep -E '^warn +snapshots +no overlay can be mounted as a volume \(invalid argument\)' out
    jq -e '[.containers, .volumes] | all(length == 0)' <(fake_report)
    fake_end
}

@test "a range that cannot be" {
    local code=0
    ENVRUN_SUBNETS=here doctor || code=$?
    is "$code" 69
    grep -E '^fail +subnets ' out
}
