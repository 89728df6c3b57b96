/*
 * Packs: the values of concept.kv. A pack holds neighbouring assertions in the order of their keys, each told as far as
 * it differs from the one before: a fifth of the bytes of a pair of key and record each, and a tenth of the pairs. Both
 * count four times (log, page image in the log, page, disk).
 *
 * A row is
 *   flags u8 (PACK_*)
 *   shared, suffix   varint; varint length and bytes: the path is the first `shared` bytes of the one before, then the
 *                    suffix
 *   names            varint length and bytes, unless PACK_SAME_NAMES: predicate 0 source 0
 *   seq              zigzag varint: difference to the one before
 * and if it is covered (otherwise the reader fetches the record from the history):
 *   time             zigzag varint: difference to that of the covered row before, microseconds
 *   id               32 bytes
 *   server           varint length and bytes, unless PACK_SAME_SERVER: items recorded_by and batch, as in the record
 *   middle           varint length and bytes, unless PACK_SAME_MIDDLE; only if PACK_SPLICED
 *   end              varint length and bytes
 * A spliced body is {"concept_path":"PATH" MIDDLE ,"predicate":"PREDICATE" [,"source":"SOURCE"] END; else it is END.
 * Varints are little-endian base 128. The first row of a pack differs from an empty key and zeros.
 */
#ifndef PROJECTION_PACK_H
#define PROJECTION_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "projection/index.h"

enum { PACK_COVERED = 1, PACK_SPLICED = 2, PACK_SAME_NAMES = 4, PACK_SAME_SERVER = 8, PACK_SAME_MIDDLE = 16 };

/* Key without the seq. */
enum { PACK_KEY_MAX = CONCEPT_KEY_MAX - 8 };

struct pack_row {
  struct span key; /* path 0 predicate 0 source 0 */
  size_t path_len; /* of the path in it */
  uint64_t seq;
  bool covered, spliced;
  uint64_t time_us;
  const unsigned char *id; /* ID_SIZE bytes */
  struct span server, middle, end;
};

/* The row of a put into concept.kv. */
static inline const struct pack_row *put_row(const struct put *put) {
  return (const struct pack_row *)(const void *)put->value;
}

/* By key, then the newest first. */
int pack_compare(const struct pack_row *a, const struct pack_row *b);

struct pack_writer {
  unsigned char *out;
  size_t len;
  const struct pack_row *last; /* NULL at the beginning */
  const struct pack_row *last_covered;
};

/* Begins a pack in memory that the caller knows to be large enough. */
void pack_begin(struct pack_writer *w, unsigned char *out);
/* Appends a row, which stays where it is as long as the writer is used. */
void pack_add(struct pack_writer *w, const struct pack_row *row);
/* The most bytes that pack_add() may take for it. */
size_t pack_row_max(const struct pack_row *row);

struct pack_reader {
  struct span rest;
  struct span names;
  struct pack_row row;                 /* the last one */
  unsigned char key[PACK_KEY_MAX + 8]; /* what row.key is in; with room for the seq */
};

void pack_read(struct pack_reader *r, struct span pack);
/* The next row into r->row, good until the next call; false at the end, and then *sound is whether it was one. */
bool pack_next(struct pack_reader *r, bool *sound);

#endif
