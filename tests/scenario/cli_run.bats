#!/usr/bin/env bats
# run: which suites, which files, what is kept.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# One service, and the suites that are given.
write_suites() {
    cat >envrun.yaml <<'END'
services:
  one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, expose: ["80"]}
END
    cat >>envrun.yaml
}

@test "without a suite: 64, before anything is made; a command behind -- is enough" {
    write_suites </dev/null
    try 64 run -p "$name"
    has "$err" "the files name no suite; add \`suite:\` or give a command: envrun run -- COMMAND"
    try 3 run -p "$name" -- sh -c 'echo "$ONE_HOST:$ONE_PORT"; exit 3'
    has_line "$out" '[0-9.]+:80'
    has "$err" "outcome=failed code=3"
}

@test "a command behind -- takes the suite's place, with its environment, as words and not for a shell" {
    write_suites <<'END'
suite:
  command: echo the file
  environment: {WHERE: at $ONE_HOST}
END
    try 0 run -p "$name"
    is "$(cat "$out")" "the file"
    try 0 run -p "$name" -- printf '%s|' '$HOME' 'a  b' -f
    is "$(cat "$out")" '$HOME|a  b|-f|'
    try 0 run -p "$name" -- sh -c 'echo "$WHERE"'
    has_line "$out" 'at [0-9.]+'
}

@test "suites: all in their order until one fails; by name in the order of the names; unknown ones" {
    write_suites <<'END'
suites:
  first: {command: echo 1}
  second: {command: echo 2; exit 4}
  third: {command: echo 3}
END
    try 4 run -p "$name"
    is "$(tr '\n' ' ' <"$out")" "1 2 "
    try 0 run -p "$name" third first
    is "$(tr '\n' ' ' <"$out")" "3 1 "
    try 4 run -p "$name" --suite first --suite second
    is "$(tr '\n' ' ' <"$out")" "1 2 "
    has "$err" "suite second failed with exit code 4" "outcome=failed code=4"
    try 64 run -p "$name" fourth
    has "$err" "there is no suite \`fourth\`; the files name first, second, third"
    try 64 run -p "$name" -- true
    has "$err" "a command behind -- takes one suite's place: name it with --suite"
    try 0 run -p "$name" first -- echo instead
    is "$(cat "$out")" "instead"
}

@test "-e: over the file's environment, over envrun's names, several, values with = and nothing in them" {
    write_suites <<'END'
suite:
  command: printf '%s|' "$A" "$B" "$C" "$D" "$ONE_PORT"
  environment: {A: file, B: file}
END
    A=shell B=shell C=shell D=shell try 0 run -p "$name" -e B=option -e C=x=y=z -e D= -e ONE_PORT=1
    is "$(cat "$out")" "file|option|x=y=z||1|"
}

@test "two runs of one file at the same moment do not meet: names, ports, networks, volumes" {
    cat >envrun.yaml <<'END'
services:
  web:
    image: envrun-test/busybox:1
    container_name: web
    command: sh -c 'hostname >/data/name; exec httpd -f -p 80 -h /data'
    ports: ["8080:80"]
    volumes: [data:/data]
    ready: {tcp: 80}
volumes: {data: {}}
suite:
  # Goes on when both are up, so that they are there at the same moment.
  command: |
    touch "here-$$"
    i=0
    until [ "$(ls here-* | wc -l)" = 2 ]; do i=$((i + 1)); [ $i -lt 300 ] || exit 9; sleep 0.1; done
    echo "$ENVRUN_ENVIRONMENT $(curl -s "http://$WEB_HOST:$WEB_PORT/name")"
END
    "$ENVRUN" run -p "$name" >"$out-2" 2>"$err-2" </dev/null 3>&- &
    other=$!
    try 0 run -p "$name"
    wait "$other"
    is "$(sort -u "$out" "$out-2" | wc -l)" 2
    is "$(cat "$out" "$out-2" | cut -d ' ' -f 2 | sort -u | wc -l)" 2
    has_line "$out" "$name-[0-9a-f]+ [0-9a-f]+"
}

@test "--keep holds it and says how to look and how to take it down; =on-failure only then" {
    write_suites <<'END'
suite: {command: exit $CODE}
END
    CODE=0 try 0 run -p "$name" --keep=on-failure
    is "$(objects || true)" ""
    CODE=5 try 5 run -p "$name" --keep=on-failure
    kept=$(sed -nE "s/.*envrun down -p ($name-[0-9a-f]+).*/\1/p" "$err" | head -n 1)
    has "$err" "the environment $kept is kept" "envrun ps -p $kept" "envrun exec -p $kept" "outcome=failed code=5"
    try 0 exec -p "$kept" one true
    try 0 env -p "$kept"
    has "$out" ONE_HOST
    try 0 down -p "$kept"
    CODE=0 try 0 run -p "$name" --keep
    kept=$(sed -nE "s/.*envrun down -p ($name-[0-9a-f]+).*/\1/p" "$err" | head -n 1)
    try 0 ps -p "$kept"
    try 0 down "$kept"
}

@test "--keep=on-failure keeps what did not come up too" {
    printf 'services: {one: {image: envrun-test/busybox:1, command: "echo no; false", ready: {tcp: 1}}}\n' >envrun.yaml
    sed -i 's/"echo no; false"/[sh, -c, "echo no; false"]/' envrun.yaml
    try 75 run -p "$name" --keep=on-failure -- true
    kept=$(sed -nE "s/.*envrun down -p ($name-[0-9a-f]+).*/\1/p" "$err" | head -n 1)
    try 0 logs -p "$kept" one
    is "$(cat "$out")" no
    try 0 down -p "$kept"
}

@test "-f: several, the later over the earlier; a service of the second, a value of the second" {
    write_suites <<'END'
suite: {command: 'echo "$A $B $ONE_PORT $TWO_PORT"', environment: {A: first, B: first}}
END
    mv envrun.yaml first.yaml
    cat >second.yaml <<'END'
services:
  two: {image: envrun-test/busybox:1, init: true, command: sleep 1000, expose: ["81"]}
suite: {environment: {B: second}}
END
    try 0 run -p "$name" -f first.yaml -f second.yaml
    is "$(cat "$out")" "first second 80 81"
    try 65 run -p "$name" -f first.yaml -f third.yaml
    has "$err" "third.yaml does not exist"
}
