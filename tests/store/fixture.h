/* A home with an empty history, and records to fill it with. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "base/config.h"
#include "base/log.h"
#include "store/internal.h"

struct fixture {
  struct config config;
  struct log log; /* writes to /dev/null */
};

/* Fresh: store_init() done, not open. Aborts if that fails. */
void fixture_create(struct fixture *f);
/* Only the folder and the configuration. */
void fixture_create_empty(struct fixture *f);
/* Opens the writer with recovery; aborts if that fails. */
struct store *fixture_open(struct fixture *f);
/* Closes it; aborts if that fails. */
void fixture_close(struct store *store);

enum { FIXTURE_TIME = 1700000000 };

/* Appends the record of entry `seq` to `out`: an assertion with a body of `body_len` bytes whose time is
 * FIXTURE_TIME seconds + seq * 10 microseconds. */
void fixture_record(struct buf *out, uint64_t seq, size_t body_len);
/* Appends entries from..to in one transaction, without a flush; bodies of body_len bytes. Returns what history_append
 * did. */
int fixture_append(struct store *store, uint64_t from, uint64_t to, size_t body_len, struct err *err);

#endif
