/* rclone(1), run as a child: what reaches S3 and its like. */
#ifndef OPS_RCLONE_H
#define OPS_RCLONE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What it is given on standard input: the first `length` bytes of the file `fd`, -1: nothing. */
struct rclone_input {
  int fd;
  uint64_t length;
};

enum { RCLONE_ARGUMENTS = 8 };

/* Runs `rclone ARGUMENTS` (NULL-terminated, at most RCLONE_ARGUMENTS) with short time-outs and few attempts; `config`
 * is the path of its configuration, "": its own. Standard output is appended to `out` (NULL: dropped). ERR_NOTFOUND: it
 * says that there is no such folder; ERR_INVALID: there is no rclone; ERR_IO with the last line that it said. */
NODISCARD int rclone_run(const char *config, const char *const *arguments, const struct rclone_input *input,
                         struct buf *out, struct err *err);

#endif
