/*
 * A history that is the same in every run, and what a naive reader knows of it. Entry `seq` depends on nothing but seq
 * and the ids of earlier ones: a few hundred paths (one a prefix of another, some with characters that JSON escapes),
 * few predicates and sources, some anonymous; here and there a large value, a derivation, an idempotent call of several
 * entries, a line of a keyed import, a retraction.
 */
#ifndef TESTS_PROJECTION_FIXTURE_H
#define TESTS_PROJECTION_FIXTURE_H

#include "projection/snapshot.h"
#include "store/internal.h"

enum { FIXTURE_MAX = 60000, FIXTURE_TIME = 1700000000 };

/* What is known of one entry. */
struct made {
  uint8_t kind;
  char path[80], predicate[32], source[32];
  unsigned char id[ID_SIZE], leaf[DIGEST_SIZE];
  uint64_t derived[3]; /* seqs */
  size_t derived_count;
  char scope[24];      /* of its key; "" for none. A 0 byte is written as '|' */
  uint64_t call;       /* number of the call: the hash of its key */
  unsigned char *body; /* owned */
  size_t body_len;
  unsigned char batch[16]; /* all zero: none */
};

struct fixture {
  struct config config;
  struct log log; /* writes to the file log_path */
  char log_path[FILEIO_PATH_MAX], indexes[FILEIO_PATH_MAX];
  struct store *store;
  struct projection *projection; /* NULL while closed */
  struct reader reader;
  struct made *made; /* [1..last] */
  uint64_t last;
};

/* A fresh home with an empty history, open. Aborts if that fails, as the functions below do. */
void fixture_create(struct fixture *f);
void fixture_free(struct fixture *f);
/* Appends and flushes `count` more entries. */
void fixture_grow(struct fixture *f, uint64_t count);
/* projection_open; returns its code. */
int fixture_project(struct fixture *f, bool rebuild, struct err *err);
/* The same, aborts on an error. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Appends `count` more entries, applied in batches of `batch`. */
void fixture_apply(struct fixture *f, uint64_t count, size_t batch);
/* Opens the store again after a child appended to it, and remembers what is there. */
void fixture_reopen(struct fixture *f);
/* Closes store and projections, for a child or for hands in the files. */
void fixture_release(struct fixture *f);
/* Runs `work` in a child that has STEMEDB_FAULTS set to `faults`, and opens the store of `f` itself; the parent's must
 * be released. Returns its exit status, or minus the signal that it died by. */
int fixture_status(struct fixture *f, const char *faults, void (*work)(struct fixture *f));
/* Whether such a child dies by SIGKILL. */
bool fixture_killed(struct fixture *f, const char *faults, void (*work)(struct fixture *f));
/* Whether a line with these words is in the log; then *next (may be NULL) is what follows it. */
bool fixture_logged(const struct fixture *f, const char *words);
void fixture_clear_log(const struct fixture *f);

/* A pseudo-random number that depends on `n` alone. */
uint64_t mix(uint64_t n);
/* The RFC 9162 root of leaves from..from+count-1, by its definition. */
void naive_root(const struct fixture *f, uint64_t from, uint64_t count, unsigned char root[DIGEST_SIZE]);

/* Compares everything that the projections answer with what is known. CUnit assertions. */
void check_everything(struct fixture *f);
void check_ids(struct fixture *f);
void check_scan(struct fixture *f);
void check_skips(struct fixture *f);
void check_postings(struct fixture *f);
void check_keys(struct fixture *f);
void check_roots(struct fixture *f);

#endif
