/* stemedb-committer: started by stemedb-api, never by hand. */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/inherit.h"
#include "committer/committer.h"
#include "store/ballast.h"
#include "store/startup.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CORRUPT = 3 };

static int open_descriptors(struct committer *c, int *ready_fd, struct err *err) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGUSR1); /* the supervisor wants something that stands in the segment */
  int segment_fd = inherit_fd("STEMEDB_SEGMENT_FD");
  c->listen_fd = inherit_fd("STEMEDB_LISTEN_FD");
  *ready_fd = inherit_fd("STEMEDB_READY_FD");
  if (segment_fd < 0 || c->listen_fd < 0 || *ready_fd < 0)
    return err_set(err, ERR_INVALID, "stemedb-committer is started by stemedb-api, not by hand");
  if (segment_attach(segment_fd, &c->segment, err))
    return err->code;
  c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (c->epoll_fd < 0 || sigprocmask(SIG_BLOCK, &stop, NULL) != 0 ||
      (c->signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
    return err_sys(err, errno, "cannot make an event loop");
  return 0;
}

/* Recovers the history, then brings the projection up to it. */
static int recover(struct committer *c, bool quick, struct err *err) {
  struct metrics *metrics = segment_metrics(c->segment);
  struct history_meta meta = {0};
  struct startup_report report;
  struct watermark mark = {0};
  ballast_give_back(c->config, c->log);
  if (startup_run(c->config, c->log, metrics, quick, &c->store, &report, err)) {
    c->told = err->code == ERR_CORRUPT || err->code == ERR_NEWER || err->code == ERR_NOTFOUND;
    return err->code;
  }
  metric_set(metrics_cell(metrics, METRIC_WAL_RECOVERY_DURATION, ""), report.recovery_us);
  if (projection_open(c->config, c->log, metrics, c->store, report.last_seq, report.wal_replaced, &c->projection, err))
    return err->code;
  c->reader = (struct reader){.store = c->store, .projection = c->projection};
  if (history_meta_read(c->store, &meta, err))
    return err->code;
  const struct timeline *timeline = history_meta_current(&meta);
  memcpy(c->mark.history_id, meta.id, HISTORY_ID_SIZE);
  c->mark.timeline = timeline->number;
  c->mark.branch = timeline->branch;
  c->mark.seq = report.last_seq;
  history_meta_free(&meta);
  projection_watermark(c->projection, &mark);
  c->last_time_us = mark.time_us;
  return mark_open(c->config->data_dir, false, &c->mark_fd, err);
}

/* Opens to clients. */
static int announce(struct committer *c, int ready_fd, struct err *err) {
  /* Shown from 0 on: Prometheus sees no increase in a series that begins at 1. */
  static const enum metric_id from_zero[] = {METRIC_ASSERTIONS_INGESTED_TOTAL, METRIC_COMMIT_BATCH_SIZE,
                                             METRIC_WAL_ARCHIVED_BYTES_TOTAL, METRIC_WAL_ARCHIVE_FAILURES_TOTAL};
  for (size_t i = 0; i < sizeof(from_zero) / sizeof(from_zero[0]); i++)
    metrics_cell(segment_metrics(c->segment), from_zero[i], "");
  housekeeping_alive(c);
  segment_set_log_held(c->segment, false);
  housekeeping_set_full(c, segment_disk_full(c->segment));
  if (housekeeping_flush(c, err) || stall_archive(c, err))
    return err->code;
  if (c->config->archive_mode == ARCHIVE_SYNC && !c->stalled)
    segment_set_archived_seq(c->segment, c->mark.seq);
  if (housekeeping_tick(c, err))
    return err->code;
  housekeeping_publish(c);
  segment_set_state(c->segment, NODE_READY);
  log_info(c->log, "Startup complete");
  if (write(ready_fd, "ready\n", 6) != 6)
    return err_sys(err, errno, "cannot tell the supervisor");
  close(ready_fd);
  return 0;
}

/* A clean end: both environments checkpointed, and metadata.json telling what is in them. */
static int close_stores(struct committer *c, struct err *err) {
  struct watermark mark;
  segment_watermark(c->segment, &mark);
  segment_set_deadline(c->segment, 0); /* the supervisor has a deadline of its own for this */
  int rc = projection_close(c->projection, err);
  struct err second;
  int rc_store = store_close(c->store, rc ? &second : err);
  if (rc || rc_store)
    return err->code;
  struct store_metadata metadata = {.assertion_count = mark.assertion_count,
                                    .last_seq = mark.visible_seq,
                                    .timeline = mark.timeline,
                                    .branch = mark.branch};
  memcpy(metadata.history_id, mark.history_id, sizeof(metadata.history_id));
  memcpy(metadata.root, mark.root, sizeof(metadata.root));
  return store_write_metadata(c->config, &metadata, err);
}

static int serve(struct committer *c, struct err *err) {
  int ready_fd = -1;
  if (open_descriptors(c, &ready_fd, err))
    return err->code;
  segment_set_state(c->segment, NODE_RECOVERING);
  if (batch_init(&c->batch, err) || recover(c, getenv("STEMEDB_QUICK") != NULL, err) || announce(c, ready_fd, err) ||
      committer_run(c, err))
    return err->code;
  batch_free(&c->batch);
  close(c->mark_fd);
  return close_stores(c, err);
}

int main(int argc, char **argv) {
  struct config config;
  struct log log;
  struct err err;
  struct committer c = {.config = &config, .log = &log};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  log_open(&log, STDERR_FILENO, "committer");
  if (argc != 3 || strcmp(argv[1], "--home") != 0) {
    fputs("Usage: stemedb-committer --home DIR (started by stemedb-api)\n", stderr);
    return EXIT_USAGE;
  }
  if (sodium_init() < 0) {
    log_error(&log, "libsodium does not initialise");
    return EXIT_FAILED;
  }
  if (config_load(&config, argv[2], &err) || serve(&c, &err)) {
    if (!c.told)
      log_error(&log, "%s", err.text);
    bool indexes = c.projection && projection_rebuild_wanted(c.projection); /* which the next start makes anew */
    /* Not a byte more to the stores: what is in memory may contradict what is on disk. Recovery will tell. */
    bool hopeless = (err.code == ERR_CORRUPT && !indexes) || err.code == ERR_NEWER || err.code == ERR_NOTFOUND;
    _exit(hopeless ? EXIT_CORRUPT : EXIT_FAILED);
  }
  segment_close(c.segment);
  return 0;
}
