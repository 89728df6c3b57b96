/* Entries as JSON: answers are spliced from stored bytes, never rebuilt. */
#ifndef DOMAIN_RENDER_H
#define DOMAIN_RENDER_H

#include "base/buf.h"
#include "domain/retraction_book.h"
#include "model/entry.h"

/* Appends an assertion as queries show it: {"id","seq","timestamp","status", ["recorded_by"], ["batch"], then the
 * stored body's members}. ERR_CORRUPT if the entry is not well-formed; `out` may have failed (buf_check). */
NODISCARD int render_assertion(struct buf *out, const struct entry *entry, struct err *err);

/* The same of one that is inactive: with the status "retracted", and the retraction {"id","reason","timestamp"}. NULL
 * as `retraction` is an active one. */
NODISCARD int render_assertion_status(struct buf *out, const struct entry *entry,
                                      const struct retraction_note *retraction, struct err *err);

/*
 * Appends an entry as the feed shows it: {"kind","seq","timestamp","id", then what is there of the server section:
 * "salt", "recorded_by", "batch", "key_scope", "key_hash", "index", "signature", "section_digest" (text and numbers as
 * such, bytes in hex), then the members of an assertion's body; of other kinds the body is the member "request"}.
 * From this anybody can recompute D, id, server section, leaf and root (docs/test-vectors.md): the assertion's body is
 * what remains without the members named here, in the order in which they stand.
 */
NODISCARD int render_feed_entry(struct buf *out, const struct entry *entry, struct err *err);

#endif
