#!/usr/bin/env bats
# A file with values that want to be commands, and with paths that want to be elsewhere.

# shellcheck disable=SC2016,SC2154  # what is hostile is not to be expanded; name and busybox are set in lib
load lib

# What a shell, a client or an eval would stumble over. If any of them runs it, a file `pwned` appears.
evil='"; touch /tmp/pwned #'\''$(touch /tmp/pwned)`touch /tmp/pwned`
touch /tmp/pwned; ${IFS} \ * ~ %s -e'

# json TEXT: as a JSON string, which YAML reads too; `$` doubled, so that nothing is interpolated.
json() { jq -n --arg text "$1" '$text' | sed 's/\$/$$/g'; }

# pwned_nowhere CONTAINER...: neither here nor in these containers did a command run.
pwned_nowhere() {
    fails test -e /tmp/pwned || { rm /tmp/pwned; false; }
    for container; do fails docker exec "$container" test -e /tmp/pwned; done
}

@test "values arrive as they are written, and no shell sees them" {
    printf %s "$evil" >secret.txt
    compose <<END
services:
  web:
    image: $busybox
    command: [sh, -c, 'mkdir -p /www; echo fine >/www/index.html; exec httpd -f -p 80 -h /www']
    init: true
    environment: {EVIL: $(json "$evil")}
    labels: {evil: $(json "$evil"), $(json "$evil" | sed 's/\$\$/$/g'): key}
    secrets: [evil]
    configs: [{source: evil, target: /config}]
    ready: {exec: [test, -n, $(json "$evil" | sed 's/\$\$/$/g')]}
    seed:
      - http: {port: 80, path: $(json '/?$(touch${IFS}/tmp/pwned)`touch${IFS}/tmp/pwned`;'), headers: {X-Evil: "\$\$(touch /tmp/pwned)\`touch /tmp/pwned\`"}, method: GET, expect: 100-599}
      - exec: [sh, -c, 'printf %s "\$EVIL" >/tmp/value; printf %s "\$1" >/tmp/word', sh, $(json "$evil" | sed 's/\$\$/$/g')]
secrets: {evil: {file: secret.txt}}
configs: {evil: {content: $(json "$evil")}}
suite:
  command: 'printf %s "\$EVIL" >here; printf %s "\$MORE" >more'
  environment: {EVIL: $(json "$evil")}
END
    exits 0 run -e "MORE=$evil" --keep
    local container
    container=$(docker ps --filter "name=$name-" --format '{{.Names}}')
    pwned_nowhere "$container"
    is "$(cat here)" "$evil"
    is "$(cat more)" "$evil"
    is "$(docker exec "$container" cat /tmp/value)" "$evil"
    is "$(docker exec "$container" cat /tmp/word)" "$evil"
    is "$(docker exec "$container" cat /run/secrets/evil)" "$evil"
    is "$(docker exec "$container" cat /config)" "$evil"
    is "$(docker inspect --format '{{index .Config.Labels "evil"}}' "$container")" "$evil"
    timeout 60 "$ENVRUN" down -p "${container%-web-1}"
}

@test "a service's environment reaches its client's command and its URL as data" {
    echo "CREATE TABLE t (id int);" >seed.sql
    compose <<END
services:
  db:
    image: shop/postgres
    command: postgres -c fsync=off
    environment: {POSTGRES_USER: shop, POSTGRES_DB: shop, POSTGRES_PASSWORD: $(json "$evil")}
    seed: [{sql: seed.sql, database: shop}]
suite: {command: 'printf %s "\$DB_URL" >url'}
END
    exits 0 up
    pwned_nowhere "$name-db-1"
    exits 0 down
    exits 0 run
    pwned_nowhere
    fails grep -q '[$`;" ]' url
    sed -i "s/database: shop/database: $(json "$evil" | sed 's,[\\/&],\\&,g')/" compose.yaml
    exits 75 up
    pwned_nowhere
}

# login: the password of a mongo script's first statement.
login() {
    python3 -c 'import json, re, sys
print(json.loads(re.match(r"db\.getSiblingDB\(.admin.\)\.auth\(\"root\", (.*)\); SELECT 1$", sys.stdin.read(), re.S)[1]))'
}

# The clients that no image here has: one that writes down how it was called stands in for each.
@test "the database's name is one word of the client's, and its password none" {
    cat >client <<'END'
#!/bin/sh
{ echo "[$0]"; for word; do echo "[$word]"; done; } >>/called
for last; do :; done
case $last in *.js) cat "$last" >/script ;; *) cat >/dev/null ;; esac
END
    chmod +x client
    echo "SELECT 1" >seed.sql
    local kind
    for kind in mysql mariadb mongosh clickhouse-client cqlsh; do
        case $kind in
        mongosh) service=mongo ;;
        clickhouse-client) service=clickhouse ;;
        cqlsh) service=cassandra ;;
        *) service=$kind ;;
        esac
        compose <<END
services:
  db:
    image: $busybox
    kind: $service
    command: [sleep, "600"]
    init: true
    environment:
      MYSQL_ROOT_PASSWORD: &p $(json "s3cr3t$evil")
      MARIADB_ROOT_PASSWORD: *p
      MONGO_INITDB_ROOT_USERNAME: root
      MONGO_INITDB_ROOT_PASSWORD: *p
      CLICKHOUSE_PASSWORD: *p
    volumes: ["./client:/bin/$kind:ro"]
    ready: {exec: "true"}
    seed: [{sql: seed.sql, database: $(json "--evil $evil")}]
END
        exits 0 up
        pwned_nowhere "$name-db-1"
        inside db 'cat /called' >called
        grep -qF -- "--evil" called
        fails grep -qF s3cr3t called || { echo "$kind was called with the password"; show called; false; }
        grep -qF -- '; touch /tmp/pwned #' called && grep -qF -- ' * ~ %s -e]' called ||
            { echo "the name was split"; show called; false; }
        [ "$kind" != mongosh ] || is "$(inside db 'cat /script' | login)" "s3cr3t$evil"
        exits 0 down
    done
}

@test "what envrun env prints is safe to evaluate" {
    compose <<END
services: {web: {image: $busybox, command: [sleep, "600"], init: true}}
suite: {command: "true", environment: {EVIL: $(json "$evil")}}
END
    exits 0 up
    is "$(eval "$(envrun env --suite suite 2>/dev/null || envrun env)" && printf %s "$EVIL")" "$evil"
    pwned_nowhere
    exits 0 down
}

@test "secrets are in no process's arguments" {
    local secret=tops3cret$RANDOM$RANDOM
    echo "$secret-file" >secret.txt
    compose <<END
services:
  db:
    image: shop/postgres
    command: postgres -c fsync=off
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: \$SECRET}
    secrets: [s]
    seed: [{exec: sleep 0.3}]
secrets: {s: {file: secret.txt}}
suite: {command: sleep 0.3}
END
    SECRET=$secret begin run
    local found=
    while kill -0 "$envrun_pid" 2>/dev/null; do
        found+=$(grep -lsF "$secret" /proc/[0-9]*/cmdline || true)
        sleep 0.02
    done
    ends 0
    is "$found" ""
}

@test "a copy follows no link, and ends within the container" {
    mkdir -p seed/sub
    echo outside >outside
    ln -s ../outside seed/link
    ln -s /etc/hostname seed/sub/absolute
    echo fine >seed/file
    compose <<END
services:
  web:
    image: $busybox
    command: [sleep, "600"]
    init: true
    seed:
      - copy: {from: seed, to: /data}
      - copy: {from: seed/file, to: /data/../../../../there}
      - exec: mkdir /root-of; ln -s / /root-of/up
      - copy: {from: seed/file, to: /root-of/up/tmp/through}
END
    exits 0 up
    is "$(inside web 'for i in /data/link /data/sub/absolute; do readlink $i; done; cat /there /tmp/through' | tr '\n' ' ')" \
        "../outside /etc/hostname fine fine "
    fails test -e /there
    fails test -e /tmp/through
    exits 0 down
}

@test "a build takes no file from outside of its context" {
    mkdir context
    echo outside >outside
    ln -s ../outside context/link
    printf 'FROM %s\nCOPY link /link\n' "$busybox" >context/Dockerfile
    compose <<<"services: {web: {build: context, image: $name, command: [sleep, '600']}}"
    exits 75 up
    keeps_silent_on outside:
    printf 'FROM %s\nCOPY ../outside /outside\n' "$busybox" >context/Dockerfile
    exits 75 up
    says "cannot build the image of service \`web\`"
}

@test "what the file names itself may lie outside: a Dockerfile, secrets, configs, through links too" {
    mkdir context project
    printf 'FROM %s\nCOPY . /context\nRUN ls -A /context >/list\n' "$busybox" >Dockerfile
    ln -s ../Dockerfile context/Dockerfile
    echo inside >context/file
    echo value >value
    ln -s value link
    cat >project/compose.yaml <<END
services:
  by-path: &service
    build: {context: ../context, dockerfile: ../Dockerfile}
    image: $name/path
    command: [sleep, "600"]
    init: true
    secrets: [beside, linked]
    configs: [{source: linked, target: /config}]
  by-link: {<<: *service, build: ../context, image: $name/link}
secrets: {beside: {file: ../value}, linked: {file: ../link}}
configs: {linked: {file: ../link}}
END
    cd project
    exits 0 up
    local service
    for service in by-path by-link; do
        is "$(inside "$service" 'cat /run/secrets/beside /run/secrets/linked /config' | tr '\n' ' ')" "value value value "
        is "$(inside "$service" 'cat /context/file')" inside
    done
    # Nothing of where it came from came with it.
    is "$(inside by-path 'cat /list' | tr '\n' ' ')" "Dockerfile file "
    exits 0 down
}

@test "whatever the umask, what envrun keeps is its owner's alone, and it listens nowhere" {
    mkdir tmp
    compose <<END
services: {web: {image: $busybox, command: [sleep, "600"], init: true}}
suite: {command: 'ls -l /proc/\$PPID/fd >fds; cat /proc/net/unix >sockets'}
END
    (umask 0 && TMPDIR=$PWD/tmp exits 0 run)
    # The first of a record's folders keeps others out of all below it.
    is "$(find . -mindepth 1 -maxdepth 1 \( -name .envrun -o -name envrun-out \) -perm /077)" ""
    is "$(ls -A tmp)" ""
    # Flags of 00010000 (__SO_ACCEPTCON of linux/net.h) are a listener's.
    local inode
    grep -o 'socket:\[[0-9]*' fds | grep -o '[0-9]*' >inodes
    while read -r inode; do
        fails grep -E "^[^ ]+ [^ ]+ [^ ]+ 00010000 .* $inode( |\$)" sockets
    done <inodes
}
