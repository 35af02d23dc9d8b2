#!/usr/bin/env bats
# An environment that `up` holds: what looks into it, and how it goes again.

# shellcheck disable=SC2154,SC2153  # name, out, err: set by what is loaded
load command


# A web server with a published port, and one that only writes a few lines.
write_web() {
    cat >envrun.yaml <<'END'
services:
  web:
    image: envrun-test/busybox:1
    command: sh -c 'echo hello >/var/www/index.html; exec httpd -f -p 8080 -h /var/www'
    ready: {http: {port: 8080}}
    ports: ["8080:8080"]
  side:
    image: envrun-test/busybox:1
    init: true
    command: sh -c 'for i in 1 2 3 4 5; do echo line $$i; done; echo trouble >&2; exec sleep 1000'
END
}

@test "up holds it and prints where it answers; ps, port and env say the same; down removes it" {
    write_web
    try 0 up -p "$name"
    is_empty "$out"
    has "$err" "envrun up $name: 2 services" "$name is up" "envrun down"
    is "$(tail -n 1 "$err" | cut -d ' ' -f 1-3)" "envrun: outcome=up code=0"
    address=$(sed -nE 's/.*web +([0-9.]+:[0-9]+) -> 8080\/tcp$/\1/p' "$err")
    is "$(curl -s "http://$address/")" hello

    try 0 ps -p "$name"
    has_line "$out" 'SERVICE +STATE +STATUS +WHERE' 'web +running +Up .*8080/tcp.*' 'side +running +Up .*'
    try 0 ps -p "$name" --format json
    is "$(jq -r '.[] | .service + " " + .state' "$out" | sort)" $'side running\nweb running'

    try 0 port -p "$name" web 8080
    has_line "$out" '127\.0\.0\.1:[0-9]+'
    lacks "$out" 127.0.0.1:8080
    is "$(curl -s "http://$(cat "$out")/")" hello
    try 64 port -p "$name" web 81
    has "$err" "service \`web\` has no port 81/tcp that answers here"
    try 64 port -p "$name" wbe 8080
    has "$err" "there is no service \`wbe\` in this environment; did you mean \`web\`?"

    try 0 down -p "$name"
    has "$err" "removed 2 containers, 1 network"
    is "$(objects)" ""
    try 64 ps -p "$name"
    has "$err" "no environment named \`$name\` is up; \`envrun up\` makes one"
}

@test "env: eval in a shell, JSON and dotenv give the same variables, and they answer" {
    write_web
    try 0 up -p "$name"
    is "$(eval "$(program env -p "$name")" && curl -s "http://$WEB_HOST:$WEB_PORT/")" hello
    try 0 env -p "$name" --format json
    jq -r 'to_entries[] | "\(.key)=\"\(.value)\""' "$out" | sort >variables.json
    try 0 env -p "$name" --format dotenv
    sort "$out" | diff - variables.json
    try 0 env -p "$name" --format shell
    has_line "$out" 'export WEB_HOST=[0-9.]+' 'export WEB_PORT=8080' 'export WEB_PORT_8080=8080' \
        'export SIDE_HOST=[0-9.]+'
    try 0 down -p "$name"
    try 64 env -p "$name"
    has "$err" "no environment named \`$name\` is up"
    is_empty "$out"
}

@test "env: the one suite's own environment too, quoted for a shell" {
    cat >envrun.yaml <<'END'
services:
  db: {image: envrun-test/busybox:1, init: true, command: sleep 1000, expose: ["5432"]}
suite:
  command: "true"
  environment:
    ADDRESS: db://$DB_HOST:$DB_PORT/x
    ODD: it's "$$5" \ two  blanks
END
    try 0 up -p "$name"
    program env -p "$name" >script
    (
        # shellcheck disable=SC1091  # made above
        . ./script
        is "$ADDRESS" "db://$DB_HOST:5432/x"
        is "$ODD" "it's \"\$5\" \\ two  blanks"
    )
    try 0 env -p "$name" --format json
    is "$(jq -r .ODD "$out")" "it's \"\$5\" \\ two  blanks"
    try 0 down -p "$name"
}

@test "logs: all services with names, several, one without; --tail, --timestamps; not a service" {
    write_web
    try 0 up -p "$name" side
    try 0 logs -p "$name"
    has_line "$out" 'side \| line 1' 'side \| line 5' 'side \| trouble'
    is_empty "$err"
    try 0 logs -p "$name" side
    is "$(sort "$out" | tr '\n' ,)" "line 1,line 2,line 3,line 4,line 5,trouble,"
    try 0 logs -p "$name" --tail 2 side
    is "$(wc -l <"$out")" 2
    try 0 logs -p "$name" --tail 0 side
    is_empty "$out"
    try 0 logs -p "$name" --timestamps --tail 1 side
    has_line "$out" '20[0-9-]+T[0-9:.]+Z .+'
    try 64 logs -p "$name" sied
    has "$err" "did you mean \`side\`?"
    try 0 down -p "$name"
}

@test "logs --follow: several services as they write, each line whole; ends with them, or with Ctrl-C" {
    cat >envrun.yaml <<'END'
services:
  one: {image: envrun-test/busybox:1, command: [sh, -c, "echo begin; until [ -e /tmp/go ]; do sleep 0.1; done; echo end"]}
  three: {image: envrun-test/busybox:1, init: true, command: [sh, -c, "printf half; sleep 0.3; echo ' a line'; sleep 1000"]}
END
    try 0 up -p "$name"
    "$ENVRUN" logs -p "$name" --follow one >only-one 3>&- &
    one=$!
    start logs -p "$name" --follow one three
    cp -l "$out" all
    eventually grep -q 'three | half a line' all
    eventually grep -q begin only-one
    try 0 exec -p "$name" one touch /tmp/go
    wait "$one"
    is "$(tr '\n' , <only-one)" "begin,end,"
    eventually grep -q 'one   | end' all
    kill -INT "$started"
    ended 130
    try 0 down -p "$name"
}

@test "logs --follow ends when nobody reads it any more" {
    cat >envrun.yaml <<'END'
services:
  tick: {image: envrun-test/busybox:1, init: true, command: [sh, -c, "while :; do echo tick; sleep 0.1; done"]}
END
    try 0 up -p "$name"
    {
        code=0
        program logs -p "$name" --follow tick || code=$?
        echo "$code" >code
    } | head -n 1 >first
    is "$(cat first) $(cat code)" "tick 141"
    try 0 down -p "$name"
}

@test "up twice says that the name is taken, 75, and leaves the first alone" {
    write_web
    try 0 up -p "$name" side
    try 75 up -p "$name" side
    has "$err" "an environment named \`$name\` is up already" "envrun ps -p $name" "envrun down -p $name"
    has "$err" "outcome=environment code=75"
    try 0 exec -p "$name" side true
    try 0 down -p "$name"
    try 0 down -p "$name"
    has "$err" "removed nothing"
}

@test "from another folder, by its name alone: ps, logs, exec, env, down" {
    write_web
    try 0 up -p "$name"
    cd /
    try 0 ps -p "$name"
    try 0 logs -p "$name" side
    has "$out" "line 1"
    try 0 exec -p "$name" web cat /var/www/index.html
    is "$(cat "$out")" hello
    try 0 env -p "$name"
    has "$out" "export WEB_PORT=8080"
    try 0 down "$name"
    has "$err" "removed 2 containers"
}

@test "without -p the folder has one: its name is the project's and a hash; a copy of the folder has another" {
    printf 'name: %s\n' "$name" >envrun.yaml
    printf 'services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000}}\n' >>envrun.yaml
    cp -r . ../copy
    try 0 up
    has_line "$err" ".*envrun up $name-[0-9a-f]{6,}: 1 service"
    mkdir deep && cd deep
    try 0 exec one true
    cd ../../copy
    try 64 exec one true
    try 0 up
    try 0 down
    cd "$project"
    try 0 ps
    try 0 down
}

@test "up SERVICE: only that one and what it needs" {
    cat >envrun.yaml <<'END'
x-busy: &busy {image: envrun-test/busybox:1, init: true, command: sleep 1000}
services:
  base: *busy
  app: {<<: *busy, depends_on: [base]}
  other: *busy
END
    try 0 up -p "$name" app
    try 0 ps -p "$name" --format json
    is "$(jq -r '.[].service' "$out" | sort | tr '\n' ' ')" "app base "
    try 0 down -p "$name"
}

@test "an environment that does not come up: 75, nothing is left, nothing is told of it as up" {
    printf 'services: {one: {image: envrun-test/busybox:1, command: "false", ready: {tcp: 80}}}\n' >envrun.yaml
    try 75 up -p "$name"
    has "$err" "failed: " "one" "exited with code 1" "outcome=environment code=75"
    is "$(objects)" ""
}

@test "up, cut short by Ctrl-C: 130, and nothing is left" {
    printf 'services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, ready: {tcp: 80}}}\n' >envrun.yaml
    start up -p "$name"
    eventually grep -q 'one  started' "$err"
    kill -INT "$started"
    ended 130
    has "$err" "outcome=interrupted code=130"
}

@test "--ports=written publishes as written; the same port twice is an error that names it" {
    port=$((20000 + RANDOM % 10000))
    sed "s/8080:8080/127.0.0.1:$port:8080/" >envrun.yaml <<'END'
services:
  web: {image: envrun-test/busybox:1, init: true, command: httpd -f -p 8080 -h /etc, ready: {tcp: 8080}, ports: ["8080:8080"]}
END
    try 0 up -p "$name" --ports=written
    try 0 port -p "$name" web 8080
    is "$(cat "$out")" "127.0.0.1:$port"
    is "$(curl -s "http://127.0.0.1:$port/passwd" | head -c 4)" root
    try 75 up -p "$name-b" --ports=written
    has "$err" "failed: " "$port" "web"
    try 0 up -p "$name-b" --ports=ephemeral
    try 0 down -p "$name-b"
    try 0 down -p "$name"
}

@test "a service of three: --index takes one for exec, port and logs; logs shows them all, each by its name" {
    cat >envrun.yaml <<'END'
services:
  web:
    image: envrun-test/busybox:1
    command: sh -c 'hostname >/var/www/index.html; echo said; exec httpd -f -p 8080 -h /var/www'
    ready: {http: {port: 8080}}
    ports: ["8080"]
    scale: 3
END
    try 0 up -p "$name"
    for index in 1 2 3; do
        try 0 exec -p "$name" --index "$index" web hostname
        host=$(cat "$out")
        try 0 port -p "$name" --index "$index" web 8080
        is "$(curl -s "http://$(cat "$out")/")" "$host"
        echo "$host" >>hosts
    done
    is "$(sort -u hosts | wc -l)" 3
    try 0 exec -p "$name" web hostname
    is "$(cat "$out")" "$(sed -n 1p hosts)"
    try 0 exec -p "$name" web-2 hostname
    is "$(cat "$out")" "$(sed -n 2p hosts)"

    try 0 ps -p "$name"
    has_line "$out" 'web +running .*' 'web-2 +running .*' 'web-3 +running .*'
    try 0 logs -p "$name" web
    is "$(sort "$out")" $'web   | said\nweb-2 | said\nweb-3 | said'
    try 0 logs -p "$name" --index 3 web
    is "$(cat "$out")" said

    try 64 exec -p "$name" --index 4 web true
    has "$err" "service \`web\` has no container 4: it has 3"
    try 64 port -p "$name" --index 0 web 8080
    has "$err" "--index takes a container's number, from 1 on, not \`0\`"
    try 0 down -p "$name"
}
