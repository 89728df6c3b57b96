/*
 * The entry record: one entry of the history as it is stored for ever, self-describing and checksummed, so that
 * projections are rebuilt from the history alone and salvage reads raw pages and log records without Berkeley DB.
 * Integers are big-endian. docs/storage.md has the same table and docs/test-vectors.md a complete example.
 *
 *   0   4  magic "STMe" (53 54 4d 65)
 *   4   1  format: 1
 *   5   1  kind (enum entry_kind)
 *   6   2  flags (ENTRY_FLAG_*; an unknown one refuses the record)
 *   8   4  length of the whole record, checksum included
 *  12   8  seq
 *  20   8  time, microseconds since 1970
 *  28  32  id
 *  60   4  length of the server section
 *  64   s  server section: items {type u8, length u16, bytes}, types ascending, each at most once
 *  64+s b  body: canonical JSON
 *  end  4  CRC-32C of everything before it
 */
#ifndef MODEL_ENTRY_H
#define MODEL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "model/digest.h"

enum entry_kind {
  ENTRY_ASSERTION = 1,
  ENTRY_RETRACTION = 2,
  ENTRY_REINSTATEMENT = 3,
  ENTRY_ERASURE = 4, /* reserved */
  ENTRY_NOOP = 5     /* reserved: a new master's first entry */
};

/* The value was erased: the body's `value` is V in hex, the salt is gone, and the item SECTION_DIGEST carries the
 * SHA-256 of the original server section, so that leaf and id still verify. Reserved for writing, accepted in reading.
 */
enum { ENTRY_FLAG_ERASED = 0x0001 };

enum { ENTRY_HEADER_SIZE = 64, ENTRY_OVERHEAD = 68, ENTRY_MAX_SIZE = 1 << 20 };

/* Item types of the server section. From 128 on they are mandatory: a reader that does not know one refuses the store.
 */
enum entry_item {
  ITEM_RECORDED_BY = 1,    /* the token's name, UTF-8 */
  ITEM_BATCH = 2,          /* 16 bytes */
  ITEM_KEY_SCOPE = 3,      /* of the Idempotency-Key: token name, a 0 byte, call ("assert") */
  ITEM_KEY_HASH = 4,       /* BLAKE2b-256 of the Idempotency-Key */
  ITEM_INDEX = 5,          /* u32: place in the call (array element; 0-based), or 1-based line of an import */
  ITEM_SALT = 6,           /* 16 bytes */
  ITEM_SIGNATURE = 7,      /* reserved */
  ITEM_SECTION_DIGEST = 8, /* 32 bytes; erased entries only */
  ITEM_MANDATORY = 128
};

/* A server section taken apart; an absent item has data NULL (index: has_index false). Spans borrow from the section.
 */
struct server_section {
  struct span recorded_by, batch, key_scope, key_hash, salt, signature, section_digest;
  bool has_index;
  uint32_t index;
};

struct cover;

/* A decoded record; spans borrow from its bytes. */
struct entry {
  uint8_t kind;
  uint16_t flags;
  uint64_t seq, time_us;
  const unsigned char *id; /* ID_SIZE bytes */
  struct span server, body, record;
  /* What follows is there if whoever made it has it already, else NULL. */
  const unsigned char *leaf; /* its leaf hash */
  const struct cover *cover; /* of a retraction (projection/cover.h) */
};

/* Appends the items that are present, in order of type. */
void entry_put_server(struct buf *out, const struct server_section *section);
/* ERR_CORRUPT if it is not well-formed or holds an unknown mandatory item. Unknown items below 128 are skipped. */
NODISCARD int entry_parse_server(struct span bytes, struct server_section *out, struct err *err);

/* Appends the record. The sum of the parts must not exceed ENTRY_MAX_SIZE (else `out` fails). */
void entry_encode(struct buf *out, uint8_t kind, uint16_t flags, uint64_t seq, uint64_t time_us,
                  const unsigned char id[ID_SIZE], struct span server, struct span body);
/* Checks magic, format, flags, lengths and checksum (not id, not JSON) and takes it apart. `bytes` must be exactly one
 * record. ERR_CORRUPT says what is wrong. */
NODISCARD int entry_decode(struct span bytes, struct entry *out, struct err *err);
/* The same without the checksum, for records that this process checked or made itself. */
NODISCARD int entry_peek(struct span bytes, struct entry *out, struct err *err);
/* Recomputes D from body and salt (or, erased, from the body as it is), then id, compared with entry->id, and the leaf
 * hash. `leaf` may be NULL. ERR_CORRUPT if the id does not match. */
NODISCARD int entry_verify(const struct entry *entry, unsigned char leaf[DIGEST_SIZE], struct err *err);
/* Only the leaf hash: entry->leaf if that is there. */
NODISCARD int entry_leaf(const struct entry *entry, unsigned char leaf[DIGEST_SIZE], struct err *err);

#endif
