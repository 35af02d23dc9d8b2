#!/usr/bin/env bats
# What people see on a terminal: one line per service, redrawn in place.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# A database that takes a second, an application that waits for it, and the suite COMMAND.
write_three() {
    cat >envrun.yaml <<END
services:
  db: {image: envrun-test/busybox:1, command: [sh, -c, "sleep 1; exec httpd -f -p 80"], ready: {tcp: 80}}
  app: {image: envrun-test/busybox:1, init: true, command: sleep 1000, depends_on: [db]}
  cache: {image: envrun-test/busybox:1, init: true, command: sleep 1000}
suite:
  command: |
    $1
END
}

@test "one line per service, redrawn in place; then the summary, the suite, the last line" {
    write_three 'echo from the suite'
    terminal 0 'expect=waiting for db' "screen=$BATS_TEST_TMPDIR/early" -- run -p "$name"
    has_line "$BATS_TEST_TMPDIR/early" "envrun run $name-[0-9a-f]+: 3 services" '. db .*' '· app +waiting for db .*'
    has_line "$screen" '✓ db +up +[0-9.]+ s .*' '✓ app +up +[0-9.]+ s.*' '✓ cache +up +[0-9.]+ s.*' \
        'up in [0-9.]+ s: db [0-9.]+ s \+ app [0-9.]+ m?s; cache [0-9.]+ m?s' 'from the suite' \
        'suite passed in [0-9.]+ m?s' 'removed 3 containers, 1 network in [0-9.]+ m?s' \
        'envrun: outcome=passed code=0 duration=[0-9.]+s'
    for service in db app cache; do
        is "$(grep -cE "^. $service " "$screen")" 1
    done
    ordered "$screen" "3 services" "up in" "suite: echo" "from the suite" "suite passed" "outcome="
    # The cursor is seen again, and lines wrap again.
    is "$(grep -aoE $'\033\\[\\?25[hl]' "$transcript" | tail -n 1)" $'\033[?25h'
    is "$(grep -aoE $'\033\\[\\?7[hl]' "$transcript" | tail -n 1)" $'\033[?7h'
}

@test "on a small terminal and on one whose size changes nothing is drawn twice" {
    write_three 'true'
    terminal 0 10x40 'expect=waiting for db' 'resize=12x60' -- run -p "$name"
    for service in db app cache; do
        is "$(grep -cE "^. $service +up" "$screen")" 1
    done
    has "$screen" "envrun: outcome=passed"
}

@test "CI, NO_COLOR and TERM=dumb: plain lines there too; the suite keeps its terminal" {
    write_three 'test -t 1 && echo terminal'
    sed -i 's/sleep 1; //' envrun.yaml
    for variable in CI=true NO_COLOR=1 TERM=dumb; do
        on_terminal 0 -- env "$variable" "$ENVRUN" run -p "$name"
        lacks "$transcript" $'\033'
        has "$screen" " db     up" terminal "envrun: outcome=passed"
    done
    on_terminal 0 -- env CI=false "$ENVRUN" run -p "$name"
    has "$screen" "✓ db"
}

@test "a failure: the sign on the service's line, the sentence, the log, how to go on" {
    cat >envrun.yaml <<'END'
services:
  db: {image: envrun-test/busybox:1, command: [sh, -c, "echo FATAL: no; sleep 1; exit 3"], ready: {tcp: 5432}}
  app: {image: envrun-test/busybox:1, init: true, command: sleep 1000, depends_on: [db]}
suite: {command: "true"}
END
    terminal 75 -- run -p "$name"
    has_line "$screen" '✗ db +.*'
    ordered "$screen" "✗ db" "failed: service \`db\`" "db | FATAL: no" "→ " "removed" "envrun: outcome=environment code=75"
}

@test "the suite's lines are not torn by envrun's: a line that it has not ended, 1000 lines" {
    write_three 'printf begun; sleep 0.3; echo " ended"; seq 1000'
    sed -i 's/sleep 1; //' envrun.yaml
    terminal 0 -- run -p "$name"
    has_line "$screen" 'begun ended' 1 500 1000
    is "$(grep -cxE '[0-9]+' "$screen")" 1000
}

@test "up: where each service answers, aligned; down: one line" {
    write_three 'true'
    sed -i 's/sleep 1; //; s/ready: {tcp: 80}/ready: {tcp: 80}, ports: ["80"]/' envrun.yaml
    terminal 0 -- up -p "$name"
    has_line "$screen" '  db  +[0-9.]+:[0-9]+ -> 80/tcp'
    has "$screen" "$name is up; \`eval \"\$(envrun env)\"\` sets its variables"
    terminal 0 -- down -p "$name"
    has_line "$screen" 'removed 3 containers, 1 network in .*'
}
