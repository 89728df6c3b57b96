#include "base/drill_status.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/fileio.h"

enum { STATUS_MAX = 512 };

static bool parse(const char *text, struct drill_status *out) {
  struct drill_status s = {0};
  unsigned passed;
  long pid;
  if (sscanf(text,
             "last_us %" SCNu64 "\npassed %u\nrto_us %" SCNu64 "\nrpo_us %" SCNu64 "\nrunning %ld\nbegun_us %" SCNu64
             "\n",
             &s.last_us, &passed, &s.rto_us, &s.rpo_us, &pid, &s.begun_us) != 6)
    return false;
  s.passed = passed == 1;
  s.running = (pid_t)pid;
  *out = s;
  return true;
}

void drill_status_read(const char *home, struct drill_status *out) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  struct err ignored;
  bool found = false;
  *out = (struct drill_status){0};
  buf_init(&text, STATUS_MAX);
  if (fileio_join(path, home, DRILL_FOLDER "/" DRILL_STATUS_FILE, &ignored) == 0 &&
      fileio_read_file(path, &text, &found, &ignored) == 0 && found) {
    buf_add_byte(&text, '\0');
    found = !text.failed && parse((const char *)text.data, out);
  }
  buf_free(&text);
  if (found && out->running > 0 && kill(out->running, 0) != 0 && errno == ESRCH)
    *out = (struct drill_status){.last_us = out->begun_us};
}

int drill_status_write(const char *home, const struct drill_status *s, struct err *err) {
  char path[FILEIO_PATH_MAX], text[STATUS_MAX];
  int rc = fileio_join(path, home, DRILL_FOLDER "/" DRILL_STATUS_FILE, err);
  if (rc)
    return rc;
  int len = snprintf(text, sizeof(text),
                     "last_us %" PRIu64 "\npassed %d\nrto_us %" PRIu64 "\nrpo_us %" PRIu64
                     "\nrunning %ld\nbegun_us %" PRIu64 "\n",
                     s->last_us, s->passed ? 1 : 0, s->rto_us, s->rpo_us, (long)s->running, s->begun_us);
  return fileio_replace(path, text, (size_t)len, 0640, err);
}
