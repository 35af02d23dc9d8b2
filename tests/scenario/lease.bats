#!/usr/bin/env bats
# Whoever is killed: what envrun made vanishes, and nobody else's does. Other environments on this engine may be
# swept by any envrun that starts meanwhile, so what a sweep says is tried in cli_gc.bats, on a fake engine.

# shellcheck disable=SC2016,SC2154  # the inner shells expand these; name and busybox are set in lib
load lib

# A graph with a network, volumes and seeds besides.
graph() {
    compose <<END
services:
  db:
    image: $busybox
    command: sleep 1000
    volumes: [data:/data, /private]
    seed: [{exec: '${seed:-true}'}]
    ready: {exec: '${ready:-true}'}
  app: {image: $busybox, command: sleep 1000, depends_on: [db], networks: [default, back]}
networks: {back: }
volumes: {data: }
suite: {command: '${suite:-echo \$\$ >pid; exec sleep 1000}'}
END
}

nothing() { ! objects; }
something() { objects; }

# reapers: the processes that guard this test's environments.
reapers() { pgrep -f "^envrun reaper $name"; }

no_reapers() { ! reapers; }

# killed_in EVENT-FILTER: a run is killed when that has happened; then all of it vanishes.
killed_in() {
    begin run --json
    eventually happened "$1"
    kill -KILL "$envrun_pid"
    eventually nothing
    eventually no_reapers
    nothing
}

# ---- The reaper ----

@test "killed while an image is built" {
    graph
    printf 'FROM %s\nRUN sleep 5\n' "$busybox" >Dockerfile
    echo '{services: {app: {image: null, build: {context: ., no_cache: true}}}}' >envrun.yaml
    killed_in '.event == "phase" and .phase == "image" and .service == "app" and .detail == "build"'
}

@test "killed while containers are created" {
    graph
    killed_in '.event == "phase" and .phase == "create" and .status == "began"'
}

@test "killed while a container is started" {
    graph
    killed_in '.event == "phase" and .phase == "start" and .status == "began"'
}

@test "killed while a service is probed" {
    ready='false' graph
    killed_in '.event == "phase" and .phase == "ready" and .status == "began"'
}

@test "killed while a service is seeded" {
    seed='sleep 1000' graph
    killed_in '.event == "seed" and .status == "began"'
}

@test "killed in teardown" {
    suite='true' graph
    killed_in '.event == "teardown" and .status == "began"'
}

@test "killed while the suite runs: its whole process group ends too" {
    suite='sleep 4321 & echo $$ $! >pids; exec sleep 1234' graph
    begin run
    eventually test -s pids
    kill -KILL "$envrun_pid"
    for pid in $(cat pids); do eventually fails kill -0 "$pid"; done
    eventually nothing
}

@test "killed while a seed runs on the host: that ends too" {
    graph
    echo '{services: {db: {seed: [{run: "echo $$ >pid; exec sleep 1234"}]}}}' >envrun.yaml
    begin run
    eventually test -s pid
    kill -KILL "$envrun_pid"
    eventually fails kill -0 "$(cat pid)"
    eventually nothing
}

@test "a suite that does not hear SIGTERM is killed" {
    suite='trap "" TERM; echo $$ >pid; while :; do sleep 1; done' graph
    begin run
    eventually test -s pid
    kill -KILL "$envrun_pid"
    eventually fails kill -0 "$(cat pid)"
    eventually nothing
}

@test "a signal to the whole process group does not reach the reaper" {
    graph
    setsid "$ENVRUN" run -p "$name" >out 2>err </dev/null 3>&- &
    eventually test -s pid
    for signal in HUP INT TERM KILL; do kill "-$signal" -- -"$!" 2>/dev/null || true; done
    eventually nothing
}

@test "neither the program's file nor the working folder need be there" {
    graph
    mkdir there
    cp "$ENVRUN" there/envrun
    cp compose.yaml there/
    (cd there && exec ./envrun run -p "$name" >../out 2>../err </dev/null 3>&-) &
    envrun_pid=$!
    eventually test -s there/pid
    rm -r there
    kill -KILL "$envrun_pid"
    eventually nothing
}

@test "the reaper knows nothing that is secret, and holds nothing of ours open" {
    local pid
    graph
    exec 9>held
    PASSWORD=hush begin run -e TOKEN=hush
    exec 9>&-
    eventually test -s pid
    pid=$(reapers)
    fails grep -aq hush "/proc/$pid/cmdline" "/proc/$pid/environ"
    is "$(readlink "/proc/$pid/cwd")" /
    is "$(readlink "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" /dev/null
    fails grep -F "$PWD" <(ls -l "/proc/$pid/fd")
    is "$(ps -o sid= -p "$pid" | tr -d ' ')" "$(ps -o pgid= -p "$pid" | tr -d ' ')"
    [ "$(ps -o sid= -p "$pid")" != "$(ps -o sid= -p "$envrun_pid")" ]
    kill -INT "$envrun_pid"
    ends 130
    eventually no_reapers
}

@test "a run that ends well leaves no reaper" {
    suite='true' graph
    exits 0 run
    eventually no_reapers
}

# ---- Without the reaper ----

# kill_both: envrun and its reaper, before either can do anything; then the suite, for which nobody is left.
kill_both() {
    kill -KILL "$(reapers)" "$envrun_pid"
    [ ! -s pid ] || kill -KILL "$(cat pid)"
}

@test "both are killed: gc removes what is left" {
    graph
    begin run
    eventually test -s pid
    kill_both
    eventually no_reapers
    timeout 60 "$ENVRUN" gc --yes >out 2>err
    nothing
}

@test "both are killed: the next run on the engine removes it by the way" {
    graph
    begin run
    eventually test -s pid
    kill_both
    mkdir next
    cd next
    echo "services: {a: {image: $busybox, command: sleep 1000}}" | compose
    timeout 60 "$ENVRUN" run -p "$name" -- true 2>err
    cd ..
    eventually nothing
}

@test "an up that was killed half way is in nobody's way" {
    ready='test -e /tmp/go' graph
    begin up --json
    eventually happened '.event == "phase" and .phase == "ready" and .status == "began"'
    kill_both
    graph
    exits 0 up
    exits 0 down
}

@test "gc leaves those alone whose owner lives, and those that are held" {
    graph
    begin run
    eventually test -s pid
    timeout 60 "$ENVRUN" up -p "$name-held" 2>up.err || { show up.err; false; }
    objects >before
    timeout 60 "$ENVRUN" gc --yes >gc.out
    objects >after
    is "$(cat after)" "$(cat before)"
    timeout 60 "$ENVRUN" ls >ls
    grep -E "^$name-[0-9a-f]{6} +run +owned +alive " ls
    grep -E "^$name-held +up +held +dead .* - +2 containers, 2 networks, 2 volumes +$PWD" ls
    timeout 60 "$ENVRUN" down -p "$name-held" 2>/dev/null
    kill -INT "$envrun_pid"
    ends 130
}

# ---- A time to live ----

@test "up --ttl takes it down when the time is over" {
    graph
    exits 0 up --ttl 3s
    something
    reapers
    eventually nothing
    eventually no_reapers
}

@test "a reaper that waits goes when the environment does" {
    graph
    exits 0 up --ttl 1h
    timeout 60 "$ENVRUN" ls --format json >ls
    jq -e --arg name "$name" '.[] | select(.name == $name) | .state == "held" and .deadline > (now + 3000)' ls
    exits 0 down
    eventually no_reapers # it looks every few seconds
}

@test "both are killed: an expired up goes with gc" {
    graph
    exits 0 up --ttl 2s
    kill -KILL "$(reapers)"
    sleep 3
    timeout 60 "$ENVRUN" gc --yes >out
    nothing
}

@test "with CI set the time is two hours, unless --ttl says 0" {
    graph
    CI=true exits 0 up
    timeout 60 "$ENVRUN" ls >ls
    grep -E "^$name .* in (2 h 0|1 h 59) min " ls
    kill -KILL "$(reapers)"
    exits 0 down
    CI=true exits 0 up --ttl 0
    timeout 60 "$ENVRUN" ls >ls
    grep -E "^$name .* - " ls
    no_reapers
    exits 0 down
}

@test "what --keep holds is not taken for left" {
    suite='true' graph
    exits 0 run --keep
    timeout 60 "$ENVRUN" gc --yes >out
    timeout 60 "$ENVRUN" down -p "$(sed -nE 's/.* envrun run ([^ ]*): .*/\1/p' err)" 2>err
    says 'removed 2 containers, 2 networks, 2 volumes'
}

@test "a ttl that is none" {
    graph
    exits 64 up --ttl soon
    says '--ttl takes a duration'
}

# ---- Other namespaces ----

@test "an owner in another pid namespace is not taken for dead" {
    graph
    [ "$(id -u)" = 0 ] || skip 'needs root'
    unshare --pid --fork --kill-child --mount-proc "$ENVRUN" run -p "$name" >out 2>err </dev/null 3>&- &
    envrun_pid=$!
    eventually test -s pid
    objects >before
    timeout 60 "$ENVRUN" gc --yes >gc.out
    is "$(objects)" "$(cat before)"
    timeout 60 "$ENVRUN" ls >ls
    grep -E "^$name-[0-9a-f]{6} +run +unseen +elsewhere .* in [0-9]" ls
    # With its namespace the reaper goes too: nobody but the deadline is left.
    kill -KILL "$envrun_pid"
    eventually no_reapers
    timeout 60 "$ENVRUN" gc --yes >gc.out
    is "$(objects)" "$(cat before)"
    timeout 60 "$ENVRUN" down -p "$(cut -d' ' -f1 before | head -n 1)" 2>err
}

@test "in a namespace whose /proc is the outer one's, the living are left alone" {
    graph
    [ "$(id -u)" = 0 ] || skip 'needs root'
    unshare --pid --fork --kill-child sh -c '
        "$0" run -p "$1" >out 2>err </dev/null &
        until [ -s pid ]; do sleep 0.1; done
        "$0" gc --yes >gc.out
        "$0" ls >ls
        kill -INT $!
        wait $!' "$ENVRUN" "$name" 3>&- || true
    grep -E "^$name-[0-9a-f]{6} +run +owned +alive " ls
    says 'outcome=interrupted'
    nothing
}
