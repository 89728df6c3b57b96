#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/drill.h"

enum { EXIT_EXEC_FAILED = 127, EXIT_CORRUPT = 3, ASK_MS = 5, STOP_MS = 100 * 1000 };

static _Noreturn void be_node(const struct drill *drill, int log_fd, pid_t parent) {
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || dup2(null_fd, STDIN_FILENO) < 0 ||
      dup2(log_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
    _exit(EXIT_EXEC_FAILED);
  /* It is no service of systemd's. */
  unsetenv("NOTIFY_SOCKET");
  unsetenv("JOURNAL_STREAM");
  execl(drill->program, drill->program, "--home", drill->scratch, (char *)NULL);
  _exit(EXIT_EXEC_FAILED);
}

int drill_node_start(const struct drill *drill, struct drill_node *node, struct err *err) {
  char folder[FILEIO_PATH_MAX], path[FILEIO_PATH_MAX];
  int rc = fileio_join(folder, drill->scratch, "log", err);
  if (rc || (rc = fileio_mkdirs(folder, 0750, err)) || (rc = fileio_join(path, folder, "stemedb-api.log", err)))
    return rc;
  int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log_fd < 0)
    return err_sys(err, errno, "making %s", path);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0)
    be_node(drill, log_fd, parent);
  if (pid < 0)
    rc = err_sys(err, errno, "cannot fork");
  else if ((node->fd = pidfd_open(pid, 0)) < 0)
    rc = err_sys(err, errno, "watching process %ld", (long)pid);
  node->pid = pid;
  close(log_fd);
  return rc;
}

/* Whether the process ends within the time. */
static bool ends(const struct drill_node *node, int ms) {
  struct pollfd fd = {.fd = node->fd, .events = POLLIN};
  int n;
  while ((n = poll(&fd, 1, ms)) < 0 && errno == EINTR)
    ;
  return n > 0;
}

/* How a node that has ended did: its process stays to be waited for. */
static int tell_end(const struct drill *drill, const struct drill_node *node, struct err *err) {
  siginfo_t info = {0};
  if (waitid(P_PIDFD, (id_t)node->fd, &info, WEXITED | WNOWAIT) != 0)
    return err_sys(err, errno, "waiting for the node");
  bool exited = info.si_code == CLD_EXITED;
  return err_set(err, exited && info.si_status == EXIT_CORRUPT ? ERR_CORRUPT : ERR_IO,
                 "the node with the restored copy ended: %s %d, see %s/log/stemedb-api.log (kept with --keep)",
                 exited ? "status" : "signal", info.si_status, drill->scratch);
}

int drill_node_wait(const struct drill *drill, const struct drill_node *node, struct err *err) {
  char run_dir[FILEIO_PATH_MAX];
  struct drill_health health;
  int rc = fileio_join(run_dir, drill->scratch, "run", err);
  if (rc)
    return rc;
  /* The drill's deadline ends this. */
  while (drill_ask_health(run_dir, &health, err) != 0)
    if (ends(node, ASK_MS))
      return tell_end(drill, node, err);
  return 0;
}

int drill_node_stop(struct drill_node *node, struct err *err) {
  int status = 0, rc = 0;
  kill(node->pid, SIGTERM);
  if (!ends(node, STOP_MS)) {
    kill(node->pid, SIGKILL);
    rc = err_set(err, ERR_IO, "the node of the drill did not stop");
  }
  while (waitpid(node->pid, &status, 0) < 0 && errno == EINTR)
    ;
  close(node->fd);
  if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
    rc = err_set(err, ERR_IO, "the node of the drill ended with wait status %d", status);
  *node = (struct drill_node){.pid = 0, .fd = -1};
  return rc;
}
