#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "ops/restore.h"

enum { JOURNAL_MAX = 16 << 10 };

int restore_journal_read(const char *data_dir, struct restore_journal *out, bool *found, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct restore_journal journal = {.timeline = 0};
  struct buf text;
  int rc = fileio_join(path, data_dir, RESTORE_JOURNAL, err);
  if (rc)
    return rc;
  buf_init(&text, JOURNAL_MAX);
  rc = fileio_read_file(path, &text, found, err);
  if (!rc && *found) {
    buf_add_byte(&text, '\0');
    if (text.failed ||
        sscanf((const char *)text.data, "stamp %15[0-9-] timeline %" SCNu32, journal.stamp, &journal.timeline) != 2)
      rc = err_set(err, ERR_CORRUPT, "%s is no note of a restore", path);
  }
  buf_free(&text);
  if (!rc)
    *out = journal;
  return rc;
}

int restore_journal_write(const char *data_dir, const struct restore_journal *journal, const char *backup,
                          struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  int rc = fileio_join(path, data_dir, RESTORE_JOURNAL, err);
  if (rc)
    return rc;
  buf_init(&text, JOURNAL_MAX);
  buf_addf(&text,
           "stamp %s timeline %" PRIu32 "\n\n"
           "A restore of %s began, and did not come to its end as long as this file is here.\n"
           "What was here before is in wal.backup.%s, db.backup.%s (what exists of them).\n"
           "To begin again:  ./scripts/restore-stemedb.sh %s\n"
           "To go back:      ./scripts/restore-stemedb.sh --undo\n",
           journal->stamp, journal->timeline, backup, journal->stamp, journal->stamp, backup);
  rc = buf_check(&text, path, err);
  if (!rc)
    rc = fileio_replace(path, text.data, text.len, 0640, err);
  buf_free(&text);
  return rc;
}

int restore_journal_remove(const char *data_dir, struct err *err) {
  char path[FILEIO_PATH_MAX];
  int rc = fileio_join(path, data_dir, RESTORE_JOURNAL, err);
  if (rc)
    return rc;
  if (unlink(path) && errno != ENOENT)
    return err_sys(err, errno, "removing %s", path);
  return fileio_sync_dir(data_dir, err);
}
