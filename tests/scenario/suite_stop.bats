#!/usr/bin/env bats
# How a suite is stopped: time limits, signals, what it leaves behind.

# shellcheck disable=SC2016,SC2154  # the suite's shell expands it; set by what is loaded
load command

# suite TIMEOUT COMMAND: a file with one service and this suite.
suite() {
    {
        echo 'services: {one: {image: envrun-test/busybox:1, init: true, command: sleep 1000}}'
        # shellcheck disable=SC2001  # each line
        printf 'suite:\n  timeout: %s\n  command: |\n%s\n' "$1" "$(sed 's/^/    /' <<<"$2")"
    } >envrun.yaml
}

# is_gone FILE...: the processes whose numbers are in these files have ended.
is_gone() {
    local file
    for file; do
        ! kill -0 "$(cat "$file")" 2>/dev/null || { echo "still there: ${file}"; return 1; }
    done
}

@test "timeout: SIGTERM to the whole group, 124, said in one sentence; the environment goes" {
    suite 1s 'trap "echo told; exit 5" TERM
sh -c "trap \"touch child-told; exit\" TERM; echo \$\$ >child; sleep 1000 & wait" &
echo $$ >pid; sleep 1000 & wait'
    try 124 run -p "$name"
    has "$out" told
    [ -e child-told ]
    is_gone pid child
    has "$err" "failed: suite \`suite\` ran longer than its timeout of 1.0 s" "outcome=timeout code=124"
}

@test "one that ignores SIGTERM is killed a little later" {
    suite 1s 'trap "" TERM; echo $$ >pid; sh -c "echo \$\$ >child; while :; do sleep 1; done" & while :; do sleep 1; done'
    try 124 run -p "$name"
    is_gone pid child
    has "$err" "outcome=timeout code=124"
}

@test "what it leaves behind is gone afterwards: background jobs, sessions of their own, daemons" {
    suite 1m 'sleep 1000 & echo $! >job
setsid sh -c "echo \$\$ >session; exec sleep 1000" &
sh -c "setsid sh -c \"(trap : TERM; echo \\\$\\\$ >daemon; while :; do sleep 0.1; done) &\"" >/dev/null 2>&1
until [ -s job ] && [ -s session ] && [ -s daemon ]; do sleep 0.1; done
exit 6'
    try 6 run -p "$name"
    is_gone job session daemon
}

@test "a daemon that holds its output open does not hold envrun up" {
    suite 1m 'setsid sh -c "echo \$\$ >daemon; exec sleep 1000" & until [ -s daemon ]; do sleep 0.1; done; echo out'
    timeout 30 "$ENVRUN" run -p "$name" 2>"$err" | cat >"$out"
    is "$(cat "$out")" out
    has "$err" "outcome=passed code=0"
    is_gone daemon
}

@test "SIGINT, SIGTERM and SIGHUP: the suite is asked to end, the environment goes, 130, 143, 129" {
    suite 1m 'trap "touch told; exit 0" TERM; echo $$ >pid; touch begun; while :; do sleep 0.1; done'
    for signal in INT:130 TERM:143 HUP:129; do
        rm -f begun told
        start run -p "$name"
        eventually test -e begun
        kill -"${signal%:*}" "$started"
        ended "${signal#*:}"
        [ -e told ]
        is_gone pid
        has "$err" "interrupted by signal " "): taking it down" "outcome=interrupted code=${signal#*:}"
        is "$(objects || true)" ""
    done
}

@test "a second Ctrl-C kills the suite at once" {
    suite 1m 'trap "touch told" TERM; echo $$ >pid; touch begun; while :; do sleep 0.1; done'
    start run -p "$name"
    eventually test -e begun
    kill -INT "$started"
    eventually test -e told
    began=$SECONDS
    kill -INT "$started"
    ended 130
    ((SECONDS - began < 8))
    is_gone pid
}

@test "Ctrl-C on a terminal: once is enough, and the screen says how it ended" {
    suite 1m 'trap "echo the suite was told; exit 1" TERM; echo begun; while :; do sleep 0.1; done'
    terminal 130 'expect=\nbegun' 'send=\x03' 'expect=the suite was told' 'expect=outcome=interrupted' -- run -p "$name"
}

@test "what nohup shields from SIGHUP goes on" {
    suite 1m 'touch begun; until [ -e go ]; do sleep 0.1; done'
    trap '' HUP
    start run -p "$name"
    trap - HUP
    eventually test -e begun
    kill -HUP "$started"
    touch go
    ended 0
    has "$err" "outcome=passed"
}
