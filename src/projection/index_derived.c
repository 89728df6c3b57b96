/*
 * derived.kv: the assertions that rest on an assertion, as posting lists of its seq (u64be). A child's seq is greater
 * than its parents', so that one ascending pass meets every parent after all that it rests on.
 */
#include "base/bytes.h"
#include "projection/index.h"
#include "projection/postings.h"

int derived_project(struct gather *gather, const struct item *item, struct err *err) {
  size_t count = item->is_assertion ? item->assertion.derived_count : 0;
  for (size_t i = 0; i < count; i++) {
    unsigned char parent[8];
    if (item->parents[i] == 0)
      continue;
    put_u64(parent, item->parents[i]);
    int rc = postings_put(gather, span_of(parent, sizeof(parent)), item->entry->seq, err);
    if (rc)
      return rc;
  }
  return 0;
}
