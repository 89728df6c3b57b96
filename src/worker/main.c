/* stemedb-worker: started by stemedb-api, never by hand. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sodium.h>

#include "api/audit.h"
#include "api/auth.h"
#include "api/resource.h"
#include "base/inherit.h"
#include "worker/worker.h"

/* SIGTERM is taken by the loop alone: interrupted reads of libfcgi would look like cut bodies. */
static int open_signals(int *out, struct err *err) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
    return err_sys(err, errno, "sigprocmask");
  sigdelset(&set, SIGHUP);
  sigdelset(&set, SIGUSR1);
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    return err_sys(err, errno, "signalfd");
  *out = fd;
  return 0;
}

static int prepare(struct worker *w, const struct api *api, struct err *err) {
  if (open_signals(&w->signal_fd, err))
    return err->code;
  w->listen_fd = inherit_fd("STEMEDB_LISTEN_FD");
  w->ready_fd = inherit_fd("STEMEDB_READY_FD");
  if (w->listen_fd < 0 || !api->segment)
    return err_set(err, ERR_INVALID, "stemedb-worker is started by stemedb-api, not by hand");
  int flags = fcntl(w->listen_fd, F_GETFL);
  if (flags < 0 || fcntl(w->listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return err_sys(err, errno, "listening socket");
  w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (w->epoll_fd < 0)
    return err_sys(err, errno, "epoll_create1");
  if (FCGX_Init() != 0)
    return err_set(err, ERR_IO, "libfcgi does not initialise");
  signal(SIGPIPE, SIG_IGN);
  if (link_create(w, &w->link, err))
    return err->code;
  return streams_create(w, &w->streams, err);
}

static int serve(const struct config *config, const struct log *log, struct err *err) {
  struct api api = {.config = config, .log = log};
  struct err ignored;
  struct worker *w = calloc(1, sizeof(*w));
  if (!w)
    return err_set(err, ERR_NOMEM, "no memory");
  *w = (struct worker){.api = &api, .config = config, .log = log};
  w->epoll_fd = w->listen_fd = w->signal_fd = w->ready_fd = -1;
  int segment_fd = inherit_fd("STEMEDB_SEGMENT_FD");
  if (segment_fd >= 0 && segment_attach(segment_fd, &api.segment, err))
    goto out;
  api.metrics = api.segment ? segment_metrics(api.segment) : NULL;
  if (settings_cache_create(&api.settings, err) || auth_open(config->tokens_file, log, &api.auth, err) ||
      audit_open(config, log, &api.audit, err) || prepare(w, &api, err))
    goto out;
  metrics_begin(&api);
  if (worker_run(w, err))
    goto out;
  err->code = ERR_OK;
out:
  streams_free(w->streams);
  connection_close_all(w);
  link_free(w->link);
  projection_close(api.reader.projection, &ignored);
  store_close(api.reader.store, &ignored);
  settings_cache_free(api.settings);
  auth_close(api.auth);
  audit_close(api.audit);
  segment_close(api.segment);
  if (w->epoll_fd >= 0)
    close(w->epoll_fd);
  free(w);
  return err->code;
}

int main(int argc, char **argv) {
  struct config config;
  struct log log;
  struct err err = {0};
  log_open(&log, STDERR_FILENO, "worker");
  if (argc != 3 || strcmp(argv[1], "--home") != 0) {
    fputs("usage: stemedb-worker --home DIR (started by stemedb-api)\n", stderr);
    return 2;
  }
  if (sodium_init() < 0 || config_load(&config, argv[2], &err) || serve(&config, &log, &err)) {
    log_error(&log, "%s", err.text[0] ? err.text : "libsodium does not initialise");
    return 1;
  }
  return 0;
}
