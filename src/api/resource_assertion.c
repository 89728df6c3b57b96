#include "api/resource.h"

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "domain/render.h"
#include "projection/snapshot.h"

/* Appends the assertion with this id; *found is false if there is none. */
static int render_found(struct api *api, const unsigned char id[ID_SIZE], struct buf *out, bool *found,
                        struct err *err) {
  const struct retraction_note *retraction = NULL;
  struct retraction_book *book = NULL;
  struct watermark mark;
  struct entry entry;
  struct buf record;
  uint64_t seq;
  buf_init(&record, ENTRY_MAX_SIZE + ENTRY_OVERHEAD);
  segment_watermark(api->segment, &mark);
  const struct reader reader = {api->reader.store, api->reader.projection, &mark, NULL};
  int rc = lookup_id(&reader, id, mark.visible_seq, &seq, found, err);
  if (rc || !*found)
    goto out;
  rc = history_get(api->reader.store, seq, &record, &entry, found, err);
  if (rc)
    goto out;
  *found = *found && entry.kind == ENTRY_ASSERTION;
  if (!*found || (rc = retraction_book_create(&reader, &book, err)))
    goto out;
  rc = retraction_book_find(book, seq, mark.visible_seq, &retraction, err);
  if (!rc)
    rc = render_assertion_status(out, &entry, retraction, err);
out:
  retraction_book_free(book);
  buf_free(&record);
  return rc;
}

enum http_outcome assertion_handle(struct api *api, struct exchange *exchange) {
  struct http_response *response = &exchange->response;
  unsigned char id[ID_SIZE];
  bool found = false;
  struct field_errors errors;
  struct err err;
  field_errors_init(&errors, exchange->request.arena);
  int rc = fields_read_query(exchange->request.arena, exchange->request.query_string, NULL, 0, &errors, NULL, &err);
  if (!rc && errors.count > 0) {
    problem_fields(response, &errors);
    return HTTP_DONE;
  }
  answer_begin(exchange, 200);
  if (!rc && digest_from_hex(id, exchange->request.parameter) == 0)
    rc = render_found(api, id, &response->body, &found, &err);
  buf_add_byte(&response->body, '\n');
  if (rc)
    problem_err(api, response, &err);
  else if (!found)
    problem_set(response, 404, "there is no assertion with this id");
  return HTTP_DONE;
}
