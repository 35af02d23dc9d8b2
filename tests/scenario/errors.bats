#!/usr/bin/env bats
# Mistakes and mishaps: each has one clear sentence and its exit code.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

# wrong CODE FILE TEXT...: a run of the file says it all in one sentence and starts nothing.
wrong() {
    echo "$2" >compose.yaml
    exits "$1" run -- true
    says "${@:3}"
    keeps_silent_on started
}

@test "mistakes in the file are found before anything starts, with their place" {
    wrong 65 "{services: {app: {image: $busybox, comand: x}}}" compose.yaml:1: comand 'did you mean `command`'
    wrong 65 "{services: {app: {image: [a]}}}" compose.yaml:1:26 'services.app.image'
    wrong 65 "{services: {app: {image: $busybox, volumes: ['data:/data']}}}" compose.yaml:1: data
    wrong 65 "{services: {app: {image: $busybox, networks: [back]}}}" compose.yaml:1: back
    wrong 65 "{services: {app: {image: $busybox, depends_on: [db]}}}" compose.yaml:1: db
    wrong 65 "{services: {app: {image: $busybox, secrets: [key]}}}" compose.yaml:1: key
    wrong 65 "{services: {app: {image: $busybox, env_file: none.env}}}" none.env
    wrong 65 "{services: {app: {image: $busybox, seed: [{sql: none.sql}], kind: redis}}}" none.sql
    wrong 65 "{services: {app: {image: $busybox, kind: oracle}}}" '`kind: oracle`' postgres
    wrong 65 "{services: {app: {image: $busybox, restart: sometimes}}}" sometimes
    wrong 65 "{services: {app: {image: $busybox, ready: {tcp: 1, log: x}}}}" 'tcp' 'log'
    wrong 65 "{services: {app: {}}}" 'service `app`' image build
    wrong 65 "services: {app: {image: \"\${NEVER_SET:?set it first}\"}}" 'set it first'
    wrong 65 'services: {app: {image: x' compose.yaml
}

@test "a cycle is named along its way" {
    wrong 65 "{services: {a: {image: $busybox, depends_on: [b]}, b: {image: $busybox, depends_on: [c]}, c: {image: $busybox, depends_on: [a]}}}" \
        'a -> b -> c -> a'
}

@test "two services whose variables clash" {
    wrong 65 "{services: {my-app: {image: $busybox}, my.app: {image: $busybox}}}" '`my-app`' '`my.app`' MY_APP_HOST
}

@test "a missing file, no file, no suite, an unknown option" {
    exits 65 run -f nothing.yaml -- true
    says nothing.yaml
    exits 65 run -- true
    says compose.yaml
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    exits 64 run
    says 'no suite'
    exits 64 run --unknown
    says unknown
    exits 64 run other
    says 'there is no suite `other`'
}

@test "too few files may be open" {
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    (ulimit -n 20 && exits 75 run -- true)
    is "$(head -n 1 err)" 'envrun: envrun may open no more than 20 files here, and needs 64 or more: raise the limit (ulimit -n)'
    [[ $(tail -n 1 err) = 'envrun: outcome=error code=75 duration='* ]]
    (ulimit -n 20 && exits 0 config)
}

@test "no engine at the socket, none that listens, no permission" {
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    DOCKER_HOST=unix://$PWD/none.sock exits 69 run -- true
    says "$PWD/none.sock"
    is "$(grep -c 'failed: ' err)" 1
    DOCKER_HOST=tcp://127.0.0.1:9 exits 69 run -- true
    says 127.0.0.1:9
    DOCKER_HOST=tcp://127.0.0.1:9 exits 69 up
    DOCKER_HOST=tcp://127.0.0.1:9 exits 69 down
    DOCKER_HOST=nonsense://x exits 64 run -- true
    says nonsense
}

@test "a socket that one may not use" {
    [ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
    local socket=$PWD/engine.sock
    python3 "$BATS_TEST_DIRNAME/../fake/engine.py" --socket "$socket" >listening 2>&1 3>&- &
    local engine=$!
    eventually grep -q listening listening
    chmod 600 "$socket"
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$PWD"
    chmod 777 .
    cp "$ENVRUN" ./program
    local code=0
    DOCKER_HOST=unix://$socket timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups ./program run -- true 2>err || code=$?
    kill "$engine"
    is "$code" 69
    says "$socket" ermission
}

@test "an engine that is too old" {
    local socket=$PWD/engine.sock
    python3 "$BATS_TEST_DIRNAME/../fake/engine.py" --socket "$socket" --api 1.40 >listening 2>&1 3>&- &
    local engine=$!
    eventually grep -q listening listening
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    DOCKER_HOST=unix://$socket exits 69 run -- true
    kill "$engine"
    says 1.40 1.41
}

@test "a name that is taken, by an environment and by a container of somebody else" {
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000}
END
    exits 0 up
    exits 75 up
    says "an environment named \`$name\` is up already" "envrun down -p $name"
    inspect app '{{.State.Running}}' | grep -q true
    exits 0 down
    docker run -d --name "$name-app-1" --label envrun.test=other "$busybox" sleep 1000 >/dev/null
    exits 75 up
    docker rm -f "$name-app-1" >/dev/null
    says "$name-app-1" 'is already in use' 'service `app`'
}

@test "a port that is taken by a program of this host" {
    python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(60)' >port 3>&- &
    local holder=$!
    eventually test -s port
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000, ports: ["127.0.0.1:$(cat port):80"]}
END
    exits 75 up --ports=written
    kill "$holder"
    says 'service `app`' "$(cat port)" 'address already in use'
}

@test "no space left on the engine" {
    local socket=$PWD/engine.sock
    python3 "$BATS_TEST_DIRNAME/../fake/engine.py" --socket "$socket" --fault \
        '{"match": "POST /containers/create", "do": "status", "status": 500, "message": "mkdir /var/lib/docker/overlay2/x: no space left on device"}' \
        --scenario <(echo "{\"images\": {\"$busybox\": {}}}") >listening 2>&1 3>&- &
    local engine=$!
    eventually grep -q listening listening
    echo "{services: {app: {image: $busybox}}}" >compose.yaml
    DOCKER_HOST=unix://$socket exits 75 run -- true
    kill "$engine"
    says 'service `app`' 'no space left on device'
}
