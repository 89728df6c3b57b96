#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_now(void) {
  return read_clock(CLOCK_REALTIME);
}

uint64_t clock_monotonic(void) {
  return read_clock(CLOCK_MONOTONIC);
}
