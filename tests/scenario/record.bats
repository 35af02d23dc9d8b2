#!/usr/bin/env bats
# The record of a run: what is in its folder, and how it is read again.

load lib

# run_of: the folder of the latest run.
run_of() { printf '%s\n' .envrun/runs/*/ | tail -1; }

# log_of SERVICE: its log in the latest record, the lines' text alone.
log_of() { cut -d' ' -f3- "$(run_of)logs/$1.log"; }

# numbered FROM TO FILE: the lines "line N" of a log are all there, in order and once, or a gap says where not.
numbered() {
    awk -v from="$1" -v to="$2" '
        $2 == "gap" { gap = 1; next }
        $3 == "line" {
            if (last && $4 != last + 1 && !(gap && $4 > last + 1)) { print "after " last ": " $0; bad = 1 }
            if (!last && $4 != from) { print "begins with " $0; bad = 1 }
            last = $4
            gap = 0
        }
        END { if (last != to && !gap) { print "ends with " last; bad = 1 } exit bad }' "$3"
}

@test "a run leaves events, logs, tries, objects, the suite's output and the outcome" {
    compose <<END
services:
  db:
    image: $busybox
    init: true
    command: [sh, -c, "echo ready soon; echo oops >&2; touch /ready; sleep 600"]
    ready: {exec: "echo looking; test -e /ready"}
suite: {command: "echo from the suite; echo its error >&2; exit 3"}
END
    exits 3 run
    folder=$(run_of)
    is "$(cat .envrun/.gitignore)" '*'
    is "$(stat -c %a .envrun "$folder" | sort -u)" 700
    is "$(sort "$folder"logs/db.log | cut -d' ' -f2- | sort)" "stderr oops
stdout ready soon"
    grep -qE '^20[0-9-]+T[0-9:]+\.[0-9]{9}Z stdout ready soon$' "$folder"logs/db.log
    is "$(cut -d' ' -f2- "$folder"suites/suite.log | sort)" "stderr its error
stdout from the suite"
    cp "$folder"events.ndjson err
    happened '.event == "phase" and .service == "db" and .phase == "ready" and .status == "done"'
    happened '.event == "failed"'
    happened '.event == "teardown" and .status == "done"'
    happened '.event == "outcome" and .code == 3'
    is "$(jq -r 'select(.status == "done") | .detail' "$folder"tries.ndjson)" "looking"
    is "$(jq -r 'select(.detail == "container") | .text | fromjson | .State.Status' "$folder"objects.ndjson)" running
    is "$(jq -r .detail "$folder"objects.ndjson | sort -u | xargs)" "container image network"
    is "$(jq -r '"\(.outcome) \(.code)"' "$folder"outcome.json)" "failed 3"
    is "$(jq -r .name "$folder"record.json | grep -c "^$name-")" 1
}

@test "every line of a container that writes fast and ends is in the record" {
    compose <<END
services:
  fast:
    image: $busybox
    command: [sh, -c, "seq 1 200000 | sed 's/^/line /'"]
suite: {command: "while [ \"\$(docker inspect -f '{{.State.Running}}' \$ENVRUN_ENVIRONMENT-fast-1)\" = true ]; do sleep 0.1; done"}
END
    exits 0 run
    numbered 1 200000 "$(run_of)logs/fast.log"
    is "$(tail -1 "$(run_of)logs/fast.log" | cut -d' ' -f2-)" "stdout line 200000"
}

@test "what a container writes after each restart is there once" {
    compose <<END
services:
  again:
    image: $busybox
    restart: "on-failure:3"
    volumes: ["count:/count"]
    command: [sh, -c, "n=\$\$(cat /count/n || echo 0); for i in 1 2 3; do n=\$\$((n + 1)); echo line \$\$n; done; echo \$\$n >/count/n; [ \$\$n -ge 9 ] && sleep 600; exit 1"]
volumes: {count: {}}
suite: {command: "until docker logs \$ENVRUN_ENVIRONMENT-again-1 2>/dev/null | grep -q 'line 9'; do sleep 0.1; done"}
END
    exits 0 run
    is "$(log_of again | grep line | xargs)" "line 1 line 2 line 3 line 4 line 5 line 6 line 7 line 8 line 9"
}

@test "a service whose log driver keeps nothing is attached to" {
    compose <<END
services:
  silent:
    image: $busybox
    init: true
    logging: {driver: none}
    command: [sh, -c, "echo the first line; echo the second >&2; sleep 600"]
suite: {command: "sleep 0.5"}
END
    exits 0 run
    is "$(cut -d' ' -f2- "$(run_of)logs/silent.log" | sort)" "stderr the second
stdout the first line"
}

@test "long lines, and what is no text, stay whole" {
    compose <<END
services:
  long:
    image: $busybox
    command: [sh, -c, "head -c 100000 /dev/zero | tr '\\\\0' x; echo; echo short; printf 'no end'"]
suite: {command: "true"}
END
    exits 0 run
    log=$(run_of)logs/long.log
    is "$(grep -c 'stdout+ ' "$log")" 1
    is "$(grep -oE 'x+$' "$log" | tr -d '\n' | wc -c)" 100000
    is "$(tail -2 "$log" | cut -d' ' -f2-)" "stdout short
stdout no end"
}

@test "a folder that cannot be written costs the record and nothing else" {
    compose <<END
services: {one: {image: $busybox, init: true, command: sleep 600}}
suite: {command: exit 4}
END
    echo "no folder" >.envrun
    exits 4 run
    says "warning: cannot write the record" "the run goes on without it"
    is "$(grep -c 'warning' err)" 1
}

@test "an environment that does not come up has a record, and so has one that is held" {
    compose <<END
services:
  one: {image: $busybox, init: true, command: [sh, -c, "echo up; sleep 600"], ready: {log: up}}
END
    exits 0 up
    is "$(jq -r .outcome "$(run_of)outcome.json")" up
    is "$(log_of one)" up
    exits 0 down
    compose <<END
services:
  one: {image: $busybox, command: [sh, -c, "echo last words; exit 9"], ready: {tcp: 1}}
END
    exits 75 up
    is "$(jq -r '"\(.outcome) \(.failed.service)"' "$(run_of)outcome.json")" "environment one"
    is "$(log_of one)" "last words"
}

@test "a service that writes more than is kept loses the middle, and does not hold up the run" {
    compose <<END
services:
  loud:
    image: $busybox
    init: true
    command: [sh, -c, "x=\$\$(head -c 150 /dev/zero | tr '\\\\0' x); seq 1 100000 | sed \"s/.*/line & \$\$x/\"; sleep 600"]
  quiet: {image: $busybox, init: true, command: [sh, -c, "echo still heard; sleep 600"]}
suite: {command: "until docker logs --tail 1 \$ENVRUN_ENVIRONMENT-loud-1 2>/dev/null | grep -q '^line 100000 '; do sleep 0.2; done"}
END
    exits 0 run
    is "$(log_of quiet)" "still heard"
    log=$(run_of)logs/loud.log
    [ "$(stat -c %s "$log")" -lt 8500000 ]
    grep -qE '^(-|20[^ ]*Z) gap ' "$log"
    numbered 1 100000 "$log"
    fails ls "$log".*
}

@test "artifacts: what the suite has written is copied and named, and nothing else" {
    mkdir -p reports old
    touch -d '1 hour ago' reports/of-yesterday
    compose <<END
services: {one: {image: $busybox, init: true, command: sleep 600}}
suite:
  command: "mkdir -p reports/deep; echo new >reports/deep/new.txt; ln -s /etc/passwd reports/link; echo a >a.log; echo b >b.txt; exit 5"
  artifacts: [reports/, "*.log", nothing-there]
END
    exits 5 run
    is "$(cd envrun-out && find . -type f | sort | xargs)" "./artifacts/a.log ./artifacts/reports/deep/new.txt"
    is "$(jq -r '.artifacts[]' "$(run_of)outcome.json" | xargs -n1 basename | xargs)" "a.log new.txt"
    exits 5 run --out elsewhere
    is "$(cat elsewhere/artifacts/a.log)" a
}

@test "runs, show and logs --run tell of a run when everything is gone" {
    compose <<END
services:
  db: {image: $busybox, init: true, command: [sh, -c, "echo one; echo two; sleep 600"]}
  api: {image: $busybox, command: [sh, -c, "echo last words; exit 9"], depends_on: [db], ready: {log: never}}
END
    exits 75 up
    "$ENVRUN" runs >out
    grep -q 'environment *75 .*service `api` exited with code 9' out
    is "$("$ENVRUN" runs --format json | jq -r '.[0] | "\(.outcome) \(.code) \(.service)"')" "environment 75 api"
    id=$(jq -r .id "$(run_of)record.json")
    "$ENVRUN" show "${id#*-}" >out
    grep -q "^environment with exit code 75 after" out
    grep -q "api | last words" out
    grep -qE "^db .*=+" out
    is "$("$ENVRUN" logs --run "$id" --tail 1 db)" two
    is "$("$ENVRUN" logs --run "${id:0:12}" | sort)" "api | last words
db  | one
db  | two"
    cp -r ".envrun/runs/$id" moved
    rm -r .envrun
    "$ENVRUN" show ./moved | diff out -
    code=0
    "$ENVRUN" show >out 2>err || code=$?
    is "$code" 64
    says "no run is recorded here"
}

@test "a record of somebody else moves no terminal and adds no line" {
    compose <<<"services: {api: {image: $busybox, command: [sh, -c, 'exit 9']}}"
    exits 75 up
    local run evil='x\u001b[2J\ny'
    run=$(run_of)
    jq ".outcome = \"$evil\" | .failed.text = \"$evil\"" "$run/outcome.json" >o && mv o "$run/outcome.json"
    jq -c "if .event == \"failed\" then .text = \"$evil\" else . end" "$run/events.ndjson" >e && mv e "$run/events.ndjson"
    jq ".id = \"$evil\" | .name = \"$evil\"" "$run/record.json" >r && mv r "$run/record.json"
    "$ENVRUN" runs >out
    is "$(wc -l <out)" 2
    "$ENVRUN" show "$run" >>out
    fails grep -q $'\e' out
    grep -q 'failed: x$' out
    fails grep -q '^y' out
}
