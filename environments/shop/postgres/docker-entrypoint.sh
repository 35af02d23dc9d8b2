#!/bin/bash
# Makes the database on an empty PGDATA, runs /docker-entrypoint-initdb.d, then becomes the server.
#
# POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB and POSTGRES_INITDB_ARGS may also be given as a file that holds
# the value: POSTGRES_PASSWORD_FILE and so on. POSTGRES_HOST_AUTH_METHOD=trust does without a password.
set -euo pipefail

# read_setting NAME DEFAULT: export NAME from itself, from the file that NAME_FILE names, or from DEFAULT.
read_setting() {
    local name=$1 file=$1_FILE value=$2
    if [ -n "${!name-}" ] && [ -n "${!file-}" ]; then
        echo "error: both $name and $file are set" >&2
        exit 1
    elif [ -n "${!name-}" ]; then
        value=${!name}
    elif [ -n "${!file-}" ]; then
        value=$(<"${!file}")
    fi
    export "$name=$value"
    unset "$file"
}

# The temporary server has the options of the real one, but listens on the unix socket alone, so that nobody
# outside takes it for the real one.
start_temporary_server() {
    set -- "$@" -c listen_addresses=
    pg_ctl --pgdata "$PGDATA" --silent --wait -o "$(printf '%q ' "$@")" start
}

stop_temporary_server() {
    pg_ctl --pgdata "$PGDATA" --silent --wait --mode fast stop
}

run_sql() {
    psql --set ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" "$@"
}

make_cluster() {
    local arguments
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
        echo 'error: the database is not made without a password: set POSTGRES_PASSWORD' >&2
        exit 1
    fi
    eval "arguments=($POSTGRES_INITDB_ARGS)"
    initdb --username "$POSTGRES_USER" --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}" "$PGDATA"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

make_database() {
    if [ "$POSTGRES_DB" != postgres ]; then
        run_sql --dbname postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name";'
    fi
}

run_init_files() {
    local file
    # shellcheck disable=SC1090  # files of whoever uses the image
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
        *.sql) run_sql --dbname "$POSTGRES_DB" --file "$file" ;;
        *.sql.gz) gunzip --stdout "$file" | run_sql --dbname "$POSTGRES_DB" ;;
        esac
    done
}

# initialise postgres OPTION...
initialise() {
    read_setting POSTGRES_PASSWORD ''
    read_setting POSTGRES_USER postgres
    read_setting POSTGRES_DB "$POSTGRES_USER"
    read_setting POSTGRES_INITDB_ARGS ''
    read_setting POSTGRES_HOST_AUTH_METHOD ''
    make_cluster
    start_temporary_server "${@:2}"
    PGPASSWORD=$POSTGRES_PASSWORD PGDATABASE=$POSTGRES_DB make_database
    PGPASSWORD=$POSTGRES_PASSWORD run_init_files
    stop_temporary_server
    echo 'PostgreSQL init process complete; ready for start up.'
}

asks_for_help() {
    local argument
    for argument; do
        case $argument in
        -'?' | --help | --describe-config | -V | --version) return 0 ;;
        esac
    done
    return 1
}

main() {
    if [ "${1:0:1}" = - ]; then
        set -- postgres "$@"
    fi
    if [ "$1" != postgres ] || asks_for_help "$@"; then
        exec "$@"
    fi
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
        chmod 700 "$PGDATA"
        exec setpriv --reuid=postgres --regid=postgres --init-groups \
            env HOME=/var/lib/postgresql "$0" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        initialise "$@"
    fi
    exec "$@"
}

main "$@"
