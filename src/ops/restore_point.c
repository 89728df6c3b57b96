#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/fileio.h"
#include "model/timestamp.h"
#include "ops/restore.h"
#include "ops/tree.h"
#include "store/startup.h"

static void tell(const struct log *log, const struct restore_moment *moment) {
  const struct point *p = &moment->point;
  char time[TIMESTAMP_SIZE], root[2 * DIGEST_SIZE + 1];
  struct buf hex;
  timestamp_format((int64_t)p->time_us, time);
  buf_init(&hex, sizeof(root));
  buf_add_hex(&hex, p->proof.root, DIGEST_SIZE);
  log_info(log, "The last entry to be restored is %" PRIu64 ", of %s: %" PRIu64 " assertions, history_root %.*s",
           p->proof.last_seq, time, p->proof.assertion_count, (int)hex.len, hex.data ? (const char *)hex.data : "");
  buf_free(&hex);
  if (p->proof.last_seq > p->kept)
    log_info(log, "Entries 1 to %" PRIu64 " are from the backup, %" PRIu64 " to %" PRIu64 " from %s", p->kept,
             p->kept + 1, p->proof.last_seq, moment->sources.target);
  else if (p->kept < p->backup_seq)
    log_info(log, "Of the backup's entries, %" PRIu64 " to %" PRIu64 " are left out", p->kept + 1, p->backup_seq);
  if (moment->wish->kind == POINT_TIME && p->proof.last_seq == p->newest_seq)
    log_warn(log, "Nothing newer can be restored: %s", p->why);
}

int restore_moment_find(const struct config *config, const struct log *log, const char *backup,
                        const struct metadata *metadata, const struct point_wish *wish, struct restore_moment *out,
                        struct err *err) {
  unsigned char id[HISTORY_ID_SIZE];
  uint32_t number;
  uint64_t branch;
  *out = (struct restore_moment){.wish = wish};
  if (!history_name_parse(span_str(metadata->proof.history), id, &number, &branch))
    return err_set(err, ERR_CORRUPT, "the backup's metadata names no history");
  if (wish->archive) {
    out->has_sources = true;
    int rc = log_sources_open(config, log, wish->archive, id, &out->sources, err);
    if (rc)
      return rc;
  }
  int rc = point_find(log, backup, metadata, wish, out->has_sources ? &out->sources : NULL, &out->point, err);
  if (!rc)
    tell(log, out);
  return rc;
}

void restore_moment_free(struct restore_moment *moment) {
  if (moment->has_sources)
    log_sources_close(&moment->sources);
  moment->has_sources = false;
  point_free(&moment->point);
}

uint64_t restore_moment_bytes(const struct restore_moment *moment) {
  uint64_t bytes = 0;
  if (moment->point.proof.last_seq == moment->point.kept)
    return 0;
  for (size_t i = 0; moment->has_sources && i < moment->sources.count; i++)
    bytes += 2 * moment->sources.items[i].bytes; /* on pages, and in the log */
  return bytes;
}

static int compare(const struct proof *wanted, const struct proof *found, struct err *err) {
  if (found->last_seq != wanted->last_seq || found->assertion_count != wanted->assertion_count ||
      memcmp(found->root, wanted->root, DIGEST_SIZE) != 0)
    return err_set(err, ERR_CORRUPT,
                   "the copy ends with entry %" PRIu64 ", %" PRIu64 " is wanted, or its history_root is another one",
                   found->last_seq, wanted->last_seq);
  return 0;
}

/* Above the numbers of all timelines that the archive has. */
static uint32_t least_number(const struct restore_moment *moment, uint32_t timeline) {
  uint32_t greatest = moment->has_sources ? log_sources_greatest(&moment->sources) : 0;
  return greatest >= timeline && greatest < UINT32_MAX ? greatest + 1 : timeline;
}

static int make_moment(struct store *store, const char *data_dir, struct restore_moment *moment, uint32_t timeline,
                       bool *removed, struct err *err) {
  const struct point *point = &moment->point;
  struct proof proof;
  int rc = 0;
  if ((rc = point_apply(store, point, moment->has_sources ? &moment->sources : NULL, removed, err)) ||
      (rc = proof_compute(store, &proof, err)) || (rc = compare(&point->proof, &proof, err)))
    return err_context(err, "proving the copy");
  FAULT("ops.restore.before_timeline");
  return restore_open_timeline(store, data_dir, &point->meta, point->proof.last_seq, least_number(moment, timeline),
                               err);
}

static int write_metadata(const char *data_dir, const struct metadata *backup, const struct point *point,
                          struct err *err) {
  char wal[FILEIO_PATH_MAX];
  struct metadata m = *backup;
  struct tree tree;
  int rc = fileio_join(wal, data_dir, "wal", err);
  if (rc || (rc = tree_list(wal, &tree, err)))
    return rc;
  m.proof = point->proof;
  m.wal_segment_count = 0;
  for (size_t i = 0; i < tree.count; i++)
    m.wal_segment_count += strncmp(tree.files[i].name, "log.", 4) == 0;
  tree_free(&tree);
  return metadata_write(data_dir, &m, err);
}

/* The log goes, which names entries that were removed; the new one begins with the table of timelines, so that an
 * archive of it tells where this one branched off. */
static int renew_log(const struct config *at, const struct log *log, struct err *err) {
  struct startup_report report;
  struct history_meta meta = {0};
  struct store *store = NULL;
  struct err second;
  int rc = 0;
  if ((rc = startup_begin_log(at, log, err)) || (rc = startup_run(at, log, NULL, false, &store, &report, err)))
    return rc;
  if (!(rc = history_meta_read(store, &meta, err)))
    rc = history_meta_write(store, &meta, err);
  history_meta_free(&meta);
  int closed = store_close(store, rc ? &second : err);
  return rc ? rc : closed;
}

int restore_prove_moment(const struct config *config, const struct log *log, const char *data_dir,
                         const struct metadata *metadata, struct restore_moment *moment, uint32_t timeline,
                         struct err *err) {
  struct config at = *config;
  struct startup_report report;
  struct store *store = NULL;
  struct err second;
  bool removed = false;
  snprintf(at.data_dir, sizeof(at.data_dir), "%s", data_dir);
  int rc = startup_run(&at, log, NULL, false, &store, &report, err);
  if (rc)
    return rc;
  rc = make_moment(store, data_dir, moment, timeline, &removed, err);
  int closed = store_close(store, rc ? &second : err);
  if (rc || (rc = closed) || (removed && (rc = renew_log(&at, log, err))))
    return rc;
  return write_metadata(data_dir, metadata, &moment->point, err);
}
