#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/backup.h"
#include "ops/manifest.h"
#include "ops/tree.h"
#include "store/mark.h"
#include "store/walscan.h"

/* Removes all in `dir` but what is named. */
static int keep_only(const char *dir, const char *const *names, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = 0;
  DIR *d = opendir(dir);
  if (!d)
    return err_sys(err, errno, "opening %s", dir);
  for (const struct dirent *e = readdir(d); e && !rc; e = readdir(d)) {
    const char *const *name = names;
    while (*name && strcmp(*name, e->d_name) != 0)
      name++;
    if (*name || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    if ((rc = fileio_join(path, dir, e->d_name, err)) == 0)
      rc = tree_remove(path, err);
  }
  closedir(d);
  return rc;
}

/* What db_hotbackup brings along beside the databases (LOCK, DB_CONFIG, the name that log and database share) belongs
 * to the home, and not to its history. */
static int arrange(struct backup_work *work, struct err *err) {
  static const char *const top[] = {"wal", "db", "indexes", NULL};
  static const char *const below[] = {"assertions.kv", NULL};
  char db[FILEIO_PATH_MAX], from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX];
  int rc = 0;
  if ((rc = keep_only(work->partial, top, err)) || (rc = fileio_join(db, work->partial, "db", err)) ||
      (rc = keep_only(db, below, err)) || (rc = fileio_join(from, work->partial, "indexes", err)) ||
      (rc = fileio_join(to, db, "indexes", err)))
    return rc;
  if (!work->indexes)
    return tree_remove(from, err);
  return rename(from, to) ? err_sys(err, errno, "renaming %s", from) : 0;
}

/* Log files have their full length from the beginning: cuts off the zeros that follow the last record. Counts them. */
static int trim_log(const char *dir, uint64_t *files, struct err *err) {
  char path[FILEIO_PATH_MAX], name[WAL_NAME_SIZE];
  struct walscan scan;
  int rc = walscan_run(dir, false, NULL, &scan, err);
  if (rc)
    return rc;
  if (scan.file_count == 0)
    return err_set(err, ERR_CORRUPT, "the copy has no log in %s", dir);
  if (scan.fatal.fault != WAL_SOUND || scan.old.fault != WAL_SOUND || scan.torn)
    return err_set(err, ERR_CORRUPT, "the copied log in %s is not sound", dir);
  *files = scan.file_count;
  if (scan.end.file != scan.last_file)
    return 0;
  wal_file_name(name, scan.last_file);
  if ((rc = fileio_join(path, dir, name, err)))
    return rc;
  return truncate(path, (off_t)scan.end.offset) ? err_sys(err, errno, "shortening %s", path) : 0;
}

static int trim_logs(struct backup_work *work, struct err *err) {
  char dir[FILEIO_PATH_MAX];
  struct err why;
  uint64_t files;
  int rc = fileio_join(dir, work->partial, "wal", err);
  if (rc || (rc = trim_log(dir, &work->metadata.wal_segment_count, err)) || !work->indexes)
    return rc;
  if ((rc = fileio_join(dir, work->partial, "db/indexes", err)))
    return rc;
  if (trim_log(dir, &files, &why) == 0)
    return 0;
  log_warn(work->log, "The indexes are left out: %s", why.text);
  work->indexes = false;
  return tree_remove(dir, err);
}

/* Reads every entry of the copy. */
static int prove(struct backup_work *work, struct err *err) {
  struct store *store = NULL;
  struct err second;
  int rc = store_open_copy(work->partial, work->log, &store, err);
  if (!rc)
    rc = proof_compute(store, &work->metadata.proof, err);
  int closed = store_close(store, rc ? &second : err);
  return rc ? err_context(err, "reading the copy") : closed;
}

/* The mark of exactly what the copy holds. */
static int write_mark(struct backup_work *work, struct err *err) {
  const struct proof *proof = &work->metadata.proof;
  struct mark mark = {.seq = proof->last_seq};
  int fd = -1;
  if (!history_name_parse(span_str(proof->history), mark.history_id, &mark.timeline, &mark.branch))
    return err_set(err, ERR_CORRUPT, "the history's name is %s", proof->history);
  int rc = mark_open(work->partial, true, &fd, err);
  if (rc)
    return rc;
  if ((rc = mark_write(fd, &mark, err)) == 0)
    rc = mark_sync(fd, err);
  close(fd);
  return rc;
}

/* Puts a link to `from` in the place of `to`, if `from` still is what its manifest says. */
static int link_file(const char *from, const char *to, const unsigned char digest[DIGEST_SIZE], bool *linked,
                     struct err *err) {
  char temporary[FILEIO_PATH_MAX];
  unsigned char now[DIGEST_SIZE];
  int n = snprintf(temporary, sizeof(temporary), "%s.link", to);
  *linked = false;
  if (n < 0 || (size_t)n >= sizeof(temporary))
    return err_set(err, ERR_INVALID, "path too long: %.200s...", to);
  if (manifest_hash_file(from, now, err) || memcmp(now, digest, DIGEST_SIZE) != 0)
    return 0; /* it is damaged or gone: this one keeps a file of its own */
  if (link(from, temporary))
    return 0; /* another file system, or too many links */
  if (rename(temporary, to)) {
    int sys = errno;
    unlink(temporary);
    return err_sys(err, sys, "renaming %s", temporary);
  }
  *linked = true;
  return 0;
}

/* Shares storage with the newest backup, file by file. */
static int share(struct backup_work *work, const struct manifest *manifest, struct err *err) {
  char base[FILEIO_PATH_MAX], newest[BACKUP_NAME_SIZE], from[FILEIO_PATH_MAX], to[FILEIO_PATH_MAX];
  struct manifest former = {0};
  struct err why;
  size_t count = 0;
  int rc = backup_newest(work->config->backup_dir, newest, err);
  if (rc || !*newest)
    return rc;
  if ((rc = fileio_join(base, work->config->backup_dir, newest, err)))
    return rc;
  if (manifest_read(base, &former, &why)) {
    log_warn(work->log, "Nothing is shared with %s: %s", newest, why.text);
    return 0;
  }
  for (size_t i = 0; !rc && i < manifest->count; i++) {
    const struct manifest_item *item = &manifest->items[i], *same = manifest_find(&former, item->name);
    bool linked = false;
    if (!same || memcmp(same->digest, item->digest, DIGEST_SIZE) != 0)
      continue;
    if ((rc = fileio_join(from, base, item->name, err)) == 0 &&
        (rc = fileio_join(to, work->partial, item->name, err)) == 0)
      rc = link_file(from, to, item->digest, &linked, err);
    count += linked;
  }
  manifest_free(&former);
  if (!rc)
    log_info(work->log, "%zu of %zu files are shared with %s", count, manifest->count, newest);
  return rc;
}

static int write_metadata(struct backup_work *work, struct err *err) {
  struct metadata *m = &work->metadata;
  snprintf(m->version, sizeof(m->version), "%s", PACKAGE_VERSION);
  timestamp_format_short((int64_t)work->begun_us, m->timestamp);
  m->incremental = work->options.incremental;
  m->indexes = work->indexes;
  return metadata_write(work->partial, m, err);
}

int backup_seal(struct backup_work *work, struct err *err) {
  struct manifest manifest = {0};
  int rc = 0;
  if ((rc = arrange(work, err)) || (rc = trim_logs(work, err)) || (rc = prove(work, err)) ||
      (rc = write_mark(work, err)) || (rc = write_metadata(work, err)) ||
      (rc = manifest_make(work->partial, &manifest, err)))
    return rc;
  if (!(rc = manifest_write(work->partial, &manifest, err)) && work->options.incremental)
    rc = share(work, &manifest, err);
  manifest_free(&manifest);
  return rc ? rc : tree_seal(work->partial, 0440, 0750, err);
}
