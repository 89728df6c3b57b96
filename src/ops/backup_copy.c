#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "ops/backup.h"
#include "ops/control_ask.h"
#include "projection/projection.h"
#include "store/startup.h"

enum { BUSY_US = 60 * 1000 * 1000, BUSY_PAUSE_MS = 200 };

/* --- by the running node --- */

/* *done is false if no node listens. */
static int copy_by_node(struct backup_work *work, bool *done, struct err *err) {
  char request[128], line[CONTROL_ANSWER_MAX];
  uint64_t until = clock_monotonic() + BUSY_US;
  snprintf(request, sizeof(request), "backup " BACKUP_PARTIAL "%s%s\n", work->stamp,
           work->options.no_indexes ? "" : " indexes");
  for (;;) {
    int rc = control_ask(work->config, request, line, done, err);
    if (rc || !*done)
      return rc;
    if (strncmp(line, "done", 4) == 0) {
      work->indexes = strcmp(line, "done indexes") == 0;
      return 0;
    }
    if (strncmp(line, "busy: ", 6) != 0)
      return err_set(err, ERR_IO, "the node made no copy: %s",
                     strncmp(line, "failed: ", 8) == 0 ? line + 8 : "it ended meanwhile");
    if (clock_monotonic() > until)
      return err_set(err, ERR_BUSY, "%s", line + 6);
    poll(NULL, 0, BUSY_PAUSE_MS);
  }
}

/* --- of the store at rest --- */

static int run_tool(char *const argv[], struct err *err) {
  int status;
  pid_t parent = getpid(), pid = fork();
  if (pid < 0)
    return err_sys(err, errno, "cannot fork");
  if (pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
      execvp(argv[0], argv);
    _exit(127);
  }
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return err_sys(err, errno, "waiting for %s", argv[0]);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return 0;
  return err_set(err, ERR_IO, "%s %s %d", argv[0], WIFSIGNALED(status) ? "died of signal" : "ended with status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int copy_indexes(struct backup_work *work, struct err *err) {
  char home[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX], meta[FILEIO_PATH_MAX];
  char *tool[] = {(char *)"db5.3_hotbackup", (char *)"-h", home, (char *)"-b", target, NULL};
  if (fileio_join(home, work->config->data_dir, "db/indexes", err) || fileio_join(meta, home, "meta.kv", err) ||
      fileio_join(target, work->partial, "indexes", err))
    return err->code;
  if (access(meta, F_OK))
    return 0;
  struct err why;
  work->indexes = run_tool(tool, &why) == 0;
  if (!work->indexes)
    log_warn(work->log, "The indexes could not be copied, and are left out: %s", why.text);
  return 0;
}

/* Recovers both environments, as a start would, so that what is damaged is found, and never copied; db_hotbackup also
 * needs their region files. Indexes that are not there are not made for this. */
static int settle_store(struct backup_work *work, struct err *err) {
  char meta[FILEIO_PATH_MAX];
  struct startup_report report;
  struct projection *projection = NULL;
  struct store *store = NULL;
  struct err second;
  int rc = fileio_join(meta, work->config->data_dir, "db/indexes/meta.kv", err);
  if (rc || (rc = startup_run(work->config, work->log, NULL, false, &store, &report, err)))
    return rc;
  if (!work->options.no_indexes && access(meta, F_OK) == 0 &&
      !(rc = projection_open(work->config, work->log, NULL, store, report.last_seq, report.wal_replaced, &projection,
                             err)))
    rc = projection_close(projection, err);
  int closed = store_close(store, rc ? &second : err);
  return rc ? rc : closed;
}

static int copy_at_rest(struct backup_work *work, struct err *err) {
  char *tool[] = {(char *)"db5.3_hotbackup",
                  (char *)"-D",
                  (char *)"-h",
                  (char *)work->config->data_dir,
                  (char *)"-b",
                  work->partial,
                  NULL};
  int lock = -1, rc = lock_take(work->config->data_dir, &lock, err);
  if (rc == ERR_NOTFOUND)
    return err_set(err, rc, "No history in %s", work->config->data_dir);
  if (!rc)
    rc = settle_store(work, err);
  if (!rc && !work->options.no_indexes)
    rc = copy_indexes(work, err);
  if (!rc)
    rc = run_tool(tool, err);
  if (lock >= 0)
    close(lock);
  return rc;
}

int backup_copy(struct backup_work *work, struct err *err) {
  bool done;
  int rc = copy_by_node(work, &done, err);
  return rc || done ? rc : copy_at_rest(work, err);
}
