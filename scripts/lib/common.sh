# shellcheck shell=bash
# What every script here starts with; source it, do not run it.

# shellcheck disable=SC2034  # for who sources this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

# Debian keeps debootstrap, dockerd and iptables in sbin, which a plain user's PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND...: run it as root, through sudo where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env=DEBIAN_FRONTEND,LC_ALL "$@"
    else
        die "this needs root: $*"
    fi
}
