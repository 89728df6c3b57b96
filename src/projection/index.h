/*
 * The indexes: one line each in the table of index.c, one file index_NAME.c each. An index is a function from an entry
 * to puts; everything else (order, transaction, rebuild, files) is the same for all of them. docs/storage.md has the
 * key and the value of each.
 */
#ifndef PROJECTION_INDEX_H
#define PROJECTION_INDEX_H

#include <db.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/assertion.h"
#include "model/entry.h"
#include "model/name.h"
#include "projection/gather.h"
#include "projection/merkle.h"

enum index_id {
  INDEX_PREDICATE,
  INDEX_CONCEPT,
  INDEX_IDS,
  INDEX_SOURCE,
  INDEX_DERIVED,
  INDEX_KEYS,
  INDEX_TREE,
  INDEX_BATCH,
  INDEX_RETRACTED,
  INDEX_RETRACTIONS,
  INDEX_ALIAS,
  INDEX_COUNTS,
  INDEX_BALLOTS, /* after INDEX_CONCEPT, whose writing finds what goes into these two */
  INDEX_FIRSTS,
  INDEX_COUNT
};

struct cover;
struct retraction_record;

/* An entry as the indexes see it: taken apart once for all of them. */
struct item {
  struct projection *projection; /* to read what was committed before this transaction */
  const struct entry *entry;
  bool is_assertion;
  struct assertion assertion; /* if it is one */
  const uint64_t *parents;    /* then the seqs of what it is derived from; 0: there is none with that id */
  /* Of a retraction: what it covers. Of a reinstatement: the record of the retraction that it undoes, as it becomes. No
   * entry before it in this transaction is missing in the indexes: it is the first. */
  const struct cover *cover;
  const struct retraction_record *undone;
  struct server_section server;
  const struct merkle_block *block; /* the block of the Merkle tree that this entry completes, else NULL */
};

struct projection;

/* Writes the sorted puts of a transaction into index number `index`. */
typedef int index_write(struct projection *p, size_t index, DB_TXN *txn, const struct gather *gather, struct err *err);

/* No stored value of a combining index is longer. */
enum { COMBINED_VALUE_MAX = 256 };
/*
 * Several puts of one key, and what is stored under it, become one value. `run` is `count` >= 1 puts in order of seq;
 * `old` is what is stored, data NULL if nothing is. *value is in the arena, or borrowed from `old` or a put.
 * ERR_CORRUPT if `old` cannot be.
 */
typedef int index_combine(struct arena *arena, const struct put *run, size_t count, struct span old, struct span *value,
                          struct err *err);

struct index {
  const char *name; /* of the file, without ".kv" */
  const char *noun; /* in "Rebuilding NOUN index..." */
  /* Adds the puts of one entry. */
  int (*project)(struct gather *gather, const struct item *item, struct err *err);
  index_write *write;
  index_combine *combine; /* for write_combined */
};

/* Indexed by index_id. */
extern const struct index index_table[INDEX_COUNT];

/* --- write.c --- */

/* Every key is written once. */
index_write write_plain;
/* Keys are read, combined and written. */
index_write write_combined;

/* --- index_concept.c, concept_write.c --- */

/* What an answer shows of an assertion is in concept.kv up to this size (without path, predicate, source and id), so
 * that a query need not fetch it. */
enum { CONCEPT_COVERED_MAX = 720, CONCEPT_KEY_MAX = 1024 + 1 + 128 + 1 + 1024 + 1 + 8 };
/* The value of a put is a struct pack_row in the arena. */

/* path 0 predicate 0 source 0 ~seq into out[CONCEPT_KEY_MAX]; returns its length, or 0 if the parts are too long. */
size_t concept_key(unsigned char *out, struct span path, struct span predicate, struct span source, uint64_t seq);

int concept_project(struct gather *gather, const struct item *item, struct err *err);
index_write concept_write;

/* --- index_ids.c --- */

enum { IDS_KEY_SIZE = 16 };
int ids_project(struct gather *gather, const struct item *item, struct err *err);

/* --- index_predicate.c, index_source.c, index_derived.c, index_batch.c: posting lists, see postings.h --- */

int predicate_project(struct gather *gather, const struct item *item, struct err *err);
int source_project(struct gather *gather, const struct item *item, struct err *err);
int derived_project(struct gather *gather, const struct item *item, struct err *err);
int batch_project(struct gather *gather, const struct item *item, struct err *err);
/* index_alias.c */
int alias_project(struct gather *gather, const struct item *item, struct err *err);

/* --- index_keys.c --- */

enum { KEYS_RECORD_SIZE = DIGEST_SIZE + 8 + 8 };

/* scope 0 hash, and 0 body for the line of an import (`body` else NULL), in the arena; data NULL without memory. */
struct span keys_key(struct arena *arena, struct span scope, struct span hash, const unsigned char *body);
int keys_project(struct gather *gather, const struct item *item, struct err *err);
index_combine keys_combine;

/* --- index_retracted.c: see retracted.h --- */

int retracted_project(struct gather *gather, const struct item *item, struct err *err);
int retractions_project(struct gather *gather, const struct item *item, struct err *err);

/* --- index_tree.c --- */

int tree_project(struct gather *gather, const struct item *item, struct err *err);

/* --- index_counts.c: see counts.h --- */

enum { COUNTS_KEY_MAX = 2 * NAME_PATH_MAX + 1, COUNTS_VALUE_SIZE = 8 };
/* parent 0 segment into out[COUNTS_KEY_MAX]; returns its length, or 0 if they are too long. */
size_t counts_key(unsigned char *out, struct span parent, struct span segment);
int counts_project(struct gather *gather, const struct item *item, struct err *err);
index_write counts_write;

/* --- index_ballots.c: see ballots.h; firsts.kv has the posting lists of sources again, of those assertions alone that
 * were the first of their source about their topic (concept, predicate) --- */

/* Gathers nothing: concept_write() does. */
int ballots_project(struct gather *gather, const struct item *item, struct err *err);
index_write ballots_write, firsts_write;

#endif
