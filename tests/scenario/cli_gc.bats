#!/usr/bin/env bats
# gc and ls: whose environments they take for left. On a fake engine, where no other envrun sweeps.

# shellcheck disable=SC2154  # name and fake_pid are set in lib and fake
load lib
load fake

place="$(cat /proc/sys/kernel/random/boot_id)/$(stat -L -c %i /proc/self/ns/pid)/$(stat -L -c %i /proc/self/ns/time)"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    echo '{"images": {"i": {}}}' | scenario
    fake_begin
}

# started PID: when the process was started, as /proc has it.
started() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }

# owner PID [START]: of a process here.
owner() { echo "$place/$1/${2-$(started "$1")}"; }

post() { curl -sS --unix-socket socket -H 'Content-Type: application/json' -d "$2" "http://fake/v1.41$1" >/dev/null; }

# leave NAME OWNER DEADLINE [LABEL...]: a network and a volume of an environment; DEADLINE in seconds from now or -.
leave() {
    local labels="\"envrun.version\": \"1\", \"envrun.environment\": \"$1\", \"envrun.owner\": \"$2\",
        \"envrun.verb\": \"run\", \"envrun.folder\": \"/src\", \"envrun.created\": \"$(($(date +%s) - 100))\""
    [ "$3" = - ] || labels+=", \"envrun.deadline\": \"$(($(date +%s) + $3))\""
    post /networks/create "{\"Name\": \"$1_net\", \"Labels\": {$labels}}"
    post /volumes/create "{\"Name\": \"$1_data\", \"Labels\": {$labels}}"
}

# hold NAME OWNER DEADLINE: as leave, of the hold.
hold() {
    local labels="\"envrun.environment\": \"$1\", \"envrun.owner\": \"$2\", \"envrun.hold\": \"1\""
    [ "$3" = - ] || labels+=", \"envrun.deadline\": \"$(($(date +%s) + $3))\""
    post /volumes/create "{\"Name\": \"$1.hold\", \"Labels\": {$labels}}"
}

# A process number that nobody has.
nobody() {
    true &
    wait $!
    echo $!
}

# state NAME: as ls has it.
state() { timeout 20 "$ENVRUN" ls --format json | jq -r --arg name "$1" '.[] | select(.name == $name) | .state'; }

gc() { timeout 60 "$ENVRUN" gc "$@" >out 2>err; }

left() { fake_report | jq -r '.volumes | tostring'; }

# removes NAME, keeps NAME: by gc --yes.
removes() { gc --yes && grep -q "^removed $1: 1 network, 1 volume (" out && fails grep -qF "$1" <(left); }
keeps() { gc --yes && fails grep -F "$1" out && grep -qF "${1}_data" <(left); }

@test "an owner that is dead" {
    leave gone "$(owner "$(nobody)" 5)" 1000
    is "$(state gone)" orphan
    removes gone
    grep -q 'its envrun is dead' out
}

@test "an owner that lives keeps it, also beyond the deadline" {
    leave mine "$(owner $$)" -100
    is "$(state mine)" owned
    keeps mine
}

@test "a process number that is used again" {
    leave reused "$(owner $$ 1)" 1000
    is "$(state reused)" orphan
    removes reused
}

@test "of an owner in another pid namespace only the deadline counts" {
    leave inside "${place/\/*}/4026539999/${place##*/}/1/5" 1000
    is "$(state inside)" unseen
    keeps inside
    leave later "${place/\/*}/4026539999/${place##*/}/1/5" -1
    is "$(state later)" expired
    removes later
    grep -q 'its deadline has passed' out
}

@test "of an owner on another host only the deadline counts" {
    leave far "00000000-0000-0000-0000-000000000000/4026531836/4026531834/$$/5" 1000
    is "$(state far)" unseen
    keeps far
    leave farther "00000000-0000-0000-0000-000000000000/4026531836/4026531834/$$/5" -1
    removes farther
}

@test "an owner's label that cannot be read" {
    leave odd "${place%/*}/$(nobody)/5" -
    leave none '' -
    is "$(state odd) $(state none)" 'unseen unseen'
    keeps odd
    keeps none
}

@test "what is held stays until its own deadline, whoever made it" {
    local dead
    dead=$(owner "$(nobody)" 5)
    leave up "$dead" -50
    hold up "$dead" -
    leave ttl "$dead" 1000
    hold ttl "$dead" 1000
    is "$(state up) $(state ttl)" 'held held'
    keeps up
    keeps ttl
    leave over "$dead" 1000
    hold over "$dead" -1
    is "$(state over)" expired
    removes over
}

@test "two generations of one name: only the dead one goes" {
    leave twice "$(owner "$(nobody)" 5)" -
    post /volumes/create "{\"Name\": \"twice_more\", \"Labels\": {\"envrun.environment\": \"twice\", \"envrun.owner\": \"$(owner $$)\"}}"
    gc --yes
    grep -q '^removed twice: 1 network, 1 volume (' out
    grep -qF twice_more <(left)
    fails grep -qF twice_data <(left)
}

@test "without --yes it only says what it would do" {
    leave gone "$(owner "$(nobody)" 5)" -
    leave mine "$(owner $$)" -
    gc
    is "$(cat out)" 'would remove gone: 1 network, 1 volume (its envrun is dead)'
    says 'nothing is removed yet' 'envrun gc --yes'
    is "$(state gone)" orphan
    gc --yes
    gc
    is "$(cat out)" ''
    says 'there is nothing to remove'
}

@test "what cannot be removed is named, with 70" {
    leave gone "$(owner "$(nobody)" 5)" -
    curl -sS --unix-socket socket -d '{"faults": [{"match": "DELETE /networks", "do": "status", "message": "busy"}]}' http://fake/_fake >/dev/null
    local code=0
    gc --yes || code=$?
    is "$code" 70
    says 'gone: something could not be removed: ' busy
}

@test "--images removes those that envrun built and nobody needs" {
    local built='"envrun.image": "app", "envrun.folder"'
    echo "{\"images\": {\"theirs:1\": {},
        \"app:latest\": {\"Labels\": {$built: \"/elsewhere\"}},
        \"theirs:2\": {\"Labels\": {$built: \"/theirs\"}}}}" | scenario
    fake_begin
    gc --images
    is "$(cat out)" 'would remove image app:latest: 1 B'
    says 'envrun gc --images --yes'
    gc --yes
    is "$(cat out)" ''
    gc --images --yes
    is "$(cat out)" 'removed image app:latest: 1 B'
    curl -sS --unix-socket socket http://fake/v1.41/images/json | jq -e '[.[].RepoTags[0]] == ["theirs:1", "theirs:2"]'
}

@test "--images keeps one that a container has, and those of a folder whose environment is there" {
    local built='"envrun.image": "app", "envrun.folder"'
    echo "{\"images\": {\"app:latest\": {\"Labels\": {$built: \"/src\"}}}}" | scenario
    fake_begin
    leave mine "$(owner $$)" -
    gc --images
    is "$(cat out)" ''
    fake_begin
    post /containers/create '{"Image": "app"}'
    gc --images --yes
    is "$(cat out)" ''
}

@test "ls says whose they are, for how long, and what they hold" {
    leave mine "$(owner $$)" 7200
    leave gone "$(owner "$(nobody)" 5)" -
    timeout 20 "$ENVRUN" ls >out
    sed -n 1p out | grep -E '^NAME +VERB +STATE +OWNER +AGE +DEADLINE +HOLDS +FOLDER$'
    grep -E '^mine +run +owned +alive +1 min [0-9]+ s +in (2 h 0|1 h 59) min +1 network, 1 volume +/src$' out
    grep -E '^gone +run +orphan +dead +1 min [0-9]+ s +- +1 network, 1 volume +/src$' out
}

@test "without an engine they say so, with 69" {
    local code
    fake_end
    for verb in ls gc 'gc --yes --images' doctor; do
        code=0
        # shellcheck disable=SC2086
        timeout 60 "$ENVRUN" $verb >out 2>err || code=$?
        is "$verb $code" "$verb 69"
        cat out err | grep -q "no Docker engine at $DOCKER_HOST"
    done
}
