#include "supervisor/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fileio.h"

enum { PID_TEXT_SIZE = 32, PIDS_MAX = 1 << 16 };

pid_t pids_nginx(void) {
  char text[PID_TEXT_SIZE] = "";
  int fd = open("nginx.pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t got = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[got > 0 ? got : 0] = '\0';
  pid_t pid = (pid_t)strtol(text, NULL, 10);
  return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

static void put(struct buf *out, pid_t pid, const char *role) {
  if (pid > 0)
    buf_addf(out, "%ld %s\n", (long)pid, role);
}

int pids_write(pid_t supervisor, const struct child *children, size_t count, pid_t nginx, struct err *err) {
  struct buf text;
  int fd = -1, rc = 0;
  buf_init(&text, PIDS_MAX);
  put(&text, supervisor, "supervisor");
  for (size_t i = 0; i < count; i++)
    put(&text, children[i].pid, child_role_name(children[i].role));
  put(&text, nginx, "nginx");
  rc = buf_check(&text, "the list of pids", err);
  if (rc)
    goto out;
  /* Replaced whole for its readers, but not synced: it means nothing after a power cut, and a restart must not wait. */
  fd = open("pids.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    rc = err_sys(err, errno, "cannot make run/pids.new");
  else if (!(rc = fileio_write(fd, text.data, text.len, err)) && rename("pids.new", "pids") != 0)
    rc = err_sys(err, errno, "cannot replace run/pids");
out:
  if (fd >= 0)
    close(fd);
  buf_free(&text);
  return rc;
}
