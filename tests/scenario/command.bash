# shellcheck shell=bash
# shellcheck disable=SC2034  # for who loads this
# What the tests of the command line have besides lib.bash: the program just as it is called, its stdout and its
# stderr looked at apart.

load lib

# What one terminal or CI has set, another has not.
unset CI NO_COLOR FORCE_COLOR COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES
export TERM=xterm LC_ALL=C.UTF-8

out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err

# A folder beneath that of the test is the project.
setup() {
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    project=$BATS_TEST_TMPDIR/project
    mkdir "$project"
    cd "$project" || return
}

# program ARGUMENT...: envrun, never longer than a minute.
program() { timeout --foreground --kill-after 5 60 "$ENVRUN" "$@" 3>&-; }

# start ARGUMENT...: envrun in the background, as $started. Its output is in $out and $err.
start() {
    "$ENVRUN" "$@" >"$out" 2>"$err" </dev/null 3>&- &
    started=$!
}

# ended CODE: what was started ends with that code.
ended() {
    local code=0
    timeout 60 tail --pid="$started" -f /dev/null || { kill -KILL "$started"; echo "it does not end"; }
    wait "$started" || code=$?
    [ "$code" = "$1" ] && return
    echo "it ended with $code, not $1"
    show "$out" "$err"
    return 1
}

# try CODE ARGUMENT...: envrun ends with that code. What it wrote is in the files $out and $err.
try() {
    local expected=$1 code=0
    shift
    program "$@" >"$out" 2>"$err" </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "envrun $* ended with $code, not $expected"
    show "$out" "$err"
    return 1
}

# on_terminal CODE STEP... -- COMMAND...: a command on a terminal (see pty.py) ends with that code. $screen is what
# the user sees in the end, $transcript what was written.
on_terminal() {
    local expected=$1 code=0
    shift
    transcript=$BATS_TEST_TMPDIR/transcript screen=$BATS_TEST_TMPDIR/transcript.screen
    timeout 60 "$BATS_TEST_DIRNAME/pty.py" "$transcript" "$@" 3>&- || code=$?
    [ "$code" = "$expected" ] && return
    echo "it ended with $code, not $expected, on a terminal:"
    cat "$screen"
    return 1
}

# terminal CODE STEP... -- ARGUMENT...: the same for envrun.
terminal() {
    local before=()
    while [ "$1" != -- ]; do
        before+=("$1")
        shift
    done
    on_terminal "${before[@]}" -- "$ENVRUN" "${@:2}"
}

# has FILE TEXT...: each text is somewhere in the file.
has() {
    local text
    for text in "${@:2}"; do
        grep -qF -- "$text" "$1" || { echo "${1##*/} has no: $text"; show "$1"; return 1; }
    done
}

# has_line FILE REGEX...: each of them is a whole line of the file.
has_line() {
    local regex
    for regex in "${@:2}"; do
        grep -qxE -- "$regex" "$1" || { echo "no line of ${1##*/} is: $regex"; show "$1"; return 1; }
    done
}

# lacks FILE TEXT...: none of them is in the file.
lacks() {
    local text
    for text in "${@:2}"; do
        ! grep -qF -- "$text" "$1" || { echo "${1##*/} has: $text"; show "$1"; return 1; }
    done
}

# ordered FILE TEXT...: each of them stands in a line behind that of the one before.
ordered() {
    local text line last=0
    for text in "${@:2}"; do
        line=$(awk -v text="$text" -v last="$last" 'NR > last && index($0, text) { print NR; exit }' "$1")
        [ "$line" ] || { echo "${1##*/}: not there, or not in this order: $text"; show "$1"; return 1; }
        last=$line
    done
}

# is_empty FILE
is_empty() { [ ! -s "$1" ] || { echo "${1##*/} is not empty"; show "$1"; return 1; }; }
