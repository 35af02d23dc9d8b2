#!/usr/bin/env bats
# What the file says is what the container gets: as the engine has it, or as it looks from inside.

# shellcheck disable=SC2016,SC2154  # `x` is how messages quote; name and busybox are set in lib
load lib

@test "volumes of all kinds, and tmpfs" {
    mkdir bound
    echo bound >bound/file
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    volumes:
      - named:/named
      - named:/again:ro
      - ./bound:/bound:ro
      - ./made:/made
      - /nameless
      - {type: bind, source: ./bound, target: /long, read_only: true}
      - {type: volume, source: named, target: /long-volume, volume: {nocopy: true}}
      - {type: tmpfs, target: /memory, tmpfs: {size: 1m, mode: 0700}}
    tmpfs: ["/short:size=2m,mode=1770", /plain]
  other: {image: $busybox, command: sleep 1000, volumes: [named:/there]}
volumes: {named: {labels: {mine: "yes"}}}
END
    exits 0 up
    inside app 'echo hello >/named/file; echo hello >/made/file; echo hello >/nameless/file; echo hello >/memory/file'
    is "$(inside other 'cat /there/file')" hello
    is "$(inside app 'cat /again/file /long-volume/file /bound/file /long/file')" $'hello\nhello\nbound\nbound'
    is "$(cat made/file)" hello
    fails inside app 'echo no >/again/x'
    fails inside app 'echo no >/bound/x'
    fails inside app 'echo no >/long/x'
    is "$(inside app 'stat -c %a /memory /short')" $'700\n1770'
    is "$(inside app 'grep -c "^tmpfs /\(memory\|short\|plain\) " /proc/mounts')" 3
    is "$(inside app 'df -k /memory /short | awk "/tmpfs/ {print \$2}"')" $'1024\n2048'
    is "$(docker volume inspect --format '{{.Labels.mine}}' "${name}_named")" yes
    exits 0 down
}

@test "secrets and configs come from files, with owner and mode, before the program starts" {
    echo hush >secret
    echo setting=1 >config
    compose <<END
services:
  app:
    image: $busybox
    command: sh -c 'cat /run/secrets/short /short-config /etc/app/app.conf && exec sleep 1000'
    ready: {log: setting=1}
    secrets:
      - short
      - {source: short, target: renamed, uid: "33", gid: "44", mode: 0440}
      - {source: short, target: /elsewhere/key, mode: 0400}
    configs:
      - short-config
      - {source: short-config, target: /etc/app/app.conf, mode: 0444}
secrets: {short: {file: secret}}
configs: {short-config: {file: ./config}}
END
    exits 0 up
    is "$(inside app 'cat /run/secrets/short /run/secrets/renamed /elsewhere/key /short-config /etc/app/app.conf')" \
        $'hush\nhush\nhush\nsetting=1\nsetting=1'
    is "$(inside app 'stat -c "%a %u %g" /run/secrets/renamed /elsewhere/key /etc/app/app.conf')" $'440 33 44\n400 0 0\n444 0 0'
    exits 0 down
}

@test "networks: names, aliases, container_name, several, none shared" {
    compose <<END
services:
  front: {image: $busybox, command: sleep 1000, networks: [outside], container_name: facade}
  both:
    image: $busybox
    command: sleep 1000
    hostname: my-host
    extra_hosts: ["elsewhere:10.9.8.7", "other=10.9.8.6"]
    networks: {outside: {aliases: [nickname]}, inside: }
  back: {image: $busybox, command: sleep 1000, networks: {inside: {aliases: [store]}}}
networks:
  outside: {labels: {mine: "yes"}}
  inside: {internal: true, driver_opts: {com.docker.network.bridge.name: $name}}
END
    exits 0 up
    inside front 'nslookup both && nslookup nickname && nslookup facade' >/dev/null
    inside both 'nslookup facade && nslookup store && nslookup back' >/dev/null
    fails inside front 'nslookup back'
    is "$(inside both hostname)" my-host
    is "$(inside both 'grep -c "10.9.8.[67]" /etc/hosts')" 2
    is "$(docker network inspect --format '{{.Internal}}' "${name}_inside")" true
    is "$(docker network inspect --format '{{.Labels.mine}}' "${name}_outside")" yes
    exits 0 down
}

@test "user, folder, command, entrypoint, environment, labels" {
    printf 'FROM_FILE=yes\nBOTH=file\n' >app.env
    compose <<END
services:
  app:
    image: $busybox
    user: "1234:5678"
    working_dir: /var/www
    entrypoint: [sh, -c]
    command: ["echo started; id -u; id -g; pwd; env | grep _ | sort; exec sleep 1000"]
    ready: {log: ^started}
    environment: {A_B: one, BOTH_X: "\${HOME_OF:-default}", EMPTY_X: ""}
    env_file: app.env
    labels: {com.example.a: b, "com.example.n": 3}
END
    exits 0 up
    eventually sh -c "docker logs $name-app-1 | grep -q FROM_FILE"
    is "$(docker logs "$name-app-1")" $'started\n1234\n5678\n/var/www\nA_B=one\nBOTH_X=default\nEMPTY_X=\nFROM_FILE=yes'
    is "$(inspect app '{{index .Config.Labels "com.example.a"}} {{index .Config.Labels "com.example.n"}}')" 'b 3'
    exits 0 down
}

@test "what the kernel is asked for: capabilities, limits, memory, init" {
    compose <<END
services:
  app:
    image: $busybox
    command: sleep 1000
    init: true
    cap_add: [NET_ADMIN]
    cap_drop: [CHOWN]
    ulimits: {nofile: {soft: 100, hard: 200}, nproc: 300}
    shm_size: 3m
    mem_limit: 64m
    domainname: example.org
    read_only: true
END
    exits 0 up
    is "$(inside app 'awk "/open files|processes/ {print \$(NF-2), \$(NF-1)}" /proc/1/limits')" $'300 300\n100 200'
    is "$(inside app 'df -k /dev/shm | awk "/shm/ {print \$2}"')" 3072
    inside app 'ps -o pid,comm | grep -q "^ *1 .*init"'
    fails inside app 'touch /x'
    is "$(inspect app '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}} {{.Config.Domainname}}' | sed 's/CAP_//g')" \
        '[NET_ADMIN] [CHOWN] 67108864 example.org'
    exits 0 down
}

@test "privileged" {
    docker run --rm --privileged --label envrun.test=probe "$busybox" true || skip "this engine may not"
    compose <<END
services:
  strong: {image: $busybox, command: sleep 1000, privileged: true}
END
    exits 0 up
    is "$(inspect strong '{{.HostConfig.Privileged}}')" true
    exits 0 down
}

@test "stop_signal and stop_grace_period: who says how long gets that time to end" {
    compose <<END
services:
  polite:
    image: $busybox
    command: sh -c 'trap "sleep 0.7; echo goodbye >/said/polite; exit 0" USR1; while :; do sleep 0.05; done'
    stop_signal: SIGUSR1
    stop_grace_period: 20s
    volumes: ["./said:/said"]
  deaf:
    image: $busybox
    command: sh -c 'trap "echo heard >/said/deaf" TERM; while :; do sleep 0.05; done'
    stop_grace_period: 1s
    volumes: ["./said:/said"]
  hasty: {image: $busybox, command: sh -c 'trap "echo heard >/said/hasty" TERM; while :; do sleep 0.05; done', volumes: ["./said:/said"]}
END
    exits 0 run -- true
    is "$(cat said/polite)" goodbye
    is "$(cat said/deaf)" heard
    [ ! -e said/hasty ] # without a word of the file nobody waits
}

@test "ports: remapped so that copies never meet, as written if asked, and taken ones are said" {
    compose <<END
services:
  web: {image: $busybox, command: [sh, -c, "echo fine >/index.html; exec httpd -f -p 80 -h /"], ports: ["127.0.0.1:38917:80"], ready: {tcp: 80}}
END
    exits 0 up
    is "$(inspect web '{{(index .NetworkSettings.Ports "80/tcp" 0).HostIp}}')" 127.0.0.1
    [ "$(inspect web '{{(index .NetworkSettings.Ports "80/tcp" 0).HostPort}}')" != 38917 ]
    exits 0 run --ports=written -- sh -c 'curl -s http://127.0.0.1:38917'
    is "$(cat out)" fine
    exits 0 down
    exits 0 up --ports=written
    timeout 60 "$ENVRUN" run -p "$name-second" --ports=written -- true 2>err && return 1
    says 'port is already allocated' 'service `web`' 'outcome=environment code=75'
    exits 0 down
}

@test "several files, an override file, envrun.yaml on top, and the project's name" {
    cat >compose.yaml <<END
name: $name-written
services:
  app: {image: $busybox, command: sleep 1000, environment: {A: base, B: base, C: base}}
END
    cat >compose.override.yaml <<'END'
services: {app: {environment: {B: override}}}
END
    cat >envrun.yaml <<'END'
services: {app: {environment: {C: "${FROM_DOTENV}"}, ready: {exec: '[ "$A$B$C" = baseoverridedotenv ]', timeout: 5s}}}
suite: {command: 'true'}
END
    echo FROM_DOTENV=dotenv >.env
    timeout 60 "$ENVRUN" run 2>err
    says "envrun run $name-written-"
    exits 0 run
    exits 75 run -f compose.yaml -f envrun.yaml
    says 'was not ready within 5.0 s'
}
