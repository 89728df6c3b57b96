#include "tools/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, COLUMNS_LEAST = 20, COLUMNS_MOST = 1000 };

struct screen screen_of(int fd) {
  struct screen screen = {.terminal = isatty(fd) == 1, .columns = COLUMNS_DEFAULT};
  struct winsize size;
  const char *named = getenv("COLUMNS");
  unsigned long columns = 0;
  if (screen.terminal && ioctl(fd, TIOCGWINSZ, &size) == 0)
    columns = size.ws_col;
  if (columns == 0 && named)
    columns = strtoul(named, NULL, 10);
  if (columns >= COLUMNS_LEAST && columns <= COLUMNS_MOST)
    screen.columns = columns;
  return screen;
}
