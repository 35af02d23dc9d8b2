#!/usr/bin/env bats
# A service's life: its image, whom it waits for, and how it may end.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

server='mkdir -p /www; echo fine >/www/health; exec httpd -f -p 80 -h /www'

# ---- Images ----

@test "images are found or built; a build waits for no database, and its image stays" {
    mkdir app
    printf 'FROM %s AS base\nARG greeting\nRUN echo "$greeting" >/greeting\nFROM base AS other\nRUN echo other >/greeting\n' \
        "$busybox" >app/Dockerfile
    compose <<END
services:
  slow: {image: $busybox, command: [sh, -c, "sleep 3; touch /ready; exec sleep 1000"], ready: {exec: test -e /ready}}
  built:
    build: {context: app, target: base, args: {greeting: hello from the build}}
    image: $name/built
    command: sleep 1000
    depends_on: [slow]
  twin:
    build: {context: app, target: base, args: {greeting: hello from the build}}
    image: $name/built
    command: sleep 1000
  other: {build: app, command: [sh, -c, "cat /greeting; exec sleep 1000"], ready: {log: ^other}}
END
    exits 0 up --json
    is "$(inside built 'cat /greeting')" 'hello from the build'
    is "$(inside twin 'cat /greeting')" 'hello from the build'
    # The build was over before the service it depends on was ready.
    jq -se '(map(select(.service == "built" and .phase == "image" and .status == "done"))[0].ms) <
        (map(select(.service == "slow" and .phase == "ready" and .status == "done"))[0].ms)' err
    is "$(jq -r 'select(.phase == "image" and .status == "began") | .service + " " + (.detail // "")' err | grep -c build)" 2
    exits 0 down
}

@test "an image that nobody has fails with one sentence, and so does one that may not be pulled" {
    compose <<END
services:
  db: {image: $busybox, command: sleep 1000, ready: {exec: "false"}}
  ghost: {image: "127.0.0.1:9/envrun-test/no-such-image:1", depends_on: [db]}
END
    exits 75 up # the pull did not wait for the database, which never comes
    is "$(grep -c 'failed: ' err)" 1
    says 'compose.yaml:3' 'service `ghost`' '127.0.0.1:9/envrun-test/no-such-image:1'
    compose <<END
services:
  ghost: {image: "envrun-test/no-such-image:1", pull_policy: never}
END
    exits 75 up
    says 'image `envrun-test/no-such-image:1` is not there, and pull_policy is `never`'
}

@test "a build that fails shows its last lines" {
    printf 'FROM %s\nRUN echo all went well so far && echo the disk is on fire && exit 3\n' "$busybox" >Dockerfile
    compose <<END
services:
  app: {build: .}
END
    exits 75 up
    says 'service `app`' 'returned a non-zero code: 3' 'app | the disk is on fire'
    printf 'FROM %s\nNONSENSE\n' "$busybox" >Dockerfile
    exits 75 up
    says 'service `app`' 'NONSENSE'
    rm Dockerfile
    exits 65 up
    says 'Dockerfile'
}

# ---- Dependencies ----

@test "a dependent starts when its dependency is ready and seeded, and not before" {
    compose <<END
services:
  db:
    image: $busybox
    command: sh -c 'sleep 0.5; touch /ready; exec sleep 1000'
    ready: {exec: test -e /ready}
    seed:
      - exec: sleep 0.5; touch /seeded
  app: {image: $busybox, command: sleep 1000, depends_on: [db]}
  early: {image: $busybox, command: sleep 1000, depends_on: {db: {condition: service_started}}}
  healthy: {image: $busybox, command: sleep 1000, depends_on: {db: {condition: service_healthy}}}
END
    exits 0 run --json -- true
    transitions err >order
    mv order err
    in_order 'db start done' 'early start began' 'db ready done' 'healthy start began' 'db seed done' 'app start began'
}

@test "a job that exits 0 is done: for the short form, and for service_completed_successfully" {
    compose <<END
services:
  migrate: {image: $busybox, command: "true"}
  probed: {image: $busybox, command: "true", ready: {tcp: 80}}
  worker: {image: $busybox, command: [sh, -c, "sleep 0.5"], healthcheck: {test: test -e /never, interval: 30s}}
  app:
    image: $busybox
    command: sleep 1000
    depends_on:
      migrate: {condition: service_completed_successfully}
      worker: {condition: service_completed_successfully}
  short: {image: $busybox, command: sleep 1000, depends_on: [migrate, probed, worker]}
END
    exits 0 run --json -- true
    happened '.service == "app" and .phase == "up" and .status == "done"'
    happened '.service == "short" and .phase == "up" and .status == "done"'
    jq -se '(map(select(.service == "app" and .phase == "start" and .status == "began"))[0].ms) >=
        (map(select(.service == "worker" and .phase == "start" and .status == "done"))[0].ms)' err
}

@test "who waits for a job that fails is told its exit code" {
    compose <<END
services:
  migrate: {image: $busybox, command: [sh, -c, "echo no such table; sleep 0.5; exit 4"]}
  app: {image: $busybox, command: sleep 1000, depends_on: {migrate: {condition: service_completed_successfully}}}
END
    exits 75 run -- true
    says 'exited with code 4' '`migrate`' 'no such table'
    keeps_silent_on 'app      started'
}

@test "service_healthy of a service without any check is refused" {
    compose <<END
services:
  db: {image: $busybox, command: sleep 1000}
  app: {image: $busybox, command: sleep 1000, depends_on: {db: {condition: service_healthy}}}
END
    exits 65 run -- true
    says 'service `app` waits for `db` to be healthy, which has neither a healthcheck nor `ready`'
}

@test "what is not required may fail, or never come" {
    compose <<END
services:
  bonus: {image: $busybox, command: [sh, -c, "exit 3"], ready: {tcp: 80}}
  absent: {image: $busybox, command: sleep 1000, profiles: [more]}
  app:
    image: $busybox
    command: sleep 1000
    depends_on:
      bonus: {condition: service_healthy, required: false}
      absent: {condition: service_started, required: false}
END
    exits 0 run -- true
    says 'service `bonus` did not come up; what depends on it goes on without it' 'app    up'
}

# ---- Ends ----

@test "a death before it is ready ends the wait at once, with exit code and last lines" {
    compose <<END
services:
  db:
    image: $busybox
    command: [sh, -c, "echo first; sleep 0.5; echo cannot open the data folder >&2; exit 42"]
    ready: {tcp: 80, timeout: 50s}
END
    exits 75 run --json -- true
    happened '.event == "failed" and .service == "db" and .code == 75 and .phase == "ready" and
        .text == "service `db` exited with code 42 before it was ready" and
        (.list | index("cannot open the data folder")) and (.list | index("first"))'
    happened '.event == "outcome" and .text == "environment" and .duration < 40000'
}

@test "a death while it is being seeded, and of one that was up already" {
    compose <<END
services:
  db: {image: $busybox, command: [sh, -c, "sleep 1; exit 5"], seed: [{exec: sleep 50}]}
END
    exits 75 run -- true
    says 'service `db` exited with code 5 while it was being seeded'
    compose <<END
services:
  first: {image: $busybox, command: [sh, -c, "sleep 1; exit 6"]}
  last: {image: $busybox, command: sleep 1000, ready: {exec: "false"}}
END
    exits 75 run -- true
    says 'service `first` exited with code 6 before the environment was up'
}

@test "on-failure:2 may fail twice, and always ever again" {
    compose <<END
services:
  second:
    image: $busybox
    command: sh -c 'echo try >>/tries; [ "\$\$(wc -l </tries)" -ge 2 ] || exit 1; $server'
    restart: on-failure:2
    ready: {http: {port: 80, path: /health}}
  third:
    image: $busybox
    command: sh -c 'echo try >>/tries; [ "\$\$(wc -l </tries)" -ge 3 ] || exit 0; exec sleep 1000'
    restart: always
    ready: {exec: '[ "\$(wc -l </tries)" -ge 3 ]'}
END
    exits 0 up
    is "$(inside second 'wc -l </tries')" 2
    is "$(inside third 'wc -l </tries')" 3
    exits 0 down
}

@test "a death is final when the restart policy gives up" {
    compose <<END
services:
  db: {image: $busybox, command: [sh, -c, "exit 9"], restart: "on-failure:2", ready: {tcp: 80, timeout: 50s}}
END
    exits 75 run -- true
    says 'service `db` exited with code 9 after 3 starts before it was ready'
    compose <<END
services:
  db: {image: $busybox, command: [sh, -c, "exit 9"], restart: always, ready: {tcp: 80, timeout: 3s}}
END
    exits 75 run -- true
    says 'service `db` was not ready within 3.0 s' 'last with code 9'
}

@test "running out of memory is said as such" {
    compose <<END
services:
  greedy:
    image: $busybox
    command: sh -c 'exec tail /dev/zero'
    mem_limit: 8m
    ready: {tcp: 80, timeout: 50s}
END
    exits 75 run -- true
    grep -E 'service `greedy` was killed .*because it used more memory than' err
}

@test "a service that dies under the suite is said; with --strict it fails the run" {
    compose <<END
services:
  app: {image: $busybox, command: [sh, -c, "until [ -e /die ]; do sleep 0.05; done; echo ouch; exit 8"], ready: {exec: "true"}}
suite:
  command: |
    id=\$(docker ps -q --filter label=envrun.environment=\$ENVRUN_ENVIRONMENT)
    docker exec \$id touch /die
    docker wait \$id
END
    exits 0 run
    says 'service `app` exited with code 8' 'app | ouch' 'outcome=passed code=0'
    exits 75 run --strict
    says 'outcome=environment code=75'
}
