#include "api/resource.h"

#include "api/answer.h"
#include "api/listing.h"
#include "api/problem.h"
#include "domain/render.h"
#include "domain/why.h"

/* What costs more lookups than this is for a streaming thread. */
enum { WHY_EAGER = 400 };

/* An item's place in the list: its number in its direction, from 1, and the direction in the last bit. */
enum { PLACE_SHIFT = 1, PLACE_SUPPORTS = 1 };

struct why_request {
  struct listing listing; /* first */
  bool wants[2];          /* by enum why_direction */
};

static const char *const member_names[] = {[WHY_RESTS_ON] = "rests_on", [WHY_SUPPORTS] = "supports"};

static int read_direction(const struct field_input *input, void *target, struct err *err) {
  struct why_request *request = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const bool both = span_equal(text, span_str("both"));
  for (int i = 0; i < 2; i++)
    request->wants[i] = both || span_equal(text, span_str(member_names[i]));
  if (!request->wants[0] && !request->wants[1])
    field_fault(input, "must be \"rests_on\", \"supports\" or \"both\"");
  return 0;
}

static const struct field why_fields[] = {
    {"as_of", 0, listing_read_as_of},
    {"direction", 0, read_direction},
    {"limit", 0, listing_read_limit},
    {"cursor", 0, listing_read_cursor},
};

enum { WHY_FIELD_COUNT = sizeof(why_fields) / sizeof(why_fields[0]) };

/* The answer while it is made. */
struct why_answer {
  const struct reader *reader;
  const struct why_request *request;
  struct retraction_book *book;
  struct buf *out;
  struct buf record;
  uint64_t seq; /* of the assertion that was asked for */
  uint64_t via_seq;
  unsigned char via_id[ID_SIZE];
  uint64_t lookups, most; /* so far; more than `most` are too many here */
  uint64_t place, items;  /* of the last item; on this page */
  bool more, truncated, slow;
};

static int load_assertion(struct why_answer *answer, uint64_t seq, struct entry *entry, struct err *err) {
  bool found = false;
  answer->lookups++;
  int rc = history_get(answer->reader->store, seq, &answer->record, entry, &found, err);
  if (!rc && (!found || entry->kind != ENTRY_ASSERTION))
    rc = err_set(err, ERR_CORRUPT, "entry %llu is no assertion", (unsigned long long)seq);
  return rc;
}

/* The assertion with its status as of the moment. */
static int add_assertion(struct why_answer *answer, uint64_t seq, struct err *err) {
  const struct retraction_note *note = NULL;
  struct entry entry;
  int rc = load_assertion(answer, seq, &entry, err);
  if (!rc)
    rc = retraction_book_find(answer->book, seq, answer->request->listing.snapshot, &note, err);
  return rc ? rc : render_assertion_status(answer->out, &entry, note, err);
}

static int add_step(struct why_answer *answer, const struct why_step *step, struct err *err) {
  if (step->via != answer->via_seq) {
    struct entry entry;
    int rc = load_assertion(answer, step->via, &entry, err);
    if (rc)
      return rc;
    memcpy(answer->via_id, entry.id, ID_SIZE);
    answer->via_seq = step->via;
  }
  buf_addf(answer->out, "{\"depth\":%u,\"via\":\"", step->depth);
  buf_add_hex(answer->out, answer->via_id, ID_SIZE);
  buf_add_str(answer->out, "\",\"assertion\":");
  int rc = add_assertion(answer, step->seq, err);
  buf_add_byte(answer->out, '}');
  return rc;
}

/* Adds items behind the first `skip` until the page is full. */
static int add_steps(struct why_answer *answer, struct why *why, enum why_direction direction, uint64_t skip,
                     struct err *err) {
  bool found = true, first = true;
  for (uint64_t n = 1;; n++) {
    struct why_step step;
    int rc = why_next(why, &step, &found, err);
    if (rc || !found)
      return rc;
    if (why_lookups(why) + answer->lookups > answer->most) {
      answer->slow = true;
      return 0;
    }
    if (n <= skip)
      continue;
    if (answer->items == answer->request->listing.limit || answer->out->len >= LISTING_PAGE_BYTES) {
      answer->more = true;
      return 0;
    }
    if (!first)
      buf_add_byte(answer->out, ',');
    first = false;
    if ((rc = add_step(answer, &step, err)))
      return rc;
    answer->items++;
    answer->place = n << PLACE_SHIFT | (direction == WHY_SUPPORTS ? PLACE_SUPPORTS : 0);
  }
}

static int add_direction(struct why_answer *answer, enum why_direction direction, struct err *err) {
  const uint64_t place = answer->request->listing.place;
  const bool in_supports = place & PLACE_SUPPORTS;
  struct why *why = NULL;
  int rc = 0;
  if (!answer->request->wants[direction])
    return 0;
  buf_addf(answer->out, ",\"%s\":[", member_names[direction]);
  /* A page that begins among what it supports is past all that it rests on; one that is full there, before. */
  const bool here = !answer->more && (direction == WHY_SUPPORTS || !in_supports);
  if (here)
    rc = why_open(answer->reader, answer->request->listing.snapshot, answer->seq, direction, &why, err);
  if (!rc && here) {
    const uint64_t skip = in_supports == (direction == WHY_SUPPORTS) ? place >> PLACE_SHIFT : 0;
    rc = add_steps(answer, why, direction, skip, err);
    answer->lookups += why_lookups(why);
    answer->truncated = answer->truncated || why_truncated(why);
  }
  why_close(why);
  buf_add_byte(answer->out, ']');
  return rc;
}

static int render(struct why_answer *answer, struct err *err) {
  struct buf *out = answer->out;
  buf_add_byte(out, '{');
  listing_add_moment(&answer->request->listing, out);
  buf_add_str(out, ",\"assertion\":");
  int rc = add_assertion(answer, answer->seq, err);
  if (!rc)
    rc = add_direction(answer, WHY_RESTS_ON, err);
  if (!rc && !answer->slow)
    rc = add_direction(answer, WHY_SUPPORTS, err);
  buf_addf(out, ",\"truncated\":%s", answer->truncated ? "true" : "false");
  listing_add_cursor(&answer->request->listing, answer->more ? answer->place : 0, out);
  buf_add_str(out, "}\n");
  return rc;
}

/* Reads the parameters; *good is false when the response is a problem already. */
static int read_request(struct api *api, struct exchange *exchange, struct why_request *request, struct watermark *mark,
                        bool *good, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  *good = false;
  *request = (struct why_request){.wants = {true, true}};
  listing_init(&request->listing);
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, why_fields, WHY_FIELD_COUNT, &errors, request, err);
  if (rc)
    return rc;
  segment_watermark(api->segment, mark);
  char name[] = "why  ";
  for (int i = 0; i < 2; i++)
    name[3 + i] = request->wants[i] ? '1' : '0';
  if (errors.count == 0)
    rc = listing_open(&request->listing, &api->reader, mark, name, exchange->request.parameter, &errors, err);
  if (!rc && errors.count > 0)
    problem_fields(&exchange->response, &errors);
  *good = !rc && errors.count == 0;
  return rc;
}

/* The whole call; *slow tells that it is for a streaming thread. */
static int answer_why(struct api *api, struct exchange *exchange, uint64_t most, bool *slow, struct err *err) {
  struct why_request request;
  struct watermark mark;
  unsigned char id[ID_SIZE];
  bool good = false, found = false;
  int rc = read_request(api, exchange, &request, &mark, &good, err);
  if (rc || !good)
    return rc;
  struct reader reader = api->reader;
  reader.mark = &mark;
  struct why_answer answer = {.reader = &reader, .request = &request, .out = &exchange->response.body, .most = most};
  buf_init(&answer.record, ENTRY_MAX_SIZE);
  if (digest_from_hex(id, exchange->request.parameter) == 0)
    rc = lookup_id(&reader, id, request.listing.snapshot, &answer.seq, &found, err);
  if (!rc && found) {
    struct entry entry;
    rc = history_get(reader.store, answer.seq, &answer.record, &entry, &found, err);
    found = found && !rc && entry.kind == ENTRY_ASSERTION;
  }
  if (!rc && found)
    rc = retraction_book_create(&reader, &answer.book, err);
  answer_begin(exchange, 200);
  if (!rc && found)
    rc = render(&answer, err);
  else if (!rc)
    problem_set(&exchange->response, 404, "there is no assertion with this id as of seq %llu",
                (unsigned long long)request.listing.snapshot);
  *slow = answer.slow;
  retraction_book_free(answer.book);
  buf_free(&answer.record);
  return rc;
}

enum http_outcome why_handle(struct api *api, struct exchange *exchange) {
  bool slow = false;
  struct err err;
  if (answer_why(api, exchange, WHY_EAGER, &slow, &err))
    problem_err(api, &exchange->response, &err);
  return slow ? HTTP_SLOW : HTTP_DONE;
}

void why_stream(struct api *api, struct exchange *exchange, struct http_stream *stream) {
  bool slow = false;
  struct err err;
  if (answer_why(api, exchange, UINT64_MAX, &slow, &err))
    problem_err(api, &exchange->response, &err);
  if (exchange_send(exchange, stream, &err))
    stream->broken = true;
}
