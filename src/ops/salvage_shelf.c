#include "ops/salvage_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fileio.h"

enum { FIRST = 4096 };

int shelf_open(struct shelf *s, const char *work_dir, struct err *err) {
  *s = (struct shelf){.fd = open(work_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (s->fd < 0)
    return err_sys(err, errno, "making a temporary file in %s", work_dir);
  s->slots = calloc((size_t)2 * FIRST, sizeof(*s->slots));
  s->slot_count = (size_t)2 * FIRST;
  return s->slots ? 0 : err_set(err, ERR_NOMEM, "no memory to salvage");
}

void shelf_close(struct shelf *s) {
  if (s->fd >= 0)
    close(s->fd);
  free(s->finds);
  free(s->slots);
  history_meta_free(&s->meta);
}

/* The slot of (seq, id), or the free one where it belongs. An id is as good as random. */
static uint32_t *find_slot(const struct shelf *s, uint64_t seq, const unsigned char *id) {
  size_t at = (size_t)(get_u64(id) ^ seq) & (s->slot_count - 1);
  while (s->slots[at] != 0) {
    const struct shelf_find *f = &s->finds[s->slots[at] - 1];
    if (f->seq == seq && memcmp(f->id, id, ID_SIZE) == 0)
      break;
    at = (at + 1) & (s->slot_count - 1);
  }
  return &s->slots[at];
}

static int grow(struct shelf *s, struct err *err) {
  size_t capacity = s->capacity ? 2 * s->capacity : FIRST;
  struct shelf_find *finds = capacity < UINT32_MAX ? reallocarray(s->finds, capacity, sizeof(*finds)) : NULL;
  if (finds)
    s->finds = finds;
  uint32_t *slots = finds ? calloc(2 * capacity, sizeof(*slots)) : NULL;
  if (!slots)
    return err_set(err, ERR_NOMEM, "no memory for %zu entries", capacity);
  free(s->slots);
  s->slots = slots;
  s->slot_count = 2 * capacity;
  s->capacity = capacity;
  for (size_t i = 0; i < s->count; i++)
    *find_slot(s, s->finds[i].seq, s->finds[i].id) = (uint32_t)i + 1;
  return 0;
}

int shelf_offer(struct shelf *s, struct span record, enum salvage_rank rank, struct err *err) {
  struct entry entry;
  struct err ignored;
  if (entry_decode(record, &entry, &ignored) || entry.seq == 0 || entry.seq == UINT64_MAX)
    return 0;
  uint32_t *slot = find_slot(s, entry.seq, entry.id);
  if (*slot != 0) {
    struct shelf_find *known = &s->finds[*slot - 1];
    if (known->source == s->source && rank < known->rank)
      known->rank = (uint8_t)rank;
    return 0;
  }
  if (entry_verify(&entry, NULL, &ignored))
    return 0;
  if (s->count == s->capacity) {
    if (grow(s, err))
      return err->code;
    slot = find_slot(s, entry.seq, entry.id);
  }
  if (fileio_pwrite(s->fd, record.data, record.len, s->bytes, err))
    return err->code;
  struct shelf_find *f = &s->finds[s->count++];
  *f = (struct shelf_find){entry.seq, s->bytes, (uint32_t)record.len, s->source, (uint8_t)rank, {0}};
  memcpy(f->id, entry.id, ID_SIZE);
  *slot = (uint32_t)s->count;
  s->bytes += record.len;
  return 0;
}

int shelf_offer_meta(struct shelf *s, struct span value, struct err *err) {
  struct history_meta meta;
  (void)err;
  struct err ignored;
  if (history_meta_decode(value, &meta, &ignored))
    return 0;
  if (s->has_meta && meta.count <= s->meta.count) {
    history_meta_free(&meta);
    return 0;
  }
  history_meta_free(&s->meta);
  s->meta = meta;
  s->has_meta = true;
  return 0;
}

static int compare(const void *a, const void *b) {
  const struct shelf_find *x = a, *y = b;
  if (x->seq != y->seq)
    return x->seq < y->seq ? -1 : 1;
  if (x->source != y->source)
    return x->source < y->source ? -1 : 1;
  if (x->rank != y->rank)
    return x->rank < y->rank ? -1 : 1;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

void shelf_sort(struct shelf *s) {
  if (s->count > 1)
    qsort(s->finds, s->count, sizeof(*s->finds), compare);
}

int shelf_read(const struct shelf *s, const struct shelf_find *find, struct buf *out, struct err *err) {
  size_t got = 0;
  buf_reset(out);
  unsigned char *room = buf_extend(out, find->len);
  if (!room)
    return buf_check(out, "an entry", err);
  if (fileio_pread(s->fd, room, find->len, find->offset, &got, err))
    return err->code;
  return got == find->len ? 0 : err_set(err, ERR_IO, "the temporary file became shorter");
}
