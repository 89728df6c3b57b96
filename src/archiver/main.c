/* stemedb-archiver: started by stemedb-api, never by hand. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "archiver/archiver.h"
#include "base/clock.h"
#include "base/inherit.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, SECOND_US = 1000 * 1000, BACKOFF_DOUBLINGS = 5 };

static int open_descriptors(struct archiver *a, int *signal_fd, struct err *err) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  int segment_fd = inherit_fd("STEMEDB_SEGMENT_FD"), ready_fd = inherit_fd("STEMEDB_READY_FD");
  if (segment_fd < 0 || ready_fd < 0)
    return err_set(err, ERR_INVALID, "stemedb-archiver is started by stemedb-api, not by hand");
  if (segment_attach(segment_fd, &a->segment, err))
    return err->code;
  if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0 || (*signal_fd = signalfd(-1, &stop, SFD_CLOEXEC)) < 0)
    return err_sys(err, errno, "cannot take signals");
  bool told = write(ready_fd, "ready\n", 6) == 6;
  close(ready_fd);
  return told ? 0 : err_sys(err, errno, "cannot tell the supervisor");
}

/* One attempt; words only when something changed. Returns after how long the next one is due, microseconds. */
static uint64_t attempt(struct archiver *a, unsigned *failures) {
  struct err err;
  struct metrics *metrics = segment_metrics(a->segment);
  /* So an entry is archived within the interval although archiving itself takes time. */
  uint64_t period = a->config->archive_interval * SECOND_US / 2;
  if (pass_run(a, &err) == 0) {
    if (*failures > 0)
      log_info(a->log, "Archiving works again");
    *failures = 0;
    return period;
  }
  metric_add(metrics_cell(metrics, METRIC_WAL_ARCHIVE_FAILURES_TOTAL, ""), 1);
  if (*failures == 0)
    log_error(a->log, "Archiving fails, and is tried again until it works: %s", err.text);
  unsigned doublings = *failures < BACKOFF_DOUBLINGS ? *failures : BACKOFF_DOUBLINGS;
  ++*failures;
  return (uint64_t)SECOND_US << doublings;
}

static void run(struct archiver *a, int signal_fd) {
  struct pollfd fd = {.fd = signal_fd, .events = POLLIN};
  unsigned failures = 0;
  metrics_cell(segment_metrics(a->segment), METRIC_WAL_ARCHIVE_FAILURES_TOTAL, ""); /* they begin at 0 */
  metrics_cell(segment_metrics(a->segment), METRIC_WAL_ARCHIVED_BYTES_TOTAL, "");
  while (segment_state(a->segment) == NODE_RECOVERING || segment_state(a->segment) == NODE_STARTING)
    if (poll(&fd, 1, 100) > 0)
      return;
  for (;;) {
    uint64_t delay = attempt(a, &failures);
    if (poll(&fd, 1, (int)(delay / 1000)) > 0)
      break;
  }
  attempt(a, &failures); /* the node has closed: the rest */
}

int main(int argc, char **argv) {
  struct config config;
  struct log log;
  struct err err;
  struct archiver a = {.config = &config, .log = &log};
  int signal_fd = -1;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  log_open(&log, STDERR_FILENO, "archiver");
  if (argc != 3 || strcmp(argv[1], "--home") != 0) {
    fputs("Usage: stemedb-archiver --home DIR (started by stemedb-api)\n", stderr);
    return EXIT_USAGE;
  }
  if (sodium_init() < 0) {
    log_error(&log, "libsodium does not initialise");
    return EXIT_FAILED;
  }
  if (config_load(&config, argv[2], &err) || archive_target_set(&a.target, config.archive_target, &config, &err) ||
      fileio_join(a.wal_dir, config.data_dir, "wal", &err) || open_descriptors(&a, &signal_fd, &err)) {
    log_error(&log, "%s", err.text);
    return EXIT_FAILED;
  }
  run(&a, signal_fd);
  pass_forget(&a);
  segment_close(a.segment);
  return 0;
}
