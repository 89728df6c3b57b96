/* The lines of a file as an import sends them, in constant memory: a plain or gzip file, or a pipe. */
#ifndef TOOLS_IMPORT_SOURCE_H
#define TOOLS_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct import_source;

/* Opens a file; "-" is standard input. */
NODISCARD int import_source_open(const char *path, struct import_source **out, struct err *err);
/* Takes NULL. */
void import_source_close(struct import_source *source);
/* Whether it can be read again: it is a file. */
bool import_source_repeats(const struct import_source *source);
/* Derives an Idempotency-Key from all of its (unpacked) bytes into key[size]; rewinds it. Only of one that repeats. */
NODISCARD int import_source_key(struct import_source *source, char *key, size_t size, struct err *err);
/* Back to its beginning. The first `skip` lines are then given as empty ones, so that the lines after them keep their
 * numbers. */
NODISCARD int import_source_rewind(struct import_source *source, uint64_t skip, struct err *err);
/* The next bytes; *got is 0 at the end. Entries of a feed are given as the assertions that they hold; its other entries
 * as empty lines. A client_read of the source. */
NODISCARD int import_source_read(void *source, void *data, size_t size, size_t *got, struct err *err);

uint64_t import_source_lines(const struct import_source *source);  /* given since the beginning */
uint64_t import_source_events(const struct import_source *source); /* entries of a feed that were left out */
uint64_t import_source_done(const struct import_source *source);   /* bytes of the file that were read */
uint64_t import_source_size(const struct import_source *source);   /* of the file; 0 if it is none */

#endif
