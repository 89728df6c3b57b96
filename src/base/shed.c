#include "base/shed.h"

bool shed_refuses(struct shed *shed, uint64_t waited_us, uint64_t now_us) {
  if (now_us >= shed->interval_end) {
    /* An interval that ended long ago tells nothing of the queue of now. */
    bool recent = now_us - shed->interval_end < SHED_INTERVAL_US;
    shed->standing = recent && shed->any && shed->least_us > SHED_TARGET_US;
    shed->interval_end = now_us + SHED_INTERVAL_US;
    shed->any = false;
  }
  if (!shed->any || waited_us < shed->least_us)
    shed->least_us = waited_us;
  shed->any = true;
  return shed->standing && waited_us > SHED_WAIT_MAX_US;
}
