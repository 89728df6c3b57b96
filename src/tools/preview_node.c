/* stemedb-api and nginx over a scratch home. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/client.h"
#include "tools/preview.h"

enum { EXIT_EXEC_FAILED = 127, ASK_MS = 20, PORT_TRIES = 5, STOP_MS = 10 * 1000, STOP_STEP_MS = 10 };

/* --- programs --- */

static int own_folder(char *out, struct err *err) {
  ssize_t len = readlink("/proc/self/exe", out, FILEIO_PATH_MAX - 1);
  if (len < 0)
    return err_sys(err, errno, "cannot read /proc/self/exe");
  out[len] = '\0';
  *strrchr(out, '/') = '\0';
  return 0;
}

/* The first that is there: relative ones are below the folder of this program. */
static int find(const char *const *candidates, const char *what, char *out, struct err *err) {
  char folder[FILEIO_PATH_MAX];
  int rc = own_folder(folder, err);
  for (; !rc && *candidates; candidates++) {
    if (**candidates == '/')
      snprintf(out, FILEIO_PATH_MAX, "%s", *candidates);
    else
      rc = fileio_join(out, folder, *candidates, err);
    if (!rc && access(out, X_OK) == 0)
      return 0;
  }
  return rc ? rc : err_set(err, ERR_IO, "cannot find %s beside %s", what, folder);
}

static pid_t start(char *const argv[], const char *log_dir, int death_signal) {
  char path[FILEIO_PATH_MAX];
  struct err ignored;
  pid_t parent = getpid(), pid = fork();
  if (pid != 0)
    return pid;
  int in = open("/dev/null", O_RDONLY);
  int out = fileio_join(path, log_dir, "stemedb-api.log", &ignored)
                ? -1
                : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
      prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
    _exit(EXIT_EXEC_FAILED);
  setpgid(0, 0);
  unsetenv("NOTIFY_SOCKET");
  unsetenv("JOURNAL_STREAM");
  signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv);
  _exit(EXIT_EXEC_FAILED);
}

static int start_api(struct preview_node *node, struct err *err) {
  static const char *const candidates[] = {"stemedb-api", "../sbin/stemedb-api", NULL};
  char program[FILEIO_PATH_MAX];
  int rc = find(candidates, "stemedb-api", program, err);
  if (rc)
    return rc;
  char *const argv[] = {program, (char *)"--home", node->scratch.config.home, NULL};
  node->api = start(argv, node->scratch.config.log_dir, SIGTERM);
  return node->api > 0 ? 0 : err_sys(err, errno, "cannot fork");
}

static int start_nginx(struct preview_node *node, struct err *err) {
  static const char *const candidates[] = {"../../../scripts/nginx.sh", "../scripts/nginx.sh",
                                           PKGLIBEXECDIR "/nginx.sh", NULL};
  char script[FILEIO_PATH_MAX];
  int rc = find(candidates, "nginx.sh", script, err);
  if (rc)
    return rc;
  char *const argv[] = {script, (char *)"run", node->scratch.config.home, NULL};
  node->nginx = start(argv, node->scratch.config.log_dir, SIGTERM);
  return node->nginx > 0 ? 0 : err_sys(err, errno, "cannot fork");
}

/* --- ports --- */

/* Two ports of loopback that nobody listens on; they may be taken before nginx comes. */
static int choose_ports(struct scratch_options *options, struct err *err) {
  uint64_t *ports[] = {&options->api_port, &options->dashboard_port};
  int fds[2] = {-1, -1}, rc = 0;
  for (size_t i = 0; !rc && i < 2; i++) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (*ports[i] > 0)
      continue;
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fds[i], (struct sockaddr *)&address, &size) != 0)
      rc = err_sys(err, errno, "cannot find a free port");
    *ports[i] = ntohs(address.sin_port);
  }
  for (size_t i = 0; i < 2; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return rc;
}

/* --- life --- */

static bool has_ended(pid_t *pid) {
  if (*pid > 0 && waitpid(*pid, NULL, WNOHANG) == *pid)
    *pid = 0;
  return *pid == 0;
}

bool preview_node_gone(struct preview_node *node) {
  bool api = has_ended(&node->api), nginx = has_ended(&node->nginx);
  return api || nginx;
}

static bool is_ready(struct client *client) {
  struct client_request request = {.method = "GET", .target = "/v1/health/ready", .repeatable = true};
  struct client_answer answer;
  struct err ignored;
  client_answer_init(&answer);
  bool ready = client_send(client, &request, &answer, &ignored) == 0 && answer.status == 200;
  client_answer_free(&answer);
  return ready;
}

/* Waits until it serves; ERR_BUSY if nginx could not take its ports. */
static int wait_ready(struct preview_node *node, uint64_t port, int lifeline, struct err *err) {
  char url[64];
  struct client_settings settings = {.url = url};
  struct client *client = NULL;
  struct pollfd fd = {.fd = lifeline, .events = POLLIN};
  snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)port);
  int rc = client_open(&settings, &client, err);
  while (!rc && !is_ready(client)) {
    if (poll(&fd, 1, ASK_MS) != 0)
      rc = err_set(err, ERR_CONFLICT, "nobody waits for it");
    else if (has_ended(&node->api))
      rc = err_set(err, ERR_IO, "stemedb-api ended before it served");
    else if (has_ended(&node->nginx))
      rc = err_set(err, ERR_BUSY, "nginx ended before it served");
  }
  client_close(client);
  return rc;
}

static int serve(struct preview_node *node, const struct scratch_options *options, int lifeline, struct err *err) {
  int rc = scratch_configure(&node->scratch, options, err);
  if (!rc && node->api == 0)
    rc = start_api(node, err);
  if (!rc)
    rc = start_nginx(node, err);
  return rc ? rc : wait_ready(node, options->api_port, lifeline, err);
}

int preview_node_start(struct preview_node *node, const struct preview_settings *settings, int lifeline,
                       struct preview *ports, struct err *err) {
  int rc = ERR_BUSY;
  for (int i = 0; rc == ERR_BUSY && i < PORT_TRIES; i++) {
    struct scratch_options options = settings->node;
    if ((rc = choose_ports(&options, err)))
      return rc;
    rc = serve(node, &options, lifeline, err);
    ports->api_port = options.api_port;
    ports->dashboard_port = options.dashboard_port;
    if (settings->node.api_port > 0)
      break;
  }
  if (rc == ERR_BUSY)
    rc = err_set(err, ERR_IO, "nginx does not serve port %u", (unsigned)ports->api_port);
  return rc;
}

static void end(pid_t *pid) {
  if (*pid <= 0)
    return;
  kill(*pid, SIGTERM);
  for (int waited = 0; waited < STOP_MS; waited += STOP_STEP_MS) {
    if (has_ended(pid))
      return;
    poll(NULL, 0, STOP_STEP_MS);
  }
  kill(*pid, SIGKILL);
  while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
    ;
  *pid = 0;
}

void preview_node_stop(struct preview_node *node) {
  end(&node->nginx);
  end(&node->api);
}
