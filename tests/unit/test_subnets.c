/* Which subnet a network gets: no engine, and chance is an argument. */
#include "plan/subnets.h"

#include "base/memory.h"

#include <criterion/criterion.h>

TestSuite(subnets, .timeout = 20);

static struct subnet subnet(const char *text) {
    struct subnet parsed;
    cr_assert(subnet_parse(text, &parsed), "%s", text);
    return parsed;
}

static void expect_found(const char *whole, int bits, const struct subnets *taken, uint32_t random,
                         const char *expected) {
    struct subnet found;
    cr_assert(subnet_find(subnet(whole), bits, taken, random, &found));
    autofree char *text = subnet_text(found);
    cr_assert_str_eq(text, expected);
}

Test(subnets, are_read_and_written) {
    autofree char *text = subnet_text(subnet("10.1.2.3/24"));
    cr_assert_str_eq(text, "10.1.2.0/24");
    struct subnet none;
    cr_assert_not(subnet_parse("10.1.2.0", &none));
    cr_assert_not(subnet_parse("10.1.2.0/33", &none));
    cr_assert_not(subnet_parse("fd00::/64", &none));
    cr_assert_not(subnet_parse("10.1.2.0/24x", &none));
}

Test(subnets, overlap_in_either_order) {
    cr_assert(subnet_overlaps(subnet("10.0.0.0/8"), subnet("10.1.2.0/24")));
    cr_assert(subnet_overlaps(subnet("10.1.2.0/24"), subnet("10.0.0.0/8")));
    cr_assert(subnet_overlaps(subnet("0.0.0.0/0"), subnet("10.1.2.0/24")));
    cr_assert_not(subnet_overlaps(subnet("10.1.2.0/25"), subnet("10.1.2.128/25")));
}

Test(subnets, a_free_one_is_found_from_a_random_place_on) {
    struct subnets taken = {0};
    expect_found("10.0.0.0/24", 26, &taken, 0, "10.0.0.0/26");
    expect_found("10.0.0.0/24", 26, &taken, 6, "10.0.0.128/26");
    vec_push(&taken, subnet("10.0.0.128/30"));
    expect_found("10.0.0.0/24", 26, &taken, 6, "10.0.0.192/26");
    vec_push(&taken, subnet("10.0.0.192/26"));
    expect_found("10.0.0.0/24", 26, &taken, 6, "10.0.0.0/26");
    expect_found("10.0.0.0/24", 24, &(struct subnets){0}, 77, "10.0.0.0/24");
    vec_free(&taken);
}

Test(subnets, none_is_found_where_all_is_taken) {
    struct subnets taken = {0};
    struct subnet found;
    vec_push(&taken, subnet("10.0.0.0/25"));
    cr_assert(subnet_find(subnet("10.0.0.0/24"), 26, &taken, 1, &found));
    vec_push(&taken, subnet("10.0.0.128/25"));
    cr_assert_not(subnet_find(subnet("10.0.0.0/24"), 26, &taken, 1, &found));
    taken.length = 0;
    vec_push(&taken, subnet("10.0.0.0/8"));
    cr_assert_not(subnet_find(subnet("10.0.0.0/12"), 29, &taken, 1, &found));
    cr_assert_not(subnet_find(subnet("10.0.0.0/26"), 24, &(struct subnets){0}, 1, &found));
    vec_free(&taken);
}

Test(subnets, a_range_has_a_size) {
    struct subnet_range range;
    struct err err = ERR_INIT;
    cr_assert(subnet_range_parse("10.112.0.0/12/28", &range, &err));
    cr_assert_eq(range.whole.bits, 12);
    cr_assert_eq(range.bits, 28);
    cr_assert(subnet_range_parse("10.112.0.0/12", &range, &err));
    cr_assert_eq(range.bits, 26);
    cr_assert(subnet_range_parse("10.112.0.0/28", &range, &err));
    cr_assert_eq(range.bits, 28);
    static const char *const wrong[] = {"",          "10.0.0.0",       "10.0.0.0/8/30",
                                        "x/8",       "10.0.0.0/24/20", "10.0.0.0/8/",
                                        "fd00::/64", "10.0.0.0/30",    "10.0.0.0/8/28/1"};
    for (size_t i = 0; i < lengthof(wrong); i++) {
        cr_assert_not(subnet_range_parse(wrong[i], &range, &err), "%s", wrong[i]);
        cr_assert_eq(err.kind, ERR_USAGE);
        err_release(&err);
    }
}

Test(subnets, many_containers_get_a_larger_one) {
    struct subnet_range range = {{0x0a000000, 8}, 28};
    cr_assert_eq(subnet_bits_for(&range, 1), 28);
    cr_assert_eq(subnet_bits_for(&range, 11), 28);
    cr_assert_eq(subnet_bits_for(&range, 12), 27);
    cr_assert_eq(subnet_bits_for(&range, 300), 23);
}

Test(subnets, routes_of_the_host_are_taken) {
    static const char routes[] =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n"
        "tun0\t0000700A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
    struct subnets taken = {0};
    subnets_add_routes(&taken, routes);
    cr_assert_eq(taken.length, 1, "%zu", taken.length);
    autofree char *text = subnet_text(taken.at[0]);
    cr_assert_str_eq(text, "10.112.0.0/16");
    vec_free(&taken);
}

Test(subnets, an_ipv6_one_is_unique_local) {
    autofree char *text = subnet_unique_local(0xabcdef0123456789);
    cr_assert_str_eq(text, "fd01:2345:6789::/64");
}
