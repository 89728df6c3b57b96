#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/restore.h"
#include "ops/tree.h"
#include "projection/projection.h"
#include "store/mark.h"
#include "store/startup.h"

static int compare(const struct metadata *metadata, const struct proof *proof, struct err *err) {
  const struct proof *wanted = &metadata->proof;
  if (proof->last_seq != wanted->last_seq || proof->assertion_count != wanted->assertion_count)
    return err_set(err, ERR_CORRUPT,
                   "the copy holds %" PRIu64 " entries and %" PRIu64 " assertions, its metadata tells of %" PRIu64
                   " and %" PRIu64,
                   proof->last_seq, proof->assertion_count, wanted->last_seq, wanted->assertion_count);
  if (memcmp(proof->root, wanted->root, DIGEST_SIZE) != 0)
    return err_set(err, ERR_CORRUPT, "the copy's history_root differs from the one in its metadata");
  if (strcmp(proof->history, wanted->history) != 0)
    return err_set(err, ERR_CORRUPT, "the copy is of history %s, its metadata tells of %s", proof->history,
                   wanted->history);
  return 0;
}

/* The table first, then the mark: between them, the mark names another branch, and no start takes it. */
int restore_open_timeline(struct store *store, const char *data_dir, const struct history_meta *base, uint64_t last_seq,
                          uint32_t at_least, struct err *err) {
  struct history_meta meta = {0};
  struct mark mark = {.seq = last_seq};
  int fd = -1, rc = 0;
  if ((rc = base ? history_meta_copy(base, &meta, err) : history_meta_read(store, &meta, err)))
    return rc;
  if ((rc = history_meta_branch(&meta, last_seq, at_least, err)) || (rc = history_meta_write(store, &meta, err)) ||
      (rc = mark_open(data_dir, true, &fd, err)))
    goto out;
  memcpy(mark.history_id, meta.id, sizeof(mark.history_id));
  mark.timeline = history_meta_current(&meta)->number;
  mark.branch = history_meta_current(&meta)->branch;
  if ((rc = mark_write(fd, &mark, err)) == 0)
    rc = mark_sync(fd, err);
out:
  if (fd >= 0)
    close(fd);
  history_meta_free(&meta);
  return rc;
}

static int compare_indexes(const struct config *config, const struct log *log, struct store *store,
                           const struct metadata *metadata, struct err *err) {
  struct projection *projection = NULL;
  struct watermark mark = {0};
  struct proof proof = metadata->proof;
  int rc = projection_open(config, log, NULL, store, metadata->proof.last_seq, false, &projection, err);
  if (rc)
    return rc;
  projection_watermark(projection, &mark);
  proof.last_seq = mark.visible_seq;
  proof.assertion_count = mark.assertion_count;
  memcpy(proof.root, mark.root, DIGEST_SIZE);
  if ((rc = compare(metadata, &proof, err)))
    err_context(err, "by the indexes");
  struct err second;
  int closed = projection_close(projection, rc ? &second : err);
  return rc ? rc : closed;
}

int restore_prove(const struct config *config, const struct log *log, const char *data_dir,
                  const struct metadata *metadata, uint32_t timeline, bool indexes, struct err *err) {
  struct config at = *config;
  struct startup_report report;
  struct store *store = NULL;
  struct metadata own = {.indexes = true};
  struct proof proof;
  struct err second;
  snprintf(at.data_dir, sizeof(at.data_dir), "%s", data_dir);
  int rc = startup_run(&at, log, NULL, false, &store, &report, err);
  if (rc)
    return rc;
  rc = proof_compute(store, &proof, err);
  if (!rc && !metadata) {
    own.proof = proof;
    metadata = &own;
  }
  if (rc || (rc = compare(metadata, &proof, err)) ||
      (indexes && (rc = compare_indexes(&at, log, store, metadata, err))) ||
      (timeline > 0 && (rc = restore_open_timeline(store, data_dir, NULL, proof.last_seq, timeline, err))))
    err_context(err, "proving the copy");
  int closed = store_close(store, rc ? &second : err);
  return rc ? rc : closed;
}

int restore_rehearse(const struct config *config, const struct log *log, const char *backup, const char *stamp,
                     struct err *err) {
  char scratch[FILEIO_PATH_MAX], name[64];
  struct metadata metadata;
  struct err second;
  snprintf(name, sizeof(name), ".verify-%s", stamp);
  int rc = metadata_read(backup, &metadata, err);
  if (rc || (rc = fileio_join(scratch, config->backup_dir, name, err)) || (rc = tree_remove(scratch, err)))
    return rc;
  if (!(rc = tree_copy(backup, scratch, "wal", err)) && !(rc = tree_copy(backup, scratch, "db", err)))
    rc = restore_prove(config, log, scratch, &metadata, 0, true, err);
  int removed = tree_remove(scratch, rc ? &second : err);
  return rc ? rc : removed;
}
