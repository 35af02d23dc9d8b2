#!/usr/bin/env bats
# The command line itself: help, versions, and what is refused before an engine is asked.

# shellcheck disable=SC2154,SC2153  # name, out, err: set by what is loaded
load command


commands=(run up down ps logs runs show exec port env config version help)

@test "help: an overview, one page per command, each option of the manual page on it" {
    try 0 help
    has "$out" "${commands[@]}"
    for command in "${commands[@]}"; do
        try 0 help "$command"
        has "$out" "Usage: envrun $command"
        cp "$out" "$BATS_TEST_TMPDIR/help-$command"
        try 0 "$command" --help
        cmp "$out" "$BATS_TEST_TMPDIR/help-$command"
    done
    try 0 --help
    try 0 -h
    has "$BATS_TEST_TMPDIR/help-run" --file --environment --project-name --env-file --profile --suite \
        --ports --keep --strict --json --env
    try 64 help nonsense
    has "$err" "there is no command \`nonsense\`"
}

@test "without a command: the overview on stderr, and 64" {
    try 64
    has "$err" "Usage: envrun COMMAND"
    is_empty "$out"
}

@test "version: envrun's and the engine's; without an engine too" {
    try 0 version
    has_line "$out" 'envrun [0-9]+\.[0-9]+\.[0-9]+' 'engine [0-9].*, API [0-9.]+ to [0-9.]+ .*'
    try 0 --version
    DOCKER_HOST=unix:///nonexistent.sock try 0 version
    has_line "$out" 'envrun [0-9.]+' 'engine: .*nonexistent\.sock.*'
}

@test "an unknown command or option gets a suggestion, and 64" {
    try 64 rn
    has "$err" "did you mean \`run\`?"
    try 64 dwon
    has "$err" "did you mean \`down\`?"
    try 64 frobnicate
    has "$err" "\`envrun help\` lists them"
    lacks "$err" "did you mean"
    try 64 run --sute api
    has "$err" "\`envrun run\` has no option --sute; did you mean --suite?" "Try \`envrun help run\`."
    try 64 logs --folow
    has "$err" "did you mean --follow?"
    try 64 run -z
    has "$err" "\`envrun run\` has no option -z"
    try 64 ps --strict
    has "$err" "\`envrun ps\` has no option --strict"
}

@test "options in front of the command are told where they belong" {
    try 64 -p "$name" run
    has "$err" "options stand behind the command"
}

@test "an option's value: missing, too much, not one of those that there are" {
    try 64 run -f
    has "$err" "-f needs a value"
    try 64 run --json=1
    has "$err" "--json takes no value"
    try 64 run --ports=some
    has "$err" "--ports is \`written\` or \`ephemeral\`, not \`some\`"
    try 64 run --keep=maybe
    has "$err" "--keep=maybe"
    try 64 run -e NOVALUE
    has "$err" "-e takes KEY=VAL, not \`NOVALUE\`"
    try 64 logs --tail few
    has "$err" "--tail takes a number of lines, not \`few\`"
    try 64 logs --index 0
    has "$err" "--index takes a container's number, from 1 on, not \`0\`"
    try 64 run --bundle-size much
    has "$err" "--bundle-size takes a number of MiB, not \`much\`"
    try 64 port --protocol icmp web 80
    has "$err" "--protocol is \`tcp\`, \`udp\` or \`sctp\`, not \`icmp\`"
    for verb in run up repro; do
        try 64 "$verb" --max-parallel x
        has "$err" "--max-parallel takes a number of environments, from 1 on, not \`x\`"
        try 64 "$verb" --max-wait x
        has "$err" "--max-wait takes a duration such as 30m or 2h, not \`x\`"
        try 64 "$verb" --subnets x
        has "$err" "--subnets takes CIDR or CIDR/SIZE"
        ENVRUN_MAX_PARALLEL=0 try 64 "$verb"
        has "$err" "ENVRUN_MAX_PARALLEL: --max-parallel takes a number of environments, from 1 on, not \`0\`"
        ENVRUN_SUBNETS=10.0.0.0/8/4 try 64 "$verb"
        has "$err" "ENVRUN_SUBNETS: --subnets 10.0.0.0/8/4: a subnet of /4 is not within /8 to /29"
    done
    ENVRUN_MAX_PARALLEL=0 try 0 run --help
    try 64 config --format xml
    has "$err" "--format is \`yaml\` or \`json\`, not \`xml\`"
    try 64 ps --format xml
    has "$err" "--format is \`table\` or \`json\`, not \`xml\`"
    try 64 env --format xml
    has "$err" "--format is \`shell\`, \`json\` or \`dotenv\`, not \`xml\`"
    try 64 port web http
    has "$err" "\`http\` is not a port"
    try 64 run --
    has "$err" "a command is expected behind --"
}

@test "words that a command does not take are refused, not ignored" {
    try 64 ps web
    has "$err" "\`envrun ps\` takes no arguments"
    try 64 env web
    try 64 version 2
    try 64 down one two
    has "$err" "\`envrun down\` takes one argument"
    try 64 help run up
    try 64 port web 80 443
    try 64 exec web
    has "$err" "needs a service and a command"
    try 64 up -- true
    has "$err" "only \`envrun run\` takes a command behind --"
}

@test "a run or an up that is refused ends with its outcome all the same" {
    for verb in run up; do
        try 64 "$verb" --nonsense
        is "$(tail -n 1 "$err")" "envrun: outcome=error code=64 duration=0.0s"
        try 65 "$verb"
        has_line "$err" 'envrun: outcome=error code=65 duration=[0-9.]+s'
    done
}

@test "no engine at the address: one sentence and 69" {
    printf 'services: {one: {image: envrun-test/busybox:1}}\nsuite: {command: "true"}\n' >envrun.yaml
    for command in run up ps down env 'logs one' 'exec one true' 'port one 80'; do
        # shellcheck disable=SC2086  # words
        DOCKER_HOST=unix://$PWD/none.sock try 69 $command
        has "$err" "none.sock"
    done
    DOCKER_HOST=unix://$PWD/none.sock try 0 config
}

@test "output that does not arrive is not passed over in silence" {
    [ -c /dev/full ] || skip 'needs /dev/full'
    local code=0
    echo "services: {a: {image: envrun-test/busybox:1}}" >envrun.yaml
    "$ENVRUN" config >/dev/full 2>"$err" || code=$?
    is "$code" 74
    has "$err" 'envrun: cannot write to stdout: No space left on device'
    try 0 config
}
