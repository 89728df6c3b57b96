/* The Idempotency-Keys of one batch: what its own commands have stored so far, which no index knows yet. */
#ifndef COMMITTER_KEYS_H
#define COMMITTER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "model/digest.h"

/* A keyed call, or a line of a keyed import (its body's digest; all zero for a call). */
struct key {
  struct span scope; /* borrowed */
  unsigned char hash[DIGEST_SIZE], body[DIGEST_SIZE];
};

struct key_use {
  struct key key;
  unsigned char content[DIGEST_SIZE]; /* calls */
  uint64_t first_seq, last_seq;
};

struct keys {
  struct key_use *uses;
  size_t count, capacity;
  uint32_t *slots; /* open addressing: index + 1 of a use, 0 if free */
  size_t slot_count;
};

/* All zero is an empty one. */
void keys_free(struct keys *keys);
/* Forgets all; keeps the memory. */
void keys_reset(struct keys *keys);
/* NULL if this batch has not used it. */
const struct key_use *keys_find(const struct keys *keys, const struct key *key);
/* The key must not be there. */
NODISCARD int keys_add(struct keys *keys, const struct key_use *use, struct err *err);

#endif
