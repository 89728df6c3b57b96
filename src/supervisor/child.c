#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fileio.h"

enum { EXIT_EXEC_FAILED = 127, READY_LINE_MAX = 16, FD_TEXT_SIZE = 16 };

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_COMMITTER] = "committer", [ROLE_WORKER] = "worker", [ROLE_ARCHIVER] = "archiver", [ROLE_BACKUP] = "backup"};

const char *child_role_name(enum child_role role) {
  return role_names[role];
}

/* The folder of this program, so that a built tree needs no installation. */
static int own_folder(char *out, struct err *err) {
  ssize_t len = readlink("/proc/self/exe", out, FILEIO_PATH_MAX - 1);
  if (len < 0)
    return err_sys(err, errno, "cannot read /proc/self/exe");
  out[len] = '\0';
  *strrchr(out, '/') = '\0';
  return 0;
}

static int find_program(char *out, enum child_role role, struct err *err) {
  char folder[FILEIO_PATH_MAX], name[64];
  int rc = own_folder(folder, err);
  if (rc)
    return rc;
  snprintf(name, sizeof(name), "stemedb-%s", role_names[role]);
  rc = fileio_join(out, folder, name, err);
  if (rc || access(out, X_OK) == 0)
    return rc;
  return fileio_join(out, PKGLIBEXECDIR, name, err);
}

/* Hands a descriptor over exec, named in the environment (unless `variable` is NULL). */
static bool pass_fd(const char *variable, int fd) {
  char text[FD_TEXT_SIZE];
  snprintf(text, sizeof(text), "%d", fd);
  return fcntl(fd, F_SETFD, 0) == 0 && (!variable || setenv(variable, text, 1) == 0);
}

/* What every new process begins with. */
static void begin_child(pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0);
  /* The parent may have died before prctl: then nobody will send the signal. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    _exit(EXIT_EXEC_FAILED);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
}

/* The new process, up to its own main. */
static _Noreturn void become(const char *program, enum child_role role, const struct child_setup *setup, bool quick,
                             int ready_fd, pid_t parent, const struct log *log) {
  char *const argv[] = {(char *)program, (char *)"--home", (char *)setup->home, NULL};
  begin_child(parent);
  bool passed = pass_fd("STEMEDB_SEGMENT_FD", setup->segment_fd) &&
                pass_fd("STEMEDB_LISTEN_FD", setup->listen_fds[role]) && pass_fd("STEMEDB_READY_FD", ready_fd) &&
                pass_fd(NULL, setup->lock_fd) &&
                (quick ? setenv("STEMEDB_QUICK", "1", 1) : unsetenv("STEMEDB_QUICK")) == 0;
  if (passed)
    execv(program, argv);
  log_error(log, "cannot start %s: %s", program, strerror(errno));
  _exit(EXIT_EXEC_FAILED);
}

int child_start(struct child *child, enum child_role role, const struct child_setup *setup, bool quick,
                const struct log *log, struct err *err) {
  char program[FILEIO_PATH_MAX];
  int ends[2] = {-1, -1}, rc = find_program(program, role, err);
  if (rc)
    return rc;
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return err_sys(err, errno, "cannot make a pipe");
  pid_t parent = getpid(), pid = fork();
  if (pid == 0)
    become(program, role, setup, quick, ends[1], parent, log);
  if (pid < 0) {
    rc = err_sys(err, errno, "cannot fork");
    close(ends[0]);
    close(ends[1]);
    return rc;
  }
  close(ends[1]);
  setpgid(pid, pid); /* here too, so that child_kill finds the group at once; fails after its exec, and needn't then */
  *child = (struct child){.pid = pid, .role = role, .state = CHILD_STARTING, .ready_fd = ends[0]};
  return 0;
}

int child_start_tool(struct child *child, char *const argv[], const struct child_setup *setup, const struct log *log,
                     struct err *err) {
  pid_t parent = getpid(), pid = fork();
  if (pid < 0)
    return err_sys(err, errno, "cannot fork");
  if (pid == 0) {
    begin_child(parent);
    if (pass_fd(NULL, setup->lock_fd))
      execvp(argv[0], argv);
    log_error(log, "cannot start %s: %s", argv[0], strerror(errno));
    _exit(EXIT_EXEC_FAILED);
  }
  setpgid(pid, pid);
  *child = (struct child){.pid = pid, .role = ROLE_BACKUP, .state = CHILD_STARTING, .ready_fd = -1};
  return 0;
}

bool child_hear(struct child *child) {
  char line[READY_LINE_MAX];
  ssize_t got = read(child->ready_fd, line, sizeof(line));
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return false;
  close(child->ready_fd);
  child->ready_fd = -1;
  /* Closed without the line: it is dying, its wait status will tell. */
  return got >= 6 && memcmp(line, "ready\n", 6) == 0;
}

void child_terminate(const struct child *child) {
  kill(child->pid, SIGTERM);
}

void child_kill(const struct child *child) {
  if (kill(-child->pid, SIGKILL) != 0)
    kill(child->pid, SIGKILL); /* has no group yet */
}

void child_forget(struct child *child) {
  if (child->ready_fd >= 0)
    close(child->ready_fd);
  *child = (struct child){.ready_fd = -1};
}

void child_obituary(int status, char out[CHILD_OBITUARY_SIZE]) {
  if (WIFSIGNALED(status)) {
    const char *name = sigabbrev_np(WTERMSIG(status));
    snprintf(out, CHILD_OBITUARY_SIZE, "died: signal %d (%s)", WTERMSIG(status), name ? name : "unknown");
  } else {
    snprintf(out, CHILD_OBITUARY_SIZE, "ended: status %d", WEXITSTATUS(status));
  }
}
