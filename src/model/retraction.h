/*
 * Retractions and reinstatements: from a client's JSON to the canonical body of an entry, and from a stored body to
 * what it selects. The body is the canonical request without `dry_run` (contract section 2, "Retraction").
 */
#ifndef MODEL_RETRACTION_H
#define MODEL_RETRACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/digest.h"
#include "model/field_errors.h"
#include "model/json.h"

enum { RETRACTION_IDS_MAX = 10000, RETRACTION_REASON_MAX = 4096, RETRACTION_BATCH_SIZE = 16 };

/* What a retraction selects. Spans are in the arena, or borrowed from the text; an absent one has len 0. */
struct retraction {
  /* Selectors: the union of these; if none is there, the whole store. */
  struct span concept_path;
  const unsigned char *ids; /* id_count * ID_SIZE bytes, sorted, each once */
  size_t id_count;
  struct span batch; /* RETRACTION_BATCH_SIZE bytes, or len 0 */
  /* Narrowing. */
  struct span predicate;
  bool has_source; /* then source, of len 0 for what is anonymous */
  struct span source;
  uint64_t from_seq, to_seq; /* 1 and UINT64_MAX if absent */
  bool cascade;
  struct span reason; /* unescaped */
};

struct retraction_draft {
  struct span body; /* canonical, in the arena */
  struct retraction retraction;
  bool dry_run;
};

/*
 * Validates the object `token` and makes its canonical body. All that is wrong is added to `errors`, pointers below
 * `pointer`: missing, unknown, wrong type, out of range, nothing that selects (concept_path, ids, batch, source,
 * from_seq or to_seq), to_seq below from_seq. Returns 0 also then, and *draft is good only if nothing was added;
 * ERR_NOMEM.
 */
NODISCARD int retraction_validate(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                                  struct field_errors *errors, struct retraction_draft *draft, struct err *err);
/* Takes a stored body apart; what is in *out is in the arena or borrowed from the body. ERR_CORRUPT if it is not one.
 */
NODISCARD int retraction_read(struct arena *arena, struct span body, struct retraction *out, struct err *err);

/* Whether the selection is by concept_path, or over the whole store: then stemedb.* is left out unless `predicate`
 * names it, and what is selected can be told from path, predicate, source and seq alone. */
bool retraction_is_by_name(const struct retraction *retraction);

struct reinstatement {
  unsigned char retraction_id[ID_SIZE];
  struct span reason;
};

struct reinstatement_draft {
  struct span body; /* canonical, in the arena */
  struct reinstatement reinstatement;
};

/* As the two above. */
NODISCARD int reinstatement_validate(struct arena *arena, const struct json_doc *doc, uint32_t token,
                                     struct span pointer, struct field_errors *errors,
                                     struct reinstatement_draft *draft, struct err *err);
NODISCARD int reinstatement_read(struct arena *arena, struct span body, struct reinstatement *out, struct err *err);

#endif
