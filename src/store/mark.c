#include "store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "base/fileio.h"
#include "store/internal.h"

/* The block: magic, format u32, history id, timeline u32, branch u64, seq u64, zeros, CRC-32C of what is before. One
 * sector, so that it is written whole or not at all. */
enum {
  MARK_SIZE = 512,
  MARK_FORMAT = 1,
  MARK_AT_FORMAT = 4,
  MARK_AT_ID = 8,
  MARK_AT_TIMELINE = 24,
  MARK_AT_BRANCH = 32,
  MARK_AT_SEQ = 40,
  MARK_AT_CRC = MARK_SIZE - 4
};

static const unsigned char mark_magic[4] = {'S', 'T', 'M', 'a'};

static int mark_path(char out[FILEIO_PATH_MAX], const char *data_dir, struct err *err) {
  char db[FILEIO_PATH_MAX];
  int code = fileio_join(db, data_dir, STORE_DB_DIR, err);
  return code ? code : fileio_join(out, db, STORE_MARK_FILE, err);
}

int mark_open(const char *data_dir, bool create, int *fd, struct err *err) {
  char path[FILEIO_PATH_MAX], db[FILEIO_PATH_MAX];
  int code = mark_path(path, data_dir, err);
  if (code)
    return code;
  int opened = open(path, O_RDWR | O_CLOEXEC);
  bool made = opened < 0 && errno == ENOENT && create;
  if (made)
    opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (opened < 0)
    return err_sys(err, errno, "opening %s", path);
  if (made && ((code = fileio_join(db, data_dir, STORE_DB_DIR, err)) || (code = fileio_sync_dir(db, err)))) {
    close(opened);
    return code;
  }
  *fd = opened;
  return 0;
}

int mark_write(int fd, const struct mark *mark, struct err *err) {
  unsigned char block[MARK_SIZE] = {0};
  memcpy(block, mark_magic, sizeof mark_magic);
  put_u32(block + MARK_AT_FORMAT, MARK_FORMAT);
  memcpy(block + MARK_AT_ID, mark->history_id, HISTORY_ID_SIZE);
  put_u32(block + MARK_AT_TIMELINE, mark->timeline);
  put_u64(block + MARK_AT_BRANCH, mark->branch);
  put_u64(block + MARK_AT_SEQ, mark->seq);
  put_u32(block + MARK_AT_CRC, crc32c(0, block, MARK_AT_CRC));
  FAULT("store.mark.before_write");
  int code = fileio_pwrite(fd, block, sizeof block, 0, err);
  return code ? err_context(err, "writing " STORE_MARK_FILE) : 0;
}

int mark_sync(int fd, struct err *err) {
  return fdatasync(fd) ? err_sys(err, errno, "syncing " STORE_MARK_FILE) : 0;
}

static int mark_decode(const unsigned char *block, size_t len, const char *path, struct mark *out, struct err *err) {
  if (len != MARK_SIZE)
    return err_set(err, ERR_CORRUPT, "%s has %zu bytes instead of %d", path, len, MARK_SIZE);
  uint32_t format = get_u32(block + MARK_AT_FORMAT);
  if (memcmp(block, mark_magic, sizeof mark_magic) != 0 || format < MARK_FORMAT)
    return err_set(err, ERR_CORRUPT, "%s is not a mark of format %d", path, MARK_FORMAT);
  if (get_u32(block + MARK_AT_CRC) != crc32c(0, block, MARK_AT_CRC))
    return err_set(err, ERR_CORRUPT, "checksum mismatch in %s", path);
  if (format > MARK_FORMAT)
    return err_set(err, ERR_NEWER,
                   "%s is of format %u: a later StemeDB than this (" PACKAGE_VERSION
                   ", which knows format %d) wrote here. Start that one; nothing was changed",
                   path, (unsigned)format, MARK_FORMAT);
  memcpy(out->history_id, block + MARK_AT_ID, HISTORY_ID_SIZE);
  out->timeline = get_u32(block + MARK_AT_TIMELINE);
  out->branch = get_u64(block + MARK_AT_BRANCH);
  out->seq = get_u64(block + MARK_AT_SEQ);
  return 0;
}

int mark_read(const char *data_dir, struct mark *out, bool *found, struct err *err) {
  char path[FILEIO_PATH_MAX];
  unsigned char block[MARK_SIZE + 1];
  size_t got = 0;
  int code = mark_path(path, data_dir, err);
  if (code)
    return code;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  *found = fd >= 0;
  if (fd < 0)
    return errno == ENOENT ? 0 : err_sys(err, errno, "opening %s", path);
  code = fileio_pread(fd, block, sizeof block, 0, &got, err);
  if (code)
    err_context(err, "reading %s", path);
  else if (got == 0) /* made, and never written before power was lost */
    *found = false;
  else
    code = mark_decode(block, got, path, out, err);
  close(fd);
  return code;
}
