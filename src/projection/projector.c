/* The one code path from the history to the projections: for writing, catching up and rebuilding. */
#include <string.h>

#include "base/fault.h"
#include "model/name.h"
#include "projection/effect.h"
#include "projection/internal.h"
#include "projection/parents.h"

/* Most entries, and about most bytes of records, in one transaction. More are several: a reader does not see the
 * difference, since what is above the published seq does not exist for it. */
enum { TXN_ENTRIES = 4096, TXN_BYTES = 1 << 20 };

/* One transaction's work, ready to be written. */
struct job {
  struct projection *p;
  struct gather gather[INDEX_COUNT];
  struct parents parents;
  struct effect effect; /* of the first entry */
  struct meta state;    /* as it will be */
};

static int item_fill(struct projection *p, const struct entry *entry, struct item *item, struct err *err) {
  *item = (struct item){.projection = p, .entry = entry, .is_assertion = entry->kind == ENTRY_ASSERTION};
  int rc = entry_parse_server(entry->server, &item->server, err);
  if (rc == 0 && item->is_assertion)
    rc = assertion_read(p->scratch, entry->body, &item->assertion, err);
  return rc;
}

static void count_entry(struct meta *state, const struct item *item) {
  uint64_t seq = item->entry->seq;
  state->applied_seq = seq;
  state->assertion_count += item->is_assertion;
  bool setting = item->is_assertion && name_is_reserved(item->assertion.predicate);
  if (setting || !item->is_assertion) /* what is no assertion may retract one */
    state->settings_seq = seq;
  if (setting && state->first_setting_seq == 0)
    state->first_setting_seq = seq;
  if (item->entry->kind != ENTRY_RETRACTION)
    return;
  state->retraction_count++;
  if (state->first_retraction_seq == 0)
    state->first_retraction_seq = seq;
}

/* Takes entry number `index` apart, grows the tree, and gathers the puts of all indexes. */
static int gather_entry(struct job *job, struct merkle *tree, size_t index, struct err *err) {
  const struct entry *entry = &job->parents.entries[index];
  struct item item;
  struct merkle_block block;
  unsigned char leaf[DIGEST_SIZE];
  if (entry->seq != job->state.applied_seq + 1)
    return err_set(err, ERR_INVALID, "seq %llu cannot be projected after %llu", (unsigned long long)entry->seq,
                   (unsigned long long)job->state.applied_seq);
  int rc = item_fill(job->p, entry, &item, err);
  if (rc == 0 && item.is_assertion)
    rc = parents_find(&job->parents, index, &item, err);
  if (rc == 0)
    rc = entry_leaf(entry, leaf, err);
  if (rc)
    return rc;
  if (index == 0)
    effect_show(&job->effect, &item);
  count_entry(&job->state, &item);
  if (merkle_push(tree, leaf, &block)) {
    block.assertion_count = job->state.assertion_count;
    item.block = &block;
  }
  for (size_t i = 0; i < INDEX_COUNT && rc == 0; i++)
    rc = index_table[i].project(&job->gather[i], &item, err);
  return rc;
}

static int gather_all(struct job *job, struct merkle *tree, const struct entry *entries, size_t count,
                      struct err *err) {
  for (size_t i = 0; i < INDEX_COUNT; i++)
    gather_init(&job->gather[i], job->p->scratch);
  parents_init(&job->parents, job->p, job->p->scratch, entries, count);
  for (size_t i = 0; i < count; i++) {
    int rc = i == 0 ? effect_find(job->p, job->p->scratch, entries, &job->effect, err) : 0;
    if (rc == 0)
      rc = gather_entry(job, tree, i, err);
    if (rc)
      return err_context(err, "projecting entry %llu", (unsigned long long)entries[i].seq);
  }
  memcpy(job->state.id, entries[count - 1].id, ID_SIZE);
  job->state.time_us = entries[count - 1].time_us;
  for (size_t i = 0; i < INDEX_COUNT; i++) {
    int rc = gather_sort(&job->gather[i], err);
    if (rc)
      return rc;
  }
  return 0;
}

static int write_body(struct env *env, DB_TXN *txn, void *arg, struct err *err) {
  (void)env;
  struct job *job = arg;
  for (size_t i = 0; i < INDEX_COUNT; i++) {
    int rc = index_table[i].write(job->p, i, txn, &job->gather[i], err);
    if (rc)
      return rc;
    FAULT("projection.apply.index");
  }
  unsigned char record[META_SIZE];
  meta_encode(&job->state, record);
  int rc = penv_put(job->p, job->p->meta, txn, span_of(meta_key, META_KEY_SIZE), span_of(record, META_SIZE), err);
  FAULT("projection.apply.before_commit");
  return rc;
}

static int apply_some(struct projection *p, const struct entry *entries, size_t count, struct err *err) {
  struct job job = {.p = p, .state = p->state};
  struct merkle tree;
  arena_reset(p->scratch);
  merkle_copy(&tree, &p->merkle);
  int rc = gather_all(&job, &tree, entries, count, err);
  if (rc == 0)
    rc = txn_write(&p->env, DB_TXN_NOSYNC, write_body, &job, err);
  effect_free(&job.effect);
  FAULT("projection.apply.after_commit");
  if (rc)
    return rc;
  p->state = job.state;
  merkle_copy(&p->merkle, &tree);
  return 0;
}

int projection_apply(struct projection *p, const struct entry *entries, size_t count, struct err *err) {
  while (count > 0) {
    size_t n = 0, bytes = 0;
    /* What is no assertion must find in the indexes all that is before it. */
    while (n < count && n < TXN_ENTRIES && bytes < TXN_BYTES && (n == 0 || entries[n].kind == ENTRY_ASSERTION))
      bytes += entries[n++].record.len;
    int rc = apply_some(p, entries, n, err);
    if (rc)
      return rc;
    entries += n;
    count -= n;
  }
  return 0;
}
