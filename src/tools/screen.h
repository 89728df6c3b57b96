/* What standard output or standard error leads to. */
#ifndef TOOLS_SCREEN_H
#define TOOLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct screen {
  bool terminal;
  size_t columns; /* of the terminal; 80 if it does not tell */
};

/* Looks at a descriptor; $COLUMNS is used where the terminal does not tell its width. */
struct screen screen_of(int fd);

#endif
