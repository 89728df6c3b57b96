/* alias.kv: the assertions that call a path the same as their own concept (stemedb.same_as), as posting lists of that
 * path. */
#include "model/json.h"
#include "projection/index.h"
#include "projection/postings.h"

int alias_project(struct gather *gather, const struct item *item, struct err *err) {
  const struct assertion *a = &item->assertion;
  struct span path;
  if (!item->is_assertion || !span_equal(a->predicate, span_str("stemedb.same_as")) || a->value.len < 2 ||
      a->value.data[0] != '"' || item->entry->flags != 0)
    return 0;
  int rc = json_unescape(gather->arena, span_of(a->value.data + 1, a->value.len - 2), &path, err);
  return rc ? rc : postings_put(gather, path, item->entry->seq, err);
}
