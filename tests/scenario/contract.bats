#!/usr/bin/env bats
# The fake engine is as honest as the real one: the same requests get the same answers, and the same environments the
# same story.

load lib
load fake

@test "the same requests get the same answers" {
    local real=${DOCKER_HOST:-unix:///var/run/docker.sock}
    [[ $real == unix://* ]] || skip "the engine at $real has no socket here"
    scenario <<<'{"images": {"envrun-test/busybox:1": {"Labels": {"envrun.test": "image"}}}}'
    fake_begin
    "$BATS_TEST_DIRNAME/../fake/contract.py" "$PWD/socket" "${real#unix://}"
}

# story CODE: run the environment here; what happened, without times and names.
story() {
    exits "$1" run --json
    jq -r 'select(.event | IN("phase", "suite", "seed", "failed", "died", "outcome")) |
        [.event, .service, .phase, .status, .code // 0, if .event == "phase" then "" else .text end] | join(" ")' err |
        sed -E 's/(up|suite) in .*//; s/[0-9.]+ m?s//g' | sort
}

# same_story CODE: on both engines.
same_story() {
    local real=${DOCKER_HOST-}
    scenario
    fake_begin
    story "$1" >fake.story
    fake_is_empty
    fake_end
    export DOCKER_HOST=$real
    [ -n "$real" ] || unset DOCKER_HOST
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    story "$1" >real.story
    nothing_is_left
    diff fake.story real.story
}

@test "the same story of a run that passes" {
    compose <<END
services:
  job: {image: $busybox, command: sleep 0.3}
  db: {image: $busybox, command: sleep 600, ready: {exec: "true"}, seed: [{exec: "true"}], volumes: [data:/data]}
  web: {image: $busybox, command: sleep 600, depends_on: {db: {condition: service_started}, job: {condition: service_completed_successfully}}}
volumes: {data: }
suite: {command: "true"}
END
    same_story 0 <<'END'
{"images": {"envrun-test/busybox:1": {}}, "containers": [{"match": "job", "seconds": 0.3}]}
END
}

@test "the same story of a service that dies" {
    compose <<END
services:
  db: {image: $busybox, command: [sh, -c, "echo no disk; sleep 0.4; exit 3"], ready: {tcp: 80}}
  web: {image: $busybox, command: sleep 600, depends_on: [db]}
suite: {command: "true"}
END
    same_story 75 <<'END'
{"images": {"envrun-test/busybox:1": {}}, "containers": [{"match": "db", "stdout": ["no disk"], "seconds": 0.4, "exit": 3}]}
END
}

@test "the same story of a seed that fails, and of a suite that does" {
    compose <<END
services:
  db: {image: $busybox, command: sleep 600, seed: [{exec: [sh, -c, "exit 4"]}]}
suite: {command: "true"}
END
    same_story 75 <<'END'
{"images": {"envrun-test/busybox:1": {}}, "execs": [{"match": "exit 4", "exit": 4}]}
END
    sed -i 's/exit 4/exit 0/; s/"true"/exit 7/' compose.yaml
    same_story 7 <<'END'
{"images": {"envrun-test/busybox:1": {}}}
END
}
