#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/startup_internal.h"

/*
 * Recovery runs in a child: it may hang on what it finds, or die of it, and a panic leaves an environment unusable for
 * the whole process. What it says comes back through a pipe as a struct err.
 */

static int recover_here(struct startup *s, struct err *err) {
  struct store *store = NULL;
  int code = env_open_writer(s->config, s->log, NULL, RECOVER_NORMAL, &store, err);
  if (code)
    return code;
  FAULT("store.startup.recovered");
  return store_close(store, err);
}

_Noreturn static void run_child(struct startup *s, int fd, pid_t parent) {
  struct err err = {0};
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
    err.code = (enum err_code)recover_here(s, &err);
    struct err ignored;
    if (fileio_write(fd, &err, sizeof err, &ignored) == 0)
      _exit(0);
  }
  _exit(1);
}

/* Reads the child's answer; *complete is false at the deadline, or if the child ended without one. */
static int read_answer(int fd, uint64_t deadline, struct err *answer, bool *complete, struct err *err) {
  size_t have = 0;
  *complete = false;
  while (have < sizeof *answer) {
    uint64_t now = clock_monotonic();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = now >= deadline ? 0 : poll(&p, 1, (int)((deadline - now) / 1000) + 1);
    if (ready < 0 && errno != EINTR)
      return err_sys(err, errno, "waiting for recovery");
    if (ready == 0 && clock_monotonic() >= deadline)
      return 0;
    if (ready <= 0)
      continue;
    ssize_t n = read(fd, (unsigned char *)answer + have, sizeof *answer - have);
    if (n == 0)
      return 0;
    if (n < 0 && errno != EINTR)
      return err_sys(err, errno, "waiting for recovery");
    have += n > 0 ? (size_t)n : 0;
  }
  *complete = true;
  return 0;
}

static int end_child(pid_t child, int *status, struct err *err) {
  while (waitpid(child, status, 0) < 0)
    if (errno != EINTR)
      return err_sys(err, errno, "waiting for recovery");
  return 0;
}

/* What became of the child: 0 if it recovered. */
static int judge(struct startup *s, const struct err *answer, bool complete, bool late, int status, struct err *err) {
  if (late)
    return err_set(err, ERR_IO, "recovery took longer than %" PRIu64 " s (recovery_timeout_s) and was given up",
                   s->config->recovery_timeout_s);
  if (!complete)
    return err_set(err, ERR_IO, "recovery ended by %s %d", WIFSIGNALED(status) ? "signal" : "exit status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  *err = *answer;
  return (int)answer->code;
}

static int recover_in_child(struct startup *s, struct err *err) {
  struct err answer = {0};
  bool complete = false;
  int pipe_fds[2], status = 0;
  uint64_t deadline = clock_monotonic() + s->config->recovery_timeout_s * 1000000;
  pid_t parent = getpid();
  if (pipe2(pipe_fds, O_CLOEXEC))
    return err_sys(err, errno, "making a pipe");
  pid_t child = fork();
  if (child == 0)
    run_child(s, pipe_fds[1], parent);
  int code = child < 0 ? err_sys(err, errno, "starting recovery") : 0;
  close(pipe_fds[1]);
  if (!code) {
    code = read_answer(pipe_fds[0], deadline, &answer, &complete, err);
    bool late = !complete && clock_monotonic() >= deadline;
    if (code || late)
      kill(child, SIGKILL);
    struct err second;
    int ended = end_child(child, &status, code ? &second : err);
    code = code ? code : ended ? ended : judge(s, &answer, complete, late, status, err);
  }
  close(pipe_fds[0]);
  return code;
}

int startup_recover(struct startup *s, struct err *err) {
  int code = 0;
  if (!s->quick && (code = env_remove_regions(s->config->data_dir, err)))
    return code;
  if (s->scan.page_alarm)
    log_warn(s->log,
             "Berkeley DB met a bad page and noted it in the WAL; every page is sound now. Recovery begins at the "
             "first WAL segment");
  FAULT("store.startup.before_recovery");
  code = recover_in_child(s, err);
  if (code == ERR_CORRUPT && !s->replaced)
    return startup_fail(s, STARTUP_REPLACE_WAL, err);
  if (code || (code = startup_check_holes(s, err)))
    return code;
  /* What is damaged in the log is of no use any more, but would make every backup fail. */
  if (s->scan.old.fault != WAL_SOUND && (code = startup_renew_wal(s, err)))
    return code;
  return env_open_writer(s->config, s->log, s->metrics, RECOVER_NONE, &s->store, err);
}
