#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fileio.h"
#include "ops/salvage_shelf.h"
#include "store/wal_extract.h"

enum { STEP = 1 << 20, MAGIC = 4, AT_LENGTH = 8 };

static int take_committed(void *ctx, struct span record, struct err *err) {
  return shelf_offer(ctx, record, RANK_COMMITTED, err);
}

static int take_image(void *ctx, struct span record, struct err *err) {
  return shelf_offer(ctx, record, RANK_PAGE, err);
}

static int take_meta(void *ctx, struct span value, struct err *err) {
  return shelf_offer_meta(ctx, value, err);
}

/* Offers every record that begins in the first `own` bytes. */
static int scan_bytes(struct shelf *shelf, struct span bytes, size_t own, struct err *err) {
  for (size_t at = 0; at < own;) {
    const unsigned char *p = memmem(bytes.data + at, bytes.len - at, "STMe", MAGIC);
    if (!p || (size_t)(p - bytes.data) >= own)
      return 0;
    at = (size_t)(p - bytes.data);
    size_t len = at + AT_LENGTH + 4 <= bytes.len ? get_u32(p + AT_LENGTH) : 0;
    if (len >= ENTRY_OVERHEAD && len <= bytes.len - at && shelf_offer(shelf, span_of(p, len), RANK_LOG_BYTES, err))
      return err->code;
    at++;
  }
  return 0;
}

/* The bytes of a log file, whatever its records are: what lies in a damaged one may be whole. */
static int scan_file(struct shelf *shelf, const char *dir, uint32_t number, unsigned char *window, struct err *err) {
  char name[WAL_NAME_SIZE], path[FILEIO_PATH_MAX];
  size_t got = STEP;
  wal_file_name(name, number);
  int rc = fileio_join(path, dir, name, err);
  int fd = rc ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return rc ? rc : err_sys(err, errno, "opening %s", path);
  for (uint64_t at = 0; !rc && got >= STEP; at += STEP) {
    rc = fileio_pread(fd, window, STEP + ENTRY_MAX_SIZE, at, &got, err);
    if (!rc)
      rc = scan_bytes(shelf, span_of(window, got), got < STEP ? got : STEP, err);
  }
  close(fd);
  return rc;
}

int salvage_log(struct shelf *shelf, const char *dir, struct err *err) {
  struct wal_entries entries = {.ctx = shelf, .committed = take_committed, .image = take_image, .meta = take_meta};
  struct wal_files files;
  uint32_t *numbers = NULL;
  size_t count = 0;
  unsigned char *window = NULL;
  int rc = wal_extract_all(dir, "assertions.kv", NULL, &entries, NULL, &files, err);
  if (!rc)
    rc = walscan_list(dir, &numbers, &count, err);
  if (!rc && !(window = malloc(STEP + ENTRY_MAX_SIZE)))
    rc = err_set(err, ERR_NOMEM, "no memory to read a log");
  for (size_t i = 0; !rc && i < count; i++)
    rc = scan_file(shelf, dir, numbers[i], window, err);
  free(window);
  free(numbers);
  return rc;
}
