#include "supervisor/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_open(struct notify *notify) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  size_t len = path ? strlen(path) : 0;
  notify->fd = -1;
  if (len > 1 && len < sizeof(address.sun_path)) {
    memcpy(address.sun_path, path, len);
    if (address.sun_path[0] == '@') /* an abstract name */
      address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) == 0)
      notify->fd = fd;
    else if (fd >= 0)
      close(fd);
  }
  unsetenv("NOTIFY_SOCKET");
}

void notify_send(const struct notify *notify, const char *state) {
  if (notify->fd >= 0 && send(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return; /* the manager is restarting or gone: it asks for nothing more */
}
