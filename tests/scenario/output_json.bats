#!/usr/bin/env bats
# --json: events, one a line, as docs/output.md describes them.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# events: each line of $err is an event of the documented form; the last one is the outcome.
events() {
    jq -es 'length > 0 and all(.[];
        .v == 1 and (.ms | type) == "number" and (.time | type) == "number" and .time > 1600000000000 and
        (.event | IN("began", "phase", "progress", "probe", "seed", "waiting", "endpoint", "died", "suite",
            "warning", "note", "failed", "teardown", "outcome")) and
        ((.phase // "up") | IN("image", "create", "copy", "wait", "start", "ready", "seed", "up", "stop")) and
        ((.status // "done") | IN("began", "done", "failed")) and
        (keys - ["v", "event", "ms", "time", "service", "phase", "status", "code", "duration", "count", "total",
            "text", "detail", "list", "hints"]) == [])
        and ([.[].ms] | . == sort) and ([.[] | select(.event == "outcome")] | length) == 1
        and (.[-1].event == "outcome")' "$err" >/dev/null || { echo "not what is documented:"; show "$err"; return 1; }
}

# happens FILTER...: each holds for some event.
happens() {
    local filter
    for filter; do
        jq -es "any(.[]; $filter)" "$err" >/dev/null || { echo "no event: $filter"; show "$err"; return 1; }
    done
}

@test "a run that passes: every phase, the seed, the suite, the teardown, the outcome; the suite's errors on stdout" {
    cat >envrun.yaml <<'END'
services:
  db: {image: envrun-test/busybox:1, init: true, command: sleep 1000, ready: {exec: "test -e /tmp/x || { touch /tmp/x; false; }"}, seed: [{exec: echo seeded}]}
  app: {image: envrun-test/busybox:1, init: true, command: sleep 1000, depends_on: [db]}
suite: {command: echo out; echo err >&2}
END
    try 0 run -p "$name" --json
    events
    is "$(tr '\n' ' ' <"$out")" "out err "
    happens '.event == "began" and (.text | startswith("'"$name"'")) and .detail == "run" and (.list | sort) == ["app", "db"]' \
        '.event == "probe" and .service == "db" and .count == 1 and (.text | length) > 0' \
        '.event == "seed" and .service == "db" and .status == "done" and .count == 1 and .total == 1' \
        '.event == "phase" and .service == "app" and .phase == "wait" and .status == "began" and .text == "db"' \
        '.event == "suite" and .status == "done" and .code == 0 and .detail == "echo out; echo err >&2"' \
        '.event == "teardown" and .status == "done" and .text == "removed 2 containers, 1 network"' \
        '.event == "outcome" and .text == "passed" and .code == 0 and .duration > 0'
    for phase in image create start ready seed up; do
        happens ".event == \"phase\" and .service == \"db\" and .phase == \"$phase\" and .status == \"done\""
    done
    # The example of docs/output.md.
    jq -r 'select(.event == "phase" and .phase == "ready" and .status == "done") | "\(.service) \(.duration) ms"' \
        "$err" >ready
    has_line ready 'db [0-9]+ ms' 'app [0-9]+ ms'
}

@test "failures: the cause with service, phase, place, log and hints; a death; an exit code" {
    cat >envrun.yaml <<'END'
services:
  db: {image: envrun-test/busybox:1, command: [sh, -c, 'printf "\377 no \033[31m space\n"; exit 3'], ready: {tcp: 5432}}
suite: {command: exit 4}
END
    try 75 run -p "$name" --json
    events
    happens '.event == "failed" and .service == "db" and (.detail | startswith("envrun.yaml:2:")) and
        (.text | contains("exited with code 3")) and (.list[0] | contains("no")) and (.hints | length) > 0' \
        '.event == "phase" and .service == "db" and .status == "failed" and (.text | length) > 0' \
        '.event == "outcome" and .text == "environment" and .code == 75'
    sed -i 's/exit 3/sleep 1000/; s/ready: {tcp: 5432}/init: true/' envrun.yaml
    try 4 run -p "$name" --json
    events
    happens '.event == "suite" and .status == "failed" and .code == 4' '.event == "outcome" and .text == "failed" and .code == 4'
}

@test "what is refused before it begins, and warnings, are events too" {
    try 65 run --json
    events
    is_empty "$out"
    happens '.event == "failed" and (.text | contains("no compose.yaml"))' '.event == "outcome" and .text == "error" and .code == 65'
    printf 'services:\n  one:\n    imgae: x\n    image: [y]\n' >envrun.yaml
    for verb in run up; do
        try 65 "$verb" --json
        events
        happens '.event == "failed" and .detail == "envrun.yaml:3:5" and (.text | contains("imgae"))'
    done
    printf 'services: {one: {image: "envrun-test/busybox:1$UNSET", command: "true"}}\n' >envrun.yaml
    try 0 run -p "$name" --json -- true
    events
    happens '.event == "warning" and (.text | contains("UNSET"))'
}

@test "up and down: endpoints, a note, the teardown" {
    printf 'services: {one: {image: envrun-test/busybox:1, init: true, command: httpd -f -p 80, ports: ["80"], ready: {tcp: 80}}}\n' >envrun.yaml
    try 0 up -p "$name" --json
    events
    happens '.event == "endpoint" and .service == "one" and (.text | test("^[0-9.]+:[0-9]+ -> 80/tcp$"))' \
        '.event == "note" and (.text | contains("envrun down"))' '.event == "outcome" and .text == "up"'
    try 0 down -p "$name" --json
    jq -es 'any(.[]; .event == "teardown" and .status == "done")' "$err"
}

@test "interrupted and timed out: the outcome says so" {
    cat >envrun.yaml <<'END'
services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000}}
suite: {command: touch begun; sleep 1000, timeout: 1s}
END
    try 124 run -p "$name" --json
    events
    happens '.event == "outcome" and .text == "timeout" and .code == 124'
    rm begun
    sed -i 's/timeout: 1s/timeout: 1m/' envrun.yaml
    start run -p "$name" --json
    eventually test -e begun
    kill -TERM "$started"
    ended 143
    events
    happens '.event == "outcome" and .text == "interrupted" and .code == 143'
}
