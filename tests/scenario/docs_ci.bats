#!/usr/bin/env bats
# The pages about CI systems: their commands do what they say.

# shellcheck disable=SC2154  # from what is loaded

load lib
load bundle

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    unset GITHUB_OUTPUT GITHUB_STEP_SUMMARY GITLAB_CI CI_PROJECT_DIR
    mkdir bin
    # The pages say `envrun`; a script agrees in advance.
    cat >bin/envrun <<END
#!/bin/sh
verb=\$1
shift
[ "\$verb" = repro ] && set -- --yes "\$@"
exec timeout --kill-after 5 90 "$ENVRUN" "\$verb" "\$@"
END
    chmod +x bin/envrun
    PATH=$PWD/bin:$PATH
    app <<END
name: $name
services:
  web: {image: $busybox, command: sleep 1000}
suite: {command: 'echo tested; exit 3'}
END
}

# block PAGE N: its Nth block of shell.
block() { awk -v n="$2" '/^```sh$/ { count++; on = 1; next } /^```$/ { on = 0 } on && count == n' "$BATS_TEST_DIRNAME/../../docs/$1"; }

# runs CODE PAGE N: that block ends with the code.
runs() {
    local code=0
    block "$2" "$3" >commands
    [ -s commands ] || { echo "no block $3 in $2"; return 1; }
    sh -e commands >out 2>err </dev/null || code=$?
    [ "$code" = "$1" ] || { echo "exited with $code, expected $1"; show commands out err; return 1; }
}

@test "docs/ci-github.md" {
    cd app
    CI=true GITHUB_OUTPUT=$PWD/output GITHUB_STEP_SUMMARY=$PWD/summary runs 3 ci-github.md 1
    path=$(sed -n 's/^bundle=//p' output)
    mkdir ../colleague
    cp "$path" ../colleague
    cd ../colleague
    runs 0 ci-github.md 2
    says 'outcome=reproduced'
}

@test "docs/ci-gitlab.md" {
    cd app
    CI=true GITLAB_CI=true CI_PROJECT_DIR=$PWD runs 3 ci-gitlab.md 1
    # shellcheck source=/dev/null
    . envrun-out/bundle.env
    [ -s "$ENVRUN_BUNDLE" ]
    mkdir ../colleague
    cp -r envrun-out ../colleague
    cd ../colleague
    runs 0 ci-gitlab.md 2
    says 'outcome=reproduced'
}

@test "docs/ci-shell.md" {
    cd app
    runs 3 ci-shell.md 1
    runs 0 ci-shell.md 2
    says 'outcome=reproduced'
}
