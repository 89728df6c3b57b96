/* predicate.kv: the assertions with a predicate, as posting lists of the predicate's name. No predicate is empty: under
 * the empty one are the entries that are no assertions. */
#include "projection/index.h"
#include "projection/postings.h"

int predicate_project(struct gather *gather, const struct item *item, struct err *err) {
  struct span term = item->is_assertion ? item->assertion.predicate : (struct span){NULL, 0};
  return postings_put(gather, term, item->entry->seq, err);
}
