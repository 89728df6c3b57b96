#include "api/listing.h"

#include "api/answer.h"

void listing_init(struct listing *listing) {
  *listing = (struct listing){.limit = LISTING_LIMIT_DEFAULT};
}

int listing_read_as_of(const struct field_input *input, void *target, struct err *err) {
  struct listing *listing = target;
  bool good;
  return field_moment(input, &listing->as_of, &good, err);
}

int listing_read_limit(const struct field_input *input, void *target, struct err *err) {
  struct listing *listing = target;
  uint64_t limit = LISTING_LIMIT_DEFAULT;
  bool good;
  int rc = field_integer(input, 1, LISTING_LIMIT_MAX, &limit, &good, err);
  if (!rc && good)
    listing->limit = (uint32_t)limit;
  return rc;
}

int listing_read_cursor(const struct field_input *input, void *target, struct err *err) {
  struct listing *listing = target;
  bool good;
  return field_string(input, &listing->cursor, &good, err);
}

/* All that decides which items the list has, and in which order. */
static int make_digest(struct listing *listing, const char *name, struct span what, struct err *err) {
  unsigned char whole[DIGEST_SIZE];
  struct buf text;
  buf_init(&text, 64 << 10);
  buf_add_str(&text, name);
  buf_add_byte(&text, 0);
  buf_add_span(&text, what);
  buf_add_byte(&text, (unsigned char)listing->as_of.kind);
  buf_add_u64(&text, listing->as_of.kind == MOMENT_SEQ ? listing->as_of.seq : 0);
  buf_add_u64(&text, listing->as_of.kind == MOMENT_TIME ? (uint64_t)listing->as_of.time_us : 0);
  int rc = buf_check(&text, "what is listed", err);
  if (!rc) {
    digest_sha256(whole, buf_span(&text));
    memcpy(listing->digest, whole, CURSOR_DIGEST_SIZE);
  }
  buf_free(&text);
  return rc;
}

static int take_cursor(struct listing *listing, struct field_errors *errors, struct err *err) {
  struct cursor cursor;
  const char *fault = NULL;
  if (!cursor_decode(listing->cursor, &cursor))
    fault = "is malformed";
  else if (cursor.branch != listing->mark.branch)
    return err_set(err, ERR_CONFLICT, "the cursor is of an abandoned branch of the history: ask anew without it");
  else if (memcmp(cursor.digest, listing->digest, CURSOR_DIGEST_SIZE) != 0)
    fault = "belongs to another list";
  else if (cursor.snapshot > listing->mark.visible_seq)
    fault = "is malformed";
  if (fault) {
    field_errors_add(errors, span_str(""), "cursor", "%s", fault);
    return 0;
  }
  listing->snapshot = cursor.snapshot;
  listing->place = cursor.last.seq;
  return 0;
}

int listing_open(struct listing *listing, const struct reader *reader, const struct watermark *mark, const char *name,
                 struct span what, struct field_errors *errors, struct err *err) {
  listing->mark = *mark;
  int rc = make_digest(listing, name, what, err);
  if (!rc && listing->cursor.data) {
    rc = take_cursor(listing, errors, err);
  } else if (!rc) {
    rc = moment_resolve(reader, mark, &listing->as_of, &listing->snapshot, err);
    if (rc == ERR_INVALID) {
      field_errors_add(errors, span_str(""), "as_of", "%s", err->text);
      return 0;
    }
  }
  if (!rc && listing->snapshot > 0)
    rc = moment_time(reader, mark, listing->snapshot, &listing->time_us, err);
  return rc;
}

void listing_add_moment(const struct listing *listing, struct buf *out) {
  buf_add_str(out, "\"as_of\":{\"seq\":");
  buf_add_dec(out, listing->snapshot);
  answer_timestamp(out, "timestamp", listing->snapshot, listing->time_us);
  buf_add_byte(out, '}');
  answer_history(out, &listing->mark);
}

void listing_add_cursor(const struct listing *listing, uint64_t place, struct buf *out) {
  buf_add_str(out, ",\"next_cursor\":");
  if (place == 0) {
    buf_add_str(out, "null");
    return;
  }
  struct cursor cursor = {.branch = listing->mark.branch, .snapshot = listing->snapshot, .last = {.seq = place}};
  memcpy(cursor.digest, listing->digest, CURSOR_DIGEST_SIZE);
  buf_add_byte(out, '"');
  cursor_encode(&cursor, out);
  buf_add_byte(out, '"');
}
