/*
 * Proving an archive: what lies there by its names, each object by its digest, each log record by its checksum, the
 * files of a timeline by their numbers and by how one goes on in the next; then the entries in them by all that stemedb
 * verify looks at. Goes on after a finding.
 */
#ifndef OPS_ARCHIVE_VERIFY_H
#define OPS_ARCHIVE_VERIFY_H

#include "ops/archive.h"
#include "ops/report.h"

/* What was found of one timeline. */
struct archive_result {
  struct archive_run run;       /* its longest one */
  uint64_t first_seq, last_seq; /* of the entries in it; 0: none were read */
  uint64_t entries;
  bool whole; /* they begin with the first one of the history: */
  unsigned char root[DIGEST_SIZE];
};

/* Lists the archive in a folder; what has no place there is a finding. */
NODISCARD int archive_verify_open(const char *target, struct report *report, struct archive *out, struct err *err);
/* Proves one timeline. Entries are read if nothing else was found. */
NODISCARD int archive_verify_line(const struct archive_line *line, struct report *report, struct archive_result *out,
                                  struct err *err);

/* Fills the empty folder `dir` with links log.NNNNNNNNNN to the objects of a run: the log as Berkeley DB names it, for
 * readers that do not write. They see what the objects are now, proven or not. */
NODISCARD int archive_link(const struct archive_run *run, const char *dir, struct err *err);

#endif
