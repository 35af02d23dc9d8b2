#!/usr/bin/env bats
# Whatever happens, nothing is left (each test ends with looking for it); unless it is to be kept.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

# An environment with a network and a volume besides the default, a VOLUME of its image, a secret.
full() {
    echo hush >secret
    cat <<END
services:
  db:
    image: shop/redis
    networks: [default, back]
    secrets: [key]
    seed: [{exec: redis-cli set a b}]
  app:
    image: $busybox
    command: sleep 1000
    depends_on: [db]
    volumes: [data:/data, /anonymous]
    ports: ["80"]
networks: {back: }
volumes: {data: , unused: }
secrets: {key: {file: secret}}
END
}

# ---- Ways to end ----

@test "a suite that passes, and one that fails: nothing is left but the code" {
    full | compose
    exits 0 run -- true
    says 'removed 2 containers, 2 networks, 3 volumes' 'outcome=passed code=0'
    exits 7 run -- sh -c 'exit 7'
    says 'outcome=failed code=7'
    is "$(objects)" ''
}

# fails_in PHASE FILE: with the file laid over, the environment does not come up; that is said in one sentence,
# and nothing is left.
fails_in() {
    full | compose
    echo "$2" >envrun.yaml
    exits 75 run --json -- true
    happened ".event == \"phase\" and .phase == \"$1\" and .status == \"failed\""
    is "$(grep -c '"event":"failed"' err)" 1
    happened '.event == "teardown" and .status == "done"'
    is "$(objects)" ''
}

@test "a failure while an image is pulled" {
    fails_in image '{services: {app: {image: "127.0.0.1:9/no/such:1"}}}'
}

@test "a failure while an image is built" {
    printf 'FROM %s\nRUN false\n' "$busybox" >Dockerfile
    fails_in image '{services: {app: {image: null, build: .}}}'
}

@test "a failure while a container is created" {
    fails_in create '{services: {app: {cap_add: [NO_SUCH_CAPABILITY]}}}'
}

@test "a failure while a container is started" {
    fails_in start '{services: {app: {command: /no/such/program}}}'
}

@test "a failure while a service is probed" {
    fails_in ready '{services: {app: {ready: {exec: "false", timeout: 200ms}}}}'
}

@test "a failure while a service is seeded" {
    fails_in seed '{services: {app: {seed: [{exec: exit 3}]}}}'
}

# interrupted SIGNAL CODE PHASE FILE: a run with the file laid over gets the signal when that phase of app (or the
# suite) has begun, ends with the code, and leaves nothing.
interrupted() {
    local begun="\"service\":\"app\",\"phase\":\"$3\",\"status\":\"began\""
    [ "$3" != suite ] || begun='"event":"suite"'
    full | compose
    echo "$4" >envrun.yaml
    if [ "$3" = suite ]; then
        begin run --json
    else
        begin run --json -- true
    fi
    eventually grep -qF "$begun" err
    kill "-$1" "$envrun_pid"
    while ${again-false} && kill "-$1" "$envrun_pid" 2>/dev/null; do sleep 0.05; done
    ends "$2"
    happened '.event == "outcome" and .text == "interrupted"'
    happened '.event == "teardown" and .status == "done"'
    is "$(objects)" ''
}

@test "SIGINT while an image is built" {
    printf 'FROM %s\nRUN sleep 30\n' "$busybox" >Dockerfile
    interrupted INT 130 image '{services: {app: {build: {context: ., no_cache: true}}}}'
}

@test "SIGTERM while a container is created" {
    interrupted TERM 143 create '{}'
}

@test "SIGTERM while a service is started" {
    interrupted TERM 143 start '{}'
}

@test "SIGHUP while a service is probed" {
    interrupted HUP 129 ready '{services: {app: {ready: {exec: "false"}}}}'
}

@test "SIGINT while a service is seeded inside" {
    interrupted INT 130 seed '{services: {app: {seed: [{exec: sleep 1000}]}}}'
}

# has_ended PID: it is gone, or waits for whoever inherited it to notice.
has_ended() { ! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

@test "SIGTERM while a service is seeded from the host" {
    interrupted TERM 143 seed '{services: {app: {seed: [{run: "echo $$ >pid; exec sleep 1000"}]}}}'
    eventually has_ended "$(cat pid)"
}

@test "SIGINT and SIGTERM while the suite runs on the host" {
    interrupted INT 130 suite '{suite: {command: sleep 1000}}'
    interrupted TERM 143 suite '{suite: {command: sleep 1000}}'
}

# Its sleep is process 1, which does not hear SIGTERM: so the later signals kill it.
@test "SIGHUP, again and again, while the suite runs in the graph" {
    local again=true
    interrupted HUP 129 suite "{services: {tests: {image: '$busybox', command: sleep 1000}}, suite: {service: tests}}"
}

@test "a second Ctrl-C while it is taken down does not stop that" {
    full | compose
    begin run -- sleep 1000
    eventually grep -q ' suite: ' err
    kill -INT "$envrun_pid"
    until ! kill -INT "$envrun_pid" 2>/dev/null; do sleep 0.02; done
    ends 130
    is "$(objects)" ''
}

@test "a suite that takes too long ends with 124" {
    full | compose
    echo '{suite: {command: sleep 1000, timeout: 300ms}}' >envrun.yaml
    exits 124 run
    says 'ran longer than its timeout of 300 ms' 'outcome=timeout code=124'
    is "$(objects)" ''
}

# ---- Keeping ----

@test "--keep holds it and says how to look and how to take it down, from any folder" {
    local kept
    full | compose
    exits 0 run --keep -- true
    kept=$(sed -nE 's/.* envrun run ([^ ]*): .*/\1/p' err)
    says "envrun down -p $kept" "envrun exec -p $kept"
    is "$(docker ps -q --filter "label=envrun.environment=$kept" | wc -l)" 2
    cd /
    timeout 60 "$ENVRUN" exec -p "$kept" db redis-cli get a
    timeout 60 "$ENVRUN" down -p "$kept" 2>"$BATS_TEST_TMPDIR/err"
    cd "$BATS_TEST_TMPDIR"
    says 'removed 2 containers, 2 networks, 3 volumes'
}

@test "--keep=on-failure keeps a failed run, not one that passed" {
    full | compose
    exits 0 run --keep=on-failure -- true
    is "$(objects)" ''
    exits 3 run --keep=on-failure -- sh -c 'exit 3'
    says 'envrun down -p'
    timeout 60 "$ENVRUN" down -p "$(sed -nE 's/.* envrun run ([^ ]*): .*/\1/p' err)"
    is "$(objects)" ''
    echo '{services: {app: {ready: {exec: "false", timeout: 200ms}}}}' >envrun.yaml
    exits 75 run --keep=on-failure -- true
    timeout 60 "$ENVRUN" down -p "$(sed -nE 's/.* envrun run ([^ ]*): .*/\1/p' err)"
}

@test "down of what is not there is no failure, and takes nobody else's" {
    full | compose
    exits 0 up
    timeout 60 "$ENVRUN" down -p "$name-other" 2>err
    says 'removed nothing'
    is "$(docker ps -q --filter "label=envrun.environment=$name" | wc -l)" 2
    exits 0 down
}

@test "what cannot be removed is named, with 70; a later down removes it" {
    full | compose
    exits 0 up
    docker run -d --name "$name-guest" --label envrun.test=guest --network "${name}_back" "$busybox" sleep 1000 >/dev/null
    exits 70 down
    is "$(objects)" "$name network ${name}_back"
    docker rm -f "$name-guest" >/dev/null # from here on any envrun that begins may sweep the network
    says "not removed: network ${name}_back" 'active endpoints'
    exits 0 down
}

# ---- Labels ----

# labels KIND NAME: an object's labels, "NAME=VALUE" a line.
labels() { docker "$1" inspect "$2" | jq -r '.[0] | (.Config.Labels // .Labels) | to_entries[] | "\(.key)=\(.value)"'; }

@test "everything carries the environment's labels; Compose's stand on containers, without config-hash" {
    local object
    full | compose
    exits 0 up
    objects >all
    is "$(wc -l <all)" 8 # with the hold
    while read -r _ kind object; do
        labels "$kind" "$object" >found
        grep -qx "envrun.environment=$name" found
        grep -qx 'envrun.version=1' found
        grep -qx "envrun.folder=$PWD" found
        grep -qx "envrun.files=$PWD/compose.yaml" found
        grep -qx 'envrun.verb=up' found
        grep -q '^envrun.owner=.*/.*/.*/.*/' found
        grep -q '^envrun.created=' found
        [ "$object" = "$name.hold" ] || grep -q '^envrun.deadline=' found
        [ "$kind" = container ] || fails grep com.docker.compose found
    done <all
    labels container "$name-db-1" >found
    is "$(grep com.docker.compose found | sort)" "com.docker.compose.container-number=1
com.docker.compose.oneoff=False
com.docker.compose.project.config_files=$PWD/compose.yaml
com.docker.compose.project.working_dir=$PWD
com.docker.compose.project=$name
com.docker.compose.service=db"
    grep -qx envrun.service=db found
    # The VOLUME of shop/redis and the nameless one of the file are ours, and nothing is anonymous.
    docker inspect --format '{{range .Mounts}}{{.Type}} {{.Name}}{{"\n"}}{{end}}' "$name-db-1" "$name-app-1" | grep volume >volumes
    is "$(wc -l <volumes)" 3
    fails grep -v "^volume $name" volumes
    exits 0 down
}

@test "built images are kept" {
    echo "FROM $busybox" >Dockerfile
    compose <<END
services:
  app: {build: ., command: sleep 1000}
END
    exits 0 run -- true
    docker image inspect --format '{{.Id}}' "$name-app"
}

@test "external networks and volumes are used and left alone" {
    docker volume create "$name-outside" >/dev/null
    docker network create "$name-outside" >/dev/null
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000, volumes: [mine:/data], networks: [theirs]}
volumes: {mine: {external: true, name: $name-outside}}
networks: {theirs: {external: true, name: $name-outside}}
END
    exits 0 run -- true
    docker volume rm "$name-outside"
    docker network rm "$name-outside"
    exits 75 run -- true
    says "$name-outside"
}

@test "a container of an image that was committed from one of ours is not ours" {
    compose <<END
services: {one: {image: $busybox, command: sleep 600, init: true}}
END
    exits 0 up
    docker commit "$name-one-1" "$name-committed" >/dev/null
    docker run -d --name "theirs-$name" "$name-committed" sleep 600 >/dev/null
    exits 0 down
    says 'removed 1 container, 1 network'
    fails sh -c "'$ENVRUN' ls | grep '$name'"
    docker rm -f "theirs-$name" >/dev/null # it is still there
}

@test "an engine that is slow is waited for as long as it gets on" {
    local faults=() nth=0 left number
    load fake
    scenario <<<'{"images": {"i:1": {}}}'
    compose <<<'{services: {a: {image: "i:1", scale: 9}}}'
    for left in 9 8 7 6 5 4 3 2 1; do # one container goes in each round
        nth=$((nth + 1))
        for ((number = 1; number < left; number++)); do
            nth=$((nth + 1))
            faults+=(--fault "{\"match\": \"DELETE /containers\", \"nth\": $nth, \"do\": \"status\", \"status\": 409,
                \"message\": \"removal of container x is already in progress\"}")
        done
    done
    fake_begin "${faults[@]}"
    exits 0 run -- true
    says 'removed 9 containers'
    jq -e '[.containers, .networks, .volumes] | all(length == 0)' <(fake_report)
    fake_end
}
