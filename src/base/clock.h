/* Time: microseconds everywhere. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME). */
uint64_t clock_now(void);
/* Microseconds on a clock that never jumps (CLOCK_MONOTONIC); for durations and deadlines. */
uint64_t clock_monotonic(void);

#endif
