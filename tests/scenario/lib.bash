# shellcheck shell=bash
# What every scenario test has: a folder and a name of its own, and the check that nothing of it is left.
# Start a file with `load lib`; the program is $ENVRUN, or build/envrun.

bats_require_minimum_version 1.5.0

repository=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
ENVRUN=${ENVRUN:-$repository/build/envrun}

# What one terminal or CI has set, another has not.
unset CI NO_COLOR FORCE_COLOR COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES
export TERM=xterm LC_ALL=C.UTF-8

setup() {
    name=t$(od -An -N4 -tx1 /dev/urandom | tr -d ' ') # for -p: what stands up is NAME or NAME-...
    project=$BATS_TEST_TMPDIR/project
    mkdir "$project"
    cd "$project" || return
}

teardown() {
    local left
    left=$(leftovers)
    [ -z "$left" ] && return
    echo "left behind:"
    echo "$left"
    remove_leftovers
    return 1
}

# One line for each object of this test's environments: KIND ID ENVIRONMENT.
leftovers() {
    local label='{{.Label "envrun.environment"}}'
    {
        docker ps -a --filter label=envrun.environment --format "container {{.ID}} $label"
        docker network ls --filter label=envrun.environment --format "network {{.ID}} $label"
        docker volume ls --filter label=envrun.environment --format "volume {{.Name}} $label"
    } | grep -E " $name(-.*)?$" || true
}

remove_leftovers() {
    leftovers | while read -r kind id _; do
        case $kind in
            container) docker rm -f -v "$id" ;;
            *) docker "$kind" rm "$id" ;;
        esac
    done >/dev/null 2>&1 || true
}

# envrun ARGUMENT...: the program, never longer than a minute.
envrun() { timeout --kill-after 10 60 "$ENVRUN" "$@" 3>&-; }

# try CODE ARGUMENT...: envrun ends with that code. What it writes is in the files $out and $err.
try() {
    local expected=$1 code=0
    shift
    out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
    envrun "$@" >"$out" 2>"$err" </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "envrun $* ended with $code, not $expected"
    sed 's/^/stdout: /' "$out"
    sed 's/^/stderr: /' "$err"
    return 1
}

# has FILE TEXT...: each text is somewhere in the file.
has() {
    local file=$1 text
    shift
    for text; do
        grep -qF -- "$text" "$file" && continue
        echo "not in ${file##*/}: $text"
        sed "s/^/${file##*/}: /" "$file"
        return 1
    done
}

# has_line FILE REGEX...: a whole line matches each of them.
has_line() {
    local file=$1 regex
    shift
    for regex; do
        grep -qxE -- "$regex" "$file" && continue
        echo "no line of ${file##*/} is $regex"
        sed "s/^/${file##*/}: /" "$file"
        return 1
    done
}

# lacks FILE TEXT...: none of the texts is in the file.
lacks() {
    local file=$1 text
    shift
    for text; do
        grep -qF -- "$text" "$file" || continue
        echo "in ${file##*/}: $text"
        sed "s/^/${file##*/}: /" "$file"
        return 1
    done
}

# equal ACTUAL EXPECTED
equal() {
    [ "$1" = "$2" ] && return
    printf 'is:        %s\nshould be: %s\n' "$1" "$2"
    return 1
}

# await COMMAND...: until it succeeds, but not longer than 30 s.
await() {
    local end=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            echo "in vain: $*"
            return 1
        fi
        sleep 0.05
    done
}
