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
