/*
 * Proving a copy: everything about it is read, nothing of it is believed. Manifest, checksums of pages and log records,
 * seqs without a gap, rising times, ids, Merkle root; against what its metadata and mark say, and against other copies.
 * Goes on after a finding.
 */
#ifndef OPS_VERIFY_H
#define OPS_VERIFY_H

#include "ops/copy.h"
#include "ops/entries.h"
#include "ops/tally.h"

/* One copy being verified. */
struct verify {
  struct copy copy;
  struct report *report; /* borrowed */
  struct entries *entries;
  struct tally tally;
  bool opened;
  pipeline_sink *also; /* given every verified entry after the tally took it; NULL: none */
  void *also_ctx;
};

/* Finds the copy, checks its manifest, scans its pages and its log. ERR_NOTFOUND, ERR_BUSY, ERR_IO: it cannot be looked
 * at. Ends with verify_close(), also after an error. */
NODISCARD int verify_open(struct verify *verify, const char *path, struct report *report, struct err *err);
/* Reads every entry, and compares with metadata.json and acked.mark. Of a home the indexes are scanned too, unless
 * there is an `also`. tally_watch() may be called before. */
NODISCARD int verify_run(struct verify *verify, struct err *err);
void verify_close(struct verify *verify);
/* The name of the branch in force, HISTORY_ID.TIMELINE-BRANCH; "" if it is not known. */
void verify_history(const struct verify *verify, char out[HISTORY_NAME_SIZE]);

#endif
