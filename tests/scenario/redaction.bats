#!/usr/bin/env bats
# What came from outside of the files is in nothing that envrun writes.

# shellcheck disable=SC2016,SC2046,SC2154  # the container's shell expands it; set by what is loaded
load command

# Thirty values, one in each line of ./planted as NAME VALUE: hard to quote, each its own; one is long,
# so that base64 wraps it.
plant() {
    local number random
    for number in $(seq 10 39); do
        random=$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
        echo "P$number pl@nt/$number&$random;%=<x>"
    done >planted
    sed -i '/^P39 /s/$/-of-more-than-one-hundred-and-twenty-bytes-so-that-nothing-prints-it-in-one-piece-of-base64/' planted
}

value() { sed -n "s/^P$1 //p" planted; }
# lines FROM TO: NAME=VALUE for a file of variables.
lines() { local n; for n in $(seq "$1" "$2"); do echo "P$n='$(value "$n")'"; done; }

# nowhere_in PATH...: none of these files, nor of the files below them, holds a value, however written.
nowhere_in() {
    python3 - "$@" <<'PY'
import base64, json, os, re, sys, urllib.parse
planted = dict(line.rstrip("\n").split(" ", 1) for line in open("planted"))

def forms(value):
    raw = value.encode()
    yield raw
    yield urllib.parse.quote(value, safe="").encode()
    yield urllib.parse.quote_plus(value).encode()
    yield b"".join(b"%%%02x" % byte for byte in raw)
    yield json.dumps(value)[1:-1].encode()
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + raw)
        part = whole[-(-shift * 8 // 6):(shift + len(raw)) * 8 // 6]
        yield part
        yield part.replace(b"+", b"-").replace(b"/", b"_")

found = False
for top in sys.argv[1:]:
    below = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    files = below if os.path.isdir(top) else [top]
    assert files, f"nothing in {top}"
    for file in files:
        text = open(file, "rb").read()
        # a record's log has a time and a stream before each line
        bare = re.sub(rb"(?m)^\S+ std(out|err)\+? ", b"", text)
        texts = text, text.replace(b"\n", b""), bare.replace(b"\n", b"")
        for name, value in planted.items():
            for form in forms(value):
                if any(form in one for one in texts):
                    print(f"{file} has {name} as {form.decode()}")
                    found = True
sys.exit(found)
PY
}

# written: the folders that envrun writes to, those that are there.
written() { find .envrun envrun-out -maxdepth 0 2>/dev/null || true; }

environment() {
    plant
    lines 10 15 >.env
    lines 16 20 >one.env
    value 21 >secret.txt
    printf '%s\n%s\n' "$(value 22)" "$(value 23)" >key.pem
    for n in $(seq 24 30) 39; do export "P$n=$(value "$n")"; done
    API_TOKEN=$(value 31)
    export API_TOKEN
    cat >talk.sh <<'END'
# Everything that is known, in every way.
for v in $(env | sed -n 's/^P[0-9]*=//p') $(cat /run/secrets/*); do
    echo "as it is: $v."
    echo "split: ${v:0:11}"
    echo "${v:11}"
    printf '%s' "chunks: ${v:0:7}"; sleep 0.02; echo "${v:7}"
    printf '%s' "user:$v" | base64
    printf '%s' "$v" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%'; echo
    echo "to stderr: $v" >&2
done
END
    cat >envrun.yaml <<'END'
services:
  talker:
    image: envrun-test/busybox:1
    init: true
    env_file: one.env
    environment:
      - P10
      - P11=$P11
      - P12=prefix-$P12
      - P13=${P13:?must be there}
      - P24
      - P25=${P25}
      - P39
    labels: {label: $P26}
    secrets: [file, lines, variable]
    volumes: [./talk.sh:/talk.sh:ro]
    command: ["sh", "-c", "sh /talk.sh; touch /tmp/talked; exec sleep 1000", "$P14"]
    ready: {exec: 'echo "the probe says $P10 $P11"; env; test -e /tmp/WHEN', timeout: 60s}
    seed:
      - exec: echo "the seed says $P10"; env
      - run: echo "on the host $P27 $P28"; env
  other:
    image: envrun-test/busybox:1
    init: true
    command: sleep 1000
    environment: {P15: $P15, P29: $P29, P30: $P30}
secrets:
  file: {file: secret.txt}
  lines: {file: key.pem}
  variable: {environment: P28}
suite:
  command: env; cat secret.txt key.pem; echo "split $P10" | fold -w 9; exit 3
  environment: {USED: "$P27", P24: "$P24"}
END
}

@test "thirty values from everywhere: none is in what a failed run says or records" {
    environment
    sed -i 's/WHEN/talked/' envrun.yaml
    try 3 run -p "$name" -e "P32=$(value 32)" -e "P33=x$(value 33)x"
    has "$err" "outcome=failed"
    has "$out" "$(value 24)" "$(value 32)" "$(value 31)" # the suite's output passes through as it is
    nowhere_in "$err" $(written)
    try 3 run -p "$name" -e "P32=$(value 32)" --json
    nowhere_in "$err" $(written)
}

@test "nor in what an environment that does not come up says: probes, last lines, errors of the files" {
    environment
    sed -i 's/WHEN/never/; s/60s/5s/' envrun.yaml
    try 75 run -p "$name" --verbose
    has "$err" "outcome=environment" "[redacted]"
    nowhere_in "$err" $(written)
    echo 'services: {talker: {cpus: $P24}}' >more.yaml
    try 65 run -p "$name" -f envrun.yaml -f more.yaml
    has "$err" "[redacted]"
    nowhere_in "$err"
    echo "$(value 34) = $(value 35)" >>.env
    try 65 run -p "$name"
    nowhere_in "$err"
}
