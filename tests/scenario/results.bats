#!/usr/bin/env bats
# What a suite's result files say: told, recorded, compared.

# shellcheck disable=SC2154  # set by what is loaded
load command

results=$BATS_TEST_DIRNAME/../unit/data/junit

# write_suite COMMAND JUNIT: a suite on the host beside a small service.
write_suite() {
    cat >envrun.yaml <<END
services:
  web: {image: envrun-test/busybox:1, command: sleep 600, init: true}
suite:
  command: $1
  junit: $2
END
}

@test "the failed tests of JUnit XML are told, recorded and shown; results from before are not" {
    mkdir reports
    cp "$results/jest-junit.xml" reports/old.xml
    touch -d '1 hour ago' reports/old.xml
    write_suite "cp '$results/pytest.xml' reports/new.xml; exit 1" 'reports/*.xml'
    try 1 run -p "$name"
    has "$err" "failed tests: 3 of 6" "test_shop.TestCart.test_counts[2]: assert 2 == 1" \
        "results from before this run are not read: " reports/old.xml
    lacks "$err" "shop orders"
    jq -se '[.[] | select(.event == "test")] | length == 3 and .[0].text == "test_shop.test_orders" and
        (.[0].detail | contains("assert 500 == 201")) and .[0].at and .[0].duration' .envrun/runs/*/events.ndjson
    "$ENVRUN" show >"$out"
    has "$out" "failed tests: 3 of 6" "test_shop.test_database: failed on setup"
}

@test "beside a failed test stands what the services wrote while it ran" {
    write_suite "sleep 1; cp '$results/pytest.xml' new.xml; exit 1" new.xml
    sed -i 's/command: sleep 600/command: [sh, -c, "while sleep 0.1; do echo a beat; done"]/' envrun.yaml
    try 1 run -p "$name"
    "$ENVRUN" show >"$out"
    grep -A8 'test_shop.test_orders' "$out" | grep -F 'web | a beat'
    has "$out" 'more lines before'
}

# What waits for one caller, and ends.
caller() { echo "[sh, -c, \"echo listens; nc -l -p 80 >/dev/null; echo gives up; exit $1\"]"; }

@test "beside a failed test stands which services died, or were started again, while it ran" {
    cat >suite.sh <<'END'
#!/bin/bash
say() {
    local now=$(date +%s%N) rest=
    [ "$1" = run ] && began=$now || rest=$(printf ',"Elapsed":%d.%03d' $(((now - began) / 10**9)) $(((now - began) / 10**6 % 1000)))
    echo "{\"Time\":\"$(date -u +%FT%T.%NZ)\",\"Action\":\"$1\",\"Package\":\"shop\",\"Test\":\"$2\"$rest}" >>go.json
}
call() {
    until echo 2>/dev/null >"/dev/tcp/$1/$2"; do sleep 0.1; done
    sleep 1
}
say run TestBefore; say fail TestBefore
sleep 0.5
say run TestDuring; call "$DB_HOST" "$DB_PORT"; call "$WEB_HOST" "$WEB_PORT"; say fail TestDuring
sleep 0.5
say run TestAfter; say fail TestAfter
exit 1
END
    chmod +x suite.sh
    cat >envrun.yaml <<END
services:
  db: {image: envrun-test/busybox:1, command: $(caller 7), expose: [80], ready: {log: listens}}
  web: {image: envrun-test/busybox:1, command: $(caller 0), expose: [80], ready: {log: listens}, restart: always}
suite: {command: ./suite.sh, junit: go.json}
END
    try 1 run -p "$name"
    has "$err" 'died during the suite: service `db` exited with code 7' 'db | gives up' \
        'restarted during the suite: service `web` exited with code 0, and is started again'
    "$ENVRUN" show >"$out"
    has "$out" 'died during the suite: service `db`'
    sed -n '/shop.TestBefore/,/shop.TestDuring/p' "$out" >before
    sed -n '/shop.TestDuring/,/shop.TestAfter/p' "$out" >during
    sed -n '/shop.TestAfter/,/^$/p' "$out" >after
    has during '      died: service `db` exited with code 7' \
        '      restarted: service `web` exited with code 0, and is started again' 'db | gives up'
    lacks before died 'gives up' restarted # what it logged when it came up may lie near
    lacks after 'db'
    # In the record: when it was, so that whoever reads it can tell the same.
    jq -se '(.[] | select(.text == "shop.TestDuring")) as $test | any(.[]; .event == "died" and .service == "db" and
        .at >= $test.at and .status == null)' .envrun/runs/*/events.ndjson
    is "$(jq -c .died .envrun/runs/*/outcome.json)" '["db"]'
}

@test "the lines of go test -json; what is no result, or has a document type, is a warning" {
    write_suite "cp '$results/go-test.json' go.json; echo '<!DOCTYPE a><a/>' >a.xml; echo ok >b.xml" '[go.json, "*.xml"]'
    try 0 run -p "$name"
    has "$err" "failed tests: 3 of 6" "example.org/shop.TestOrders: shop_test.go:12: asking" \
        "a.xml are not read: it has a document type" "b.xml are not read: it is neither JUnit XML"
}

@test "a suite that leaves no results is told" {
    write_suite "echo done" 'reports/*.xml'
    try 0 run -p "$name"
    has "$err" "the suite left no results: nothing matches "
}

@test "an environment that does not come up is written as JUnit" {
    cat >envrun.yaml <<'END'
services:
  web: {image: envrun-test/busybox:1, command: sleep 600, init: true}
  api: {image: envrun-test/busybox:1, command: "sh -c 'echo \"a <b> & c\"; exit 3'", depends_on: [web]}
  late: {image: envrun-test/busybox:1, command: sleep 600, depends_on: [api]}
suite: {command: "true #"}
END
    CI=true try 75 run -p "$name" --bundle=never
    has "$err" "envrun-out/envrun-environment.xml"
    python3 - envrun-out/envrun-environment.xml <<'END'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert suite.get("name") == "envrun.environment", suite.attrib
cases = {case.get("name"): case for case in suite}
assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1"), suite.attrib
assert not len(cases["web"]) and cases["late"].find("skipped") is not None
failure = cases["api"].find("failure")
assert "exited with code 3" in failure.get("message") and "a <b> & c" in failure.text, failure.attrib
END
    rm -r envrun-out
    try 75 run -p "$name"
    [ ! -e envrun-out ]
}

# write_inside: the suite runs in the graph, in /w of an image; its keys are on stdin. What it needs is in /in.
write_inside() {
    cat >envrun.yaml <<END
services:
  web: {image: envrun-test/busybox:1, command: sleep 600, init: true}
  tests:
    image: envrun-test/busybox:1
    working_dir: /w
    volumes: ["$results:/in:ro", "data:/data", "./bound:/bound"]
    tmpfs: [/gone]
volumes: {data: {}}
suite:
  service: tests
END
    sed 's/^/  /' >>envrun.yaml
}

@test "inside: the failed tests of a suite in the graph are told, recorded and shown; results from before are not" {
    write_inside <<'END'
command: |
  mkdir -p reports /data/more; cp /in/pytest.xml reports/new.xml; cp /in/pytest.xml reports/.hidden.xml
  cp /in/jest-junit.xml reports/old.xml; touch -d '2020-01-01 00:00' reports/old.xml
  cp /in/go-test.json /data/more/go.json; ln -s /in/jest-junit.xml reports/link.xml; exit 1
junit: ["reports/*.xml", "/data/mo*/go.json"]
END
    try 1 run -p "$name"
    has "$err" "failed tests: 6 of 12" "test_shop.TestCart.test_counts[2]: assert 2 == 1" \
        "example.org/shop.TestOrders: shop_test.go:12: asking" "results from before this run are not read: tests:/w/reports/old.xml"
    lacks "$err" "shop orders"
    jq -se '[.[] | select(.event == "test")] | length == 6 and (.[0].at | . > 0)' .envrun/runs/*/events.ndjson
    "$ENVRUN" show >"$out"
    has "$out" "failed tests: 6 of 12" "test_shop.test_database: failed on setup"
    cmp .envrun/runs/*/junit/suite/2-reports_new.xml "$results/pytest.xml"
    cmp .envrun/runs/*/junit/suite/1-data_more_go.json "$results/go-test.json"
    is "$(ls .envrun/runs/*/junit/suite | wc -l)" 2
}

@test "inside: what is not there, or was on a tmpfs, is told; also of a suite that was stopped" {
    write_inside <<'END'
command: cp /in/pytest.xml /gone/a.xml
junit: [/gone/*.xml, none.xml]
END
    try 0 run -p "$name"
    has "$err" "the suite left no results: nothing matches /gone/*.xml in the container of tests"
    write_inside <<'END'
command: cp /in/pytest.xml a.xml; sleep 60
junit: a.xml
timeout: 2s
END
    try 124 run -p "$name"
    has "$err" "failed tests: 3 of 6" "ran longer than its timeout"
}

@test "inside: artifacts: folders with all below, files, patterns; no links, nothing from before" {
    write_inside <<'END'
working_dir: x/y
command: |
  mkdir -p shots/deep /data/v; echo a >shots/deep/.a.png; echo b >shots/b; ln shots/b shots/hard
  ln -s /etc/passwd shots/link; ln -s / shots/top; echo c >/data/v/c.log; echo d >/data/v/d.txt; echo e >/bound/e
  echo old >shots/old; touch -d '2020-01-01 00:00' shots/old; pwd
artifacts: [shots/, "/data/*/*.log", /bound, ../../../../etc/none]
END
    mkdir bound
    echo before >bound/before
    touch -d '1 hour ago' bound/before
    try 0 run -p "$name"
    has_line "$out" /w/x/y
    is "$(cd envrun-out/artifacts && find . -type f | sort | tr '\n' ' ')" \
        "./tests/bound/e ./tests/data/v/c.log ./tests/shots/b ./tests/shots/deep/.a.png ./tests/shots/hard "
    is "$(cat envrun-out/artifacts/tests/shots/hard envrun-out/artifacts/tests/shots/deep/.a.png | tr '\n' ' ')" "b a "
    is "$(find envrun-out -type l)" ''
    jq -e '.artifacts | length == 5' .envrun/runs/*/outcome.json
}

@test "inside: nothing of it stays on this host" {
    mkdir ../tmp
    write_inside <<'END'
command: cp /in/pytest.xml a.xml; exit 1
junit: a.xml
END
    TMPDIR=$(realpath ../tmp) try 1 run -p "$name"
    has "$err" "failed tests: 3 of 6"
    is "$(ls -A ../tmp)" ''
}

@test "the record keeps the result files, also those that say nothing; what came from outside is taken out" {
    mkdir -p reports/sub
    write_suite "cp '$results/pytest.xml' reports/sub/a.xml; echo \"<testsuites><testcase name='t'><failure message='\$PLANTED'/></testcase></testsuites>\" >reports/sub_a.xml; echo '<a' >reports/b.xml" \
        '["reports/*.xml", "reports/sub/*.xml", reports/b.xml]'
    sed -i '/^suite:/a\  environment: {GIVEN: "$PLANTED"}' envrun.yaml
    PLANTED=planted-value-7 try 0 run -p "$name" -e "PLANTED=planted-value-7"
    has "$err" "reports/b.xml are not read"
    cmp .envrun/runs/*/junit/suite/2-reports_sub_a.xml "$results/pytest.xml"
    is "$(cat .envrun/runs/*/junit/suite/1-reports_b.xml)" '<a'
    has "$(echo .envrun/runs/*/junit/suite/3-reports_sub_a.xml)" "message='[redacted]'"
    fails grep -r planted-value .envrun
}
