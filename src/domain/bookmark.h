/*
 * The token that continues a list whose places are names: a concept, a source, a topic and its score. Opaque to
 * clients; base64url without padding of
 *   version u8, branch u64, snapshot u64, other u64, digest 16, score f64, key length u16, key, CRC-32C u32
 * big-endian. The checksum tells damage, not forgery: whoever uses one must be safe with any content.
 */
#ifndef DOMAIN_BOOKMARK_H
#define DOMAIN_BOOKMARK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

enum { BOOKMARK_DIGEST_SIZE = 16, BOOKMARK_KEY_MAX = 1024 + 1 + 128 + 1 };

struct bookmark {
  uint64_t branch, snapshot;
  uint64_t other;                             /* a second moment, where a list is about two */
  unsigned char digest[BOOKMARK_DIGEST_SIZE]; /* of what decides which items the list has, and in which order */
  double score;
  struct span key;
};

/* Appends the token; key.len <= BOOKMARK_KEY_MAX. */
void bookmark_encode(const struct bookmark *bookmark, struct buf *out);
/* The key is in the arena. *good is false if it is not one. ERR_NOMEM. */
NODISCARD int bookmark_decode(struct arena *arena, struct span token, struct bookmark *out, bool *good,
                              struct err *err);

#endif
