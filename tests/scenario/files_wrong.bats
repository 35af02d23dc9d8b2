#!/usr/bin/env bats
# What is wrong with a file: one sentence with its place, as seen from the user's folder, and 65.

# shellcheck disable=SC2016,SC2154  # not expanded here; set by what is loaded
load command

# wrong TEXT...: `config` of the file on stdin ends with 65, and its stderr has these.
wrong() {
    cat >compose.yaml
    try 65 config -q
    has "$err" "$@"
}

@test "the place is FILE:LINE:COLUMN, relative to the folder where the user is" {
    mkdir -p sub environments/shop
    printf 'services:\n  one:\n    imgae: x\n' >compose.yaml
    cp compose.yaml environments/shop/
    try 65 config
    has "$err" "envrun: compose.yaml:3:5: unknown key \`imgae\` in \`services.one\`, did you mean \`image\`?"
    try 65 config --environment shop
    has "$err" "envrun: environments/shop/compose.yaml:3:5: "
    try 65 run --environment shop
    has "$err" "envrun: environments/shop/compose.yaml:3:5: " "outcome=error code=65"
    cd sub
    try 65 config
    has "$err" "compose.yaml:3:5: "
    try 65 config -f ../compose.yaml
    has "$err" "compose.yaml:3:5: "
}

@test "on a terminal the line is shown, with a mark under the place" {
    printf 'services:\n  one:\n    imgae: x\n' >compose.yaml
    terminal 65 -- config
    ordered "$screen" "compose.yaml:3:5: " "      imgae: x" "      ^"
}

@test "all mistakes at once, each with its place" {
    wrong "compose.yaml:3:5: unknown key \`imgae\`" "compose.yaml:4:12: \`services.one.ports\`" "compose.yaml:5:1: unknown key \`suit\`, did you mean \`suite\`" <<'END'
services:
  one:
    imgae: x
    ports: 80
suit: {command: x}
END
}

@test "what is not YAML, what is not a mapping, what is empty" {
    wrong "compose.yaml:3:1: this is not YAML" <<<$'services:\n  one: [x'
    wrong "compose.yaml:1:1: " <<<'- a list'
    wrong "compose.yaml:" </dev/null
    printf 'a: "\377\376"\n' | wrong "compose.yaml"
}

@test "bad types, undefined things, a cycle" {
    wrong "compose.yaml:1:" "\`services.one.image\` must be a string, not a list" <<<'services: {one: {image: [x]}}'
    wrong "volume \`data\`" <<<'services: {one: {image: x, volumes: ["data:/data"]}}'
    wrong "network \`back\`" <<<'services: {one: {image: x, networks: [back]}}'
    wrong "\`two\`" <<<'services: {one: {image: x, depends_on: [two]}}'
    wrong "a -> b -> c -> a" <<'END'
services:
  a: {image: x, depends_on: [b]}
  b: {image: x, depends_on: [c]}
  c: {image: x, depends_on: [a]}
END
    wrong "one" "image" "build" <<<'services: {one: {command: x}}'
    wrong "\`suite.command\` must be a string or a list, not true or false" <<<$'services: {one: {image: x}}\nsuite: {command: true}'
}

@test "a missing env_file, include, extends: named, with the place that asks for it" {
    wrong "compose.yaml:1:" "gone.env" <<<'services: {one: {image: x, env_file: gone.env}}'
    wrong "gone.yaml" <<<$'include: [gone.yaml]\nservices: {one: {image: x}}'
    wrong "compose.yaml:1:" "gone.yaml" <<<'services: {one: {extends: {file: gone.yaml, service: x}}}'
}

@test "a missing seed file or build context is found before anything is made" {
    wrong "compose.yaml:1:" "gone" <<<'services: {one: {image: envrun-test/busybox:1, kind: postgres, seed: [{sql: gone.sql}]}}' ||
        { try 65 run -p "$name" -- true && has "$err" "compose.yaml:1:" "gone.sql"; }
    printf 'services: {one: {build: ./gone}}\n' >compose.yaml
    try 65 run -p "$name" -- true
    has "$err" "gone"
    is "$(objects || true)" ""
}

@test "two services that give one variable's name: 65, both are named" {
    cat >compose.yaml <<'END'
services:
  a-b: {image: envrun-test/busybox:1}
  a_b: {image: envrun-test/busybox:1}
END
    try 65 run -p "$name" -- true
    has "$err" "compose.yaml:3:3: " "\`a-b\` and \`a_b\`" "A_B_HOST"
}

@test "a name that cannot be one: 64" {
    printf 'services: {one: {image: x}}\n' >compose.yaml
    try 64 config -p 'No Name'
    has "$err" "\`No Name\` cannot be a name"
    try 64 run -p 'No Name' -- true
    try 64 down -p 'No Name'
    try 64 ps -p 'No Name'
}

@test "a FIFO that nobody writes to does not hold envrun up; one that somebody does is read" {
    mkfifo fifo
    try 65 config -f fifo
    has "$err" "nobody writes to the FIFO"
    printf 'services: {a: {build: {context: ., dockerfile: fifo}}}\n' >compose.yaml
    try 65 run -- true
    has "$err" "project/fifo is not a file"
    printf 'services: {a: {image: envrun-test/busybox:1}}\n' >compose.yaml
    try 0 config -f <(cat compose.yaml)
    has "$out" "envrun-test/busybox:1"
}

@test "a file that may not be read, a folder in its place" {
    mkdir compose.yaml
    try 65 config
    has "$err" "compose.yaml"
    rmdir compose.yaml
    try 65 config -f gone.yaml
    has "$err" "the file gone.yaml does not exist"
    try 65 config --project-directory gone
}
