#include "domain/value_set.h"

#include "base/crc32c.h"

/* The slot that has the value, or the empty one where it belongs. */
static size_t find(const struct value_set *set, struct span value) {
  size_t at = crc32c(0, value.data, value.len) & (set->size - 1);
  while (set->slots[at].len > 0 && !span_equal(set->slots[at], value))
    at = (at + 1) & (set->size - 1);
  return at;
}

bool value_set_has(const struct value_set *set, struct span value) {
  return set->size > 0 && set->slots[find(set, value)].len > 0;
}

int value_set_add(struct arena *arena, struct value_set *set, struct span value, struct err *err) {
  if (set->count * 2 >= set->size) {
    struct value_set larger = {.count = set->count, .size = set->size ? set->size * 2 : 16};
    larger.slots = arena_calloc(arena, larger.size, sizeof(*larger.slots));
    if (!larger.slots)
      return err_set(err, ERR_NOMEM, "too many values for one answer: name a source");
    for (size_t i = 0; i < set->size; i++)
      if (set->slots[i].len > 0)
        larger.slots[find(&larger, set->slots[i])] = set->slots[i];
    *set = larger;
  }
  set->slots[find(set, value)] = value;
  set->count++;
  return 0;
}
