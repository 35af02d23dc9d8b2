# shellcheck shell=bash
# What every scenario test loads.
#
# A test has a folder of its own, which is the current one, and a name of its own, $name: `up` is called just
# that, a `run` $name-XXXXXX. When it ends, the engine must have nothing left that carries this name.
#
# ENVRUN is the program that is tried (build/envrun).

bats_require_minimum_version 1.5.0

ENVRUN=$(realpath "${ENVRUN:-$BATS_TEST_DIRNAME/../../build/envrun}")
# shellcheck disable=SC2034  # for who loads this
busybox=envrun-test/busybox:1

# What one terminal or CI has set, another has not.
unset CI NO_COLOR FORCE_COLOR COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES
export TERM=xterm LC_ALL=C.UTF-8

setup() { own_folder; }

own_folder() {
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
}

teardown() {
    local code=0
    nothing_is_left || code=1
    remove_images
    return "$code"
}

# compose <<END: write the file.
compose() { cat >compose.yaml; }

# envrun VERB ARGUMENT...: with the test's name, and never longer than a minute and a half.
envrun() { timeout --kill-after 5 90 "$ENVRUN" "$1" -p "$name" "${@:2}" </dev/null; }

# exits CODE VERB ARGUMENT...: envrun ends with that code. Its stdout is in ./out, its stderr in ./err.
exits() {
    local expected=$1 code=0
    shift
    envrun "$@" >out 2>err || code=$?
    [ "$code" = "$expected" ] && return
    echo "envrun $* exited with $code, expected $expected"
    show out err
    return 1
}

show() { tail -n +1 "$@"; }

# says TEXT...: stderr has each of them.
says() {
    local text
    for text; do
        grep -qF -- "$text" err || { echo "stderr does not say: $text"; show err; return 1; }
    done
}

# keeps_silent_on TEXT...: stderr has none of them.
keeps_silent_on() {
    local text
    for text; do
        ! grep -qF -- "$text" err || { echo "stderr says: $text"; show err; return 1; }
    done
}

# is TEXT TEXT: they are equal.
is() { [ "$1" = "$2" ] || { echo "is:       $1"; echo "expected: $2"; return 1; }; }

# fails COMMAND...: the command does not succeed ("! COMMAND" would pass in any case).
fails() {
    if "$@"; then
        echo "succeeds: $*"
        return 1
    fi
}

# in_order TEXT...: these stand in stderr, each behind the one before.
in_order() {
    local text line last=0
    for text; do
        line=$(awk -v text="$text" -v last="$last" 'NR > last && index($0, text) { print NR; exit }' err)
        [ "$line" ] || { echo "not there, or not in this order: $text"; show err; return 1; }
        last=$line
    done
}

# transitions: of the events in ./err, "SERVICE PHASE STATUS" for each step of a service's life.
transitions() { jq -r 'select(.event == "phase") | "\(.service) \(.phase) \(.status)"' "$@"; }

# took PHASE SERVICE MOST: in the events in ./err, that phase of the service took less than MOST ms.
took() {
    local ms
    ms=$(jq -r --arg phase "$1" --arg service "$2" 'select(.event == "phase" and .phase == $phase and
        .service == $service and .status == "done") | .duration // 0' err)
    [ "$ms" ] && [ "$ms" -lt "$3" ] && return
    echo "$1 of $2 took ${ms:-?} ms, expected less than $3"
    show err
    return 1
}

# happened FILTER: ./err holds an event for which jq's FILTER is true.
happened() { jq -se "any(.[]; $1)" err >/dev/null || { echo "no event: $1"; show err; return 1; }; }

# eventually COMMAND...: the command succeeds within half a minute.
eventually() {
    local end=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "not within 30 s: $*"; return 1; }
        sleep 0.02
    done
}

# objects: "ENVIRONMENT KIND NAME" for each object that carries this test's name.
objects() {
    local label='{{.Label "envrun.environment"}}'
    {
        docker ps -a --filter label=envrun.environment --format "$label container {{.Names}}"
        docker network ls --filter label=envrun.environment --format "$label network {{.Name}}"
        docker volume ls --filter label=envrun.environment --format "$label volume {{.Name}}"
    } | grep -E "^${name}[- ]"
}

# Fails if something is left, and removes it, so that one test that fails does not spoil others.
nothing_is_left() {
    local left
    left=$(objects) || return 0
    echo "left on the engine:"
    echo "$left"
    remove_objects "$left"
    return 1
}

remove_objects() {
    local kind object
    while read -r _ kind object; do
        docker "$kind" rm --force "$object" >/dev/null 2>&1 || docker "$kind" rm "$object" || true
    done < <(sort -k2 <<<"$1")
}

# Images that carry the test's name: envrun keeps what it built.
remove_images() {
    docker image ls --filter "reference=$name*" --filter "reference=$name*/*" --format '{{.Repository}}:{{.Tag}}' |
        xargs -r docker rmi >/dev/null
}

# inspect SERVICE FORMAT: of its container in the environment that `up` holds.
inspect() { docker inspect --format "$2" "$name-$1-1"; }

# inside SERVICE COMMAND: the output of a shell command in its container.
inside() { docker exec "$name-$1-1" sh -c "$2"; }

# begin VERB ARGUMENT...: envrun in the background, its process $envrun_pid, its output in ./out and ./err.
begin() {
    "$ENVRUN" "$1" -p "$name" "${@:2}" >out 2>err </dev/null 3>&- &
    envrun_pid=$!
}

# ends CODE: the one in the background ends with that code.
ends() {
    local code=0
    timeout 60 tail --pid="$envrun_pid" -f /dev/null || { kill -KILL "$envrun_pid"; echo "does not end"; }
    wait "$envrun_pid" || code=$?
    [ "$code" = "$1" ] || { echo "exited with $code, expected $1"; show out err; return 1; }
}
