# shellcheck shell=bash
# The fake engine (tests/fake) for a test, in place of the real one; loaded after lib.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    name=fault
    unset fake_pid
}

teardown() { fake_end; }

# A small environment that uses most of the API: volume, network, pull, exec probe, log probe, seed, suite.
small_environment() {
    compose <<END
services:
  db:
    image: db:1
    volumes: [data:/data]
    ready: {exec: is-ready, timeout: 8s}
    seed: [{exec: load, timeout: 8s}]
  web:
    image: web:1
    depends_on: [db]
    ready: {log: serving, timeout: 8s}
volumes: {data: }
suite: {command: echo the suite ran, timeout: 8s}
END
    scenario <<END
{"images": {"db:1": {}}, "registry": {"web:1": {}}, "containers": [{"match": "web", "stdout": ["serving"]}]}
END
}

# A small one that uses the rest: a build, a file that is copied, a job, a suite inside.
graph_environment() {
    mkdir -p app
    printf 'FROM db:1\nRUN make\n' >app/Dockerfile
    echo data >data.txt
    compose <<END
services:
  job: {image: db:1, command: migrate}
  app:
    build: ./app
    depends_on: {job: {condition: service_completed_successfully}}
    seed: [{copy: {from: data.txt, to: /data.txt}, timeout: 8s}]
  tests: {image: db:1, command: tests, depends_on: [app]}
suite: {service: tests, junit: [/r/*.xml, here.xml], timeout: 8s}
END
    scenario <<END
{"images": {"db:1": {}}, "containers": [
    {"match": "job", "seconds": 0.1}, {"match": "tests", "seconds": 0.1, "stdout": ["the suite ran"], "archive": [
        {"name": "here.xml", "text": "<testsuite><testcase name='a'/></testsuite>"}]}]}
END
}

# scenario <<END: what the engine holds and how its containers behave (tests/fake/README.md).
scenario() { cat >scenario.json; }

# fake_begin ARGUMENT...: a fresh engine, and DOCKER_HOST for it.
fake_begin() {
    fake_end
    rm -f listening
    mkfifo listening
    "$BATS_TEST_DIRNAME/../fake/engine.py" --socket socket --scenario scenario.json --log requests "$@" \
        >listening 2>fake.err 3>&- &
    fake_pid=$!
    read -r _ <listening
    export DOCKER_HOST=unix://$PWD/socket
}

fake_end() {
    [ -n "${fake_pid-}" ] || return 0
    kill "$fake_pid" 2>/dev/null || true
    wait "$fake_pid" 2>/dev/null || true
    fake_pid=
}

fake_report() { curl -sS --unix-socket socket http://fake/_fake; }

# fake_again JSON: the same engine with that fault; it counts anew, and has not pulled anything.
fake_again() {
    curl -sS --unix-socket socket -X DELETE http://fake/images/web:1 >/dev/null
    curl -sS --unix-socket socket -d "{\"faults\": [$1]}" http://fake/_fake >/dev/null
}

# fake_is_empty: it has no containers, networks or volumes.
fake_is_empty() {
    fake_report >report
    jq -e '[.containers, .networks, .volumes] | all(length == 0)' report >/dev/null && return
    echo "left on the engine: $(cat report)"
    show err
    return 1
}

# reached REGEX [TIMES]: the engine has been asked for it so often.
reached() { [ "$(grep -cE -- "$1" requests)" -ge "${2:-1}" ]; }

# with_fault CODE JSON VERB ARGUMENT...: envrun ends with that code on an engine that has that fault.
with_fault() {
    local fault=$2
    fake_begin --fault "$fault"
    set -- "$1" "${@:3}"
    exits "$@" || { echo "with the fault $fault"; return 1; }
}

# Its end is told: the last line names the outcome, a run that failed says so in one sentence, and nothing crashed.
tells_its_end() {
    tail -n 1 err | grep -qE '^envrun: outcome=[a-z]+ code=[0-9]+ duration=' ||
        { echo "the last line names no outcome"; show err; return 1; }
    if grep -q 'outcome=\(environment\|error\)' err && [ "$(grep -c ' failed: [^ ]\| not all could be removed: ' err)" = 0 ]; then
        echo "no sentence says why"
        show err
        return 1
    fi
    keeps_silent_on ERROR: 'runtime error' Assertion
}
