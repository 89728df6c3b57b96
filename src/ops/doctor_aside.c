#include "ops/doctor_aside.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fileio.h"
#include "model/entry.h"
#include "store/wal_extract.h"

struct count {
  uint64_t from, to, last, found; /* found: those that follow without a gap */
};

static int count_entry(void *ctx, struct span record, struct err *err) {
  struct count *c = ctx;
  struct entry entry;
  int rc = entry_peek(record, &entry, err);
  if (!rc && entry.seq == c->last + 1 && entry.seq <= c->to) {
    c->last = entry.seq;
    c->found++;
  }
  return rc;
}

void doctor_look_aside(const char *data_dir, uint64_t from, uint64_t to, doctor_teller *tell, void *ctx) {
  DIR *dir = opendir(data_dir);
  for (const struct dirent *e; dir && (e = readdir(dir));) {
    char path[FILEIO_PATH_MAX], text[FILEIO_PATH_MAX + 200];
    struct count c = {from, to, from - 1, 0};
    struct wal_files files;
    struct err ignored;
    if ((strncmp(e->d_name, "wal.corrupted.", 14) != 0 && strncmp(e->d_name, "wal.superseded.", 15) != 0) ||
        fileio_join(path, data_dir, e->d_name, &ignored))
      continue;
    struct wal_entries entries = {.ctx = &c, .committed = count_entry};
    if (wal_extract_all(path, "assertions.kv", NULL, &entries, NULL, &files, &ignored) || c.found == 0)
      continue;
    snprintf(text, sizeof(text), "%s has entries %" PRIu64 " to %" PRIu64 " of those that lack: a start takes them",
             path, from, c.last);
    tell(ctx, DOCTOR_MINDED, text, "nothing to do: docs/runbooks/server-wont-start.md \302\2476 What a start cures");
  }
  if (dir)
    closedir(dir);
}
