/* The lines of an import on their way to the committer: one chunk is filled while the one before it is committed. */
#ifndef API_IMPORT_CHUNK_H
#define API_IMPORT_CHUNK_H

#include "api/import_report.h"
#include "api/ingest.h"

enum { CHUNK_BYTES = 512 << 10 };

/* What a chunk stands for: all lines up to last_line that are not in an earlier one. */
struct chunk_tally {
  uint64_t lines, rejected, last_line;
};

struct import_chunk {
  struct http_stream *stream;
  struct import_report *report;
  const struct ingest *ingest;
  uint64_t tag;
  struct buf entries; /* the chunk that is being filled */
  uint32_t count;
  struct chunk_tally filling, sent;
  bool in_flight;
  struct buf frame;
  uint8_t refusal; /* of the chunk that ended the import; 0: none */
};

void chunk_open(struct import_chunk *chunk, struct http_stream *stream, const struct ingest *ingest, uint64_t tag,
                struct import_report *report);
void chunk_close(struct import_chunk *chunk);
/* Sends what is filled, after the reply to the chunk before has come. ERR_BUSY: the committer is gone; ERR_CONFLICT: it
 * refused a chunk, chunk->refusal says why. */
NODISCARD int chunk_send(struct import_chunk *chunk, struct err *err);
/* Waits for the reply to the chunk in flight, if there is one, and notes it in the report. Errors as above. */
NODISCARD int chunk_collect(struct import_chunk *chunk, struct err *err);

#endif
