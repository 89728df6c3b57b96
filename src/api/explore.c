#include "api/explore.h"

#include "api/answer.h"
#include "api/problem.h"
#include "api/resource.h"
#include "api/route.h"
#include "model/name.h"

void explore_init(struct explore *explore) {
  *explore = (struct explore){.prefix = span_str("")};
  listing_init(&explore->listing);
}

int explore_read_prefix(const struct field_input *input, void *target, struct err *err) {
  struct explore *explore = target;
  bool good;
  int rc = field_string(input, &explore->prefix, &good, err);
  const char *fault = rc || !good || explore->prefix.len == 0 ? NULL : name_path_fault(explore->prefix);
  if (fault)
    field_fault(input, "%s", fault);
  return rc;
}

int explore_read_predicate(const struct field_input *input, void *target, struct err *err) {
  struct explore *explore = target;
  bool good;
  int rc = field_string(input, &explore->predicate, &good, err);
  const char *fault = rc || !good ? NULL : name_predicate_fault(explore->predicate);
  if (fault)
    field_fault(input, "%s", fault);
  return rc;
}

static void add_part(struct buf *out, struct span part) {
  buf_add_byte(out, part.data != NULL);
  buf_add_u32(out, (uint32_t)part.len);
  buf_add_span(out, part);
}

static void add_moment(struct buf *out, const struct moment *moment) {
  buf_add_byte(out, (unsigned char)moment->kind);
  buf_add_u64(out, moment->kind == MOMENT_SEQ ? moment->seq : 0);
  buf_add_u64(out, moment->kind == MOMENT_TIME ? (uint64_t)moment->time_us : 0);
}

static int make_digest(struct explore *explore, const char *name, struct span what, const struct moment *other,
                       struct err *err) {
  unsigned char whole[DIGEST_SIZE];
  struct buf text;
  buf_init(&text, 64 << 10);
  add_part(&text, span_str(name));
  add_part(&text, what);
  add_part(&text, explore->prefix);
  add_part(&text, explore->predicate);
  add_moment(&text, &explore->listing.as_of);
  if (other)
    add_moment(&text, other);
  int rc = buf_check(&text, "what is listed", err);
  if (!rc) {
    digest_sha256(whole, buf_span(&text));
    memcpy(explore->listing.digest, whole, BOOKMARK_DIGEST_SIZE);
  }
  buf_free(&text);
  return rc;
}

static int take_cursor(struct explore *explore, struct arena *arena, struct field_errors *errors, struct err *err) {
  struct listing *listing = &explore->listing;
  const struct watermark *mark = &listing->mark;
  const char *fault = NULL;
  bool good;
  int rc = bookmark_decode(arena, listing->cursor, &explore->at, &good, err);
  if (rc)
    return rc;
  if (!good)
    fault = "is malformed";
  else if (explore->at.branch != mark->branch)
    return err_set(err, ERR_CONFLICT, "the cursor is of an abandoned branch of the history: ask anew without it");
  else if (memcmp(explore->at.digest, listing->digest, BOOKMARK_DIGEST_SIZE) != 0)
    fault = "belongs to another list";
  else if (explore->at.snapshot > mark->visible_seq || explore->at.other > mark->visible_seq)
    fault = "is malformed";
  if (fault)
    field_errors_add(errors, span_str(""), "cursor", "%s", fault);
  listing->snapshot = explore->at.snapshot;
  explore->after = !fault;
  return 0;
}

static int take_moment(const struct reader *reader, const struct watermark *mark, const struct moment *moment,
                       const char *name, uint64_t *seq, struct field_errors *errors, struct err *err) {
  int rc = moment_resolve(reader, mark, moment, seq, err);
  if (rc != ERR_INVALID)
    return rc;
  field_errors_add(errors, span_str(""), name, "%s", err->text);
  return 0;
}

int explore_open(struct explore *explore, const struct reader *reader, const struct watermark *mark, const char *name,
                 struct span what, const struct moment *other, struct arena *arena, struct field_errors *errors,
                 struct err *err) {
  struct listing *listing = &explore->listing;
  const size_t before = errors->count;
  listing->mark = *mark;
  int rc = make_digest(explore, name, what, other, err);
  if (!rc && listing->cursor.data)
    rc = take_cursor(explore, arena, errors, err);
  else if (!rc)
    rc = take_moment(reader, mark, &listing->as_of, other ? "from" : "as_of", &listing->snapshot, errors, err);
  if (!rc && other && !listing->cursor.data)
    rc = take_moment(reader, mark, other, "to", &explore->at.other, errors, err);
  if (!rc && errors->count == before && listing->snapshot > 0)
    rc = moment_time(reader, mark, listing->snapshot, &listing->time_us, err);
  return rc;
}

void explore_add_cursor(const struct explore *explore, double score, struct span key, struct buf *out) {
  const struct listing *listing = &explore->listing;
  struct bookmark bookmark = {.branch = listing->mark.branch,
                              .snapshot = listing->snapshot,
                              .other = explore->at.other,
                              .score = score,
                              .key = key};
  buf_add_str(out, ",\"next_cursor\":");
  if (!key.data) {
    buf_add_str(out, "null");
    return;
  }
  memcpy(bookmark.digest, listing->digest, BOOKMARK_DIGEST_SIZE);
  buf_add_byte(out, '"');
  bookmark_encode(&bookmark, out);
  buf_add_byte(out, '"');
}

static void answer(struct api *api, struct exchange *exchange, explore_run *run) {
  struct field_errors errors;
  struct err err;
  field_errors_init(&errors, exchange->request.arena);
  answer_begin(exchange, 200);
  int rc = run(api, exchange, &errors, &err);
  if (rc == ERR_NOMEM)
    problem_set(&exchange->response, 422, "too much for one answer: %s", err.text);
  else if (rc)
    problem_err(api, &exchange->response, &err);
  else if (errors.count > 0)
    problem_fields(&exchange->response, &errors);
  else
    buf_add_str(&exchange->response.body, "}\n");
  if (exchange->response.body.failed)
    problem_set(&exchange->response, 422, "the answer would be larger than %d bytes: ask for less", HTTP_ANSWER_MAX);
}

enum http_outcome explore_handle(struct api *api, struct exchange *exchange) {
  (void)api;
  (void)exchange;
  return HTTP_SLOW;
}

void explore_stream(struct api *api, struct exchange *exchange, struct http_stream *stream, explore_run *run) {
  struct err err;
  if (api->ready)
    answer(api, exchange, run);
  else
    api_unavailable(exchange, "recovering");
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
