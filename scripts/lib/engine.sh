# shellcheck shell=bash
# Finds a Docker Engine, or starts one. Needs lib/common.sh.

: "${root:?}"
engine_state=${ENVRUN_ENGINE_STATE:-/run/envrun-engine}
engine_socket=unix:///var/run/docker.sock

# engine_answers ADDRESS: does an engine answer there?
engine_answers() {
    DOCKER_HOST=$1 timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# engine_find: choose the engine that answers and export DOCKER_HOST; fails if none does.
engine_find() {
    command -v docker >/dev/null || return 1
    local address
    for address in ${DOCKER_HOST:+"$DOCKER_HOST"} "$engine_socket"; do
        if engine_answers "$address"; then
            export DOCKER_HOST=$address
            return 0
        fi
    done
    return 1
}

# engine_pid: the dockerd that engine_start started, if it still runs.
engine_pid() {
    local pid
    pid=$(cat "$engine_state/dockerd.pid" 2>/dev/null) || return 1
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 1
    echo "$pid"
}

# containerd can say nothing of what a container uses while a hierarchy of cgroup v1 that it is in is not mounted
# ("cannot find cgroup mount destination"). One that cannot be mounted costs the numbers alone.
engine_mount_missing_cgroups() {
    local names dir
    while IFS=: read -r _ names _; do
        dir=/sys/fs/cgroup/${names#name=}
        if [ -z "$names" ] || grep -qE "^[^ ]+ [^ ]+ cgroup ([^ ]*,)?${names}[, ]" /proc/self/mounts; then
            continue # of version 2, or mounted
        fi
        mkdir -p "$dir" 2>/dev/null || continue
        mount -t cgroup -o "${names/#name=/none,name=}" cgroup "$dir" 2>/dev/null || rmdir "$dir" || true
    done </proc/self/cgroup
}

# Without systemd nobody may have mounted the cgroups. A container is not started without them.
engine_mount_cgroups() {
    local dir=/sys/fs/cgroup name
    if [ -n "$(ls -A "$dir")" ]; then
        engine_mount_missing_cgroups
        return
    fi
    if ! grep -q '^[1-9]' /proc/self/cgroup; then
        mount -t cgroup2 cgroup2 "$dir"
        return
    fi
    mount -t tmpfs -o mode=755 cgroup "$dir"
    while read -r name; do
        mkdir "$dir/$name"
        mount -t cgroup -o "$name" cgroup "$dir/$name" || rmdir "$dir/$name"
    done < <(awk '$4 == 1 { print $1 }' /proc/cgroups)
    mkdir "$dir/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$dir/systemd" || rmdir "$dir/systemd"
}

# A kernel without nftables still has the older tables: let dockerd find those programs first.
engine_choose_iptables() {
    iptables -w -t nat -S >/dev/null 2>&1 && return
    iptables-legacy -w -t nat -S >/dev/null 2>&1 || return 0
    local name
    mkdir -p "$engine_state/bin"
    for name in iptables ip6tables iptables-save iptables-restore; do
        ln -sf "$(command -v "${name/tables/tables-legacy}")" "$engine_state/bin/$name"
    done
    PATH=$engine_state/bin:$PATH
}

# engine_rival: a dockerd that runs here all the same. Two would take each other's bridge and rules away.
engine_rival() {
    local file dir
    for file in /proc/[0-9]*/comm; do
        dir=${file%/comm}
        if [ "$(cat "$file" 2>/dev/null)" = dockerd ] && [ "$dir/ns/net" -ef /proc/self/ns/net ]; then
            echo "${dir#/proc/}"
            return
        fi
    done
    return 1
}

# Are we in a chroot, so that the root of our mount namespace is another folder than ours?
engine_in_chroot() {
    [ "$(nsenter --mount=/proc/self/ns/mnt --wd=/ sh -c '[ . -ef / ] || echo yes')" = yes ]
}

# engine_exec COMMAND...: become COMMAND, in a session of its own. An exec in a container enters the container's
# mount namespace and not the chroot that we may be in, and would meet the files outside of it: so the command
# gets a namespace that has our root for its own.
# shellcheck disable=SC2016  # the inner shell expands these
engine_exec() {
    if engine_in_chroot; then
        set -- unshare --mount --propagation unchanged nsenter --mount=/proc/self/ns/mnt --wd=/ sh -ec '
            mount --make-rprivate /
            root=$(pwd -P)
            mount --rbind "$root" "$root"
            cd "$root"
            pivot_root . .
            umount -l .
            exec chroot . "$@"
        ' sh "$@"
    fi
    exec setsid "$@"
}

# An engine that was killed leaves its processes' numbers behind. Where another process has one by now, the next
# engine would take it for its own.
engine_forget_dead() {
    local file
    for file in "$engine_state/docker.pid" /var/run/docker/containerd/containerd.pid; do
        case $(cat "/proc/$(cat "$file" 2>/dev/null)/comm" 2>/dev/null) in
        dockerd | containerd) ;;
        *) rm -f "$file" ;;
        esac
    done
}

# engine_launch: start dockerd and wait until it answers. Runs as root.
engine_launch() {
    local log=$engine_state/dockerd.log try pid
    command -v dockerd >/dev/null || die "dockerd is not installed: run scripts/install-deps"
    ! pid=$(engine_rival) || die "dockerd runs (process $pid) but does not answer at $engine_socket: set DOCKER_HOST, or stop it"
    mkdir -p "$engine_state" /var/run
    engine_forget_dead
    engine_mount_cgroups || die "the cgroups are not mounted and cannot be"
    engine_choose_iptables
    engine_exec dockerd --host "$engine_socket" --pidfile "$engine_state/docker.pid" </dev/null >"$log" 2>&1 9>&- &
    pid=$!
    for ((try = 0; try < 300; try++)); do
        if engine_answers "$engine_socket"; then
            echo "$pid" >"$engine_state/dockerd.pid"
            return 0
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null || true
    tail -n 15 "$log" >&2
    die "the engine did not come up; above are the last lines of $log"
}

# engine_use: have an engine for the rest of this script. One that had to be started is stopped at its end.
engine_use() {
    if ! engine_find; then
        trap '"$root/scripts/engine" stop' EXIT
        "$root/scripts/engine" start
        engine_find
    fi
}
