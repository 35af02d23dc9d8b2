#!/usr/bin/env bats
# When a service counts as ready.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

# A server that listens on port 80.
server='mkdir -p /www; echo fine >/www/health; exec httpd -f -p 80 -h /www'

@test "each kind of probe finds its service ready" {
    compose <<END
services:
  tcp: {image: $busybox, command: [sh, -c, "$server"], ready: {tcp: 80}}
  http: {image: $busybox, command: [sh, -c, "$server"], ready: {http: {port: 80, path: /health, status: 200, body: "^f.ne$"}}}
  missing: {image: $busybox, command: [sh, -c, "$server"], ready: {http: {port: 80, path: /nothing, status: 404-499}}}
  exec: {image: $busybox, command: [sh, -c, "touch /ready; exec sleep 1000"], ready: {exec: test -e /ready}}
  argv: {image: $busybox, command: [sh, -c, "touch /ready; exec sleep 1000"], ready: {exec: [test, -e, /ready]}}
  line: {image: $busybox, command: [sh, -c, "echo up and running; exec sleep 1000"], ready: {log: "up .* running"}}
  lines:
    image: $busybox
    command: [sh, -c, "for i in 1 2 3; do echo worker \$\$i; done; exec sleep 1000"]
    ready: {log: {regex: "^worker", count: 3}}
  none: {image: $busybox, command: sleep 1000}
END
    exits 0 run -- true
    says 'tcp      ready' 'http     ready' 'missing  ready' 'exec     ready' 'argv     ready' 'line     ready' \
        'lines    ready' 'none     up'
}

@test "a probe that never succeeds ends at its timeout, with what was wrong" {
    compose <<END
services:
  tcp: {image: $busybox, command: sleep 1000, ready: {tcp: 81, timeout: 300ms}}
  status: {image: $busybox, command: [sh, -c, "$server"], ready: {http: {port: 80, path: /nothing}, timeout: 2s}}
  body: {image: $busybox, command: [sh, -c, "$server"], ready: {http: {port: 80, path: /health, body: broken}, timeout: 2s}}
  exec: {image: $busybox, command: sleep 1000, ready: {exec: "echo not yet; exit 3", timeout: 2s}}
  lines: {image: $busybox, command: [sh, -c, "echo worker; exec sleep 1000"], ready: {log: {regex: worker, count: 2}, timeout: 2s}}
END
    local service
    for service in tcp status body exec lines; do
        { timeout 60 "$ENVRUN" up -p "$name-$service" "$service" >"$service.err" 2>&1 || echo $?; } 3>&- &
    done
    wait
    cat ./*.err >err
    says 'service `tcp` was not ready within 300 ms: connection refused' \
        'service `status` was not ready within 2.0 s: GET /nothing answers HTTP 404' \
        'service `body` was not ready within 2.0 s: the answer of GET /health does not match `broken`' \
        'service `exec` was not ready within 2.0 s: the command exited with code 3: not yet' \
        'service `lines` was not ready within 2.0 s: 1 of 2 lines of its log match `worker`'
    is "$(grep -c 'envrun: outcome=environment code=75' err)" 5
}

@test "a healthcheck costs what it takes, not its interval" {
    compose <<END
services:
  file:
    image: $busybox
    command: sh -c 'sleep 0.3; touch /ready; exec sleep 1000'
    healthcheck: {test: test -e /ready, interval: 30s, start_period: 30s}
  named:
    image: $busybox
    command: sleep 1000
    healthcheck: {test: [CMD, "true"], interval: 30s}
    ready: healthcheck
  after:
    image: $busybox
    command: sleep 1000
    depends_on: {file: {condition: service_healthy}}
END
    exits 0 run --json -- true
    took ready file 8000
    took ready named 8000
    took wait after 12000
}

@test "the healthcheck of an image is used, unless the file disables it" {
    docker build -q -t "$name" - >/dev/null <<END
FROM $busybox
HEALTHCHECK --interval=30s CMD test -e /ready
END
    compose <<END
services:
  slow: {image: $name, command: [sh, -c, "sleep 1; touch /ready; exec sleep 1000"]}
  off: {image: $name, command: sleep 1000, healthcheck: {disable: true}}
  never: {image: $name, command: sleep 1000, ready: {healthcheck: true, timeout: 1s}}
END
    exits 0 up slow off
    inside slow 'test -e /ready'
    exits 0 down
    exits 75 up never
    says 'service `never` was not ready within 1.0 s'
}

@test "a port is ready when the service listens, not when the engine's proxy does" {
    compose <<END
services:
  late:
    image: $busybox
    command: ["sh", "-c", "sleep 2; $server"]
    ports: ["80"]
    ready: {tcp: 80}
  tests:
    image: $busybox
    depends_on: [late]
    command: wget -q -O - http://late/health
suite: {service: tests}
END
    exits 0 run
    is "$(cat out)" fine
}

@test "postgres is ready when it answers the network, not while its image prepares the database" {
    mkdir init
    echo "CREATE TABLE made_by_init (id int);" >init/1.sql
    echo "psql -q -c 'SELECT pg_sleep(2)' >/dev/null" >init/2.sh
    compose <<END
services:
  db:
    image: shop/postgres
    command: postgres -c fsync=off
    environment: {POSTGRES_PASSWORD: secret}
    volumes: ["./init:/docker-entrypoint-initdb.d:ro"]
    seed:
      - exec: PGPASSWORD=secret psql -h db -U postgres -c 'INSERT INTO made_by_init VALUES (1)'
END
    exits 0 run -- true
    says 'db  seeded'
}

@test "the kind is known by the image, or by its name, or switched off" {
    docker tag shop/redis "$name/something"
    echo 'SET a b' >seed.redis
    compose <<END
services:
  by-image: {image: shop/redis}
  by-name: {image: $name/something, kind: redis, seed: [{sql: seed.redis}]}
  off: {image: shop/redis, kind: none, command: sleep 1000}
  unknown: {image: $name/something, command: sleep 1000}
suite: {command: env | sort}
END
    exits 0 run
    says 'by-name   seeded'
    grep -q '^BY_IMAGE_URL=redis://.*:6379$' out
    grep -q '^BY_NAME_URL=redis://.*:6379$' out
    fails grep '^OFF_URL\|^UNKNOWN_URL' out
}
