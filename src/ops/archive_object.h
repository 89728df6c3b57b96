/* One object of an archive as a file: where it lies, and its bytes read, proven and written. */
#ifndef OPS_ARCHIVE_OBJECT_H
#define OPS_ARCHIVE_OBJECT_H

#include <sodium.h>

#include "ops/archive.h"

NODISCARD int archive_object_path(const struct archive_line *line, const struct archive_object *object,
                                  char out[FILEIO_PATH_MAX], struct err *err);

/* Reads the first `length` bytes of `in`, writes them to `out` (-1: nowhere), and continues their SHA-256. ERR_CORRUPT
 * if there are fewer. `path` is for words. */
NODISCARD int archive_object_pump(int in, int out, uint64_t length, crypto_hash_sha256_state *state, const char *path,
                                  struct err *err);

#endif
