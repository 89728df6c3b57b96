/* Splits a streamed body into lines, in one fixed buffer. */
#ifndef API_LINES_H
#define API_LINES_H

#include "api/http.h"

enum { LINES_MAX = 256 << 10 }; /* bytes of a line, its end not counted */

enum line_kind {
  LINE_GOOD,
  LINE_TOO_LONG, /* skipped up to its end */
  LINE_END       /* the whole body was read */
};

struct lines {
  struct http_stream *stream;
  unsigned char *data;        /* owned */
  size_t start, scanned, end; /* the bytes not yet given out; those already searched for a line's end */
  bool skipping, ended;
  uint64_t number; /* of the line given out last, from 1 */
};

NODISCARD int lines_open(struct lines *lines, struct http_stream *stream, struct err *err);
void lines_close(struct lines *lines);
/* The next line, without LF or CRLF; good until the next call. A last line needs no end. ERR_IO: the body was cut off.
 */
NODISCARD int lines_next(struct lines *lines, struct span *line, enum line_kind *kind, struct err *err);

#endif
