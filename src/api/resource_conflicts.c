#include "api/explore.h"
#include "api/resource.h"
#include "domain/conflicts.h"

struct conflicts_call {
  struct explore explore;
  double min_conflict;
};

static int read_min_conflict(const struct field_input *input, void *target, struct err *err) {
  struct conflicts_call *call = target;
  bool good;
  return field_number(input, 0, 1, &call->min_conflict, &good, err);
}

static const struct field conflicts_fields[] = {
    {"prefix", 0, explore_read_prefix},     {"predicate", 0, explore_read_predicate},
    {"min_conflict", 0, read_min_conflict}, {"as_of", 0, listing_read_as_of},
    {"limit", 0, listing_read_limit},       {"cursor", 0, listing_read_cursor},
};

enum { CONFLICTS_FIELD_COUNT = sizeof(conflicts_fields) / sizeof(conflicts_fields[0]) };

static int run(struct api *api, struct exchange *exchange, struct field_errors *errors, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct buf *out = &exchange->response.body;
  struct conflicts_call call = {.min_conflict = 0.5};
  struct watermark mark;
  explore_init(&call.explore);
  int rc = fields_read_query(arena, exchange->request.query_string, conflicts_fields, CONFLICTS_FIELD_COUNT, errors,
                             &call, err);
  segment_watermark(api->segment, &mark);
  if (rc || errors->count)
    return rc;
  rc = explore_open(&call.explore, &api->reader, &mark, "conflicts", span_of(&call.min_conflict, sizeof(double)), NULL,
                    arena, errors, err);
  if (rc || errors->count)
    return rc;
  const struct conflicts_request request = {.prefix = call.explore.prefix,
                                            .predicate = call.explore.predicate,
                                            .min_conflict = call.min_conflict,
                                            .limit = call.explore.listing.limit,
                                            .snapshot = call.explore.listing.snapshot,
                                            .after = call.explore.after,
                                            .score = call.explore.at.score,
                                            .key = call.explore.at.key};
  struct conflicts_end end = {.more = false};
  buf_add_byte(out, '{');
  listing_add_moment(&call.explore.listing, out);
  buf_add_str(out, ",\"conflicts\":");
  rc = conflicts_render(&api->reader, &mark, &request, arena, out, &end, err);
  explore_add_cursor(&call.explore, end.score, end.more ? end.key : (struct span){NULL, 0}, out);
  return rc;
}

void conflicts_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  explore_stream(api, exchange, stream, run);
}
