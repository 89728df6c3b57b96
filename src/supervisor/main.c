/* stemedb-api, the supervisor: it owns the home's lock, the sockets and the shared segment, and opens no database. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/lock.h"
#include "supervisor/listen.h"
#include "supervisor/node.h"

enum { EXIT_USAGE = 2 };

static const char usage[] = "Usage: stemedb-api --home DIR [--quick never]\n"
                            "Runs a StemeDB node: starts, watches and restarts its processes.\n"
                            "\n"
                            "  --home DIR      the node's home: DIR/stemedb.conf, DIR/data, DIR/run\n"
                            "  --quick never   check the whole store at each restart, not only at the first start\n"
                            "  --help, --version\n"
                            "\n"
                            "SIGTERM stops the node, SIGHUP restarts its workers one at a time.\n"
                            "Exit status: 0 stopped, 1 failed, 2 usage, 3 corrupt or missing history.\n";

struct options {
  const char *home;
  bool never_quick;
};

/* Returns the exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options) {
  static const struct option table[] = {{"home", required_argument, NULL, 'H'},
                                        {"quick", required_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {0}};
  bool good = true;
  for (int c; good && (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
    if (c == 'h' || c == 'V') {
      fputs(c == 'h' ? usage : PACKAGE_STRING "\n", stdout);
      return 0;
    }
    if (c == 'H')
      options->home = optarg;
    else
      good = options->never_quick = c == 'q' && strcmp(optarg, "never") == 0;
  }
  if (good && options->home && optind == argc)
    return -1;
  fputs(usage, stderr);
  return EXIT_USAGE;
}

/* The signals that are taken in the loop, blocked everywhere else. */
static int open_signals(int *fd, struct err *err) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGCHLD);
  signal(SIGPIPE, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
    return err_sys(err, errno, "cannot take signals");
  /* What a killed child had started comes to us, so that "all are reaped" is true of it too. */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return err_sys(err, errno, "cannot become the reaper of all descendants");
  return 0;
}

/* Each worker may have a descriptor for every request that nginx lets in, and some for files. The soft limit of 1,024
 * is for programs that select(2). */
static void raise_descriptors(const struct log *log) {
  enum { WANTED = 65536, NEEDED = 4096 + 256 };
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  if (limit.rlim_cur < WANTED) {
    limit.rlim_cur = limit.rlim_max < WANTED ? limit.rlim_max : WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < NEEDED)
    log_warn(log,
             "only %llu open files are allowed (ulimit -n, LimitNOFILE), %d may be needed: requests may have to wait",
             (unsigned long long)limit.rlim_cur, NEEDED);
}

static void take_signals(struct node *node, int fd) {
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
    switch (info.ssi_signo) {
    case SIGCHLD: node_reap(node); break;
    case SIGHUP: node_reload(node); break;
    default: node_stop(node);
    }
}

/* Until the node is over. */
static int run(struct node *node, int signal_fd, struct err *err) {
  struct pollfd *fds = calloc(node->child_count + 1 + CONTROL_FDS, sizeof(*fds));
  if (!fds)
    return err_set(err, ERR_NOMEM, "no memory to wait for processes");
  int rc = 0;
  while (node->phase != PHASE_OVER) {
    node_tick(node);
    fds[node->child_count] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
    for (size_t i = 0; i < node->child_count; i++)
      fds[i] = (struct pollfd){.fd = node->children[i].ready_fd, .events = POLLIN};
    control_watch(&node->control, fds + node->child_count + 1);
    if (poll(fds, node->child_count + 1 + CONTROL_FDS, node_timeout_ms(node)) < 0 && errno != EINTR) {
      rc = err_sys(err, errno, "cannot wait for events");
      break;
    }
    /* First what was said, then who ended: a process that was ready before it died was ready. */
    for (size_t i = 0; i < node->child_count; i++)
      if (fds[i].fd >= 0 && fds[i].revents)
        node_hear(node, &node->children[i]);
    take_signals(node, signal_fd);
    control_serve(node, fds + node->child_count + 1);
  }
  free(fds);
  return rc;
}

/* Lock, folder, sockets, segment. The current folder becomes HOME/run, for short socket names. */
static int prepare(struct node *node, struct err *err) {
  const struct config *config = node->config;
  int rc = lock_take(config->data_dir, &node->setup.lock_fd, err);
  if (rc == ERR_NOTFOUND)
    return err_set(err, rc, "No history in %s", config->data_dir);
  if (rc == 0)
    rc = fileio_mkdirs(config->run_dir, 0750, err);
  if (rc == 0 && chdir(config->run_dir) != 0)
    rc = err_sys(err, errno, "cannot enter %s", config->run_dir);
  if (rc == 0)
    rc = listen_open("api.sock", 0660, &node->setup.listen_fds[ROLE_WORKER], err);
  if (rc == 0)
    rc = listen_open("committer.sock", 0660, &node->setup.listen_fds[ROLE_COMMITTER], err);
  int control_fd = -1;
  if (rc == 0)
    rc = listen_open("control.sock", 0600, &control_fd, err);
  control_init(&node->control, control_fd);
  if (rc == 0)
    rc = segment_create(&node->segment, &node->setup.segment_fd, err);
  return rc;
}

/* All descriptors stay open until this process ends, which is when the lock may go. */
static int supervise(struct node *node, struct err *err) {
  int signal_fd = -1, rc = prepare(node, err);
  if (rc == 0)
    rc = open_signals(&signal_fd, err);
  if (rc)
    return rc;
  metric_set(metrics_cell(segment_metrics(node->segment), METRIC_BUILD_INFO, "version=\"" PACKAGE_VERSION "\""), 1);
  raise_descriptors(node->log);
  node_show_restarts(node);
  log_info(node->log, "StemeDB %s starts in %s", PACKAGE_VERSION, node->config->home);
  rc = run(node, signal_fd, err);
  if (rc)
    return rc;
  unlink("api.sock");
  unlink("committer.sock");
  unlink("control.sock");
  unlink("pids");
  log_info(node->log, "Stopped");
  return 0;
}

/* The one command that helps where files are somebody else's. */
static void tell_permission(const struct log *log, const struct config *config) {
  const struct passwd *user = getpwuid(geteuid());
  if (user)
    log_error(log, "the home must be the user's who runs the node: chown -R %s %s", user->pw_name, config->home);
}

int main(int argc, char **argv) {
  struct options options = {0};
  struct config config;
  struct node node = {0};
  struct notify notify;
  struct log log;
  struct err err;
  int status = parse_options(argc, argv, &options);
  if (status >= 0)
    return status;
  log_open(&log, STDERR_FILENO, "supervisor");
  notify_open(&notify);
  int rc = config_load(&config, options.home, &err);
  if (rc == 0)
    rc = node_init(&node, &config, &err);
  if (rc == 0) {
    node.log = &log;
    node.notify = &notify;
    node.never_quick = options.never_quick;
    node.setup.home = config.home;
    rc = supervise(&node, &err);
  }
  if (rc)
    log_error(&log, "%s", err.text);
  if (rc && err.sys == EACCES)
    tell_permission(&log, &config);
  status = rc == 0                                                      ? node.exit_status
           : rc == ERR_NOTFOUND || rc == ERR_NEWER || rc == ERR_CORRUPT ? NODE_EXIT_CORRUPT
                                                                        : 1;
  segment_close(node.segment);
  node_free(&node);
  return status;
}
