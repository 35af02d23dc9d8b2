#!/usr/bin/env bats
# Seeds: of each kind, in order, and what is said when one fails.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

database="{image: shop/postgres, command: postgres -c fsync=off, environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: s, POSTGRES_DB: shop}"

# A server that answers with what /www has; posting is for CGI scripts.
server='mkdir -p /www/cgi-bin; printf '"'"'#!/bin/sh\necho Status: 201 Created; echo; cat >>/posted; echo "$CONTENT_TYPE${HTTP_X_KEY:+ $HTTP_X_KEY}" >>/posted\n'"'"' >/www/cgi-bin/post; chmod +x /www/cgi-bin/post; exec httpd -f -p 80 -h /www'

# web_server: its command, as a script that is mounted.
web_server() {
    printf '%s\n' "$server" >server.sh
    echo "{image: $busybox, command: sh /server.sh, volumes: [\"./server.sh:/server.sh:ro\"], ready: {tcp: 80}"
}

@test "sql files are read in the order of their names, pattern by pattern, each as one script" {
    mkdir more
    echo 'CREATE TABLE t (id serial, word text);' >01-schema.sql
    echo "INSERT INTO t (word) VALUES ('one');" >02-a.sql
    echo "INSERT INTO t (word) VALUES ('two'); CREATE DATABASE other;" >10-b.sql
    sed -i 's/; CREATE/;\nCREATE/' 10-b.sql
    echo "INSERT INTO t (word) VALUES ('three');" >more/00.sql
    echo "CREATE TABLE there (id int);" >other.sql
    echo "SELECT string_agg(word, ' ' ORDER BY id) FROM t" >question
    compose <<END
services:
  db: $database,
    seed: [{sql: ["[0-9]*.sql", more/00.sql]}, {sql: other.sql, database: other}]}
END
    exits 0 up
    in_order 'db  started' 'db  seeded'
    is "$(docker exec -i "$name-db-1" psql -XAt -U shop -h /var/run/postgresql shop <question)" 'one two three'
    docker exec -e PGPASSWORD=s "$name-db-1" psql -h 127.0.0.1 -U shop -c 'TABLE there' other
    exits 0 down
}

@test "an error in sql names the file and its line, and leaves the rest undone" {
    echo 'CREATE TABLE t (id int);' >1.sql
    printf 'INSERT INTO t VALUES (1);\n\nINSERT INTO t\nVALUES (1, 2);\n' >2.sql
    echo 'CREATE TABLE never (id int);' >3.sql
    compose <<END
services:
  db: $database, seed: [{sql: "*.sql"}]}
END
    exits 75 up
    says '2.sql:' 'INSERT has more expressions than target columns' 'service `db`'
    grep -qE 'failed: .*INSERT has more' err
    grep -qE '2\.sql:[34]' err
    keeps_silent_on 3.sql
}

@test "a redis seed is a list of commands, and an error in it fails" {
    printf 'SET greeting hello\nRPUSH list a b c\n' >good.redis
    printf 'SET a b\nINCR a\n' >bad.redis
    compose <<END
services:
  cache: {image: shop/redis, seed: [{sql: good.redis}]}
END
    exits 0 up
    is "$(inside cache 'redis-cli get greeting; redis-cli llen list')" $'hello\n3'
    exits 0 down
    compose <<END
services:
  cache: {image: shop/redis, seed: [{sql: bad.redis}]}
END
    exits 75 up
    says 'bad.redis' 'value is not an integer' 'service `cache`'
}

@test "a file and a folder are copied, to places that are not there yet" {
    mkdir -p data/deep/er
    echo one >data/one
    echo two >data/deep/er/two
    echo 'echo script' >script
    chmod 755 script
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    tmpfs: /scratch
    volumes: [kept:/kept]
    seed:
      - exec: mkdir /there
      - copy: {from: data, to: /new/place/for/it}
      - copy: {from: data, to: /there}
      - copy: {from: data, to: /kept/below/it}
      - copy: {from: script, to: /other/place/script}
      - copy: {from: script, to: /there/}
      - copy: {from: script, to: /slash/}
volumes: {kept: }
END
    exits 0 up
    is "$(inside app 'cat /new/place/for/it/one /there/one /kept/below/it/one')" $'one\none\none'
    is "$(inside app 'cat /new/place/for/it/deep/er/two /there/deep/er/two')" $'two\ntwo'
    is "$(inside app '/other/place/script; /there/script; /slash/script')" $'script\nscript\nscript'
    exits 0 down
}

@test "http seeds send files, text and json, and must be answered as expected" {
    echo '{"a": 1}' >body.json
    compose <<END
services:
  web: $(web_server),
    seed: [
      {http: {method: POST, port: 80, path: /cgi-bin/post, body: body.json, expect: 201, headers: {X-Key: k1}}},
      {http: {port: 80, path: /cgi-bin/post, text: plain, expect: 200-299}},
      {http: {port: 80, path: cgi-bin/post, json: {b: [2, true]}}}]}
END
    exits 0 up
    is "$(inside web 'cat /posted')" '{"a": 1}
application/json k1
plainapplication/octet-stream
{"b":[2,true]}application/json'
    exits 0 down
    sed -i 's/expect: 201/expect: 409/' compose.yaml
    exits 75 up
    says 'seed `http POST /cgi-bin/post` of service `web`' 'answered HTTP 201, expected 409' compose.yaml:
    sed -i 's/expect: 409/expect: 201/; s|path: /cgi-bin/post, text: plain, expect: 200-299|path: /nothing|' compose.yaml
    exits 75 up
    says 'GET /nothing answered HTTP 404, expected 200-299'
}

@test "exec runs in the container, as a user if asked; a failure says code and last line" {
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    environment: {WHERE: inside}
    seed:
      - exec: echo "\$WHERE \$(id -u)" >/tmp/shell
      - exec: [touch, "/tmp/a b"]
        user: nobody
END
    exits 0 up
    is "$(inside app 'cat /tmp/shell; stat -c %u "/tmp/a b"')" $'inside 0\n65534'
    exits 0 down
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000, seed: [{exec: "echo step one; echo no such user; exit 7"}]}
END
    exits 75 up
    says 'exited with code 7: no such user' 'service `app`' compose.yaml:2
}

@test "run is on the host, in the file's folder, with the suite's variables" {
    compose <<END
services:
  db: $(web_server), expose: [80]}
  app:
    image: $busybox
    command: sleep 1000
    depends_on: [db]
    seed:
      - run: ./load.sh "\$DB_HOST" "\$DB_PORT"
      - run: [sh, -c, 'curl -sf "http://\$DB_HOST:\$DB_PORT/cgi-bin/post" -d from-the-host']
END
    printf '#!/bin/sh\necho "$PWD $#" >loaded\n[ -n "$1" ] && [ "$2" -gt 0 ]\n' >load.sh
    chmod +x load.sh
    exits 0 up
    is "$(cat loaded)" "$PWD 2"
    inside db 'grep -q from-the-host /posted'
    exits 0 down
    printf '#!/bin/sh\necho out of cheese >&2\nexit 9\n' >load.sh
    exits 75 up
    says 'service `app`' 'exited with code 9: out of cheese'
    rm load.sh
    exits 75 up
    says 'service `app`' 'exited with code 127'
}

@test "a seed's timeout ends it, wherever it hangs" {
    local service
    compose <<END
services:
  exec: {image: $busybox, command: sleep 1000, seed: [{exec: sleep 1000, timeout: 300ms}]}
  run: {image: $busybox, command: sleep 1000, seed: [{run: sleep 1000, timeout: 300ms}]}
  http: {image: $busybox, command: nc -ll -p 80 -e sleep 1000, ready: {tcp: 80}, seed: [{http: {port: 80, path: /}, timeout: 300ms}]}
  sql: {image: shop/redis, seed: [{sql: block.redis, timeout: 300ms}]}
END
    echo 'BLPOP nothing 0' >block.redis
    for service in exec run http sql; do
        { timeout 60 "$ENVRUN" up -p "$name-$service" "$service" || echo "$service: code $?"; } >"$service.err" 2>&1 3>&- &
    done
    wait
    cat ./*.err >err
    says 'exec: code 75' 'run: code 75' 'http: code 75' 'sql: code 75' \
        'failed: seed `exec sleep 1000` of service `exec`: timed out after 300 ms' \
        'failed: seed `run sleep 1000` of service `run`: timed out after 300 ms' \
        'failed: seed `http GET /` of service `http`: timed out after 300 ms' \
        'failed: seed `sql block.redis` of service `sql`: timed out after 300 ms'
}

@test "seed files that are missing are named before anything starts" {
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    kind: redis
    seed:
      - sql: "nothing/*.sql"
END
    exits 65 up
    says 'no seed file matches `nothing/*.sql`' 'compose.yaml:7'
    keeps_silent_on started
    compose <<END
services:
  copy: {image: $busybox, command: sleep 1000, seed: [{copy: {from: nothing, to: /x}}]}
END
    exits 65 up
    says 'there is no `nothing` to copy'
    compose <<END
services:
  http: {image: $busybox, command: sleep 1000, seed: [{http: {port: 80, path: /, body: nothing.json}}]}
END
    exits 65 up
    says 'there is no file `nothing.json` for the body'
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000, seed: [{sql: compose.yaml}]}
END
    exits 65 up
    says 'service `app` has an `sql` seed' 'name its `kind`'
}

@test "a seed may make the files of the next" {
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    seed:
      - run: mkdir made; echo fresh >made/file
      - copy: {from: made, to: /made}
END
    exits 0 up
    is "$(inside app 'cat /made/file')" fresh
    exits 0 down
}
