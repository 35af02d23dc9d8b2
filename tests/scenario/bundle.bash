# shellcheck shell=bash
# What the tests of bundles load besides lib.bash.

# With its files in ./app, from where it is run.
app() {
    mkdir -p app
    cat >app/compose.yaml
}

# in_app COMMAND...: the command there; its ./out and ./err come here.
in_app() {
    local code=0
    (cd app && "$@") || code=$?
    mv app/out app/err . 2>/dev/null || true
    return "$code"
}

bundle() { echo app/envrun-out/envrun-*.tar.zst; }

# packs CODE [ARGUMENT...]: a run that ends so, and writes a bundle, which is moved to ./b.tar.zst; the project is gone.
packs() {
    in_app exits "$1" run --bundle=always "${@:2}"
    mv "$(bundle)" b.tar.zst
    mv app gone
}

# repro CODE [ARGUMENT...]: of ./b.tar.zst.
repro() {
    local expected=$1 code=0
    shift
    timeout --kill-after 5 90 "$ENVRUN" repro --yes "$@" b.tar.zst >out 2>err </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "envrun repro $* exited with $code, expected $expected"
    show out err
    return 1
}

# in_bundle FILE: its text.
in_bundle() { tar --zstd -xOf b.tar.zst "$1"; }

# tester: on stdout a script that writes reports/out.xml, in which the test shop.$1 fails, and lines and numbers that are
# others each time.
tester() {
    cat <<'END'
#!/bin/sh
mkdir -p reports
od -An -N8 -tx1 /dev/urandom
cat >reports/out.xml <<XML
<testsuite name="shop"><testcase classname="shop" name="adds"/>
<testcase classname="shop" name="$1"><failure message="assert 500 == 201 after $$ ms">at /tmp/$$/$1</failure></testcase></testsuite>
XML
exit 1
END
}
