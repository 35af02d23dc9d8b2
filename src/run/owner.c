#include "run/owner.h"

#include "base/memory.h"
#include "base/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *boot_id(void) {
    struct err ignored = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT_MAX(256);
    path_read("/proc/sys/kernel/random/boot_id", &text, &ignored);
    err_release(&ignored);
    return xstrndup(text.data, strcspn(text.data, "\n"));
}

/* Field 22 of /proc/self/stat; the name in field 2 may hold spaces. */
static unsigned long long start_time(void) {
    struct err ignored = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT_MAX(4096);
    unsigned long long start = 0;
    path_read("/proc/self/stat", &text, &ignored);
    err_release(&ignored);
    const char *behind_name = strrchr(text.data, ')');
    if (behind_name)
        sscanf(behind_name + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &start);
    return start;
}

char *owner_of_this_process(void) {
    struct stat namespace = {0};
    autofree char *boot = boot_id();
    stat("/proc/self/ns/pid", &namespace);
    return xasprintf("%s/%llu/%d/%llu", boot, (unsigned long long)namespace.st_ino, (int)getpid(),
                     start_time());
}
