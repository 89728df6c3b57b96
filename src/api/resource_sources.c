#include "api/explore.h"
#include "api/resource.h"
#include "domain/sources.h"

static const struct field sources_fields[] = {
    {"prefix", 0, explore_read_prefix},
    {"as_of", 0, listing_read_as_of},
    {"limit", 0, listing_read_limit},
    {"cursor", 0, listing_read_cursor},
};

enum { SOURCES_FIELD_COUNT = sizeof(sources_fields) / sizeof(sources_fields[0]) };

static int run(struct api *api, struct exchange *exchange, struct field_errors *errors, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct buf *out = &exchange->response.body;
  struct explore explore;
  struct watermark mark;
  explore_init(&explore);
  int rc = fields_read_query(arena, exchange->request.query_string, sources_fields, SOURCES_FIELD_COUNT, errors,
                             &explore, err);
  segment_watermark(api->segment, &mark);
  if (!rc && !errors->count)
    rc = explore_open(&explore, &api->reader, &mark, "sources", span_str(""), NULL, arena, errors, err);
  if (rc || errors->count)
    return rc;
  const struct sources_request request = {.prefix = explore.prefix,
                                          .limit = explore.listing.limit,
                                          .snapshot = explore.listing.snapshot,
                                          .after = explore.after,
                                          .last = explore.at.key};
  struct sources_end end;
  buf_add_byte(out, '{');
  listing_add_moment(&explore.listing, out);
  buf_add_str(out, ",\"sources\":");
  rc = sources_render(&api->reader, &mark, &request, arena, out, &end, err);
  explore_add_cursor(&explore, 0, end.more ? end.last : (struct span){NULL, 0}, out);
  return rc;
}

void sources_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  explore_stream(api, exchange, stream, run);
}
