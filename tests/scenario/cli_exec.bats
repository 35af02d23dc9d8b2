#!/usr/bin/env bats
# exec: a command in a service's container, with a terminal and without.

# shellcheck disable=SC2016,SC2094,SC2154  # expanded inside; only read; set by what is loaded
load command

# A container that only waits.
up_one() {
    cat >envrun.yaml <<'END'
services:
  one: {image: envrun-test/busybox:1, init: true, command: sleep 1000, environment: {COLOUR: red}}
END
    try 0 up -p "$name"
}

down_one() { try 0 down -p "$name"; }

@test "exec: stdout and stderr apart, the command's words as they are, -e, -u, -w" {
    up_one
    try 0 exec -p "$name" one sh -c 'echo out; echo err >&2'
    is "$(cat "$out")" out
    is "$(cat "$err")" err
    try 0 exec -p "$name" one printf '%s|' 'two words' '' '$HOME' --help -p
    is "$(cat "$out")" 'two words||$HOME|--help|-p|'
    try 0 exec -p "$name" -e SHAPE=round -e COLOUR=blue -w /etc -u 65534 one sh -c 'echo $SHAPE $COLOUR $PWD $(id -u)'
    is "$(cat "$out")" "round blue /etc 65534"
    try 0 exec -p "$name" one -- echo behind
    is "$(cat "$out")" behind
    down_one
}

@test "exec: exit codes pass through, of a signal too; 126 or 127 where it cannot run" {
    up_one
    for code in 0 1 3 75 255; do
        try "$code" exec -p "$name" one sh -c "exit $code"
        is_empty "$err"
    done
    try 137 exec -p "$name" one sh -c 'kill -KILL $$'
    # What the engine says of it, it says on the command's stdout, and older ones answer 126 in both cases.
    code=0
    program exec -p "$name" one no-such-program >"$out" || code=$?
    [[ $code = 126 || $code = 127 ]]
    has "$out" no-such-program
    try 126 exec -p "$name" one /etc
    has "$out" /etc
    try 64 exec -p "$name" two true
    has "$err" "there is no service \`two\` in this environment"
    down_one
}

@test "exec: stdin is piped through and its end too; 5 MB through cat arrive as they were" {
    up_one
    head -c 5000000 /dev/urandom >bytes
    program exec -p "$name" one cat <bytes | cmp - bytes
    # shellcheck disable=SC2002  # a pipe, not a file
    cat bytes | program exec -p "$name" one sha256sum | grep -q "^$(sha256sum <bytes | cut -d ' ' -f 1)"
    is "$(printf 'a\nb' | program exec -p "$name" one wc -c)" 3
    is "$(program exec -p "$name" one cat </dev/null)" ""
    # It need not read what it is sent.
    is "$(program exec -p "$name" one echo "done" <bytes)" "done"
    down_one
}

@test "exec: it ends when nobody reads its output any more" {
    up_one
    {
        code=0
        program exec -p "$name" one yes || code=$?
        echo "$code" >code
    } | head -n 1 >first
    is "$(cat first) $(cat code)" "y 141"
    down_one
}

@test "exec on a terminal: one inside too, with its size, and the keys go there" {
    up_one
    terminal 7 20x61 'expect=size 20 61 tty' 'resize=30x70' 'send=go\r' 'expect=now 30 70' 'send=exit 7\r' -- \
        exec -p "$name" one sh -c 'until [ "$(stty size)" = "20 61" ]; do sleep 0.1; done 2>/dev/null
            test -t 0 && test -t 1 && echo size $(stty size) tty; read x
            until [ "$(stty size)" = "30 70" ]; do sleep 0.1; done; echo now $(stty size); exec sh'
    down_one
}

@test "exec on a terminal: Ctrl-C is for the command inside; the terminal is as before afterwards" {
    up_one
    on_terminal 0 'expect=ready' 'send=\x03' 'expect=caught' 'expect=code 9, same modes' -- sh -c '
            before=$(stty -g)
            "$0" exec -p "$1" one sh -c "trap \"echo caught; exit 9\" INT; echo ready; while :; do sleep 0.1; done"
            code=$?
            [ "$(stty -g)" = "$before" ] && echo "code $code, same modes"' "$ENVRUN" "$name"
    down_one
}

@test "exec -T: no terminal inside, though there is one outside" {
    up_one
    terminal 0 'expect=no tty' -- exec -T -p "$name" one sh -c 'test -t 1 || echo no tty'
    down_one
}

@test "exec without a terminal: Ctrl-C ends it with 130" {
    up_one
    start exec -p "$name" one sh -c 'echo ready; sleep 1000'
    eventually grep -q ready "$out"
    kill -INT "$started"
    ended 130
    down_one
}
