/*
 * owner.h: who holds an environment, in a form that another process can check.
 */
#ifndef RUN_OWNER_H
#define RUN_OWNER_H

/* "BOOT-ID/PID-NAMESPACE/PID/START-TIME" of this process; to be freed by the caller. The start time
 * tells a PID that was used again from the one that was meant. */
char *owner_of_this_process(void);

#endif
