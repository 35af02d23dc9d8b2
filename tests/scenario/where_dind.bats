#!/usr/bin/env bats
# Docker-in-docker: envrun and an engine of its own in one container.

load lib
load where

# With this host's programs, an engine comes up in the container, is given the image, and envrun runs against it.
engine_within() {
    cat <<'END'
set -e
umount -R /sys/fs/cgroup
mount -t tmpfs cgroup /sys/fs/cgroup
if grep -q '^[1-9]' /proc/self/cgroup; then
    for name in $(awk '$4 == 1 { print $1 }' /proc/cgroups); do
        mkdir "/sys/fs/cgroup/$name"
        mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name"
    done
else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount -o remount,rw /proc/sys
if ! iptables -w -t nat -S >/dev/null 2>&1; then
    mkdir /tmp/legacy
    for name in iptables ip6tables; do
        ln -s "$(command -v "${name/tables/tables-legacy}")" "/tmp/legacy/$name"
    done
    PATH=/tmp/legacy:$PATH
fi
dockerd >dockerd.log 2>&1 &
until docker version >/dev/null 2>&1; do
    kill -0 $!
    sleep 0.05
done
docker load -q <image.tar >/dev/null
exec "$@"
END
}

@test "the suite's variables hold an address that answers beside an engine in the container" {
    command -v dockerd >/dev/null || skip "there is no dockerd here"
    cp "$ENVRUN" envrun-program
    docker save "$busybox" >image.tar
    engine_within >engine.sh
    compose <<END
services:
  web: {image: $busybox, command: ["sh", "-c", "$server"], expose: ["80"], ready: {http: {port: 80}}}
suite: {command: 'echo "\$WEB_HOST:\$WEB_PORT"; curl -sS "http://\$WEB_HOST:\$WEB_PORT/"'}
END
    local code=0
    timeout --kill-after 5 90 docker run --rm --name "$name-engine" --hostname "$name" \
        --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
        -v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro -v /var/lib/docker --tmpfs /run --tmpfs /tmp:exec \
        -v "$PWD:/work" -w /work debian:bookworm-slim bash engine.sh ./envrun-program run -p "$name" \
        >out 2>err </dev/null || code=$?
    [ "$code" = 0 ] || { echo "exit code $code"; show out err; tail -n 5 dockerd.log; false; }
    grep -qE '^[0-9.]+:80$' out
    is "$(sed -n 2p out)" fine
    says 'removed 1 container, 1 network'
}
