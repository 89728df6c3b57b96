#include "ops/archive_put.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "ops/archive_object.h"
#include "store/wal_walk.h"

enum { FOLDER_MODE = 0750, FILE_MODE = 0440 };

/* Copies the bytes to `part`, synced; *digest is theirs. */
static int write_part(const char *source, const char *part, uint64_t length, unsigned char digest[DIGEST_SIZE],
                      struct err *err) {
  crypto_hash_sha256_state state;
  int rc = 0, out = -1, in = open(source, O_RDONLY | O_CLOEXEC);
  if (in < 0)
    return err_sys(err, errno, "opening %s", source);
  out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (out < 0) {
    rc = err_sys(err, errno, "making %s", part);
    goto out;
  }
  crypto_hash_sha256_init(&state);
  rc = archive_object_pump(in, out, length, &state, source, err);
  crypto_hash_sha256_final(&state, digest);
  if (!rc && (fchmod(out, FILE_MODE) != 0 || fsync(out) != 0))
    rc = err_sys(err, errno, "syncing %s", part);
out:
  if (out >= 0)
    close(out);
  close(in);
  return rc;
}

/* Whether a name of the folder is what the object replaces. */
static bool is_replaced(const char *name, const struct archive_name *by, bool and_live) {
  struct archive_name other;
  uint32_t number;
  if (archive_name_parse(name, &other))
    return other.number == by->number && other.length < by->length;
  return and_live && archive_live_parse(name, &number) && number == by->number;
}

static int remove_shorter(const char *folder, const struct archive_name *by, bool and_live, struct err *err) {
  int rc = 0;
  DIR *dir = opendir(folder);
  if (!dir)
    return err_sys(err, errno, "opening %s", folder);
  for (const struct dirent *e = readdir(dir); e && !rc; e = readdir(dir))
    if (is_replaced(e->d_name, by, and_live) && unlinkat(dirfd(dir), e->d_name, 0) != 0 && errno != ENOENT)
      rc = err_sys(err, errno, "removing %s from %s", e->d_name, folder);
  closedir(dir);
  return rc;
}

int archive_put(const char *folder, const char *wal_dir, uint32_t number, uint64_t length, bool and_live,
                struct archive_name *out, struct err *err) {
  struct archive_name name = {.number = number, .length = length};
  char source[FILEIO_PATH_MAX], part[FILEIO_PATH_MAX], target[FILEIO_PATH_MAX];
  char log_name[WAL_NAME_SIZE], hidden[WAL_NAME_SIZE + 8], text[ARCHIVE_NAME_SIZE];
  wal_file_name(log_name, number);
  snprintf(hidden, sizeof(hidden), ARCHIVE_TEMPORARY "%s", log_name);
  int rc = 0;
  if ((rc = fileio_join(source, wal_dir, log_name, err)) || (rc = fileio_join(part, folder, hidden, err)) ||
      (rc = fileio_mkdirs(folder, FOLDER_MODE, err)))
    return rc;
  rc = write_part(source, part, length, name.digest, err);
  FAULT("ops.archive_put.before_rename");
  archive_name_format(text, &name);
  if (!rc && (rc = fileio_join(target, folder, text, err)) == 0 && rename(part, target) != 0)
    rc = err_sys(err, errno, "making %s", target);
  if (!rc)
    rc = fileio_sync_dir(folder, err);
  if (rc) {
    unlink(part);
    return rc;
  }
  FAULT("ops.archive_put.before_remove");
  *out = name;
  return remove_shorter(folder, &name, and_live, err);
}
