/*
 * Reading ahead: while one piece of the history is being projected, a thread of its own reads, checks and hashes the
 * next one. So a rebuild keeps two processors busy.
 */
#ifndef PROJECTION_READER_AHEAD_H
#define PROJECTION_READER_AHEAD_H

#include <stdint.h>

#include "base/err.h"
#include "model/entry.h"
#include "store/store.h"

struct reader_ahead;

/* Starts reading entries from..to (from <= to). `store` is borrowed. */
NODISCARD int reader_ahead_start(struct store *store, uint64_t from, uint64_t to, struct reader_ahead **out,
                                 struct err *err);
/* The next piece, its leaf hashes filled in, good until the next call; *count is 0 at the end. ERR_CORRUPT if an entry
 * is missing or damaged. */
NODISCARD int reader_ahead_next(struct reader_ahead *ahead, const struct entry **entries, size_t *count,
                                struct err *err);
/* Ends the thread. Takes NULL. */
void reader_ahead_stop(struct reader_ahead *ahead);

#endif
