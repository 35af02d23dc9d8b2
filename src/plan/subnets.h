/*
 * subnets.h: small IPv4 subnets for the networks that the file gives none, out of a range of
 * envrun's own. The engine's default pools hold about 31 networks, and are everybody's.
 *
 * Pure: what is taken is an argument, and so is chance, which lets processes that ask at the same
 * time seldom meet.
 */
#ifndef PLAN_SUBNETS_H
#define PLAN_SUBNETS_H

#include <envrun/err.h>

#include "base/vector.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the private addresses (RFC 1918), a part that Docker, Kubernetes and the clouds leave alone.
 */
#define SUBNETS_DEFAULT "10.112.0.0/12/26"

struct subnet {
    uint32_t address; /* in the host's byte order; what is behind the prefix is 0 */
    int bits;         /* of the prefix */
};

struct subnets {
    struct subnet *at;
    size_t length, capacity;
};

struct subnet_range {
    struct subnet whole;
    int bits; /* of each subnet's prefix, where that is large enough */
};

/* "172.17.0.0/16" */
bool subnet_parse(const char *text, struct subnet *ret);
char *subnet_text(struct subnet subnet);
bool subnet_has(struct subnet subnet, uint32_t address);
bool subnet_overlaps(struct subnet a, struct subnet b);

/* "CIDR" or "CIDR/SIZE", as in "10.112.0.0/12/26". ERR_USAGE */
bool subnet_range_parse(const char *text, struct subnet_range *ret, struct err *err);
/* The prefix that has room for so many containers, with some to spare. */
int subnet_bits_for(const struct subnet_range *range, size_t containers);

/* The first free one from a random place on, and from the beginning again. False: none is free. */
bool subnet_find(struct subnet whole, int bits, const struct subnets *taken, uint32_t random,
                 struct subnet *ret);

/* The routes of /proc/net/route (proc(5)). Those wider than /8 are ways to the internet, and no
 * reason to leave a subnet alone. */
void subnets_add_routes(struct subnets *taken, const char *routes);

/* An IPv6 subnet that nobody else has: "fdXX:XXXX:XXXX::/64" (RFC 4193, 3.2). */
char *subnet_unique_local(uint64_t random);

#endif
