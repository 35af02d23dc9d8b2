#include "run/owner.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A process ---- */

struct process {
    char state;               /* 'R', 'S', ... 'Z': it has ended; 0: it cannot be seen */
    unsigned long long start; /* ticks since the boot */
};

/* Fields 3 and 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces. */
static struct process process_look(const char *pid) {
    struct process process = {0};
    struct err ignored = ERR_INIT;
    autobuffer struct buffer text = BUFFER_INIT_MAX(4096);
    autofree char *path = xasprintf("/proc/%s/stat", pid);
    path_read(path, &text, &ignored);
    err_release(&ignored);
    const char *behind_name = strrchr(text.data, ')');
    if (!behind_name ||
        sscanf(behind_name + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &process.state, &process.start) != 2)
        return (struct process){0};
    return process;
}

/* Is /proc of our own namespace, so that its numbers are ours? */
static bool proc_is_ours(void) {
    char self[32] = "";
    long pid;
    return readlink("/proc/self", self, sizeof self - 1) > 0 &&
           text_to_long(self, 1, INT_MAX, &pid) && pid == getpid();
}

unsigned long long process_start_time(pid_t pid) {
    autofree char *number = xasprintf("%d", (int)pid);
    return proc_is_ours() ? process_look(number).start : 0;
}

/* ---- Where we are ---- */

static unsigned long long namespace_number(const char *kind) {
    struct stat status;
    autofree char *path = xasprintf("/proc/self/ns/%s", kind);
    return stat(path, &status) ? 0 : (unsigned long long)status.st_ino;
}

/* "BOOT/PIDNS/TIMENS" */
static char *here(void) {
    struct err ignored = ERR_INIT;
    autobuffer struct buffer boot = BUFFER_INIT_MAX(256);
    path_read("/proc/sys/kernel/random/boot_id", &boot, &ignored);
    err_release(&ignored);
    return xasprintf("%.*s/%llu/%llu", (int)strcspn(boot.data, "\n"), boot.data,
                     namespace_number("pid"), namespace_number("time"));
}

char *owner_of_this_process(void) {
    autofree char *place = here();
    return xasprintf("%s/%d/%llu", place, (int)getpid(), process_look("self").start);
}

/* ---- Another one ---- */

static enum owner_state look_here(pid_t pid, unsigned long long start) {
    autofree char *number = xasprintf("%d", (int)pid);
    if (kill(pid, 0) && errno == ESRCH)
        return OWNER_DEAD;
    struct process process = proc_is_ours() ? process_look(number) : (struct process){0};
    if (!process.state)
        return OWNER_ALIVE;
    bool ended = process.state == 'Z' || process.state == 'X';
    return ended || process.start != start ? OWNER_DEAD : OWNER_ALIVE;
}

enum owner_state owner_look(const char *owner) {
    autofree char *place = here();
    size_t length = strlen(place);
    int pid, behind = 0;
    unsigned long long start;
    bool is_here = *place != '/' && text_starts(owner, place) && owner[length] == '/' &&
                   sscanf(owner + length, "/%d/%llu%n", &pid, &start, &behind) == 2 &&
                   !owner[length + (size_t)behind] && pid > 0;
    return is_here ? look_here(pid, start) : OWNER_ELSEWHERE;
}

const char *owner_state_name(enum owner_state state) {
    static const char *const names[] = {"alive", "dead", "elsewhere"};
    return names[state];
}
