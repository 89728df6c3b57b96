#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "ops/backup.h"
#include "ops/drill.h"
#include "ops/restore.h"

enum { CONFIG_MAX = 4096 };

static int find_backup(struct drill *drill, struct err *err) {
  const char *folder = drill->options.backups ? drill->options.backups : drill->config->backup_dir;
  char name[BACKUP_NAME_SIZE];
  if (backup_newest(folder, name, err))
    return err->code;
  if (!name[0])
    return err_set(err, ERR_NOTFOUND, "there is no backup in %s", folder);
  return fileio_join(drill->result->backup, folder, name, err);
}

/* The home's own options as far as they matter; a small cache of indexes, since the home's node runs beside it. */
static int make_home(const struct drill *drill, struct config *scratch, struct err *err) {
  const struct config *c = drill->config;
  char path[FILEIO_PATH_MAX];
  struct buf text;
  buf_init(&text, CONFIG_MAX);
  buf_addf(&text,
           "# The home of a drill.\nworkers = 1\naudit = off\nprojection_cache_bytes = 64M\nhistory_cache_bytes = "
           "%" PRIu64 "\nwal_file_bytes = %" PRIu64 "\nmin_free_bytes = %" PRIu64 "\nrecovery_timeout_s = %" PRIu64
           "\n",
           c->history_cache_bytes, c->wal_file_bytes, c->min_free_bytes, c->recovery_timeout_s);
  int rc = buf_check(&text, "stemedb.conf", err);
  if (!rc && !(rc = fileio_join(path, drill->scratch, "stemedb.conf", err)))
    rc = fileio_replace(path, text.data, text.len, 0640, err);
  buf_free(&text);
  return rc ? rc : config_load(scratch, drill->scratch, err);
}

/* The phase under way is over; the time since the one before it is its. */
static void next_phase(struct drill_result *r, uint64_t *since) {
  uint64_t now = clock_monotonic();
  r->phase_us[r->phase] = now - *since;
  *since = now;
  r->phase++;
}

static int restore(const struct drill *drill, const struct config *scratch, uint64_t *since, struct err *err) {
  struct drill_result *r = drill->result;
  const struct log silent = {.fd = -1, .role = "drill"};
  const struct point_wish wish = {.kind = drill->options.archive ? POINT_ALL : POINT_BACKUP,
                                  .archive = drill->options.archive};
  FILE *nowhere = fopen("/dev/null", "we");
  if (!nowhere)
    return err_sys(err, errno, "opening /dev/null");
  int rc = metadata_read(r->backup, &r->metadata, err);
  if (!rc && !(rc = restore_check_moment(scratch, drill->log, r->backup, &wish, err))) {
    next_phase(r, since);
    rc = restore_files_moment(scratch, &silent, r->backup, &wish, nowhere, err);
  }
  if (!rc && !(rc = restore_done(scratch, err)) && !(rc = metadata_read(scratch->data_dir, &r->metadata, err)))
    next_phase(r, since);
  fclose(nowhere);
  return rc;
}

/* What the node says it serves is what the backup's metadata tells. */
static int prove(struct drill_result *r, const struct config *scratch, struct err *err) {
  const struct proof *wanted = &r->metadata.proof;
  struct drill_health health;
  int rc = drill_ask_health(scratch->run_dir, &health, err);
  if (rc)
    return rc;
  if (health.proof.last_seq != wanted->last_seq || health.proof.assertion_count != wanted->assertion_count ||
      memcmp(health.proof.root, wanted->root, DIGEST_SIZE) != 0)
    return err_set(err, ERR_CORRUPT,
                   "the node serves %" PRIu64 " entries and %" PRIu64 " assertions, the metadata tells of "
                   "%" PRIu64 " and %" PRIu64 ", or their roots differ",
                   health.proof.last_seq, health.proof.assertion_count, wanted->last_seq, wanted->assertion_count);
  memcpy(r->newest, health.timestamp, sizeof(r->newest));
  return 0;
}

/* Whether both are of one history: the part of the name before the timeline. */
static bool same_history(const char *a, const char *b) {
  size_t len = strcspn(a, ".");
  return strncmp(a, b, len) == 0 && b[len] == '.';
}

static int measure_rpo(struct drill_result *r, struct err *err) {
  int64_t restored = 0, newest = (int64_t)clock_now();
  const char *reason;
  if (r->live && r->live_seq <= r->metadata.proof.last_seq) {
    r->rpo_known = true;
    return 0;
  }
  if (!r->newest[0] && !r->live)
    return 0;
  if (r->newest[0] && !timestamp_parse(span_str(r->newest), &restored, &reason))
    return err_set(err, ERR_IO, "the time of the newest entry is none: %s", reason);
  if (r->live && !timestamp_parse(span_str(r->live_newest), &newest, &reason))
    return err_set(err, ERR_IO, "the time of the home's newest entry is none: %s", reason);
  if (r->newest[0]) {
    r->rpo_known = true;
    r->rpo_us = newest > restored ? (uint64_t)(newest - restored) : 0;
  }
  return 0;
}

static int look_at_live(const struct drill *drill, struct err *err) {
  struct drill_result *r = drill->result;
  struct drill_health health;
  struct err silent;
  if (drill_ask_health(drill->config->run_dir, &health, &silent) != 0)
    return 0;
  r->live = true;
  r->live_seq = health.proof.last_seq;
  memcpy(r->live_newest, health.timestamp, sizeof(r->live_newest));
  if (metadata_read(r->backup, &r->metadata, &silent) != 0)
    return 0; /* the check will tell */
  return same_history(health.proof.history, r->metadata.proof.history)
             ? 0
             : err_set(err, ERR_CORRUPT, "%s is of history %s, the home's node of %s", r->backup,
                       r->metadata.proof.history, health.proof.history);
}

static int serve(const struct drill *drill, const struct config *scratch, uint64_t *since, struct err *err) {
  struct drill_result *r = drill->result;
  struct drill_node node = {.pid = 0, .fd = -1};
  struct err second;
  int rc = drill_node_start(drill, &node, err);
  if (rc)
    return rc;
  FAULT("ops.drill.started");
  if (!(rc = drill_node_wait(drill, &node, err))) {
    next_phase(r, since);
    rc = prove(r, scratch, err);
  }
  if (!rc) {
    r->rto_us = clock_monotonic() - r->begun_us;
    next_phase(r, since);
    rc = measure_rpo(r, err);
  }
  if (!rc && !(rc = drill_ask_entries(scratch->run_dir, r->metadata.proof.last_seq, err)))
    rc = drill_ask_assert(scratch->run_dir, drill->stamp, err);
  int stopped = drill_node_stop(&node, rc ? &second : err);
  if (!rc && !stopped)
    next_phase(r, since);
  return rc ? rc : stopped;
}

int drill_do(struct drill *drill, struct err *err) {
  struct config scratch;
  int rc = 0;
  if ((rc = find_backup(drill, err)) || (rc = look_at_live(drill, err)) || (rc = make_home(drill, &scratch, err)))
    return rc;
  uint64_t since = drill->result->begun_us = clock_monotonic();
  if ((rc = restore(drill, &scratch, &since, err)))
    return rc;
  return serve(drill, &scratch, &since, err);
}
