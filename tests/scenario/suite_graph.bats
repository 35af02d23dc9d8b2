#!/usr/bin/env bats
# A suite that is a service of the graph.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# write_suite: a web server, and the suite whose keys are on stdin.
write_suite() {
    cat >envrun.yaml <<'END'
services:
  web:
    image: envrun-test/busybox:1
    command: httpd -f -p 8080 -h /etc
    ready: {http: {port: 8080, path: /passwd}}
  tests:
    image: envrun-test/busybox:1
    working_dir: /tmp
    environment: {OWN: service}
    depends_on: [web]
suite:
  service: tests
END
    sed 's/^/  /' >>envrun.yaml
}

@test "inside: output apart and as it is, exit code, names that answer there, the service's own folder" {
    write_suite <<'END'
command: |
  printf 'bytes \377\000 end\n'; echo oops >&2; pwd
  echo "$WEB_HOST:$WEB_PORT $BASE $OWN $ENVRUN_ENVIRONMENT"; wget -qO- "$BASE" | head -n 1; exit 5
environment: {BASE: "http://$WEB_HOST:$WEB_PORT/passwd"}
END
    try 5 run -p "$name"
    printf 'bytes \377\000 end\n' | cmp - <(head -n 1 "$out")
    has_line "$out" /tmp "web:8080 http://web:8080/passwd service $name-[0-9a-f]+" 'root:.*'
    has_line "$err" oops
    has "$err" "suite failed with exit code 5" "outcome=failed code=5"
    lacks "$out" oops
}

@test "inside: in order where stdout and stderr are one file; -e; a command behind --" {
    write_suite <<<'command: for i in 1 2 3; do echo "out $i"; sleep 0.1; echo "err $i" >&2; sleep 0.1; done'
    program run -p "$name" >both 2>&1
    is "$(grep -E '^(out|err) ' both | tr '\n' ,)" "out 1,err 1,out 2,err 2,out 3,err 3,"
    try 0 run -p "$name" -e OWN=option -- sh -c 'echo $OWN $(hostname | wc -c)'
    has_line "$out" 'option [0-9]+'
}

@test "inside, on a terminal: it has one, and colours stay" {
    write_suite <<<'command: test -t 1 && printf "\033[32mgreen\033[0m\n"'
    terminal 0 -- run -p "$name"
    has "$transcript" $'\033[32mgreen\033[0m'
    has "$screen" outcome=passed
}

@test "inside: timeout is 124, Ctrl-C 130, and the container goes with the others" {
    write_suite <<'END'
command: "echo begun; trap 'echo told; exit 3' TERM; while :; do sleep 0.1; done"
timeout: 1s
END
    try 124 run -p "$name"
    has "$out" told
    has "$err" "ran longer than its timeout of 1.0 s" "outcome=timeout code=124"
    sed -i 's/timeout: 1s/timeout: 1m/' envrun.yaml
    start run -p "$name"
    eventually grep -q begun "$out"
    kill -INT "$started"
    ended 130
    has "$err" "outcome=interrupted code=130"
}

@test "inside: a command that is not there 127, one that cannot be run 126" {
    write_suite <<<'command: [no-such-program]'
    try 127 run -p "$name"
    has "$err" "no-such-program" "outcome=error code=127"
    try 126 run -p "$name" -- /etc/passwd
    has "$err" "outcome=error code=126"
}

@test "inside: a closed stdout does not hang; one on the host and one inside, each by name" {
    write_suite <<<'command: seq 200000'
    is "$(timeout 60 "$ENVRUN" run -p "$name" 2>"$err" | head -n 1)" 1
    has "$err" "envrun: outcome=passed code=0"
    sed -i '/^suite:/,$d' envrun.yaml
    cat >>envrun.yaml <<'END'
suites:
  outside: {command: 'echo "outside $WEB_HOST"'}
  inside: {service: tests, command: 'echo "inside $WEB_HOST"'}
END
    try 0 run -p "$name"
    has_line "$out" 'outside [0-9.]+' 'inside web'
    try 0 run -p "$name" outside
    lacks "$out" inside
    lacks "$err" tests
}
