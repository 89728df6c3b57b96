#include "ops/follow.h"

#include <string.h>

#include "store/wal_extract.h"

#define DATABASE "assertions.kv"

struct run {
  struct follow *follow;
  uint64_t limit;
};

/* What lies behind the place where a timeline began was committed after it was opened. */
static bool is_of_timelines(const struct history_meta *meta, const struct entry *entry) {
  for (uint32_t i = 1; i < meta->count; i++)
    if (entry->seq > meta->timelines[i].branched_at_seq && entry->time_us < meta->timelines[i].time_us)
      return false;
  return true;
}

static int take_next(struct follow *f, const struct entry *entry, struct err *err) {
  unsigned char leaf[DIGEST_SIZE];
  struct err ignored;
  if (entry->time_us <= f->time_us || !is_of_timelines(f->meta, entry) || entry_verify(entry, leaf, &ignored)) {
    f->refused++;
    return 0;
  }
  if (f->take(f->ctx, entry, leaf, &f->enough, err))
    return err->code;
  f->seq = entry->seq;
  f->time_us = entry->time_us;
  memcpy(f->id, entry->id, ID_SIZE);
  f->missing_to = 0;
  return 0;
}

/* Ends the walk by an error when there is nothing more to look for. */
static int take_committed(void *ctx, struct span record, struct err *err) {
  struct run *run = ctx;
  struct follow *f = run->follow;
  struct entry entry;
  int rc = entry_peek(record, &entry, err);
  if (rc || entry.seq > run->limit)
    return rc;
  if (entry.seq == f->seq && memcmp(entry.id, f->id, ID_SIZE) != 0)
    f->contradicts = true;
  else if (entry.seq == f->seq + 1)
    rc = take_next(f, &entry, err);
  else if (entry.seq > f->seq && (f->missing_to == 0 || entry.seq <= f->missing_to))
    f->missing_to = entry.seq - 1;
  if (!rc && (f->enough || f->contradicts || f->seq >= run->limit))
    rc = err_set(err, ERR_BUSY, "enough");
  return rc;
}

static int note_damage(void *ctx, const struct wal_damage *damage, struct err *err) {
  struct follow *f = ((struct run *)ctx)->follow;
  (void)err;
  if (f->damage.fault == WAL_SOUND)
    f->damage = *damage;
  return 0;
}

int follow_log(struct follow *f, const char *dir, uint64_t limit, struct err *err) {
  struct run run = {f, limit};
  struct wal_entries entries = {.ctx = &run, .committed = take_committed, .damage = note_damage};
  struct wal_files files;
  if (f->enough || f->contradicts || f->seq >= limit)
    return 0;
  int rc = wal_extract_all(dir, DATABASE, NULL, &entries, NULL, &files, err);
  return rc == ERR_BUSY && (f->enough || f->contradicts || f->seq >= limit) ? 0 : rc;
}

struct search {
  struct history_meta *out;
  bool found;
};

static int take_meta(void *ctx, struct span value, struct err *err) {
  struct search *search = ctx;
  struct history_meta meta;
  int rc = history_meta_decode(value, &meta, err);
  if (rc)
    return rc;
  if (search->found && meta.count < search->out->count) {
    history_meta_free(&meta);
    return 0;
  }
  if (search->found)
    history_meta_free(search->out);
  *search->out = meta;
  search->found = true;
  return 0;
}

int follow_find_meta(const char *dir, struct history_meta *out, bool *found, struct err *err) {
  struct search search = {out, false};
  struct wal_entries entries = {.ctx = &search, .meta = take_meta};
  struct wal_files files;
  int rc = wal_extract_all(dir, DATABASE, NULL, &entries, NULL, &files, err);
  if (rc && search.found)
    history_meta_free(out);
  *found = !rc && search.found;
  return rc;
}
