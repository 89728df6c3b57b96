#include "committer/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { USES_FIRST = 256, SLOTS_A_USE = 4 };

void keys_free(struct keys *keys) {
  free(keys->uses);
  free(keys->slots);
  *keys = (struct keys){0};
}

void keys_reset(struct keys *keys) {
  if (keys->count > 0)
    memset(keys->slots, 0, keys->slot_count * sizeof(*keys->slots));
  keys->count = 0;
}

static bool same(const struct key *a, const struct key *b) {
  return memcmp(a->hash, b->hash, DIGEST_SIZE) == 0 && memcmp(a->body, b->body, DIGEST_SIZE) == 0 &&
         span_equal(a->scope, b->scope);
}

/* The slot of the key, or the free one where it would be. The digests are as good as random. */
static size_t slot_of(const struct keys *keys, const struct key *key) {
  size_t slot = (size_t)(get_u64(key->hash) ^ get_u64(key->body)) & (keys->slot_count - 1);
  while (keys->slots[slot] && !same(&keys->uses[keys->slots[slot] - 1].key, key))
    slot = (slot + 1) & (keys->slot_count - 1);
  return slot;
}

const struct key_use *keys_find(const struct keys *keys, const struct key *key) {
  if (keys->count == 0)
    return NULL;
  uint32_t at = keys->slots[slot_of(keys, key)];
  return at ? &keys->uses[at - 1] : NULL;
}

static int grow(struct keys *keys, struct err *err) {
  size_t capacity = keys->capacity ? keys->capacity * 2 : USES_FIRST, slot_count = capacity * SLOTS_A_USE;
  struct key_use *uses = reallocarray(keys->uses, capacity, sizeof(*uses));
  if (!uses)
    return err_set(err, ERR_NOMEM, "no memory for %zu keys", capacity);
  keys->uses = uses;
  uint32_t *slots = calloc(slot_count, sizeof(*slots));
  if (!slots)
    return err_set(err, ERR_NOMEM, "no memory for %zu keys", capacity);
  free(keys->slots);
  keys->slots = slots;
  keys->slot_count = slot_count;
  keys->capacity = capacity;
  for (size_t i = 0; i < keys->count; i++)
    slots[slot_of(keys, &uses[i].key)] = (uint32_t)i + 1;
  return 0;
}

int keys_add(struct keys *keys, const struct key_use *use, struct err *err) {
  if (keys->count == keys->capacity && grow(keys, err))
    return err->code;
  keys->uses[keys->count++] = *use;
  keys->slots[slot_of(keys, &use->key)] = (uint32_t)keys->count;
  return 0;
}
