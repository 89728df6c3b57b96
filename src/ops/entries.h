/*
 * The entries of a copy in the order of their seqs, read with our own eyes: those on the pages of assertions.kv, and
 * those that committed transactions in its log have beyond them (a node that was killed leaves some). What a
 * transaction without an end left on pages is left out, as recovery would take it back.
 */
#ifndef OPS_ENTRIES_H
#define OPS_ENTRIES_H

#include "model/timeline.h"
#include "ops/copy.h"
#include "ops/pipeline.h"
#include "store/pagescan.h"
#include "store/walscan.h"

struct entries;

/* What is known before the first entry is read. */
struct entries_info {
  struct pagescan pages; /* all zero: no assertions.kv */
  struct walscan log;
  bool has_meta;            /* key 0 was read: */
  struct history_meta meta; /* borrowed */
  uint64_t first_seq;       /* of the first entry: 1; of an archive as it comes: 0 */
  uint64_t last_seq;        /* the greatest that is there; of an archive not known: 0 */
  uint64_t undone;          /* entries on pages that recovery will take back */
  uint64_t from_log;        /* entries that only the log has */
  bool clean;               /* the pages alone are complete: there is nothing for recovery to do */
};

/* Scans pages and log of the copy, reporting what is damaged about them. `copy` and `report` are borrowed. The caller
 * ends with entries_close(). */
NODISCARD int entries_open(const struct copy *copy, struct report *report, struct entries **out, struct err *err);
const struct entries_info *entries_info(const struct entries *entries);
/* Sends every entry through the pipeline, once, and flushes it. */
NODISCARD int entries_run(struct entries *entries, struct pipeline *pipeline, struct err *err);
/* Takes NULL. */
void entries_close(struct entries *entries);

#endif
