/*
 * The last resort: every entry that is whole anywhere, be it in damaged pages, damaged logs, folders that were set
 * aside, backups or archives, merged by seq into a partial dump (ops/dump.h). An entry bears its length, a checksum and
 * its id, so nothing else is taken for one.
 */
#ifndef OPS_SALVAGE_H
#define OPS_SALVAGE_H

#include "ops/report.h"

struct salvage_result {
  uint64_t entries, last_seq; /* written; the greatest seq that is known of */
  uint64_t missing;           /* of 1..last_seq */
  uint64_t conflicts;         /* seqs for which different entries were found */
};

/* Looks through `sources` (homes, backups, archives, folders, in the order of trust) and writes a dump to `fd`. What is
 * missing and what is in conflict is reported. ERR_BUSY: a node runs on one; ERR_NOTFOUND: nothing was found. About 100
 * bytes of memory an entry; each is copied to a temporary file in `work_dir` meanwhile. */
NODISCARD int salvage_run(const char *const *sources, size_t count, const char *work_dir, int fd, struct report *report,
                          struct salvage_result *out, struct err *err);

#endif
