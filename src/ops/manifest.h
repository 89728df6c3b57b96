/*
 * MANIFEST.sha256: the SHA-256 of every other file of a folder, a line each as sha256sum(1) writes them, so that
 * `sha256sum -c MANIFEST.sha256` checks it too. Strict in reading: what is not exactly what manifest_write() writes is
 * refused.
 */
#ifndef OPS_MANIFEST_H
#define OPS_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/digest.h"

#define MANIFEST_FILE "MANIFEST.sha256"

struct manifest_item {
  char *name; /* relative to the folder */
  unsigned char digest[DIGEST_SIZE];
};

struct manifest {
  struct manifest_item *items; /* by name, ascending in bytes */
  size_t count;
};

/* Hashes every file below `dir` but the manifest; *out is the caller's (manifest_free). */
NODISCARD int manifest_make(const char *dir, struct manifest *out, struct err *err);
/* Writes it to `dir`, durably. */
NODISCARD int manifest_write(const char *dir, const struct manifest *manifest, struct err *err);
/* Reads that of `dir`. ERR_CORRUPT if it is not well-formed; ERR_NOTFOUND if there is none. */
NODISCARD int manifest_read(const char *dir, struct manifest *out, struct err *err);
void manifest_free(struct manifest *manifest);
/* NULL if it has no such file. */
const struct manifest_item *manifest_find(const struct manifest *manifest, const char *name);

/* What is wrong with a file, for people; borrowed. */
typedef void manifest_reporter(void *ctx, const char *problem);

/* Compares `dir` with its manifest: exactly the files that it names, each with its digest. Goes on after a difference;
 * each is reported (`report` may be NULL), cheap ones first. *bytes (may be NULL) is what the files take. ERR_CORRUPT
 * with the number of differences and the first one. */
NODISCARD int manifest_check(const char *dir, manifest_reporter *report, void *ctx, uint64_t *bytes, struct err *err);

/* The SHA-256 of a file. */
NODISCARD int manifest_hash_file(const char *path, unsigned char out[DIGEST_SIZE], struct err *err);

#endif
