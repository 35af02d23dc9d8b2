#include "plan/subnets.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    BITS_MOST = 29,    /* five containers */
    ROUTE_LEAST = 8,   /* bits; a wider route leads to the internet */
    ADDRESSES_USED = 3 /* the network's own, the gateway's, the broadcast's */
};

/* ---- One subnet ---- */

static uint32_t mask_of(int bits) {
    return bits ? UINT32_MAX << (32 - bits) : 0;
}

bool subnet_has(struct subnet subnet, uint32_t address) {
    return (address & mask_of(subnet.bits)) == subnet.address;
}

bool subnet_overlaps(struct subnet a, struct subnet b) {
    return a.bits < b.bits ? subnet_has(a, b.address) : subnet_has(b, a.address);
}

bool subnet_parse(const char *text, struct subnet *ret) {
    const char *slash = strchr(text, '/');
    struct in_addr parsed;
    long bits;
    if (!slash || !text_to_long(slash + 1, 0, 32, &bits))
        return false;
    autofree char *address = xstrndup(text, (size_t)(slash - text));
    if (inet_pton(AF_INET, address, &parsed) != 1)
        return false;
    *ret = (struct subnet){ntohl(parsed.s_addr) & mask_of((int)bits), (int)bits};
    return true;
}

char *subnet_text(struct subnet subnet) {
    char address[INET_ADDRSTRLEN];
    struct in_addr in = {htonl(subnet.address)};
    inet_ntop(AF_INET, &in, address, sizeof address);
    return xasprintf("%s/%d", address, subnet.bits);
}

/* ---- The range ---- */

bool subnet_range_parse(const char *text, struct subnet_range *ret, struct err *err) {
    const char *slash = strchr(text, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    autofree char *whole = xstrndup(text, second ? (size_t)(second - text) : strlen(text));
    struct subnet_range range;
    long bits;
    if (!subnet_parse(whole, &range.whole) || (second && !text_to_long(second + 1, 0, 32, &bits)))
        return err_set(err, ERR_USAGE,
                       "--subnets takes CIDR or CIDR/SIZE, as in %s, or `engine`, not `%s`",
                       SUBNETS_DEFAULT, text);
    if (!second)
        bits = range.whole.bits > 26 ? range.whole.bits : 26;
    if (bits > BITS_MOST || bits < range.whole.bits)
        return err_set(err, ERR_USAGE, "--subnets %s: a subnet of /%ld is not within /%d to /%d",
                       text, bits, range.whole.bits, BITS_MOST);
    range.bits = (int)bits;
    *ret = range;
    return true;
}

int subnet_bits_for(const struct subnet_range *range, size_t containers) {
    enum { SPARE = 2 }; /* for envrun's own container, and a helper's */
    int bits = range->bits;
    while (bits > 1 && ((uint64_t)1 << (32 - bits)) < containers + ADDRESSES_USED + SPARE)
        bits--;
    return bits;
}

static const struct subnet *in_the_way(const struct subnets *taken, struct subnet subnet) {
    vec_each (other, taken)
        if (subnet_overlaps(*other, subnet))
            return other;
    return NULL;
}

bool subnet_find(struct subnet whole, int bits, const struct subnets *taken, uint32_t random,
                 struct subnet *ret) {
    if (bits < whole.bits)
        return false;
    uint64_t places = (uint64_t)1 << (bits - whole.bits), first = random % places;
    for (uint64_t i = 0; i < places; i++) {
        uint32_t place = (uint32_t)((first + i) % places);
        struct subnet subnet = {whole.address | place << (32 - bits), bits};
        const struct subnet *other = in_the_way(taken, subnet);
        if (!other) {
            *ret = subnet;
            return true;
        }
        if (other->bits <= whole.bits)
            return false; /* it is all taken */
    }
    return false;
}

/* ---- What is taken ---- */

/* "eth0  0002A8C0  00000000  0001  0  0  0  00FFFFFF ...": the kernel prints the bytes as they lie
 * in memory. */
void subnets_add_routes(struct subnets *taken, const char *routes) {
    autostrings struct strings lines = {0};
    text_split(routes, '\n', &lines);
    vec_each (line, &lines) {
        uint32_t address, mask;
        if (sscanf(*line, "%*s %x %*x %*x %*d %*d %*d %x", &address, &mask) != 2)
            continue;
        int bits = __builtin_popcount(mask);
        if (bits >= ROUTE_LEAST)
            vec_push(taken, (struct subnet){ntohl(address), bits});
    }
}

char *subnet_unique_local(uint64_t random) {
    return xasprintf("fd%02x:%04x:%04x::/64", (unsigned)(random >> 32 & 0xff),
                     (unsigned)(random >> 16 & 0xffff), (unsigned)(random & 0xffff));
}
