#include "api/answer.h"
#include "api/explore.h"
#include "api/resource.h"
#include "domain/diff.h"

struct diff_call {
  struct explore explore; /* as_of is `from` */
  struct moment to;
  const struct lens *lens;
};

static int read_to(const struct field_input *input, void *target, struct err *err) {
  struct diff_call *call = target;
  bool good;
  return field_moment(input, &call->to, &good, err);
}

static int read_lens(const struct field_input *input, void *target, struct err *err) {
  struct diff_call *call = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const struct lens *lens = lens_find(text);
  if (!lens || lens->events)
    field_fault(input, "must be a lens that resolves: recency, confidence, authority, consensus, skeptic or layered");
  else
    call->lens = lens;
  return 0;
}

static const struct field diff_fields[] = {
    {"from", FIELD_REQUIRED, listing_read_as_of},
    {"to", 0, read_to},
    {"prefix", 0, explore_read_prefix},
    {"lens", 0, read_lens},
    {"limit", 0, listing_read_limit},
    {"cursor", 0, listing_read_cursor},
};

enum { DIFF_FIELD_COUNT = sizeof(diff_fields) / sizeof(diff_fields[0]) };

static int add_moment(struct api *api, const struct watermark *mark, const char *name, uint64_t seq, struct buf *out,
                      struct err *err) {
  uint64_t time_us = 0;
  int rc = seq ? moment_time(&api->reader, mark, seq, &time_us, err) : 0;
  if (rc)
    return rc;
  buf_addf(out, "\"%s\":{\"seq\":%llu", name, (unsigned long long)seq);
  answer_timestamp(out, "timestamp", seq, time_us);
  buf_add_byte(out, '}');
  return 0;
}

static int render(struct api *api, struct exchange *exchange, struct diff_call *call, const struct watermark *mark,
                  struct err *err) {
  struct buf *out = &exchange->response.body;
  struct explore *explore = &call->explore;
  const struct diff_request request = {.from = explore->listing.snapshot,
                                       .to = explore->at.other,
                                       .prefix = explore->prefix,
                                       .lens = call->lens,
                                       .limit = explore->listing.limit,
                                       .after = explore->after ? explore->at.key : span_str("")};
  struct diff_end end;
  buf_add_byte(out, '{');
  int rc = add_moment(api, mark, "from", request.from, out, err);
  buf_add_byte(out, ',');
  if (!rc)
    rc = add_moment(api, mark, "to", request.to, out, err);
  if (rc)
    return rc;
  buf_addf(out, ",\"lens\":\"%s\"", call->lens->name);
  answer_history(out, mark);
  buf_add_str(out, ",\"changes\":");
  rc = diff_render(&api->reader, mark, &request, exchange->request.arena, out, &end, err);
  explore_add_cursor(explore, 0, end.more ? end.key : (struct span){NULL, 0}, out);
  return rc;
}

static int run(struct api *api, struct exchange *exchange, struct field_errors *errors, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct diff_call call = {.lens = lens_find(span_str("recency"))};
  struct watermark mark;
  explore_init(&call.explore);
  int rc = fields_read_query(arena, exchange->request.query_string, diff_fields, DIFF_FIELD_COUNT, errors, &call, err);
  segment_watermark(api->segment, &mark);
  if (!rc && !errors->count)
    rc = explore_open(&call.explore, &api->reader, &mark, "diff", span_str(call.lens->name), &call.to, arena, errors,
                      err);
  if (!rc && !errors->count && call.explore.listing.snapshot > call.explore.at.other)
    field_errors_add(errors, span_str(""), "from", "is after `to`");
  return rc || errors->count ? rc : render(api, exchange, &call, &mark, err);
}

void diff_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  explore_stream(api, exchange, stream, run);
}
