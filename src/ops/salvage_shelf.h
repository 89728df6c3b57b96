/* What was salvaged so far: records in a temporary file, found again by seq. */
#ifndef OPS_SALVAGE_SHELF_H
#define OPS_SALVAGE_SHELF_H

#include "model/entry.h"
#include "model/timeline.h"
#include "ops/report.h"

/* Where an entry comes from, best first: a seq that has several entries gets that of the best origin, of equal ones the
 * first. */
enum salvage_rank { RANK_COMMITTED, RANK_PAGE, RANK_LOG_BYTES };

struct shelf_find {
  uint64_t seq;
  uint64_t offset; /* in the file */
  uint32_t len;
  uint32_t source; /* number of the place it was found in */
  uint8_t rank;
  unsigned char id[ID_SIZE];
};

struct shelf {
  int fd;
  uint64_t bytes;
  struct shelf_find *finds; /* owned */
  size_t count, capacity;
  uint32_t *slots; /* hash table over finds by seq and id: index + 1; owned */
  size_t slot_count;
  uint32_t source; /* that is being looked at */
  bool has_meta;
  struct history_meta meta;
};

NODISCARD int shelf_open(struct shelf *shelf, const char *work_dir, struct err *err);
void shelf_close(struct shelf *shelf);
/* Takes the record if its id is right, unless it is there already. Bytes that are no such record are passed over. */
NODISCARD int shelf_offer(struct shelf *shelf, struct span record, enum salvage_rank rank, struct err *err);
/* A table of timelines; the longest is kept. */
NODISCARD int shelf_offer_meta(struct shelf *shelf, struct span value, struct err *err);
/* By seq, the best first. */
void shelf_sort(struct shelf *shelf);
/* Reads a record back into `out` (emptied first). */
NODISCARD int shelf_read(const struct shelf *shelf, const struct shelf_find *find, struct buf *out, struct err *err);

/* --- salvage_pages.c --- */
/* Every entry in a file of pages, sound or not. */
NODISCARD int salvage_pages(struct shelf *shelf, const char *path, struct report *report, struct err *err);
/* --- salvage_log.c --- */
/* Every entry in the log files of a folder. */
NODISCARD int salvage_log(struct shelf *shelf, const char *dir, struct err *err);

#endif
