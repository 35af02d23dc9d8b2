#!/usr/bin/env bats
# Bundles: what a failed run hands out, and what `envrun repro` makes of it on the same engine.
# shellcheck disable=SC2016,SC2154  # backquotes and variables stand for themselves; from what is loaded

load lib
load bundle

# What repro unpacks goes here, and all of it goes away again.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    name=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    unset GITHUB_OUTPUT GITHUB_STEP_SUMMARY GITLAB_CI CI_PROJECT_DIR
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

teardown() {
    local code=0
    nothing_is_left || code=1
    remove_images
    [ -z "$(ls "$BATS_TEST_TMPDIR/tmp")" ] || { echo "left: $(ls "$BATS_TEST_TMPDIR/tmp")"; code=1; }
    return "$code"
}

# failing [SUITE]: a service, and a suite that fails.
failing() {
    app <<END
services:
  web: {image: $busybox, command: sh -c 'echo is there; exec sleep 1000', ready: {log: is there}}
suite: {command: '${1:-cat greeting; exit 3}'}
END
    echo hello >app/greeting
}

# taken_out FILE: how often something was, as the manifest says.
taken_out() { in_bundle manifest.json | jq --arg file "$1" '.redacted.files[] | select(.name == $file) | .times'; }

@test "a failed run of a CI system writes a bundle, and says where it is" {
    failing
    export CI=true GITHUB_OUTPUT=$PWD/output GITHUB_STEP_SUMMARY=$PWD/summary
    in_app exits 3 run
    [ -s "$(bundle)" ]
    says "bundle: $PWD/$(bundle)"
    [[ $(tail -1 err) = 'envrun: outcome=failed code=3'* ]]
    [[ $(tail -2 err | head -1) = *"envrun repro $PWD/$(bundle)"* ]]
    is "$(cat output)" "bundle=$PWD/$(bundle)"
    grep -q 'envrun repro envrun-' summary
    grep -q 'failed with exit code 3' summary
}

@test "GitLab is told where it is by a file of variables" {
    failing
    CI=true GITLAB_CI=true CI_PROJECT_DIR=$PWD/app in_app exits 3 run
    is "$(cat app/envrun-out/bundle.env)" "ENVRUN_BUNDLE=$(cd app && echo envrun-out/envrun-*.zst)"
}

@test "when there is a bundle, and where" {
    failing
    in_app exits 3 run
    [ ! -e app/envrun-out ]
    CI=true in_app exits 3 run --bundle=never
    [ ! -e app/envrun-out ]
    CI=true in_app exits 0 run -- true
    [ ! -e app/envrun-out ]
    in_app exits 0 run --bundle=always --out elsewhere -- true
    [ -s "$(echo app/elsewhere/envrun-*.tar.zst)" ]
    in_app exits 64 run --bundle=sometimes
    says '--bundle is `never`, `on-failure` or `always`, not `sometimes`'
}

@test "a failure is reproduced elsewhere, without the project's files and tags" {
    app <<END
services:
  web: {build: ., image: $name, command: sh -c 'cat /version; exec sleep 1000', ready: {log: one}, volumes: ["./conf:/conf"],
        seed: [{exec: cat /conf/it}, {copy: {from: greeting, to: /}}]}
suite: {command: 'cat greeting; exit 3'}
END
    mkdir app/conf
    echo it >app/conf/it
    echo hello >app/greeting
    printf 'FROM %s\nRUN echo one >/version\n' "$busybox" >app/Dockerfile
    packs 3
    rm -r gone
    docker rmi "$name" >/dev/null
    docker tag "$busybox" "$name"
    repro 0
    is "$(cat out)" hello
    says 'look inside: envrun repro --keep BUNDLE' 'reproduced: ' 'envrun: outcome=reproduced code=0'
    [ -z "$(docker images -q "envrun-repro/$name-*")" ]
}

@test "an image that somebody else uses by now is told" {
    app <<END
services: {web: {build: ., command: sleep 1000}}
suite:
  command: docker images -q "envrun-repro/$name-*" | xargs -r -I ID docker create --name $name-user ID >/dev/null; exit 3
END
    printf 'FROM %s\nRUN echo %s >/version\n' "$busybox" "$name" >app/Dockerfile
    packs 3
    docker rmi "$name-web" >/dev/null
    repro 0
    left=$(docker images --format '{{.Repository}}:{{.Tag}}' "envrun-repro/$name-*")
    docker rm "$name-user" >/dev/null
    docker rmi "$left" >/dev/null
    says "\`docker rmi $left\` tries again"
    in_order "the image $left could not be removed: conflict" 'outcome=reproduced'
}

@test "a run's ID stands for its bundle" {
    failing
    in_app exits 3 run --bundle=always
    id=$(basename "$(bundle)" .tar.zst | grep -o '[^-]*$')
    timeout 90 "$ENVRUN" repro --yes --out app/envrun-out "$id" >out 2>err
    says 'outcome=reproduced'
    code=0
    timeout 90 "$ENVRUN" repro --yes ffffff >out 2>err || code=$?
    is "$code" 64
    says 'the bundle of a run `ffffff`'
}

@test "it passes here, or fails differently" {
    failing "exit \$(cat $PWD/state)"
    echo 3 >state
    packs 3
    echo 0 >state
    repro 1
    says 'passes here' 'envrun: outcome=passes code=1' 'differs between the hosts'
    echo 4 >state
    repro 2
    says 'exit code: then 3, here 4' 'fails differently' 'envrun: outcome=differs code=2'
}

# names_failed TEST: the bundle has the suite's result file, and says that this one failed.
names_failed() {
    in_bundle record/junit/suite/1-reports_out.xml | grep -q "name=\"$1\"><failure"
    is "$(in_bundle ending.json | jq -r '.junit, .failing[].test' | tr '\n' ' ')" "true shop.$1 "
}

@test "a suite on the host with result files: the same failing tests, or others, or none" {
    failing "./tests.sh \$(cat $PWD/state)"
    sed -i 's|^suite: {|suite: {junit: "reports/*.xml", |' app/compose.yaml
    tester >app/tests.sh
    chmod +x app/tests.sh
    echo orders >state
    packs 1
    names_failed orders
    repro 0
    says 'compared by the failing tests and their messages' 'outcome=reproduced'
    echo pays >state
    repro 2
    says 'shop.orders' 'shop.pays fails here, and did not then: assert 500 == 201' 'fails differently' 'outcome=differs code=2'
}

@test "a suite in the graph with result files, whose image is built" {
    app <<END
services:
  web: {image: $busybox, command: sleep 1000, init: true}
  tests: {build: ., image: $name, depends_on: [web]}
suite: {service: tests, command: /tests.sh sends, junit: "reports/*.xml", artifacts: reports}
END
    printf 'FROM %s\nWORKDIR /w\nCOPY tests.sh /tests.sh\nRUN chmod +x /tests.sh\n' "$busybox" >app/Dockerfile
    tester >app/tests.sh
    packs 1
    names_failed sends
    grep -q sends gone/envrun-out/artifacts/tests/reports/out.xml
    rm -r gone
    docker rmi "$name" >/dev/null
    repro 0
    says 'compared by the failing tests and their messages' 'outcome=reproduced'
    mkdir unpacked
    tar --zstd -xf b.tar.zst -C unpacked
    jq '.failing[0].test = "shop.pays"' unpacked/ending.json >ending.json && mv ending.json unpacked/
    "$BATS_TEST_DIRNAME/../make-bundle" unpacked b.tar.zst
    repro 2
    says 'shop.pays' 'shop.sends fails here, and did not then: assert 500 == 201' 'outcome=differs code=2'
}

@test "a suite without JUnit that fails in the same way but for times, ports, processes and paths is reproduced" {
    failing ./suite.sh
    cat >app/suite.sh <<'END'
#!/bin/sh
# As pytest and jest end; each line has what differs from run to run.
port=$(shuf -i 32768-60999 -n 1)
echo "$(date +%FT%T.%NZ) [$$]: connecting to 127.0.0.1:$port for $ENVRUN_ENVIRONMENT"
echo "pid $$ cannot write $(mktemp -u)/out of $PWD: no space" >&2
for i in 1 2 3 4 5 6 7 8; do
    echo "row $i"
    echo "warning $i" >&2
done & # at the same time
echo "AssertionError: assert 4 == 5"
wait
echo "Time:        0.$$ s, estimated 1 s"
if [ $(($$ % 2)) = 0 ]; then
    echo "=========== 1 failed, 3 passed in 0.52s ==========="
else
    echo "======== 1 failed, 3 passed in 62.52s (0:01:02) ========"
fi
exit 3
END
    chmod +x app/suite.sh
    packs 3
    is "$(in_bundle ending.json | jq -r '.last_lines.stdout[-1]')" '---- 1 failed, 3 passed in <duration> ----'
    in_bundle ending.json | jq -e '.last_lines.stderr | any(. == "<process> cannot write <path> of <project>: no space")'
    for _ in 1 2 3; do
        repro 0
        says 'reproduced: it ends' "compared by exit code, cause and the suite's last lines"
    done
}

@test "a suite without JUnit whose last line is another one fails differently" {
    failing "echo \$(cat $PWD/state); echo there >&2; exit 3"
    echo no such table >state
    packs 3
    repro 0
    echo connection refused >state
    repro 2
    says 'the suite wrote then, and does not here: no such table' \
        'the suite writes here, and did not then: connection refused' 'fails differently'
    keeps_silent_on 'here: there'
}

@test "so does one in the graph" {
    app <<END
services:
  web: {image: $busybox, command: sleep 1000}
  tests: {image: $busybox, volumes: ["$PWD/state:/state"]}
suite: {service: tests, command: 'echo "took 0.\$\$ s"; cat /state >&2; exit 3'}
END
    echo no such table >state
    packs 3
    state=$(in_bundle model.json | jq -r '.services.tests.volumes[0].source')
    repro 0
    says "compared by exit code, cause and the suite's last lines"
    mkdir unpacked
    tar --zstd -xf b.tar.zst -C unpacked
    echo connection refused >"unpacked/project/$state"
    "$BATS_TEST_DIRNAME/../make-bundle" unpacked b.tar.zst
    repro 2
    says 'the suite wrote then, and does not here: no such table' \
        'the suite writes here, and did not then: connection refused' 'fails differently'
}

@test "the suite writes to what it wrote to on the other host" {
    failing '[ -t 1 ] && echo a terminal; [ /dev/fd/1 -ef /dev/fd/2 ] && echo one; exit 3'
    (cd app && exits 3 run --bundle=always)
    mv "$(bundle)" two.tar.zst
    (cd app && timeout 90 "$ENVRUN" run -p "$name" --bundle=always >out 2>&1) || true
    mv "$(bundle)" one.tar.zst
    (cd app && "$BATS_TEST_DIRNAME/pty.py" seen -- "$ENVRUN" run -p "$name" --bundle=always) || true
    mv "$(bundle)" terminal.tar.zst
    mv app gone
    for form in two one terminal; do
        mv "$form.tar.zst" b.tar.zst
        repro 0
        cp out "$form"
    done
    is "$(cat two)" ''
    is "$(cat one)" one
    is "$(cat terminal)" $'a terminal\none'
}

@test "the hosts are compared" {
    failing "exit \$(cat $PWD/state)"
    echo 3 >state
    packs 3
    echo 0 >state
    mkdir unpacked
    tar --zstd -xf b.tar.zst -C unpacked
    jq '.kernel = "3.10" | .cpus = 64' unpacked/host.json >host.json && mv host.json unpacked/
    "$BATS_TEST_DIRNAME/../make-bundle" unpacked b.tar.zst
    repro 1
    in_order 'what differs' 'kernel           3.10' 'cpus             64' 'passes here'
}

@test "an environment that does not come up is reproduced by service, phase and cause" {
    failing
    sed -i "s/echo is there; exec sleep 1000/echo no; exit \$\$(cat \/state)/; s/'}/'}/; s|ready:|volumes: [\"$PWD/state:/state\"], ready:|" app/compose.yaml
    echo 7 >state
    packs 75
    echo 7 >state
    repro 0
    says 'exited with code' 'compared by service, phase and cause'
}

@test "values from outside are not in it, and are asked for by name" {
    app <<END
services:
  web: {image: $busybox, command: sleep 1000, environment: {TOKEN: "\$TOKEN", URL: "http://u:\${TOKEN}@h/\$\$x"}, secrets: [key]}
secrets: {key: {file: ./key.txt}}
suite: {command: 'echo "\$GIVEN"; [ "\${#GIVEN}" = 13 ] && [ -n "\$PLACE" ] && exit 3'}
END
    printf 'TOKEN=from-the-env-file\nPLACE=there-as-well\n' >app/.env
    echo the-key-of-all >app/key.txt
    echo "is given-by-hand" >app/notes
    packs 3 -e GIVEN=given-by-hand
    fails grep -rE 'from-the-env-file|there-as-well|the-key-of-all|given-by-hand' <(tar --zstd -xOf b.tar.zst)
    is "$(in_bundle model.json | jq -r .services.web.environment.URL)" 'http://u:${TOKEN-}@h/$$x'
    is "$(in_bundle manifest.json | jq -c .redacted.values_of)" '["GIVEN","PLACE","TOKEN","key"]'
    is "$(taken_out model.json)" 2
    is "$(taken_out record/suites/suite.log)" 1
    is "$(taken_out suite.json)" ''
    in_bundle manifest.json | jq -e '.left_out | any(.name == "project/notes")'
    repro 64
    says 'are needed for GIVEN, KEY, PLACE, TOKEN'
    printf 'TOKEN=other\nKEY=other-key\nPLACE=here\n' >secrets
    GIVEN=given-by-hand repro 0 --secrets-file secrets
    says 'it is given the values of GIVEN, KEY, PLACE, TOKEN'
}

@test "a file that is not as it is committed may hold no value, wherever git keeps it" {
    failing
    sed -i 's#ready:#volumes: ["./conf:/conf"], environment: [MY_VALUE], ready:#' app/compose.yaml
    export MY_VALUE=my-value-$RANDOM
    (
        cd app
        mkdir conf
        echo ignored >.gitignore
        echo plain >conf/plain
        echo fine >changed
        git init -q . && git add -A
        git -c user.name=a -c user.email=a@b commit -qm one
        echo "$MY_VALUE" | tee conf/ignored changed staged untracked >>"named-$MY_VALUE"
        git add staged
    )
    packs 3
    fails grep -qaF "$MY_VALUE" <(zstd -dc b.tar.zst)
    in_bundle manifest.json | jq -r '.left_out[].name' >names
    is "$(sort names | tr '\n' ' ')" "project/changed project/conf/ignored project/named-[redacted] project/staged project/untracked "
    is "$(in_bundle project/conf/plain)" plain
    MY_VALUE=$MY_VALUE repro 0
}

@test "what earlier runs left is in no bundle, wherever it is written" {
    failing
    (cd app && git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm one)
    local out
    for out in envrun-out .; do
        in_app exits 3 run --bundle=always --out "$out"
        in_app exits 3 run --bundle=always --out "$out"
        mv "$(sed -n 's/.*bundle: \([^ ]*\) .*/\1/p' err)" b.tar.zst
        is "$(tar --zstd -tf b.tar.zst | grep ^project/ | grep -v -e /out -e /err | tr '\n' ' ')" "project/compose.yaml project/greeting "
        rm -rf app/envrun-out app/envrun-*.zst app/.git
    done
}

# image_bytes: all that the images in the bundle hold.
image_bytes() {
    rm -rf unpacked
    mkdir unpacked
    tar --zstd -xf b.tar.zst -C unpacked
    [ -d unpacked/images ] || return 0
    local blob
    for blob in unpacked/images/blobs/sha256/*; do gzip -dcf "$blob"; done
}

@test "an image that holds a value from outside is left out, and built again" {
    app <<END
services:
  web:
    build: {context: ., args: [TOKEN, COLOUR]}
    image: $name
    command: sh -c 'cat /colour; exec sleep 1000'
    ready: {log: gr}
suite: {command: 'exit 3'}
END
    printf 'FROM %s\nARG TOKEN\nARG COLOUR\nRUN echo $COLOUR >/colour\n' "$busybox" >app/Dockerfile
    export TOKEN=token-of-$RANDOM$RANDOM COLOUR=green-$RANDOM
    cp -r app copied
    packs 3
    fails grep -qaF -e "$TOKEN" -e "$COLOUR" <(image_bytes)
    in_bundle manifest.json | jq -e '.asked == ["COLOUR", "TOKEN"] and any(.left_out[]; .name == "the image of service `web`")'
    in_bundle model.json | jq -e '.services.web.build.args.TOKEN == "${TOKEN-}"'
    repro 0
    says 'service `web` is built'

    # In a file that was copied.
    rm -rf gone app
    mv copied app
    printf 'FROM %s\nCOPY . /app\nRUN echo green >/colour\n' "$busybox" >app/Dockerfile
    sed -i 's/args: .TOKEN, COLOUR./args: [UNUSED]/; s/exit 3/exit 4/' app/compose.yaml
    echo "PASSWORD=pass-word-$RANDOM$RANDOM" >app/.env
    UNUSED=unused-$RANDOM packs 4
    fails grep -qaF "$(cat gone/.env)" <(image_bytes)
    in_bundle manifest.json | jq -e 'any(.left_out[]; .name == "the image of service `web`" and (.why | contains("from outside")))'
}

@test "what only the build needed is not asked for, if the image is in the bundle" {
    app <<END
services: {web: {build: {context: ., args: [PROXY]}, image: $name, command: sleep 1000}}
suite: {command: 'exit 3'}
END
    echo "FROM $busybox" >app/Dockerfile
    PROXY=http://proxy-$RANDOM packs 3
    in_bundle images.json | jq -e '.[0].config'
    in_bundle manifest.json | jq -e '.asked == []'
    repro 0
}

# answer TEXT: to the question on a terminal; the exit code in $code.
answer() {
    code=0
    "$BATS_TEST_DIRNAME/pty.py" typed 'expect=run it' "send=$1" -- "$ENVRUN" repro b.tar.zst || code=$?
}

@test "nothing runs before the user has seen it and agreed" {
    failing "touch $PWD/ran; exit 3"
    packs 3
    rm ran
    code=0
    timeout 90 "$ENVRUN" repro b.tar.zst >out 2>err </dev/null || code=$?
    is "$code" 64
    says "in $TMPDIR" "touch $PWD/ran; exit 3" 'give --yes if you trust it'
    [ ! -e ran ]
    answer '\x03'
    is "$code" 130
    grep -q 'outcome=interrupted code=130' typed.screen
    answer 'n\r'
    is "$code" 64
    grep -q 'nothing was run' typed.screen
    [ ! -e ran ]
    answer 'y\r'
    is "$code" 0
    [ -e ran ]
}

# lie_in FILE FILTER: the bundle ./good.tar.zst with another FILE, its hashes right.
lie_in() {
    rm -rf unpacked
    mkdir unpacked
    tar --zstd -xf good.tar.zst -C unpacked
    jq "$2" "unpacked/$1" >other.json && mv other.json "unpacked/$1"
    "$BATS_TEST_DIRNAME/../make-bundle" unpacked b.tar.zst
}

# lie FILTER: the bundle with another model.
lie() {
    cp b.tar.zst good.tar.zst
    lie_in model.json "$1"
}

# shows TEXT...: of the bundle, before anything runs.
shows() {
    local code=0
    timeout 90 "$ENVRUN" repro b.tar.zst >out 2>err </dev/null || code=$?
    is "$code" 64
    says "$@"
}

@test "what gives a container more of this host is shown, whatever it is called" {
    failing
    packs 3
    mv b.tar.zst good.tar.zst
    lie_in model.json '.services.web += {use_api_socket: true, volumes_from: ["container:mine"], pid: "host",
        cap_add: ["SYS_ADMIN", "NET_ADMIN"], volumes: ["data:/data"], networks: ["default", "lan"]}
        | .volumes = {data: {driver_opts: {type: "none", o: "bind", device: "/"}}}
        | .networks.lan = {external: true, name: "mine"}'
    shows 'service `web` has `use_api_socket`: true' 'service `web` has `volumes_from`: container:mine' 'service `web` has `pid`: host' \
        'service `web` has `cap_add`: SYS_ADMIN, NET_ADMIN' 'volume `data` has `driver_opts`: device=/, o=bind, type=none' \
        'the network `mine` of this host is used'
    lie_in model.json '.services.web += {volumes: ["data:/data"]} | .volumes = {data: {external: true, name: "mine"}}'
    shows 'the volume `mine` of this host is used'
    lie_in model.json '.services.web |= (del(.image) + {build: {context: "https://example.com/x.git", ssh: ["default"], network: "host"}})'
    shows 'service `web` is built' 'has `context`: https://example.com/x.git' 'has `ssh`: default' 'has `network`: host'
    fails grep -q 'has `image`' err
}

@test "files of a bundle that lie are refused in one line, before anything runs" {
    failing 'exit 3'
    packs 3
    mv b.tar.zst good.tar.zst
    local evil='x\u001b[2J\nenvrun: outcome=reproduced code=0'
    refused() {
        lie_in "$1" "$2"
        repro 65
        says "$3"
        fails grep -q $'\e' err
        is "$(grep -c . err)" 2
    }
    refused ending.json ".outcome = \"$evil\"" 'does not say how the run ended'
    refused suite.json '.suites = []' 'suite.json names no suite'
    refused suite.json ".suites = [\"$evil\"]" 'its model has no suite `x\u{1b}[2J envrun'
    refused model.json ".services[\"$evil\"] = {image: \"x\"}" 'cannot be a name'
    refused model.json ".services.web[\"$evil\"] = 1" 'unknown key `x\u{1b}[2J envrun'
    refused images.json '[{service: "web", config: "sha256:/../../../x", manifest: "sha256:x"}]' 'lists an image without its digests'
    refused images.json '[range(20000)]' 'images.json is not the JSON that it should be'
    refused data.json '[range(20000)]' 'data.json is not the JSON that it should be'
}

@test "a model that wants more than a bundle has is refused, or shown first" {
    failing
    packs 3
    lie '.include = ["/etc/passwd"]'
    repro 65
    says 'its model has `include`, which a bundle'
    cp good.tar.zst b.tar.zst
    lie '.services.web.env_file = ["/root/.ssh/id_rsa"]'
    repro 65
    says 'its model has `env_file`'
    cp good.tar.zst b.tar.zst
    lie '.services.web += {privileged: true, volumes: [{type: "bind", source: "/", target: "/host"}, {type: "bind", source: "../../../x", target: "/x"}]} | ."x-suite".command = "evil\r\u001b[2Jpytest"'
    code=0
    timeout 90 "$ENVRUN" repro b.tar.zst >out 2>err </dev/null || code=$?
    is "$code" 64
    says 'a path of this host is used: /' 'service `web` has all rights' 'evil\u{d}\u{1b}[2Jpytest' "is used: $TMPDIR"
    cp good.tar.zst b.tar.zst
    HIDDEN=value-of-mine lie '.services.web.environment = {A: "$HIDDEN"} | ."x-suite".command = "cat greeting; exit 3"'
    HIDDEN=value-of-mine repro 0
}

@test "a bundle that is damaged is refused with one sentence, and nothing is left" {
    failing
    packs 3
    truncate -s -100 b.tar.zst
    repro 65
    says 'b.tar.zst: '
    is "$(wc -l <err)" 2
    echo text >b.tar.zst
    repro 65
    says 'no bundle of envrun'
}

@test "a full disk costs the bundle, not the outcome" {
    failing
    head -c 20000 /dev/urandom >app/noise
    mkdir full
    mount -t tmpfs -o size=8k tmpfs full || skip "tmpfs cannot be mounted here"
    in_app exits 3 run --bundle=always --out "$PWD/full"
    rest=$(ls -A full)
    umount full
    says 'there is no bundle: ' 'envrun: outcome=failed code=3'
    is "$rest" ''
}

@test "what would make it too large is left out, and said" {
    failing
    head -c 3000000 /dev/urandom >app/large
    in_app exits 3 run --bundle=always --bundle-size 1
    mv "$(bundle)" b.tar.zst
    says 'that are left out'
    in_bundle manifest.json | jq -e '.left_out | map(.name) | index("project/large")'
    repro 0
    says 'its image is not in the bundle; what is called'
}

@test "the volumes as they were at the failure" {
    app <<END
services:
  db: {image: $busybox, command: sleep 1000, volumes: ["data:/data"], seed: [{exec: echo seeded >>/data/log}]}
  tests: {image: $busybox, volumes: ["data:/data"]}
volumes: {data: {}}
suite: {service: tests, command: 'cat /data/log; echo tested >>/data/log; exit 3'}
END
    packs 3 --bundle-data
    is "$(cat out)" seeded
    repro 0
    is "$(cat out)" seeded
    repro 2 --at-failure
    is "$(cat out)" "$(printf 'seeded\ntested')"
    says 'the suite writes here, and did not then: tested'
}

@test "without the volumes it cannot begin at the failure" {
    failing
    packs 3
    repro 64 --at-failure
    says 'no volumes as they were at the failure'
}

@test "a shell in the suite's place" {
    failing
    packs 3
    printf '#!/bin/sh\necho "shell in ${PWD##*/} with $WEB_HOST"; ls\n' >shell
    chmod +x shell
    SHELL=$PWD/shell repro 0 --shell
    grep -q 'shell in project with [0-9.]*' out
    says "a shell in the suite's place, in $TMPDIR"
    grep -q greeting out
}

@test "it can be kept" {
    failing
    packs 3
    repro 0 --keep
    kept=$(grep -o 'the environment [^ ]* is kept' err | cut -d' ' -f3)
    folder=$(grep -o 'its files are in .*' err | cut -d' ' -f5-)
    [ -e "$folder/greeting" ]
    timeout 90 "$ENVRUN" down -p "$kept"
    rm -r tmp/*
    docker images --format '{{.Repository}}:{{.Tag}}' "envrun-repro/$name-*" | xargs docker rmi >/dev/null
}

@test "as little as there was on the other host" {
    failing "nproc >$PWD/cpus; exit 3"
    packs 3
    mkdir unpacked
    tar --zstd -xf b.tar.zst -C unpacked
    jq '.cpus = 1 | .memory = 512000000' unpacked/host.json >host.json && mv host.json unpacked/
    "$BATS_TEST_DIRNAME/../make-bundle" unpacked b.tar.zst
    repro 0 --like-ci
    is "$(cat cpus)" 1
}

@test "git: the commit, what is not committed, and no file that it ignores" {
    failing
    (
        cd app
        echo ignored >.gitignore
        echo big >ignored
        git init -q . && git add -A
        git -c user.name=a -c user.email=a@b commit -qm one
        echo changed >>greeting
        echo new >untracked
    )
    packs 3
    is "$(in_bundle git/commit)" "$(git -C gone rev-parse HEAD)"
    in_bundle git/uncommitted.diff | grep -q '^+changed'
    is "$(in_bundle project/untracked)" new
    fails in_bundle project/ignored
}
