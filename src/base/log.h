/*
 * One line an event, written whole by one write(2) to a descriptor (standard error of the daemons), so that the lines
 * of several processes never mix. Where JOURNAL_STREAM names that descriptor, a line is "<PRIORITY>message"
 * (sd-daemon(3)); else "2026-11-24T21:43:15.123456Z ROLE[PID] level: message". Control characters of the message are
 * escaped as \xNN.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

struct log {
  int fd;
  const char *role; /* borrowed: "supervisor", "committer", "worker" … */
  bool journal;
};

/* A log on `fd`; `journal` is whether JOURNAL_STREAM in the environment names it (systemd.exec(5)). */
void log_open(struct log *log, int fd, const char *role);
void log_info(const struct log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const struct log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_error(const struct log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
