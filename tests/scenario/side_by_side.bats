#!/usr/bin/env bats
# Many environments of one file at once: a short form of `make soak`.

load lib

@test "eight environments of one file stand side by side, and all vanish" {
    timeout 500 "$BATS_TEST_DIRNAME/../soak/side_by_side.py" --envrun "$ENVRUN" --limit 200 8
}
