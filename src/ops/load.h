/*
 * Making a history of a dump (ops/dump.h). Everything is checked again: each line's form, each body as a client's would
 * be, each id, the order of seqs and times, count and root. What does not add up is refused, and nothing is left
 * behind.
 */
#ifndef OPS_LOAD_H
#define OPS_LOAD_H

#include "base/config.h"
#include "base/log.h"
#include "ops/report.h"

struct load_result {
  uint64_t entries;
  uint64_t missing_from; /* partial: the first entry that is missing; 0: none is */
  unsigned char root[32];
};

/* Loads `path` ("-": standard input; gzip is unpacked) into config's home, which has no history yet; the caller holds
 * its lock. `partial`: takes a partial dump, up to its first gap, and opens a new timeline there. ERR_INVALID and
 * ERR_CORRUPT name the line. Interrupted, it leaves nothing that could be started. Memory does not grow with the dump.
 */
NODISCARD int load_run(const struct config *config, const struct log *log, const char *path, bool partial,
                       struct report *report, struct load_result *out, struct err *err);

#endif
