#include "tools/interrupt.h"

#include <signal.h>
#include <time.h>

static void set_of(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGHUP);
}

void interrupt_hold(void) {
  sigset_t set;
  set_of(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

bool interrupt_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 &&
         (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP));
}

bool interrupt_sleep(unsigned long seconds) {
  const struct timespec step = {.tv_nsec = 100000000};
  for (unsigned long i = 0; i < seconds * 10; i++) {
    if (interrupt_pending())
      return true;
    nanosleep(&step, NULL);
  }
  return interrupt_pending();
}
