#!/usr/bin/env bats
# What people read where there is no terminal: lines that only append, failures, the last line.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

@test "plain lines: when, who, what, as docs/output.md shows them; no escape sequences" {
    cat >envrun.yaml <<'END'
services:
  db:
    image: envrun-test/busybox:1
    init: true
    command: sleep 1000
    ready: {exec: "true"}
    seed: [{exec: "true"}]
  app: {image: envrun-test/busybox:1, init: true, command: sleep 1000, depends_on: [db]}
suite: {command: "true"}
END
    try 0 run -p "$name"
    is_empty "$out"
    has_line "$err" " +0\.[0-9]s  envrun run $name-[0-9a-f]+: 2 services" ' +[0-9.]+s  db   started' \
        ' +[0-9.]+s  db   ready in [0-9.]+ m?s' ' +[0-9.]+s  db   seeded in [0-9.]+ m?s' ' +[0-9.]+s  db   up' \
        ' +[0-9.]+s  up in [0-9.]+ s: db [0-9.]+ m?s \+ app [0-9.]+ m?s' ' +[0-9.]+s  suite: true' \
        ' +[0-9.]+s  suite passed in [0-9.]+ m?s' \
        ' +[0-9.]+s  removed 2 containers, 1 network in [0-9.]+ m?s'
    has_line <(tail -n 1 "$err") 'envrun: outcome=passed code=0 duration=[0-9.]+s'
    lacks "$err" $'\033'
    ordered "$err" "db   up" "app  started" "up in" "suite: " "suite passed" "removed"
}

@test "every 10 s a line names what is awaited, in which phase, how long, and why" {
    cat >envrun.yaml <<'END'
services:
  slow:
    image: envrun-test/busybox:1
    init: true
    command: sleep 1000
    ready: {tcp: 5432, timeout: 11s}
  behind: {image: envrun-test/busybox:1, command: sleep 1000, depends_on: [slow]}
  up: {image: envrun-test/busybox:1, init: true, command: sleep 1000}
suite: {command: "true"}
END
    try 75 run -p "$name"
    has_line "$err" ' +10\.[0-9]s  still waiting for behind \(wait .*s\).*' ' {18,}.*slow \(ready [0-9.]+ s\): .+'
    lacks "$err" "for up"
    has "$err" "failed: " "slow" "outcome=environment code=75"
}

@test "a failure: first the sentence with its place, then the last log lines, then how to go on" {
    cat >envrun.yaml <<'END'
services:
  db:
    image: envrun-test/busybox:1
    command: [sh, -c, 'for i in $$(seq 30); do echo "line $$i"; done; echo "FATAL: no space"; sleep 0.2; exit 3']
    ready: {tcp: 5432}
suite: {command: "true"}
END
    try 75 run -p "$name"
    ordered "$err" "failed: " "db | line 30" "db | FATAL" "→ " "removed" "envrun: outcome=environment code=75"
    has "$err" "envrun.yaml:5:5: failed: service \`db\` " "exited with code 3" "  db | FATAL: no space" \
        "envrun run --keep=on-failure"
    lacks "$err" "suite: "
    is "$(grep -c 'db | ' "$err")" 20
}

@test "a suite that fails: its code in a sentence, then how to go on; CI and colours" {
    cat >envrun.yaml <<'END'
services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, ports: ["5432:5432"]}}
suite: {command: exit 4}
END
    try 4 run -p "$name"
    ordered "$err" "suite failed with exit code 4" "failed: " "→ " "removed" "envrun: outcome=failed code=4"
    # What a file asks for and did not get may be the cause.
    has "$err" "port 5432 of service one was remapped to 127.0.0.1:" "--ports=written"
    FORCE_COLOR=1 try 4 run -p "$name"
    has "$err" $'\033['
    is "$(tail -n 1 "$err" | cut -d ' ' -f 1-3)" "envrun: outcome=failed code=4"
    FORCE_COLOR=1 NO_COLOR=1 try 4 run -p "$name"
    lacks "$err" $'\033'
}

@test "what services write cannot touch the terminal: escapes are left out of the log lines" {
    cat >envrun.yaml <<'END'
services:
  bad: {image: envrun-test/busybox:1, command: [sh, -c, 'printf "\033[2J\033]0;title\007 begin \b end\n"; exit 1'], ready: {tcp: 1}}
suite: {command: "true"}
END
    try 75 run -p "$name"
    has "$err" begin
    lacks "$err" $'\033' $'\007' $'\b' $'\r'
}

@test "ASCII where the locale is not UTF-8" {
    printf 'services: {one: {image: envrun-test/busybox:1, command: "false", ready: {tcp: 1}}}\n' >envrun.yaml
    LC_ALL=C try 75 run -p "$name" -- true
    has "$err" "  -> "
    # shellcheck disable=SC2251
    ! LC_ALL=C grep -qP '[^\x00-\x7f]' "$err"
}

@test "--verbose: each line of a build, phases, seeds; without it only how long they took" {
    mkdir image
    printf 'FROM envrun-test/busybox:1\nRUN echo from the build %s\nCMD ["sleep","1000"]\n' "$name" >image/Dockerfile
    cat >envrun.yaml <<END
services:
  one: {image: "$name:1", build: ./image, init: true, seed: [{exec: echo seeded}]}
suite: {command: "true"}
END
    try 0 run -p "$name"
    has_line "$err" ' +[0-9.]+s  one  image built in [0-9.]+ m?s'
    lacks "$err" "from the build"
    try 0 run -p "$name" --verbose
    has "$err" "one  | " "from the build $name" "created in" "seed 1/1"
    docker image rm "$name:1"
}

@test "a build that fails: its last lines, and 75" {
    mkdir image
    printf 'FROM envrun-test/busybox:1\nRUN echo not today && exit 7\n' >image/Dockerfile
    printf 'services: {one: {image: %s:2, build: ./image}}\n' "$name" >envrun.yaml
    try 75 run -p "$name" -- true
    ordered "$err" "failed: " "one | not today" "→ " "outcome=environment code=75"
    has "$err" "add --verbose"
}
