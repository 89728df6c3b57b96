#include "api/answer.h"
#include "api/explore.h"
#include "api/problem.h"
#include "api/resource.h"
#include "domain/concepts.h"
#include "model/canonical.h"

/* Counts are read anew when entries were committed meanwhile: a page takes microseconds, a commit a disk's sync. */
enum { CONCEPTS_ATTEMPTS = 50 };

static const struct field concepts_fields[] = {
    {"prefix", 0, explore_read_prefix},
    {"limit", 0, listing_read_limit},
    {"cursor", 0, listing_read_cursor},
};

enum { CONCEPTS_FIELD_COUNT = sizeof(concepts_fields) / sizeof(concepts_fields[0]) };

/* Writes the page; *exact is false if it has to be written again. */
static int render(struct api *api, struct exchange *exchange, struct explore *explore, bool *exact, struct err *err) {
  struct buf *out = &exchange->response.body;
  const struct concepts_request request = {.prefix = explore->prefix,
                                           .after = explore->after ? explore->at.key : span_str(""),
                                           .limit = explore->listing.limit};
  struct concepts_end end;
  answer_begin(exchange, 200);
  buf_add_byte(out, '{');
  listing_add_moment(&explore->listing, out);
  buf_add_str(out, ",\"prefix\":");
  json_quote(out, explore->prefix);
  int rc =
      concepts_render(&api->reader, &explore->listing.mark, &request, exchange->request.arena, out, &end, exact, err);
  explore_add_cursor(explore, 0, end.more ? end.segment : (struct span){NULL, 0}, out);
  return rc;
}

static int run(struct api *api, struct exchange *exchange, struct field_errors *errors, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct explore explore;
  bool exact = false;
  explore_init(&explore);
  int rc = fields_read_query(arena, exchange->request.query_string, concepts_fields, CONCEPTS_FIELD_COUNT, errors,
                             &explore, err);
  for (int i = 0; !rc && !errors->count && !exact && i < CONCEPTS_ATTEMPTS; i++) {
    struct watermark mark;
    segment_watermark(api->segment, &mark);
    rc = explore_open(&explore, &api->reader, &mark, "concepts", span_str(""), NULL, arena, errors, err);
    if (rc || errors->count)
      break;
    explore.listing.snapshot = mark.visible_seq; /* each page is of the moment that it is read in */
    explore.listing.time_us = mark.time_us;
    rc = render(api, exchange, &explore, &exact, err);
  }
  if (!rc && !errors->count && !exact)
    rc = err_set(err, ERR_BUSY, "too much is being written to count: try again");
  return rc;
}

void concepts_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  explore_stream(api, exchange, stream, run);
}
