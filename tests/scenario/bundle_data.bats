#!/usr/bin/env bats
# A database's data in a bundle: copied while it is paused, and gone on with after its crash recovery.
# shellcheck disable=SC2154  # from what is loaded

load lib
load bundle

setup() {
    own_folder
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

# The database cannot change who owns its files, and does not start upon those of another user, or that others may
# write. Its seed can be run but once. The suite notes what it begins with, and fails after it has written rows.
shop() {
    app <<END
services:
  db:
    build: $(realpath "$BATS_TEST_DIRNAME/../../environments/shop/postgres")
    kind: postgres
    user: postgres
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: open-sesame, POSTGRES_DB: shop}
    seed: [{sql: orders.sql}]
suite: {command: ./suite.sh}
END
    echo 'CREATE TABLE orders (item text); INSERT INTO orders VALUES (1), (2), (3);' >app/orders.sql
    cat >app/suite.sh <<END
#!/bin/sh
db=\$ENVRUN_ENVIRONMENT-db-1
query() { docker exec "\$db" psql -U shop -qAt -c "\$1"; }
query 'SELECT count(*) FROM orders' >$PWD/count
docker exec "\$db" sh -c 'stat -c "%U:%G %a" "\$PGDATA" "\$PGDATA/PG_VERSION" "\$PGDATA/base"' >$PWD/owners
docker logs "\$db" >$PWD/db.log 2>&1
query 'INSERT INTO orders SELECT generate_series(1, 5000)'
echo 'no such coupon' >&2
exit 3
END
    chmod +x app/suite.sh
}

@test "a database that is begun with as it was at the failure" {
    shop
    packs 3 --bundle-data
    is "$(cat count)" 3
    is "$(in_bundle data.json | jq -c '.[] | [.services, .path]')" '[["db"],"/var/lib/postgresql/data"]'
    cp owners owners.then
    is "$(head -n 1 owners)" 'postgres:postgres 700'

    repro 0 --at-failure
    says 'reproduced: it ends' "compared by exit code, cause and the suite's last lines"
    keeps_silent_on seeded
    is "$(cat count)" 5003
    diff owners.then owners
    grep -q 'automatic recovery in progress' db.log

    # Without it everything begins anew.
    repro 0
    says seeded
    is "$(cat count)" 3
    fails grep -q 'automatic recovery' db.log
}
