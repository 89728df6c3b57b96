#include "supervisor/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Cut to net.core.somaxconn by the kernel; requests wait here while the node restarts. */
enum { LISTEN_BACKLOG = 4096 };

int listen_open(const char *name, mode_t mode, int *out, struct err *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int rc = 0, fd = -1;
  if (strlen(name) >= sizeof(address.sun_path))
    return err_set(err, ERR_INVALID, "%s is too long for a socket", name);
  memcpy(address.sun_path, name, strlen(name) + 1);
  if (unlink(name) != 0 && errno != ENOENT)
    return err_sys(err, errno, "cannot remove the stale socket %s", name);
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return err_sys(err, errno, "cannot make a socket");
  /* The mode must be there with the name: chmod afterwards would leave a moment open. */
  mode_t mask = umask((mode_t)(0777 & ~mode));
  rc = bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, LISTEN_BACKLOG) != 0
           ? err_sys(err, errno, "cannot listen on %s", name)
           : 0;
  umask(mask);
  if (rc)
    close(fd);
  else
    *out = fd;
  return rc;
}
