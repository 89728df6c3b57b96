#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"

/* A line never exceeds PIPE_BUF (4,096), so that a write to a pipe is not split. */
enum { LOG_LINE_MAX = 4096, LOG_MESSAGE_MAX = 2048 };

/* Numbers of syslog(3). */
struct level {
  int priority;
  const char *name;
};
static const struct level level_info = {6, "info"}, level_warn = {4, "warning"}, level_error = {3, "error"};

/* Whether `fd` is the journal's stream, as JOURNAL_STREAM=DEVICE:INODE says it of the descriptor that systemd opened:
 * the variable alone is inherited by who has been given another one since. */
static bool is_journal(int fd) {
  const char *value = getenv("JOURNAL_STREAM");
  unsigned long long device, inode;
  struct stat st;
  return value && sscanf(value, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 && st.st_dev == device &&
         st.st_ino == inode;
}

void log_open(struct log *log, int fd, const char *role) {
  *log = (struct log){.fd = fd, .role = role, .journal = is_journal(fd)};
}

/* The prefix of a line; its length. */
static size_t log_prefix(const struct log *log, const struct level *level, char *out, size_t size) {
  int n;
  if (log->journal) {
    n = snprintf(out, size, "<%d>", level->priority);
  } else {
    uint64_t now = clock_now();
    time_t seconds = (time_t)(now / 1000000);
    struct tm tm;
    char date[32] = "";
    if (gmtime_r(&seconds, &tm))
      strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    n = snprintf(out, size, "%s.%06uZ %s[%ld] %s: ", date, (unsigned)(now % 1000000), log->role, (long)getpid(),
                 level->name);
  }
  return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static void log_line(const struct log *log, const struct level *level, const char *fmt, va_list ap) {
  static const char hex[] = "0123456789abcdef";
  char message[LOG_MESSAGE_MAX], line[LOG_LINE_MAX];
  if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
    return;
  size_t len = log_prefix(log, level, line, 256);
  /* Room for one escaped character and the newline. */
  for (const char *p = message; *p && len + 5 < sizeof(line); p++) {
    unsigned char c = (unsigned char)*p;
    if (c >= 0x20 && c != 0x7f) {
      line[len++] = *p;
      continue;
    }
    line[len++] = '\\';
    line[len++] = 'x';
    line[len++] = hex[c >> 4];
    line[len++] = hex[c & 15];
  }
  line[len++] = '\n';
  struct err ignored; /* there is nowhere to report that the log cannot be written */
  if (fileio_write(log->fd, line, len, &ignored))
    return;
}

void log_info(const struct log *log, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  log_line(log, &level_info, fmt, ap);
  va_end(ap);
}

void log_warn(const struct log *log, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  log_line(log, &level_warn, fmt, ap);
  va_end(ap);
}

void log_error(const struct log *log, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  log_line(log, &level_error, fmt, ap);
  va_end(ap);
}
