/* What the files entries*.c share. */
#ifndef OPS_ENTRIES_INTERNAL_H
#define OPS_ENTRIES_INTERNAL_H

#include "ops/entries.h"
#include "store/leafscan.h"
#include "store/wal_extract.h"

/* An entry that only the log has. */
struct extra {
  uint64_t seq;
  size_t offset, len; /* in `extra_bytes` */
  struct lsn at;      /* where its transaction ends */
};

/* An entry of the log that is another one on the pages. */
struct contradiction {
  uint64_t seq;
  uint32_t page;
  struct lsn at;
};

enum { CONTRADICTIONS_MAX = 100 };

struct undone {
  uint64_t seq;
  unsigned char id[ID_SIZE];
};

struct entries {
  const struct copy *copy;
  struct report *report;
  struct entries_info info;
  struct leafscan *leaves; /* NULL: no pages */
  uint64_t log_bytes;      /* in all, for the progress */
  struct wal_entries log;
  struct leaf_value value; /* looked at last */
  bool has_value;
  struct extra *extras; /* by seq; owned, as is: */
  size_t extra_count, extra_capacity;
  struct buf extra_bytes;
  struct undone *undone; /* owned */
  size_t undone_count, undone_capacity;
  struct contradiction contradictions[CONTRADICTIONS_MAX]; /* the newest ones, going round */
  size_t contradiction_count;
  uint64_t end;                   /* entries from here on are not taken; UINT64_MAX: none */
  struct pipeline *pipeline;      /* while they run */
  char log_file[FILEIO_PATH_MAX]; /* of the damage or entry that is reported */
};

/* The record of `seq` on the pages; *found is false if it is not there or its value is damaged. */
NODISCARD int entries_look_up(struct entries *e, uint64_t seq, struct span *record, bool *found, struct err *err);
/* Compares the log with the pages: fills in extras and what is undone. */
NODISCARD int entries_read_log(struct entries *e, struct err *err);
/* An archive's log, through the pipeline. */
NODISCARD int entries_run_log(struct entries *e, struct err *err);

#endif
