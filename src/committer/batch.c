#include "committer/batch.h"

#include <stdlib.h>

enum {
  ITEM_TEXTS_MAX = 16 << 20,
  RECORDS_MAX = 160 << 20, /* the largest command after a nearly full batch, each entry with its overhead */
  RECORDS_KEPT = 16 << 20,
  FIRST_CAPACITY = 256
};

int batch_init(struct batch *b, struct err *err) {
  *b = (struct batch){0};
  buf_init(&b->records, RECORDS_MAX);
  b->arena = arena_create(ITEM_TEXTS_MAX);
  return b->arena ? 0 : err_set(err, ERR_NOMEM, "no memory for a batch");
}

void batch_free(struct batch *b) {
  buf_free(&b->records);
  free(b->sizes);
  free(b->receipts);
  free(b->spans);
  free(b->entries);
  free(b->leaves);
  free(b->decisions);
  free(b->items);
  arena_free(b->arena);
  keys_free(&b->keys);
  free(b->edges);
}

void batch_begin(struct batch *b, uint64_t last_seq, uint64_t last_time_us, uint64_t now_us) {
  if (b->records.cap > RECORDS_KEPT)
    buf_free(&b->records);
  buf_reset(&b->records);
  arena_reset(b->arena);
  keys_reset(&b->keys);
  b->entry_count = b->decision_count = b->item_count = b->edge_count = 0;
  b->last_seq = last_seq;
  /* The clock may stand still or jump back; time never does. */
  b->last_time_us = now_us > last_time_us ? now_us - 1 : last_time_us;
}

bool batch_entry_fits(const struct command_entry *entry) {
  return entry->server.len <= ENTRY_MAX_SIZE && entry->body.len <= ENTRY_MAX_SIZE &&
         ENTRY_OVERHEAD + entry->server.len + entry->body.len <= ENTRY_MAX_SIZE;
}

/* Room for one more in an array; false without memory. */
static bool grow(void *array, size_t *capacity, size_t count, size_t size) {
  void **p = array;
  if (count < *capacity)
    return true;
  size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
  void *grown = reallocarray(*p, wanted, size);
  if (!grown)
    return false;
  *p = grown;
  *capacity = wanted;
  return true;
}

static bool grow_entries(struct batch *b) {
  size_t one = b->entry_capacity, two = one, three = one, four = one, five = one;
  if (!grow(&b->sizes, &one, b->entry_count, sizeof(*b->sizes)) ||
      !grow(&b->receipts, &two, b->entry_count, sizeof(*b->receipts)) ||
      !grow(&b->spans, &three, b->entry_count, sizeof(*b->spans)) ||
      !grow(&b->entries, &four, b->entry_count, sizeof(*b->entries)) ||
      !grow(&b->leaves, &five, b->entry_count, sizeof(*b->leaves)))
    return false;
  b->entry_capacity = one;
  return true;
}

int batch_add_entry(struct batch *b, const struct command_entry *entry, struct err *err) {
  if (!grow_entries(b))
    return err_set(err, ERR_NOMEM, "no memory for a batch of %zu entries", b->entry_count);
  struct commit_receipt *receipt = &b->receipts[b->entry_count];
  unsigned char server[DIGEST_SIZE];
  size_t start = b->records.len;
  receipt->seq = ++b->last_seq;
  receipt->time_us = ++b->last_time_us;
  digest_id(receipt->id, entry->kind, entry->content, receipt->seq, receipt->time_us);
  entry_encode(&b->records, entry->kind, 0, receipt->seq, receipt->time_us, receipt->id, entry->server, entry->body);
  digest_sha256(server, entry->server);
  digest_leaf(b->leaves[b->entry_count], entry->kind, receipt->seq, receipt->time_us, receipt->id, server,
              entry->content);
  b->sizes[b->entry_count++] = b->records.len - start;
  return buf_check(&b->records, "a batch", err);
}

struct decision *batch_add_decision(struct batch *b, struct connection *connection, uint64_t tag) {
  if (!grow(&b->decisions, &b->decision_capacity, b->decision_count, sizeof(*b->decisions)))
    return NULL;
  struct decision *d = &b->decisions[b->decision_count++];
  *d = (struct decision){.connection = connection, .tag = tag};
  d->first_receipt = b->entry_count;
  d->first_item = b->item_count;
  return d;
}

int batch_add_item(struct batch *b, uint32_t position, struct span pointer, struct span detail, struct err *err) {
  if (!grow(&b->items, &b->item_capacity, b->item_count, sizeof(*b->items)))
    return err_set(err, ERR_NOMEM, "no memory for what is wrong with a command");
  b->items[b->item_count++] = (struct refused_item){.position = position, .pointer = pointer, .detail = detail};
  b->decisions[b->decision_count - 1].item_count++;
  return 0;
}

int batch_finish(struct batch *b, struct err *err) {
  size_t offset = 0;
  for (size_t i = 0; i < b->entry_count; i++) {
    b->spans[i] = span_of(b->records.data + offset, b->sizes[i]);
    offset += b->sizes[i];
    if (entry_peek(b->spans[i], &b->entries[i], err))
      return err_context(err, "a record just made");
    b->entries[i].leaf = b->leaves[i];
  }
  return 0;
}

void batch_refuse_entries(struct batch *b) {
  uint64_t stored = b->last_seq - b->entry_count;
  for (size_t i = 0; i < b->decision_count; i++) {
    struct decision *d = &b->decisions[i];
    if (d->count == 0 || (d->replayed && d->first_seq <= stored))
      continue;
    d->reply = REPLY_REFUSED;
    d->refusal = REFUSAL_DISK_FULL;
    d->item_count = 0;
  }
  b->last_seq = stored;
  b->entry_count = 0;
}
