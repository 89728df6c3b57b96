/* derived.kv: the assertions that rest on an assertion, as posting lists of its id (all 32 bytes). */
#include "projection/index.h"
#include "projection/postings.h"

int derived_project(struct gather *gather, const struct item *item, struct err *err) {
  size_t count = item->is_assertion ? item->assertion.derived_count : 0;
  for (size_t i = 0; i < count; i++) {
    unsigned char id[ID_SIZE];
    assertion_derived_id(&item->assertion, i, id);
    int rc = postings_put(gather, span_of(id, sizeof(id)), item->entry->seq, err);
    if (rc)
      return rc;
  }
  return 0;
}
