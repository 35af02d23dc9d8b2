#!/usr/bin/env bats
# An engine that is stopped or killed under a run, and comes back. `make soak` does it more often.

load lib

@test "a run ends, and nothing is left, when its engine is stopped or killed meanwhile" {
    [ "$(id -u)" = 0 ] || skip "an engine of our own wants root"
    "$BATS_TEST_DIRNAME/../soak/engine_loss" "$ENVRUN" 4
}
