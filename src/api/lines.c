#include "api/lines.h"

#include <stdlib.h>

/* A longest line with its CR, and room to read a block behind it. */
enum { LINES_BLOCK = 64 << 10, LINES_CAPACITY = LINES_MAX + 1 + LINES_BLOCK };

int lines_open(struct lines *lines, struct http_stream *stream, struct err *err) {
  *lines = (struct lines){.stream = stream, .data = malloc(LINES_CAPACITY)};
  return lines->data ? 0 : err_set(err, ERR_NOMEM, "no memory for lines");
}

void lines_close(struct lines *lines) {
  free(lines->data);
  lines->data = NULL;
}

/* Gives out the bytes up to `end` as a line; the next one begins at `next`. */
static enum line_kind give_out(struct lines *lines, size_t end, size_t next, struct span *line) {
  bool skipped = lines->skipping;
  if (end > lines->start && lines->data[end - 1] == '\r')
    end--;
  *line = span_of(lines->data + lines->start, end - lines->start);
  lines->start = lines->scanned = next;
  lines->skipping = false;
  lines->number++;
  return skipped || line->len > LINES_MAX ? LINE_TOO_LONG : LINE_GOOD;
}

/* Reads what there is behind the bytes not yet given out, which move to the front. */
static int read_more(struct lines *lines, struct err *err) {
  size_t got;
  if (lines->start > 0) {
    memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->scanned -= lines->start;
    lines->start = 0;
  }
  int rc = lines->stream->read(lines->stream, lines->data + lines->end, LINES_CAPACITY - lines->end, &got, err);
  if (rc)
    return rc;
  lines->end += got;
  lines->ended = got == 0;
  return 0;
}

int lines_next(struct lines *lines, struct span *line, enum line_kind *kind, struct err *err) {
  for (;;) {
    const unsigned char *from = lines->data + lines->scanned;
    const unsigned char *lf = lines->scanned < lines->end ? memchr(from, '\n', lines->end - lines->scanned) : NULL;
    if (lf) {
      size_t at = (size_t)(lf - lines->data);
      *kind = give_out(lines, at, at + 1, line);
      return 0;
    }
    lines->scanned = lines->end;
    if (lines->ended) {
      bool rest = lines->start < lines->end || lines->skipping;
      *line = (struct span){NULL, 0};
      *kind = rest ? give_out(lines, lines->end, lines->end, line) : LINE_END;
      return 0;
    }
    if (lines->end - lines->start > LINES_MAX + 1) {
      lines->skipping = true;
      lines->start = lines->end;
    }
    int rc = read_more(lines, err);
    if (rc)
      return rc;
  }
}
