#include "ops/drill.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/drill_status.h"
#include "ops/tree.h"

#define SCRATCH_PREFIX ".scratch-"
enum { SECOND_US = 1000 * 1000, LOCK_TRIES = 40, LOCK_PAUSE_MS = 50, STAMP_PAUSE_MS = 50, MS = 1000 };

/* --- one at a time --- */

/* The node of a drill has the descriptor too: one that was killed is over when all of its processes are. */
static int take_lock(const struct drill *drill, int *fd, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_join(path, drill->folder, ".lock", err);
  if (rc)
    return rc;
  *fd = open(path, O_RDWR | O_CREAT, 0640);
  if (*fd < 0)
    return err_sys(err, errno, "cannot open %s", path);
  for (int i = 0; flock(*fd, LOCK_EX | LOCK_NB) != 0; i++) {
    if (errno != EWOULDBLOCK)
      return err_sys(err, errno, "cannot lock %s", path);
    if (i == LOCK_TRIES)
      return err_set(err, ERR_BUSY, "another drill is under way (%s is locked)", path);
    poll(NULL, 0, LOCK_PAUSE_MS);
  }
  return 0;
}

/* What drills left that were killed. */
static int remove_remains(const struct drill *drill, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = 0;
  DIR *dir = opendir(drill->folder);
  if (!dir)
    return err_sys(err, errno, "opening %s", drill->folder);
  for (const struct dirent *e; !rc && (e = readdir(dir));)
    if (strncmp(e->d_name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) == 0 &&
        !(rc = fileio_join(path, drill->folder, e->d_name, err)))
      rc = tree_remove(path, err);
  closedir(dir);
  return rc;
}

/* A stamp that no report has: the next second's, if need be. */
static int choose_names(struct drill *drill, struct err *err) {
  char name[64];
  for (;;) {
    drill->now_us = clock_now();
    time_t now = (time_t)(drill->now_us / SECOND_US);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(drill->stamp, sizeof(drill->stamp), "%Y%m%d-%H%M%S", &tm);
    snprintf(name, sizeof(name), "drill-%s.txt", drill->stamp);
    if (fileio_join(drill->report, drill->folder, name, err))
      return err->code;
    if (access(drill->report, F_OK) != 0)
      break;
    poll(NULL, 0, STAMP_PAUSE_MS);
  }
  snprintf(name, sizeof(name), SCRATCH_PREFIX "%s", drill->stamp);
  if (fileio_join(drill->scratch, drill->folder, name, err) ||
      fileio_join(drill->kept, drill->folder, drill->stamp, err))
    return err->code;
  return fileio_mkdirs(drill->scratch, 0750, err);
}

/* --- the child, and what ends it --- */

static _Noreturn void be_child(struct drill *drill, pid_t parent, const sigset_t *signals) {
  struct drill_result *result = drill->result;
  struct err err = {.code = ERR_OK};
  if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    _exit(1);
  sigprocmask(SIG_UNBLOCK, signals, NULL);
  result->begun_us = clock_monotonic();
  result->code = drill_do(drill, &err);
  if (result->code)
    memcpy(result->failure, err.text, sizeof(result->failure));
  result->ended = true;
  _exit(result->code ? 1 : 0);
}

/* Until it ends, a signal says stop, or the deadline passes; *why is NULL if it ended by itself. */
static int watch(const struct drill *drill, int child_fd, int signal_fd, const char **why, struct err *err) {
  uint64_t deadline = clock_monotonic() + drill->options.deadline_s * SECOND_US;
  *why = NULL;
  for (;;) {
    uint64_t now = clock_monotonic();
    struct pollfd fds[] = {{.fd = child_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    uint64_t left_ms = now >= deadline ? 0 : (deadline - now) / MS + 1;
    int ready = poll(fds, 2, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    if (ready < 0 && errno != EINTR)
      return err_sys(err, errno, "waiting for the drill");
    if (ready > 0 && fds[0].revents)
      return 0;
    if (ready > 0 && fds[1].revents)
      *why = "it was interrupted by a signal";
    else if (clock_monotonic() >= deadline)
      *why = "it was not over by its deadline";
    if (*why)
      return 0;
  }
}

/* All processes that the drill began: as the subreaper we are told of each. */
static void end_all(pid_t child) {
  kill(-child, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
    ;
}

static int run_child(struct drill *drill, struct err *err) {
  sigset_t signals;
  const char *why = NULL;
  int child_fd = -1, signal_fd = -1, rc = 0;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
      (signal_fd = signalfd(-1, &signals, SFD_CLOEXEC)) < 0)
    return err_sys(err, errno, "preparing to watch the drill");
  fflush(NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0)
    be_child(drill, parent, &signals);
  if (child < 0)
    rc = err_sys(err, errno, "cannot fork");
  else if ((child_fd = pidfd_open(child, 0)) < 0)
    rc = err_sys(err, errno, "watching process %ld", (long)child);
  else
    rc = watch(drill, child_fd, signal_fd, &why, err);
  if (child > 0)
    end_all(child);
  if (child_fd >= 0)
    close(child_fd);
  close(signal_fd);
  if (rc)
    return rc;
  if (why || !drill->result->ended)
    return err_set(err, ERR_IO, "%s", why ? why : "its process was killed");
  return drill->result->code ? err_set(err, (enum err_code)drill->result->code, "%s", drill->result->failure) : 0;
}

/* --- what it leaves --- */

static int put_away(const struct drill *drill, struct err *err) {
  if (!drill->options.keep || !drill->result->ended)
    return tree_remove(drill->scratch, err);
  return rename(drill->scratch, drill->kept) == 0 ? 0 : err_sys(err, errno, "renaming %s", drill->scratch);
}

static void finish(struct drill *drill, struct drill_status *status, int rc, const struct err *err) {
  struct drill_result *result = drill->result;
  struct err second;
  result->code = rc;
  if (rc)
    memcpy(result->failure, err->text, sizeof(result->failure));
  *status = (struct drill_status){
      .last_us = drill->now_us, .passed = rc == 0, .rto_us = result->rto_us, .rpo_us = result->rpo_us};
  if (put_away(drill, &second))
    log_warn(drill->log, "%s", second.text);
  if (drill_write_report(drill, &second)) {
    log_warn(drill->log, "%s", second.text);
    drill->report[0] = '\0';
  }
  if (drill_status_write(drill->config->home, status, &second))
    log_warn(drill->log, "%s", second.text);
}

static int run_locked(struct drill *drill, struct err *err) {
  struct drill_status status;
  int rc = remove_remains(drill, err);
  if (rc || (rc = choose_names(drill, err)))
    return rc;
  drill_status_read(drill->config->home, &status);
  status.running = getpid();
  status.begun_us = drill->now_us;
  if ((rc = drill_status_write(drill->config->home, &status, err)))
    return rc;
  rc = run_child(drill, err);
  finish(drill, &status, rc, err);
  return rc;
}

int drill_run(struct drill *drill, const struct config *config, const struct log *log, const char *program,
              const struct drill_options *options, struct err *err) {
  *drill = (struct drill){.config = config, .log = log, .program = program, .options = *options};
  int lock = -1, rc = fileio_join(drill->folder, config->home, DRILL_FOLDER, err);
  if (rc || (rc = fileio_mkdirs(drill->folder, 0750, err)))
    return rc;
  void *memory = mmap(NULL, sizeof(*drill->result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return err_sys(err, errno, "sharing memory");
  drill->result = memory;
  if (!(rc = take_lock(drill, &lock, err)))
    rc = run_locked(drill, err);
  if (lock >= 0)
    close(lock);
  return rc;
}

void drill_release(struct drill *drill) {
  if (drill->result)
    munmap(drill->result, sizeof(*drill->result));
  drill->result = NULL;
}
