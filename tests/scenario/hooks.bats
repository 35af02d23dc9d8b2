#!/usr/bin/env bats
# Commands before and after a service's start and before its stop; and a container that may use the engine.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

@test "pre_start: after what the service depends on, with its networks, volumes, variables and secrets; once, or for each container" {
    compose <<END
services:
  db:
    image: $busybox
    command: sh -c 'echo answer >/var/www/index.html; exec httpd -f -p 80 -h /var/www'
    ready: {http: {port: 80}}
  app:
    image: $busybox
    init: true
    command: sleep 1000
    scale: 2
    depends_on: [db]
    environment: {A: one, B: two}
    networks: [default, back]
    secrets: [word]
    volumes: [data:/data]
    pre_start:
      - command: sh -c 'wget -qO- http://db/ >>/data/once; echo "\$\$A \$\$B" >>/data/once; cat /run/secrets/word >>/data/once'
        environment: {B: three}
      - {image: $busybox, command: sh -c 'ls /sys/class/net | grep -c eth >>/data/each', per_replica: true}
secrets: {word: {environment: WORD}}
networks: {back: }
volumes: {data: }
END
    WORD=secret exits 0 up
    is "$(inside app 'cat /data/once')" $'answer\none three\nsecret'
    is "$(inside app 'cat /data/each')" $'2\n2'
    is "$(docker ps -a --filter "label=envrun.environment=$name" --format '{{.Names}}' | grep -c pre-start)" 0
    exits 0 down
}

@test "pre_start: one that fails ends it, with its place and its last words; the next is not run" {
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    pre_start:
      - command: sh -c 'echo looking; echo the schema is from the future; exit 3'
      - command: no-such-program
END
    exits 75 up
    says 'compose.yaml:6:9: failed: the pre_start hook `sh -c echo looking' \
        'of service `app`: it exited with code 3: the schema is from the future' 'app | looking'
    sed -i '/exit 3/d' compose.yaml
    exits 75 up
    says 'compose.yaml:6:9: failed: the pre_start hook `no-such-program` of service `app`: ' 'no-such-program'
    sed -i 's/command: no-such.*/image: envrun-test\/no-such-image:1/; s/image: .*box.*/&\n    pull_policy: never/' compose.yaml
    exits 75 up
    says 'compose.yaml:7:9: failed: ' 'image `envrun-test/no-such-image:1` is not there, and pull_policy is `never`'
}

@test "pre_start: cut short while it runs, nothing is left" {
    compose <<END
services:
  app: {image: $busybox, command: sleep 1000, pre_start: [{command: sleep 1000}]}
END
    begin up
    eventually hook_runs
    kill -INT "$envrun_pid"
    ends 130
}

hook_runs() { docker ps --filter "label=envrun.environment=$name" --format '{{.Names}}' | grep -q pre-start; }

@test "post_start in the container, before the service counts as started; pre_stop before it goes" {
    mkdir -m 777 shared
    compose <<END
services:
  app:
    image: $busybox
    init: true
    command: sleep 1000
    volumes: ["./shared:/shared"]
    post_start:
      - {command: sh -c 'echo "\$\$NAME \$\$(id -u)" >/shared/began', user: "7", environment: {NAME: me}}
    pre_stop:
      - {command: touch /shared/ended}
  next: {image: $busybox, init: true, command: sh -c 'cat /shared/began && sleep 1000', volumes: ["./shared:/shared"], depends_on: [app]}
END
    exits 0 up
    is "$(cat shared/began)" "me 7"
    fails test -e shared/ended
    exits 0 down
    test -e shared/ended
}

@test "post_start of a suite's service: in its container while the suite runs; one that fails is said" {
    compose <<END
services:
  tests:
    image: $busybox
    init: true
    command: sh -c 'until [ -s /tmp/hook ]; do sleep 0.1; done; cat /tmp/hook'
    post_start: [{command: sh -c 'echo from the hook >/tmp/hook'}]
suite: {service: tests}
END
    exits 0 run
    is "$(cat out)" 'from the hook'
    sed -i "s|echo from.*hook'|echo out of hooks; exit 3'|" compose.yaml
    exits 75 run
    says 'service `tests`: a post_start hook exited with code 3: out of hooks'
}

@test "use_api_socket: the engine's socket, and the registries' credentials where the docker CLI looks" {
    mkdir docker
    printf '{"auths": {"registry.example": {"auth": "%s"}}}' "$(printf ada:lovelace | base64)" >docker/config.json
    compose <<END
services:
  app: {image: $busybox, init: true, command: sleep 1000, use_api_socket: true}
END
    DOCKER_CONFIG=$PWD/docker exits 0 up
    is "$(inside app 'test -S /var/run/docker.sock && echo socket')" socket
    is "$(inside app 'cat $DOCKER_CONFIG/config.json' | jq -r '.auths["registry.example"].auth' | base64 -d)" ada:lovelace
    keeps_silent_on lovelace
    exits 0 down
}
