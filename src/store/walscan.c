#include "store/walscan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/internal.h"

enum { DAMAGE_KEPT = 16, COMMITS_FIRST = 1024, TXN_COMMIT = 1, OPCODE_AT = 16 };

struct scan {
  struct walscan *out;
  const struct wal_visitor *visitor;
  struct lsn *commits; /* those after checkpoint_from; owned */
  size_t commit_count, commit_capacity;
  struct wal_damage damage[DAMAGE_KEPT]; /* those after checkpoint_from, ascending */
  size_t damage_count;
  struct lsn page_alarm;
  struct wal_file before; /* the file walked before; number 0: none */
};

static int compare_numbers(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int walscan_list(const char *dir, uint32_t **numbers, size_t *count, struct err *err) {
  uint32_t *list = NULL;
  size_t n = 0, capacity = 0;
  int ret = 0;
  DIR *d = opendir(dir);
  if (!d && errno != ENOENT)
    return err_sys(err, errno, "opening %s", dir);
  for (struct dirent *e; d && (e = readdir(d));) {
    uint32_t number = store_wal_number(e->d_name);
    if (number == 0)
      continue;
    if (n == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      uint32_t *larger = reallocarray(list, capacity, sizeof(*list));
      if (!larger) {
        ret = err_set(err, ERR_NOMEM, "no memory for the names of %s", dir);
        goto out;
      }
      list = larger;
    }
    list[n++] = number;
  }
  if (n > 1)
    qsort(list, n, sizeof(*list), compare_numbers);
out:
  if (d)
    closedir(d);
  if (ret) {
    free(list);
    return ret;
  }
  *numbers = list;
  *count = n;
  return 0;
}

/* Notes damage in ascending order. Too much of it: what is dropped lies between the first and the newest. */
static int note_damage(void *ctx, const struct wal_damage *damage, struct err *err) {
  struct scan *scan = ctx;
  struct walscan *out = scan->out;
  size_t at;
  if (out->has_checkpoint && lsn_compare(damage->at, out->checkpoint_from) < 0) {
    if (out->old.fault == WAL_SOUND || lsn_compare(out->old.at, damage->at) < 0)
      out->old = *damage;
  } else {
    if (scan->damage_count == DAMAGE_KEPT)
      scan->damage_count--;
    for (at = scan->damage_count++; at > 0 && lsn_compare(damage->at, scan->damage[at - 1].at) < 0; at--)
      scan->damage[at] = scan->damage[at - 1];
    scan->damage[at] = *damage;
  }
  if (scan->visitor && scan->visitor->damage)
    return scan->visitor->damage(scan->visitor->ctx, damage, err);
  return 0;
}

static int note_commit(struct scan *scan, struct lsn lsn, struct err *err) {
  if (scan->commit_count == scan->commit_capacity) {
    size_t capacity = scan->commit_capacity ? scan->commit_capacity * 2 : COMMITS_FIRST;
    struct lsn *larger = reallocarray(scan->commits, capacity, sizeof(*larger));
    if (!larger)
      return err_set(err, ERR_NOMEM, "no memory for %zu commits of the log", capacity);
    scan->commits = larger;
    scan->commit_capacity = capacity;
  }
  scan->commits[scan->commit_count++] = lsn;
  return 0;
}

/* Forgets what lies before the place where recovery begins for this checkpoint. */
static void note_checkpoint(struct scan *scan, const struct wal_record *record) {
  struct walscan *out = scan->out;
  size_t gone = 0;
  out->has_checkpoint = true;
  out->checkpoint = record->lsn;
  out->checkpoint_from = bdb_lsn(record->body.data + OPCODE_AT);
  /* Where nothing was under way, recovery begins at the last record before the checkpoint: that of a commit, mostly. */
  while (gone < scan->commit_count && lsn_compare(scan->commits[gone], out->checkpoint_from) <= 0)
    gone++;
  scan->commit_count -= gone;
  if (gone > 0 && scan->commit_count > 0)
    memmove(scan->commits, scan->commits + gone, scan->commit_count * sizeof(*scan->commits));
  for (gone = 0; gone < scan->damage_count && lsn_compare(scan->damage[gone].at, out->checkpoint_from) < 0; gone++)
    out->old = scan->damage[gone];
  scan->damage_count -= gone;
  memmove(scan->damage, scan->damage + gone, scan->damage_count * sizeof(scan->damage[0]));
}

static int note_record(void *ctx, const struct wal_record *record, struct err *err) {
  struct scan *scan = ctx;
  const unsigned char *body = record->body.data;
  if (record->type == LOG_TXN_REGOP && record->body.len >= OPCODE_AT + 4 && bdb_u32(body + OPCODE_AT) == TXN_COMMIT) {
    if (note_commit(scan, record->lsn, err))
      return (int)err->code;
  } else if (record->type == LOG_TXN_CKP && record->body.len >= OPCODE_AT + 8)
    note_checkpoint(scan, record);
  else if (record->type == LOG_DB_CKSUM)
    scan->page_alarm = record->lsn;
  if (scan->visitor && scan->visitor->record)
    return scan->visitor->record(scan->visitor->ctx, record, err);
  return 0;
}

/* What a file's successor says about it: it ends with the record that the successor's header names, or is missing. */
static int check_chain(struct scan *scan, const struct wal_file *file, struct err *err) {
  const struct wal_file *before = &scan->before;
  struct wal_damage damage;
  if (file->number != before->number + 1)
    damage = (struct wal_damage){WAL_MISSING, {before->number + 1, 0}};
  else if (before->empty)
    damage = (struct wal_damage){WAL_BAD_MAGIC, {before->number, LOG_MAGIC_AT}};
  else if (before->torn || (file->header_sound && file->header_prev != before->last))
    damage = (struct wal_damage){WAL_BAD_CHECKSUM, {before->number, before->end}};
  else
    return 0;
  return note_damage(scan, &damage, err);
}

static int scan_file(struct scan *scan, const char *dir, uint32_t number, struct err *err) {
  struct wal_visitor visitor = {scan, note_record, note_damage};
  struct walscan *out = scan->out;
  struct wal_file file;
  if (wal_walk_file(dir, number, &visitor, &file, err))
    return (int)err->code;
  if (scan->before.number != 0 && check_chain(scan, &file, err))
    return (int)err->code;
  out->bytes += file.size;
  if (file.end > 0)
    out->end = (struct lsn){number, file.end};
  scan->before = file;
  return 0;
}

static int note_latest(void *ctx, const struct wal_record *record, struct err *err) {
  struct lsn *from = ctx;
  (void)err;
  if (record->type == LOG_TXN_CKP && record->body.len >= OPCODE_AT + 8)
    *from = bdb_lsn(record->body.data + OPCODE_AT);
  return 0;
}

/* The first of numbers[0..count) that recovery needs: that of the newest checkpoint's beginning, else the first. */
static int find_start(const char *dir, const uint32_t *numbers, size_t count, size_t *start, struct err *err) {
  struct lsn from = {0, 0};
  struct wal_visitor visitor = {&from, note_latest, NULL};
  struct wal_file file;
  size_t i = count;
  while (i > 0 && from.file == 0)
    if (wal_walk_file(dir, numbers[--i], &visitor, &file, err))
      return (int)err->code;
  while (i > 0 && numbers[i] > from.file)
    i--;
  *start = i;
  return 0;
}

static int conclude(struct scan *scan, uint32_t first, struct err *err) {
  struct walscan *out = scan->out;
  struct wal_damage lost = {WAL_MISSING, {out->checkpoint_from.file, 0}};
  if (out->has_checkpoint && out->checkpoint_from.file < first && note_damage(scan, &lost, err))
    return (int)err->code;
  out->commits = scan->commit_count;
  out->page_alarm = scan->page_alarm.file != 0 && lsn_compare(scan->page_alarm, out->checkpoint_from) >= 0;
  out->torn = scan->before.torn;
  out->torn_file = scan->before.torn ? scan->before.number : 0;
  out->torn_header = scan->before.torn && !scan->before.header_sound;
  if (scan->damage_count > 0)
    out->fatal = scan->damage[0];
  return 0;
}

int walscan_run(const char *dir, bool from_checkpoint, const struct wal_visitor *visitor, struct walscan *out,
                struct err *err) {
  struct scan scan = {.out = out, .visitor = visitor};
  uint32_t *numbers = NULL;
  size_t count = 0, start = 0;
  int ret;
  *out = (struct walscan){0};
  if ((ret = walscan_list(dir, &numbers, &count, err)) || count == 0)
    goto out;
  out->file_count = (uint32_t)count;
  out->first_file = numbers[0];
  out->last_file = numbers[count - 1];
  if (from_checkpoint && (ret = find_start(dir, numbers, count, &start, err)))
    goto out;
  for (size_t i = start; i < count; i++)
    if ((ret = scan_file(&scan, dir, numbers[i], err)))
      goto out;
  ret = conclude(&scan, numbers[start], err);
out:
  free(numbers);
  free(scan.commits);
  return ret;
}

void walscan_describe(const struct wal_damage *damage, const char *dir, char out[WALSCAN_TEXT_SIZE]) {
  static const char *const words[] = {
      [WAL_SOUND] = "No damage in WAL segment",
      [WAL_BAD_MAGIC] = "WAL magic byte validation failed",
      [WAL_BAD_VERSION] = "WAL magic byte validation failed",
      [WAL_BAD_CHECKSUM] = "Checksum mismatch in WAL segment",
      [WAL_MISSING] = "Checksum mismatch in WAL segment",
  };
  static const char *const details[] = {
      [WAL_SOUND] = "",
      [WAL_BAD_MAGIC] = ": it does not begin as a log file",
      [WAL_BAD_VERSION] = ": a log version that this program does not read",
      [WAL_BAD_CHECKSUM] = "",
      [WAL_MISSING] = ": the file is missing, later ones are there",
  };
  char name[WAL_NAME_SIZE];
  wal_file_name(name, damage->at.file);
  snprintf(out, WALSCAN_TEXT_SIZE, "%s%s %.300s/%s at offset %u%s", words[damage->fault],
           damage->fault == WAL_BAD_MAGIC || damage->fault == WAL_BAD_VERSION ? ":" : "", dir, name,
           (unsigned)damage->at.offset, details[damage->fault]);
}
