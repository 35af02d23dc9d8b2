# shellcheck shell=bash
# Makes a Debian root folder that gets its packages where this machine's own apt gets them.

# The lines of a sources.list for Debian itself, out of what apt is configured to use here.
# shellcheck disable=SC2016  # apt expands these
debian_sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$3 ~ /^bookworm(-updates|-security)?$/ && $4 == "main" && !seen[$0]++'
}

# How apt reaches that mirror: proxies, certificates, the checks that are switched off.
debian_apt_settings() {
    apt-config dump --no-empty Acquire |
        grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv|AllowInsecure)' || true
    if [ -n "${http_proxy-}" ]; then
        echo "Acquire::http::Proxy \"$http_proxy\";"
    fi
}

# debian_make_root DIR PACKAGE...: debootstrap into DIR, with those packages besides.
debian_make_root() {
    local dir=$1 log=$1.log mirror include
    mkdir -p "$dir"
    chmod 755 "$dir"
    shift
    include=$(printf ',%s' ca-certificates "$@")
    mirror=$(debian_sources | awk '$3 == "bookworm" { print $2; exit }')
    if ! debootstrap --variant=minbase --include="${include#,}" bookworm "$dir" ${mirror:+"$mirror"} >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "debootstrap failed; above are its last lines"
    fi
    rm -f "$log"
    if [ -n "$mirror" ]; then
        debian_sources >"$dir/etc/apt/sources.list"
    fi
    debian_apt_settings >"$dir/etc/apt/apt.conf.d/90host"
    if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        cp -L /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/"
    fi
}
