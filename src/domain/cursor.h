/*
 * The token that continues a query: which snapshot its pages are of, which query it belongs to, and where the last page
 * ended. Opaque to clients; base64url without padding of
 *   version u8, branch u64, snapshot u64, decayed_at i64, query digest 16, rank (top, major, minor f64; seq u64),
 *   topic_seq u64, CRC-32C u32
 * big-endian. The checksum tells damage, not forgery: whoever uses a cursor must be safe with any content.
 */
#ifndef DOMAIN_CURSOR_H
#define DOMAIN_CURSOR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"
#include "domain/query.h"

enum { CURSOR_DIGEST_SIZE = 16 };

struct cursor {
  uint64_t branch;                          /* of the timeline in which the pages are consistent */
  uint64_t snapshot;                        /* the seq that the first page was asked as of */
  int64_t decayed_at;                       /* the moment that confidence decays to; 0 without decay */
  unsigned char digest[CURSOR_DIGEST_SIZE]; /* of the query's parameters: cursor_digest() */
  struct rank last;                         /* of the last item on the page */
  uint64_t topic_seq;                       /* of an assertion with its concept and predicate; of one, its own */
};

/* The digest of all parameters that decide which assertions come in which order; `limit` may change from page to page.
 * ERR_NOMEM. */
NODISCARD int cursor_digest(const struct query *query, unsigned char digest[CURSOR_DIGEST_SIZE], struct err *err);
/* Appends the token. */
void cursor_encode(const struct cursor *cursor, struct buf *out);
/* False if it is not one. */
NODISCARD bool cursor_decode(struct span token, struct cursor *out);

#endif
