/*
 * owner.h: who holds an environment, in a form that another process can check.
 *
 * "BOOT/PIDNS/TIMENS/PID/START": the kernel's boot, the namespaces in which a process number and a
 * start time have a meaning, the process, and when it was started, which tells a number that is
 * used again from the process that was meant.
 *
 * Two namespaces of one boot never have one number while both are there. So an owner with the
 * numbers of our own was in this namespace, or in one that is gone and whose number we got: in
 * either case it lives if we find it here, and only then. Containers that share a socket all see
 * the host's boot, and are told apart by this. Of an owner in other namespaces, or on another host,
 * nothing can be said from here.
 */
#ifndef RUN_OWNER_H
#define RUN_OWNER_H

#include <sys/types.h>

enum owner_state {
    OWNER_ALIVE,
    OWNER_DEAD,
    OWNER_ELSEWHERE, /* cannot be seen from here */
};

/* To be freed by the caller. */
char *owner_of_this_process(void);
/* As a word: "alive", "dead", "elsewhere". */
const char *owner_state_name(enum owner_state state);
/* Where /proc hides a process (hidepid, or a /proc of another namespace), one with the owner's
 * number counts as alive. A process that has ended but was not waited for is dead. */
enum owner_state owner_look(const char *owner);

/* When a process was started, in ticks since the boot; 0: there is none, or it cannot be seen. */
unsigned long long process_start_time(pid_t pid);

#endif
