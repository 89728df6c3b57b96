/* Whole reads and writes on files, safe against short transfers and EINTR, and the durable replacement of a file. */
#ifndef BASE_FILEIO_H
#define BASE_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { FILEIO_PATH_MAX = 4096 };

/* Joins directory and name with '/' into out[FILEIO_PATH_MAX]. ERR_INVALID if it does not fit. */
NODISCARD int fileio_join(char *out, const char *dir, const char *name, struct err *err);
/* Reads up to `len` bytes at `offset`; *got is less only at the end of the file. */
NODISCARD int fileio_pread(int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *err);
NODISCARD int fileio_pwrite(int fd, const void *data, size_t len, uint64_t offset, struct err *err);
NODISCARD int fileio_write(int fd, const void *data, size_t len, struct err *err);
/* Appends the whole file to `out`, within out->max. *found tells whether it exists. */
NODISCARD int fileio_read_file(const char *path, struct buf *out, bool *found, struct err *err);
/* Replaces `path` by `data`: a temporary file beside it, fsync, rename, fsync of the folder. Never half a file. */
NODISCARD int fileio_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);
/* mkdir -p with `mode` for what is made. */
NODISCARD int fileio_mkdirs(const char *path, mode_t mode, struct err *err);
/* fsync of a folder, so that names made or renamed in it last. */
NODISCARD int fileio_sync_dir(const char *path, struct err *err);
/* Bytes that a user who is not root may still use on the file system of `path` (statvfs f_bavail). */
NODISCARD int fileio_free_bytes(const char *path, uint64_t *bytes, struct err *err);

#endif
