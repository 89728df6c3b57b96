#include "projection/parents.h"

#include "base/bytes.h"
#include "projection/internal.h"

enum { SLOTS_AN_ENTRY = 2 };

void parents_init(struct parents *parents, struct projection *projection, struct arena *arena,
                  const struct entry *entries, size_t count) {
  *parents = (struct parents){.projection = projection, .arena = arena, .entries = entries, .count = count};
}

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "no memory to look for derivations");
}

/* The slot of an id, or the free one where it would be. An id is as good as random. */
static size_t slot_of(const struct parents *p, const unsigned char *id) {
  size_t slot = (size_t)get_u64(id) & (p->slot_count - 1);
  while (p->slots[slot] && memcmp(p->entries[p->slots[slot] - 1].id, id, IDS_KEY_SIZE) != 0)
    slot = (slot + 1) & (p->slot_count - 1);
  return slot;
}

/* Notes the entries before number `index`. */
static int note(struct parents *p, size_t index, struct err *err) {
  if (!p->slots) {
    p->slot_count = 16;
    while (p->slot_count < SLOTS_AN_ENTRY * p->count)
      p->slot_count *= 2;
    p->slots = arena_calloc(p->arena, p->slot_count, sizeof(*p->slots));
    if (!p->slots)
      return no_memory(err);
  }
  for (; p->noted < index; p->noted++)
    p->slots[slot_of(p, p->entries[p->noted].id)] = (uint32_t)p->noted + 1;
  return 0;
}

int parents_find(struct parents *p, size_t index, struct item *item, struct err *err) {
  size_t count = item->assertion.derived_count;
  if (count == 0)
    return 0;
  uint64_t *seqs = arena_calloc(p->arena, count, sizeof(*seqs));
  int rc = seqs ? note(p, index, err) : no_memory(err);
  for (size_t i = 0; i < count && rc == 0; i++) {
    unsigned char id[ID_SIZE];
    bool found = false;
    assertion_derived_id(&item->assertion, i, id);
    uint32_t at = p->slots[slot_of(p, id)];
    if (at)
      seqs[i] = p->entries[at - 1].seq;
    else
      rc = ids_find(p->projection, id, &seqs[i], &found, err);
    if (rc == 0 && !at && !found)
      seqs[i] = 0;
  }
  item->parents = seqs;
  return rc;
}
