#include "base/inherit.h"

#include <fcntl.h>
#include <stdlib.h>

int inherit_fd(const char *variable) {
  const char *text = getenv(variable);
  char *end = NULL;
  long fd = text ? strtol(text, &end, 10) : -1;
  if (!text || *text == '\0' || *end != '\0' || fd < 0 || fd > 65535 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
    return -1;
  return (int)fd;
}
