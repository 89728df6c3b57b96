/* Signals that ask a long call to stop, asked for rather than delivered, so that it can say where it stopped. */
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP wait until they are asked for. */
void interrupt_hold(void);
/* Whether one came; it keeps waiting, so that later calls say so too. False where interrupt_hold was not called. */
bool interrupt_pending(void);
/* Waits until one comes or the seconds are over; whether one came. */
bool interrupt_sleep(unsigned long seconds);

#endif
