/* What the files of projection/ share. */
#ifndef PROJECTION_INTERNAL_H
#define PROJECTION_INTERNAL_H

#include "projection/index.h"
#include "projection/merkle.h"
#include "projection/meta.h"
#include "projection/projection.h"
#include "store/checkpoint.h"
#include "store/env.h"

/* Its presence in data/db/indexes asks the next start to rebuild: whoever meets a damaged page makes it. */
#define PROJECTION_REBUILD_FILE "REBUILD"

struct pack_row;

struct projection {
  struct env env;
  struct checkpoint checkpoint; /* the writer's */
  char dir[FILEIO_PATH_MAX];    /* data/db/indexes */
  const struct log *log;
  struct metrics *metrics;
  DB *index[INDEX_COUNT];
  DB *meta;
  bool writer;
  struct meta state;                           /* the writer's: what is committed */
  struct merkle merkle;                        /* the writer's: the tree over entries 1..state.applied_seq */
  struct store *store;                         /* the writer's, borrowed: to look at the history below a retraction */
  struct arena *scratch;                       /* the writer's: keys and values of one transaction */
  struct gather ballots, edge_ballots, firsts; /* the writer's: see index_ballots.c */
};

/* --- penv.c --- */

/* Opens the environment and the files, all NULL and zero before; with `writer` after recovery, making what is missing,
 * else joining a live one. On an error everything is closed again. ERR_CORRUPT or any other code of a writer: wipe and
 * try once more. */
NODISCARD int penv_open(struct projection *p, const struct config *config, bool writer, struct err *err);
/* Closes files and environment; `checkpoint`: of a sound one, so that the next start has nothing to recover. Returns
 * the first error. */
int penv_close(struct projection *p, bool checkpoint, struct err *err);
/* Whether all files are there. One that is missing is nothing to be made anew, empty, beside the others. */
bool penv_complete(const struct projection *p);
/* Removes every file in data/db/indexes. The environment is closed. */
NODISCARD int penv_wipe(const struct projection *p, struct err *err);
/* As store_db_error(); if the answer is ERR_CORRUPT, asks for a rebuild at the next start as well. */
int penv_error(struct projection *p, int ret, struct err *err, const char *doing);
/* Sets ERR_CORRUPT for bytes in an index that cannot be, and asks for a rebuild at the next start. */
int penv_damaged(struct projection *p, struct err *err, const char *what);
/* Whether a rebuild was asked for. */
bool penv_rebuild_wanted(const struct projection *p);

/* A DBT that borrows a key or a value to be read by Berkeley DB. */
static inline DBT penv_dbt(struct span s) {
  return (DBT){
      .data = (void *)(uintptr_t)s.data, .size = (u_int32_t)s.len, .ulen = (u_int32_t)s.len, .flags = DB_DBT_USERMEM};
}
/* Reads one value into out[cap]; no longer one is expected. */
NODISCARD int penv_get(struct projection *p, DB *db, struct span key, void *out, size_t cap, size_t *len, bool *found,
                       struct err *err);

/* --- write.c --- */

/* Writes one pair. */
NODISCARD int penv_put(struct projection *p, DB *db, DB_TXN *txn, struct span key, struct span value, struct err *err);

/* --- concept_find.c --- */

enum { CONCEPT_PACK_MAX = 4096 }; /* no pack is larger, not even that of a single row with the longest key */

/* A pack of concept.kv: it holds all rows from its key on, up to the key of the next one. */
struct concept_pack {
  bool found; /* false: the index is empty */
  size_t key_len, len;
  unsigned char key[CONCEPT_KEY_MAX + 1], bytes[CONCEPT_PACK_MAX];
};

/* Finds the pack where a row with this key belongs, and leaves the cursor there. `flags` is 0 or DB_RMW. `next` (may be
 * NULL) is filled with the key of the pack after it (not its bytes), found is false if there is none. Returns Berkeley
 * DB's code. */
NODISCARD int concept_find(DBC *cursor, struct span key, uint32_t flags, struct concept_pack *pack,
                           struct concept_pack *next);
/* Finds the pack after the one with the key `after`. */
NODISCARD int concept_find_next(DBC *cursor, struct span after, struct concept_pack *pack);

/* --- concept_scan.c --- */

struct concept_scan;
/* From now on rows have no `entry`: nothing is read but the index. */
void concept_scan_keys_only(struct concept_scan *scan);

/* --- lookup.c --- */

/* The seq of the entry whose id begins with the first IDS_KEY_SIZE bytes of this one, which is as good as all of it. */
NODISCARD int ids_find(struct projection *p, const unsigned char id[ID_SIZE], uint64_t *seq, bool *found,
                       struct err *err);
/* --- index_ballots.c --- */

/* Forgets what was noted; before concept.kv is written. */
void ballots_begin(struct projection *p);
/* Notes what the rows of one pack, old ones (up to p->state.applied_seq) and new ones merged, mean for ballots.kv and
 * firsts.kv. They stay in the scratch arena. `pack_key`, `next_key`: of this pack and of the one after it, len 0 if
 * there is none. ERR_NOMEM. */
NODISCARD int ballots_note(struct projection *p, const struct pack_row *const *rows, size_t count, struct span pack_key,
                           struct span next_key, struct err *err);

/* --- rebuild.c --- */

/* Projects everything from p->state.applied_seq + 1 up to `last_seq`. `rebuild`: with the lines of a rebuild. */
NODISCARD int rebuild_run(struct projection *p, struct store *store, uint64_t last_seq, bool rebuild, struct err *err);

/* --- merkle_read.c --- */

/* Loads the tree over entries 1..seq: complete blocks from tree.kv, the rest from the history. *assertion_count is that
 * of these entries. */
NODISCARD int merkle_load(struct projection *p, struct store *store, uint64_t seq, struct merkle *out,
                          uint64_t *assertion_count, struct err *err);

#endif
