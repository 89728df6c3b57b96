#include "tests/corrupt/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/startup.h"
#include "tests/store/crashed.h"

enum { RECORD_ROOM = 1 << 20, EXIT_RESULT = 7 };

/* Whether entries 1..last are those that were written. */
static bool is_all_there(struct store *store, uint64_t last) {
  struct buf expected, found;
  struct entry entry;
  struct err err;
  bool there = true, right = true;
  buf_init(&expected, RECORD_ROOM);
  buf_init(&found, RECORD_ROOM);
  for (uint64_t seq = 1; right && seq <= last; seq++) {
    buf_reset(&expected);
    crashed_record(&expected, seq);
    right = history_get(store, seq, &found, &entry, &there, &err) == 0 && there &&
            span_equal(buf_span(&found), buf_span(&expected)) && entry_verify(&entry, NULL, &err) == 0;
  }
  uint64_t greatest = 0;
  right = right && history_last(store, &greatest, &err) == 0 && greatest == last;
  buf_free(&expected);
  buf_free(&found);
  return right;
}

static bool append(struct store *store, uint64_t last, uint64_t count) {
  struct buf record;
  struct err err;
  bool ok = true;
  buf_init(&record, RECORD_ROOM);
  for (uint64_t seq = last + 1; ok && seq <= last + count; seq++) {
    buf_reset(&record);
    crashed_record(&record, seq);
    struct span span = buf_span(&record);
    ok = history_append(store, &span, seq, 1, &err) == 0;
  }
  buf_free(&record);
  return ok && history_flush(store, &err) == 0;
}

static enum start_end end_of(int code) {
  return code == ERR_CORRUPT ? END_STOPPED : code == ERR_NOTFOUND ? END_NO_HISTORY : END_REFUSED;
}

static void run_child(const char *data_dir, const struct start_wish *wish, int log_fd, struct start_result *out) {
  struct config config;
  struct log log;
  struct err err = {0};
  struct store *store = NULL;
  struct startup_report report = {0};
  char home[FILEIO_PATH_MAX];
  snprintf(home, sizeof home, "%s", data_dir);
  if (config_defaults(&config, home, &err))
    abort();
  snprintf(config.data_dir, sizeof config.data_dir, "%s", data_dir);
  config.history_cache_bytes = 2 << 20;
  config.wal_file_bytes = 4 << 20;
  config.recovery_timeout_s = wish->timeout_s ? wish->timeout_s : 60;
  log_open(&log, log_fd, "test");
  if (wish->faults)
    setenv("STEMEDB_FAULTS", wish->faults, 1);
  int code = wish->way == START_ACCEPT_LOSS
                 ? startup_accept_loss(&config, &log, wish->accept_to, &err)
                 : startup_run(&config, &log, NULL, wish->way == START_QUICK, &store, &report, &err);
  out->last_seq = report.last_seq;
  out->from_superseded = report.from_superseded;
  out->replayed = report.replayed;
  out->wal_replaced = report.wal_replaced;
  out->tail_cut = report.tail_cut;
  if (code) {
    dprintf(log_fd, "ERR %s\n", err.text);
    out->end = end_of(code);
    _exit(EXIT_RESULT);
  }
  out->end = wish->way == START_ACCEPT_LOSS || is_all_there(store, report.last_seq) ? END_ALL_THERE : END_WRONG;
  if (wish->append && !append(store, report.last_seq, wish->append))
    out->end = END_WRONG;
  if (!wish->append && wish->way != START_ACCEPT_LOSS && store_close(store, &err))
    out->end = END_WRONG;
  _exit(EXIT_RESULT);
}

void start_run(const char *data_dir, const struct start_wish *wish, struct start_result *out) {
  struct start_result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int log_fd = memfd_create("log", MFD_CLOEXEC), status = 0;
  if (shared == MAP_FAILED || log_fd < 0)
    abort();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0)
    run_child(data_dir, wish, log_fd, shared);
  if (child < 0 || waitpid(child, &status, 0) != child)
    abort();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_RESULT)
    shared->end = END_KILLED;
  *out = *shared;
  ssize_t n = pread(log_fd, out->log, sizeof out->log - 1, 0);
  out->log[n > 0 ? n : 0] = '\0';
  munmap(shared, sizeof *shared);
  close(log_fd);
}
