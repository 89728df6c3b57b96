/* What the writing calls share: who says it, in which call, under which key, and the committer's frame of one entry. */
#ifndef API_INGEST_H
#define API_INGEST_H

#include "api/http.h"
#include "model/assertion.h"

enum { BATCH_SIZE = 16 };

/* What all entries of a call have in common. Spans borrow from the exchange and its arena. */
struct ingest {
  struct span recorded_by;             /* len 0: no tokens */
  struct span scope;                   /* of the Idempotency-Key: caller, 0 byte, call; len 0: no key was sent */
  unsigned char key_hash[DIGEST_SIZE]; /* BLAKE2b-256 of it: the key itself is not stored */
  bool has_batch;                      /* a single assert has none */
  bool has_index;                      /* likewise */
  unsigned char batch[BATCH_SIZE];     /* random, or of scope and key, so that a resumed import keeps its batch */
};

/* Begins a call ("assert", "import", "retract", "reinstate") of the exchange. `many`: its entries get a batch and an
 * index. ERR_INVALID: the Idempotency-Key is malformed (400). ERR_NOMEM. */
NODISCARD int ingest_begin(const struct exchange *exchange, const char *call, bool many, struct ingest *ingest,
                           struct err *err);
/* Appends one entry to the command; `position` is its index in the array, or the line of the import. `server` is
 * emptied and filled with its server section. */
void ingest_put(const struct ingest *ingest, const struct assertion_draft *draft, uint32_t position,
                const unsigned char salt[SALT_SIZE], struct buf *server, struct buf *command);
/* Appends a retraction or reinstatement (enum entry_kind) with this canonical body to the command. */
void ingest_put_request(const struct ingest *ingest, uint8_t kind, struct span body, struct buf *server,
                        struct buf *command);
/* The status of a command that was refused, and in *detail why, for people. */
int ingest_refusal(uint8_t refusal, const char **detail);

#endif
