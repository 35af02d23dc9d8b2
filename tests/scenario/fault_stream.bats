#!/usr/bin/env bats
# Streams and answers that a real engine breaks off, holds up or cuts in the wrong place, on demand.

load lib
load fake

@test "an error line in a pull that answers 200" {
    small_environment
    with_fault 75 '{"match": "POST /images/create", "do": "error-line", "message": "manifest for web:1 not found"}' run
    says 'compose.yaml:7:3: failed: cannot pull image `web:1` of service `web`: docker.io has no such image'
    tells_its_end
    fake_is_empty
}

@test "an error line in a build that answers 200" {
    mkdir app
    printf 'FROM db:1\nRUN make\n' >app/Dockerfile
    compose <<END
services:
  app: {build: ./app}
END
    scenario <<<'{"images": {"db:1": {}}}'
    with_fault 75 '{"match": "POST /build", "do": "error-line", "message": "The command make returned a non-zero code: 2"}' \
        run -- true
    says 'compose.yaml:2:3: failed: cannot build the image of service `app`: The command make returned a non-zero code: 2' \
        'app | Step 2/2 : RUN make'
    fake_is_empty
}

@test "a pull and a build that are cut off" {
    small_environment
    with_fault 69 '{"match": "POST /images/create", "do": "cut", "bytes": 150}' run
    says 'failed: cannot pull image `web:1` of service `web`: '
    fake_is_empty
    echo 'FROM db:1' >Dockerfile
    printf 'services: {app: {build: .}}\n' >compose.yaml
    with_fault 69 '{"match": "POST /build", "do": "cut", "bytes": 20}' run -- true
    says 'failed: cannot build the image of service `app`: '
    fake_is_empty
}

@test "an image that no registry has" {
    small_environment
    scenario <<<'{"images": {"db:1": {}}}'
    with_fault 75 '{"do": "none"}' run
    says 'compose.yaml:7:3: failed: cannot pull image `web:1` of service `web`: docker.io has no such image, or not without credentials: run `docker login`'
    fake_is_empty
}

@test "a log whose frames and characters come in pieces" {
    compose <<END
services:
  web: {image: web:1, ready: {log: "^gr.ße €🙂 serving\$"}}
  broken: {image: broken:1, depends_on: {web: {condition: service_started}}, ready: {log: never}}
END
    scenario <<END
{"images": {"web:1": {}, "broken:1": {}}, "containers": [
    {"match": "broken", "stdout": ["naïve €🙂"], "stderr": ["dernière ligne"], "seconds": 0.5, "exit": 3},
    {"match": "web", "stdout": ["größe €🙂 serving"]}]}
END
    with_fault 75 '{"match": "/logs", "do": "split", "bytes": 1}' run -- true
    says 'service `broken` exited with code 3' 'broken | naïve €🙂' 'broken | dernière ligne'
    fake_is_empty
}

@test "a suite in the graph whose output comes in pieces" {
    compose <<END
services: {tests: {image: tests:1}}
suite: {service: tests}
END
    scenario <<END
{"images": {"tests:1": {}}, "containers": [{"match": "tests", "seconds": 0, "exit": 4,
    "stdout": ["größe €🙂", "zwei"], "stderr": ["älter"]}]}
END
    with_fault 4 '{"match": "/attach", "do": "split", "bytes": 1}' run
    is "$(cat out)" $'größe €🙂\nzwei'
    says älter
    tells_its_end
    fake_is_empty
}

@test "a suite in the graph whose output is cut off still has its exit code" {
    compose <<END
services: {tests: {image: tests:1}}
suite: {service: tests}
END
    scenario <<END
{"images": {"tests:1": {}}, "containers": [{"match": "tests", "seconds": 0.5, "exit": 4, "stdout": ["begun"]}]}
END
    with_fault 4 '{"match": "/attach", "do": "cut", "bytes": 10}' run
    tells_its_end
    fake_is_empty
}

@test "events that break off are followed again, from where they were" {
    compose <<END
services:
  job: {image: job:1}
  web: {image: job:1, depends_on: {job: {condition: service_completed_successfully}}}
END
    scenario <<<'{"images": {"job:1": {}}, "containers": [{"match": "job-1", "seconds": 0.3}]}'
    with_fault 0 '{"match": "/events", "nth": 1, "do": "cut", "bytes": 10}' run -- true
    reached 'GET /v1.41/events' 2
    fake_is_empty
}

@test "what is killed for its memory while the suite runs is told: a service, or one of its processes" {
    compose <<END
services:
  db: {image: db:1}
  web: {image: web:1}
suite: {command: sleep 1.5; exit 3}
END
    scenario <<END
{"images": {"db:1": {}, "web:1": {}},
 "containers": [{"match": "-db-", "seconds": 0.7, "exit": 137, "oom": true}, {"match": "-web-", "starves": 0.7}]}
END
    with_fault 3 '{"match": "none", "do": "drop-before"}' run
    says 'died during the suite: service `db` was killed because it used more memory than it may' \
        'warning: a process of service `web` was killed because the service used more memory than it may'
    keeps_silent_on 'process of service `db`' 'service `web` died'
    jq -se 'any(.[]; .event == "warning" and .service == "web" and .at)' .envrun/runs/*/events.ndjson
}

@test "an engine that is too old, and one whose answers are no JSON" {
    small_environment
    fake_begin --api 1.40
    exits 69 run
    says 'is too old: it has API 1.40, envrun needs 1.41'
    with_fault 69 '{"match": "/containers/create", "do": "garbage"}' run
    says 'is not JSON'
    fake_is_empty
}

@test "an engine that vanishes under the suite" {
    small_environment
    scenario <<END
{"images": {"db:1": {}, "web:1": {}}, "containers": [{"match": "web", "stdout": ["serving"]}]}
END
    fake_begin
    exits 69 run -- sh -c "kill $fake_pid; exec tail -f /dev/null"
    says 'no Docker engine at unix://' 'not all could be removed: ' 'envrun down -p fault-' 'outcome=error code=69'
}

# interrupted VERB ARGUMENT...: once the engine has been asked what stalls, SIGINT ends envrun with 130.
interrupted() {
    local asked=$1
    shift
    begin "$@"
    eventually reached "$asked"
    kill -INT "$envrun_pid"
    ends 130
    tells_its_end
    says 'outcome=interrupted code=130'
}

@test "a stalled answer is left by Ctrl-C, and all is removed" {
    local stalled
    small_environment
    for stalled in 'GET /_ping' 'GET /networks/bridge' 'GET /containers/json' 'GET /events' 'GET /images/db:1/json' \
        'POST /images/create' 'GET /containers/[0-9a-f]+/json' 'POST /exec/[^/]+/start' 'GET /exec/'; do
        fake_begin --fault "{\"match\": \"$stalled\", \"nth\": 1, \"do\": \"stall\"}"
        echo "stalled: $stalled"
        interrupted "${stalled/ \// .*/}" run
        fake_is_empty
    done
}

@test "a create that stays unanswered does not keep the rest from being removed, and is told of" {
    small_environment
    fake_begin --fault '{"match": "POST /containers/create", "nth": 2, "do": "stall"}'
    begin run
    eventually reached 'POST .*/containers/create' 2
    kill -INT "$envrun_pid"
    ends 130
    says 'not all could be removed: 1 request to the Docker engine at unix://' 'still unanswered' 'envrun down -p fault-'
    fake_is_empty
}

@test "a stalled answer does not hold the teardown for ever" {
    small_environment # the first look at the volumes is whether the name is free
    fake_begin --fault '{"match": "GET /volumes", "nth": 2, "do": "stall"}'
    exits 0 run
    says 'removed 2 containers, 1 network, 1 volume'
    fake_is_empty
}

# leaves ARCHIVE: a suite in the graph, whose container has that archive in it.
leaves() {
    compose <<END
services: {tests: {image: tests:1}}
suite: {service: tests, junit: /r/*.xml, artifacts: /r}
END
    jq -n --argjson archive "$1" '{images: {"tests:1": {}}, containers: [{match: "tests", seconds: 0.1, archive: $archive}]}' |
        scenario
}

@test "the archive of what a suite left: names that lead elsewhere, links, devices" {
    leaves '[{"name": "./good.xml", "text": "<testsuite><testcase name=\"good\"/></testsuite>"},
        {"name": "../../../../../out-of-it.xml", "text": "x"}, {"name": "/r/whole.xml", "text": "x"},
        {"name": "./d", "type": "2", "link": "/tmp"}, {"name": "./d/below-a-link.xml", "text": "x"},
        {"name": "./same.xml", "type": "1", "link": "../../../../etc/passwd"}, {"name": "./passwd.xml", "type": "2", "link": "/etc/passwd"},
        {"name": "./device.xml", "type": "3"}, {"name": "./fifo.xml", "type": "6"},
        {"name": "./old.xml", "text": "x", "age": 3600}, {"name": "./a/../../r/up.xml", "text": "<testsuite/>"}]'
    fake_begin
    exits 0 run
    says 'none of 1 tests failed' 'results from before this run are not read: tests:/r/old.xml'
    is "$(cd envrun-out && find . -type f | sort | tr '\n' ' ')" \
        './artifacts/tests/r/d/below-a-link.xml ./artifacts/tests/r/good.xml ./artifacts/tests/r/r/whole.xml ./artifacts/tests/r/up.xml '
    is "$(find . ../ -maxdepth 2 -name out-of-it.xml)" ''
    is "$(find . -type l)$(find . -type b)$(find . -name passwd\*)" ''
    [ ! -e /tmp/below-a-link.xml ]
    fake_is_empty
}

@test "the archive of what a suite left breaks off, or is none" {
    leaves '[{"name": "./a.xml", "text": "<testsuite><testcase name=\"a\"/></testsuite>"}, {"name": "./b.xml", "text": "<testsuite/>"}]'
    with_fault 0 '{"match": "GET .*/archive", "do": "cut", "bytes": 1000}' run
    says 'what suite `suite` left in tests:/r is not read: '
    tells_its_end
    with_fault 0 '{"match": "GET .*/archive", "do": "status", "status": 500, "message": "it hurts"}' run
    says 'what suite `suite` left in tests:/r is not read: it hurts' 'the suite left no results'
    fake_is_empty
}

@test "what a suite left is left there at Ctrl-C, and no other suite begins" {
    leaves '[]'
    sed -i 's/^suite: \(.*\)/suites:\n  inside: \1\n  outside: {command: touch began}/' compose.yaml
    for fault in '"do": "stall"' '"do": "hang", "bytes": 100'; do
        fake_begin --fault "{\"match\": \"GET .*/archive\", $fault}"
        : >requests
        begin run
        eventually reached 'GET .*/archive'
        kill -INT "$envrun_pid"
        ends 130
        says 'outcome=interrupted code=130'
        [ ! -e began ]
        fake_is_empty
    done
}
