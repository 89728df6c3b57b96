#include "projection/postings.h"

#include "base/bytes.h"

int postings_put(struct gather *gather, struct span term, uint64_t seq, struct err *err) {
  size_t len = term.len + 1 + 8;
  unsigned char *key = gather_alloc(gather, len + 2, err);
  if (!key)
    return err->code;
  if (term.len)
    memcpy(key, term.data, term.len);
  key[term.len] = 0;
  put_u64(key + term.len + 1, seq / POSTINGS_BLOCK);
  put_u16(key + len, (uint16_t)(seq % POSTINGS_BLOCK));
  return gather_put(gather, span_of(key, len), span_of(key + len, 2), err);
}

static void bitmap_set(unsigned char *bitmap, unsigned offset) {
  bitmap[offset / 8] = (unsigned char)(bitmap[offset / 8] | 1u << offset % 8);
}

/* Adds a value's offsets to the bitmap; -1 if it is not a value. */
static int bitmap_add(unsigned char *bitmap, struct span value) {
  if (value.len == POSTINGS_BITMAP_SIZE) {
    for (size_t i = 0; i < POSTINGS_BITMAP_SIZE; i++)
      bitmap[i] |= value.data[i];
    return 0;
  }
  if (value.len > 2 * POSTINGS_LIST_MAX || value.len % 2)
    return -1;
  for (size_t i = 0; i < value.len; i += 2) {
    unsigned offset = get_u16(value.data + i);
    if (offset >= POSTINGS_BLOCK)
      return -1;
    bitmap_set(bitmap, offset);
  }
  return 0;
}

/* Writes the set bits' offsets, at most `max` of them; returns how many there are. */
static size_t bitmap_offsets(const unsigned char *bitmap, uint16_t *out, size_t max) {
  size_t count = 0;
  for (unsigned i = 0; i < POSTINGS_BITMAP_SIZE; i++)
    for (unsigned bits = bitmap[i]; bits; bits &= bits - 1, count++)
      if (count < max)
        out[count] = (uint16_t)(i * 8 + (unsigned)__builtin_ctz(bits));
  return count;
}

int postings_combine(struct arena *arena, const struct put *run, size_t count, struct span old, struct span *value,
                     struct err *err) {
  unsigned char *bitmap = arena_calloc(arena, 1, POSTINGS_BITMAP_SIZE);
  if (!bitmap)
    return err_set(err, ERR_NOMEM, "no memory for a posting list");
  if (old.data && bitmap_add(bitmap, old) != 0)
    return err_set(err, ERR_CORRUPT, "a posting list of %zu bytes", old.len);
  for (size_t i = 0; i < count; i++)
    bitmap_set(bitmap, get_u16(run[i].value));
  uint16_t offsets[POSTINGS_LIST_MAX];
  size_t total = bitmap_offsets(bitmap, offsets, POSTINGS_LIST_MAX);
  *value = span_of(bitmap, POSTINGS_BITMAP_SIZE);
  if (total <= POSTINGS_LIST_MAX) { /* fits in the same memory */
    for (size_t i = 0; i < total; i++)
      put_u16(bitmap + 2 * i, offsets[i]);
    value->len = 2 * total;
  }
  return 0;
}

int postings_decode(struct span value, uint16_t *out, size_t *count) {
  unsigned char bitmap[POSTINGS_BITMAP_SIZE] = {0};
  if (value.len == 0 || bitmap_add(bitmap, value) != 0)
    return -1;
  *count = bitmap_offsets(bitmap, out, POSTINGS_BLOCK);
  return 0;
}
