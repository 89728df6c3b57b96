/* One batch: the entries that a commit makes durable together, and what is answered afterwards. */
#ifndef COMMITTER_BATCH_H
#define COMMITTER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "committer/connection.h"
#include "committer/keys.h"
#include "domain/alias.h"
#include "model/command.h"
#include "model/entry.h"

/* The answer to one command; sent after the commit. */
struct decision {
  struct connection *connection;
  uint64_t tag;
  uint8_t reply;      /* REPLY_COMMITTED, _IMPORTED, _REFUSED, _RETRACTED */
  uint8_t refusal;    /* REFUSED */
  bool replayed;      /* COMMITTED, RETRACTED */
  uint64_t first_seq; /* replayed */
  uint32_t count;     /* entries: COMMITTED, IMPORTED, RETRACTED */
  uint32_t duplicates;
  size_t first_receipt;
  size_t first_item; /* REFUSED, IMPORTED */
  uint32_t item_count;
  struct commit_receipt receipt; /* RETRACTED, once it is stored */
  uint64_t direct, cascaded;     /* likewise */
};

/* Arrays that grow with the largest batch and are kept. */
struct batch {
  uint64_t last_seq, last_time_us; /* of the last entry, of this batch or before it */
  struct buf records;              /* one after another */
  size_t entry_count, entry_capacity;
  size_t *sizes;                        /* of the records */
  struct commit_receipt *receipts;      /* one an entry */
  struct span *spans;                   /* the records, once all are there */
  struct entry *entries;                /* likewise, taken apart */
  unsigned char (*leaves)[DIGEST_SIZE]; /* leaf hash of each */
  struct decision *decisions;
  size_t decision_count, decision_capacity;
  struct refused_item *items;
  size_t item_count, item_capacity;
  struct arena *arena; /* texts of items */
  struct keys keys;
  struct alias_edge *edges; /* stemedb.same_as of this batch */
  size_t edge_count, edge_capacity;
};

NODISCARD int batch_init(struct batch *batch, struct err *err);
void batch_free(struct batch *batch);
/* Empties it; entries will follow the one with this seq and time, and be no older than `now_us` (clock_now()). */
void batch_begin(struct batch *batch, uint64_t last_seq, uint64_t last_time_us, uint64_t now_us);

/* Whether the entry fits into a record. */
bool batch_entry_fits(const struct command_entry *entry);
/* Adds an entry that fits: gives it the next seq, time and its id. */
NODISCARD int batch_add_entry(struct batch *batch, const struct command_entry *entry, struct err *err);
/* Adds a decision, to be filled in; good until the next one is added. NULL without memory. */
struct decision *batch_add_decision(struct batch *batch, struct connection *connection, uint64_t tag);
/* Adds an item to the last decision; the texts are borrowed. */
NODISCARD int batch_add_item(struct batch *batch, uint32_t position, struct span pointer, struct span detail,
                             struct err *err);
/* Points `spans` and `entries` to the records, when no more will be added. */
NODISCARD int batch_finish(struct batch *batch, struct err *err);
/* Nothing of it was stored for lack of space: refuses all that it would have stored, and forgets the entries. */
void batch_refuse_entries(struct batch *batch);

#endif
