#include "api/resource.h"

#include "api/answer.h"
#include "api/listing.h"
#include "api/problem.h"
#include "domain/render_retraction.h"

enum { RECORDS_AT_ONCE = 64 };

static const struct field retractions_fields[] = {
    {"as_of", 0, listing_read_as_of}, {"limit", 0, listing_read_limit}, {"cursor", 0, listing_read_cursor}};

enum { RETRACTIONS_FIELD_COUNT = sizeof(retractions_fields) / sizeof(retractions_fields[0]) };

/* Appends {"retractions":[…]}; *place is that of the last one if more follow, else 0. */
static int render_list(const struct reader *reader, const struct listing *listing, struct buf *out, uint64_t *place,
                       struct err *err) {
  struct retraction_record records[RECORDS_AT_ONCE];
  struct retraction_renderer renderer;
  uint64_t before = listing->place > 0 ? listing->place : UINT64_MAX;
  size_t count = RECORDS_AT_ONCE, shown = 0;
  int rc = retraction_renderer_open(&renderer, reader, err);
  *place = 0;
  while (!rc && *place == 0 && count == RECORDS_AT_ONCE) {
    rc = retraction_list(reader, before, listing->snapshot, records, RECORDS_AT_ONCE, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
      if (shown == listing->limit || out->len >= LISTING_PAGE_BYTES) {
        *place = before;
        break;
      }
      if (shown++ > 0)
        buf_add_byte(out, ',');
      before = records[i].seq;
      rc = render_retraction(&renderer, &records[i], out, err);
    }
  }
  retraction_renderer_close(&renderer);
  return rc;
}

enum http_outcome retractions_handle(struct api *api, struct exchange *exchange) {
  struct http_response *response = &exchange->response;
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct listing listing;
  struct watermark mark;
  struct err err;
  uint64_t place = 0;
  field_errors_init(&errors, arena);
  listing_init(&listing);
  int rc = fields_read_query(arena, exchange->request.query_string, retractions_fields, RETRACTIONS_FIELD_COUNT,
                             &errors, &listing, &err);
  segment_watermark(api->segment, &mark);
  if (!rc && errors.count == 0)
    rc = listing_open(&listing, &api->reader, &mark, "retractions", span_str(""), &errors, &err);
  if (!rc && errors.count > 0) {
    problem_fields(response, &errors);
    return HTTP_DONE;
  }
  answer_begin(exchange, 200);
  buf_add_byte(&response->body, '{');
  if (!rc) {
    listing_add_moment(&listing, &response->body);
    buf_add_str(&response->body, ",\"retractions\":[");
    rc = render_list(&api->reader, &listing, &response->body, &place, &err);
  }
  buf_add_byte(&response->body, ']');
  if (rc) {
    problem_err(api, response, &err);
    return HTTP_DONE;
  }
  listing_add_cursor(&listing, place, &response->body);
  buf_add_str(&response->body, "}\n");
  return HTTP_DONE;
}
