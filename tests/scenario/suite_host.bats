#!/usr/bin/env bats
# A suite on the host: its output, its variables, its folder, its exit code.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# suite COMMAND: a file with one service and this suite; more of it may follow on stdin.
suite() {
    {
        echo 'services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, expose: ["80"]}}'
        echo 'suite:'
        # shellcheck disable=SC2001  # each line
        printf '  command: |\n%s\n' "$(sed 's/^/    /' <<<"$1")"
        [ -t 0 ] || sed 's/^/  /'
    } >envrun.yaml
}

@test "stdout and stderr pass through, byte for byte and apart; envrun's own lines are on stderr only" {
    suite 'printf "one\ntwo \033[31mred\033[0m \377\000 end"; echo oops >&2' </dev/null
    try 0 run -p "$name"
    printf 'one\ntwo \033[31mred\033[0m \377\000 end' | cmp - "$out"
    has_line "$err" oops ' +[0-9.]+s  suite passed in .*'
    is "$(tail -n 1 "$err" | cut -d ' ' -f 1-3)" "envrun: outcome=passed code=0"
}

@test "one file for both: the suite's lines are in the order in which it wrote them" {
    suite 'for i in $(seq 200); do echo "out $i"; echo "err $i" >&2; done' </dev/null
    program run -p "$name" >both 2>&1
    grep -E '^(out|err) ' both >suites
    for i in $(seq 200); do printf 'out %s\nerr %s\n' "$i" "$i"; done | diff - suites
    ordered both "suite: " "out 1" "err 200" "suite passed" "envrun: outcome=passed"
}

@test "on a terminal the suite has one: colours stay, with its size; stdin is empty and does not block" {
    suite 'test -t 1 && test -t 2 && echo terminal; stty size <&1; printf "\033[32mgreen\033[0m\n"
cat; echo "end of input"' </dev/null
    terminal 0 20x70 -- run -p "$name"
    has "$screen" terminal "20 70" "end of input" "outcome=passed"
    has "$transcript" $'\033[32mgreen\033[0m'
    # stdout goes elsewhere: no terminal, so nothing in it that a program would stumble on
    on_terminal 0 -- sh -c '"$0" run -p "$1" >out' "$ENVRUN" "$name"
    lacks out terminal
    has out "end of input"
    has "$screen" "outcome=passed"
}

@test ".env: a suite and a seed on the host see it, the process wins, and a suite's environment may name it" {
    printf 'ONLY_THERE=from .env\nBOTH=from .env\n' >.env
    cat >envrun.yaml <<'END'
services:
  one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, seed: [{run: 'echo "$ONLY_THERE, $BOTH" >seeded'}]}
suite: {command: 'echo "$ONLY_THERE, $BOTH, $NAMED"', environment: {NAMED: 'named $ONLY_THERE'}}
END
    BOTH='from the shell' try 0 run -p "$name"
    is "$(cat "$out")" "from .env, from the shell, named from .env"
    is "$(cat seeded)" "from .env, from the shell"
}

@test "its variables: host and ports of each service, a URL of a known kind, names with - and _" {
    cat >envrun.yaml <<'END'
x-busy: &busy {image: envrun-test/busybox:1, init: true, command: sleep 1000, ready: {exec: "true"}}
services:
  db: {<<: *busy, kind: postgres, environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: p@ss, POSTGRES_DB: stock}}
  cache-2: {<<: *busy, kind: redis}
  two_ports: {<<: *busy, expose: ["8080", "9090"]}
  none: *busy
suite: {command: env}
END
    PATH=$PATH MINE=kept try 0 run -p "$name"
    has_line "$out" 'DB_HOST=[0-9.]+' DB_PORT=5432 DB_PORT_5432=5432 \
        'DB_URL=postgres(ql)?://me:p%40ss@[0-9.]+:5432/stock' 'CACHE_2_HOST=[0-9.]+' CACHE_2_PORT=6379 \
        'CACHE_2_URL=redis://[0-9.]+:6379.*' TWO_PORTS_PORT=8080 TWO_PORTS_PORT_8080=8080 \
        TWO_PORTS_PORT_9090=9090 'NONE_HOST=[0-9.]+' MINE=kept "ENVRUN_ENVIRONMENT=$name-[0-9a-f]+"
    lacks "$out" NONE_PORT
}

@test "suite.environment: envrun's names, the shell's, defaults; each may use the one before" {
    suite 'printf "%s\n" "$BASE" "$LONGER" "$OTHER" "$PRICE"' <<'END'
environment:
  BASE: http://$ONE_HOST:${ONE_PORT}
  LONGER: $BASE/path
  OTHER: ${MINE}-${UNSET:-default}
  PRICE: $$5
END
    MINE=shell try 0 run -p "$name"
    has_line "$out" 'http://[0-9.]+:80' 'http://[0-9.]+:80/path' shell-default '\$5'
}

@test "working_dir: the file's folder, or what it says, wherever envrun is called" {
    mkdir sub elsewhere
    suite 'pwd' </dev/null
    (cd elsewhere && try 0 run -p "$name")
    is "$(cat "$out")" "$project"
    suite 'pwd' <<<'working_dir: ./sub'
    (cd elsewhere && try 0 run -p "$name")
    is "$(cat "$out")" "$project/sub"
    suite 'pwd' <<<'working_dir: ./gone'
    try 126 run -p "$name"
    has "$err" "cannot enter the directory" "gone" "outcome=error code=126"
}

@test "exit codes pass through, 128 and the signal's number too" {
    suite 'case $HOW in kill) kill -KILL $$ ;; *) exit $HOW ;; esac' </dev/null
    for code in 1 75 200; do
        HOW=$code try $code run -p "$name"
        has "$err" "outcome=failed code=$code"
    done
    HOW="kill" try 137 run -p "$name"
}

@test "a command that is not there is 127, one that cannot be run 126; the cause is said" {
    suite 'true' </dev/null
    try 127 run -p "$name" -- no-such-program --option
    has "$err" "failed: " "cannot run \`no-such-program\`: no such program" "outcome=error code=127"
    printf 'x' >plain-file
    try 126 run -p "$name" -- ./plain-file
    has "$err" "cannot run \`./plain-file\`: " "ermission denied" "outcome=error code=126"
    # The shell of a string says so itself.
    suite 'no-such-program' </dev/null
    try 127 run -p "$name"
}

@test "stdout closed or full: the suite runs to its end, nothing hangs" {
    suite 'yes | head -c 1000000; touch finished; echo err >&2; exit 3' </dev/null
    is "$(timeout 60 "$ENVRUN" run -p "$name" 2>"$err" | head -n 1)" y
    [ -e finished ]
    has "$err" "outcome=failed code=3"
    rm finished
    code=0
    program run -p "$name" >/dev/full 2>"$err" || code=$?
    is "$code" 3
    code=0
    program run -p "$name" >/dev/null 2>&- || code=$?
    is "$code" 3
    code=0
    program run -p "$name" >&- 2>"$err" || code=$?
    is "$code" 3
}

@test "a lot of output to a slow reader arrives whole" {
    suite 'seq 300000' </dev/null
    program run -p "$name" 2>"$err" | { sleep 1; sha256sum; } >sum
    is "$(cat sum)" "$(seq 300000 | sha256sum)"
}

@test "a service that dies meanwhile is told at once with its log; the suite's code counts; --strict: 75" {
    cat >envrun.yaml <<'END'
services:
  frail: {image: envrun-test/busybox:1, command: [sh, -c, "until [ -e /tmp/die ]; do sleep 0.1; done; echo last words; exit 9"]}
  job: {image: envrun-test/busybox:1, command: [sh, -c, "until [ -e /tmp/end ]; do sleep 0.1; done"]}
suite:
  command: |
    docker exec "$ENVRUN_ENVIRONMENT-job-1" touch /tmp/end
    docker exec "$ENVRUN_ENVIRONMENT-frail-1" touch /tmp/die
    until grep -q "died during the [s]uite" "$ERR"; do sleep 0.1; done
    exit $CODE
END
    CODE=0 ERR=$err try 0 run -p "$name"
    has "$err" "died during the suite: service \`frail\` exited with code 9" "frail | last words" "outcome=passed code=0"
    lacks "$err" "service \`job\`"
    CODE=0 ERR=$err try 75 run -p "$name" --strict
    has "$err" "outcome=environment code=75"
    CODE=2 ERR=$err try 2 run -p "$name" --strict
    has "$err" "outcome=failed code=2"
}
