/*
 * HOME/drills/status: what became of the last drill, for metrics that survive restarts. A drill notes its pid before it
 * begins, so that one that was killed counts as failed too.
 */
#ifndef BASE_DRILL_STATUS_H
#define BASE_DRILL_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define DRILL_FOLDER "drills"
#define DRILL_STATUS_FILE "status"

struct drill_status {
  uint64_t last_us;        /* when the last drill that ended was begun, microseconds since 1970; 0: none yet */
  bool passed;             /* that one */
  uint64_t rto_us, rpo_us; /* what it measured */
  pid_t running;           /* process of the one under way, 0: none; one that is not there any more has failed */
  uint64_t begun_us;       /* when that was begun */
};

/* Reads that of a home; all zero if there is no file, or it is not one. A drill whose process is gone has failed. */
void drill_status_read(const char *home, struct drill_status *out);
/* Replaces it; HOME/drills must be there. */
NODISCARD int drill_status_write(const char *home, const struct drill_status *status, struct err *err);

#endif
