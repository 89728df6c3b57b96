#include "model/assertion.h"
#include "model/assertion_fields.h"
#include "model/number.h"
#include "model/timestamp.h"

enum { ID_ITEM_SIZE = ID_HEX_SIZE + 3 }; /* an id in derived_from, with its quotes and comma */

struct assertion_reader {
  struct arena *arena;
  struct assertion_pieces pieces;
  struct err *err;
};

static int corrupt(struct err *err, const char *what) {
  return err_set(err, ERR_CORRUPT, "stored body: %s", what);
}

static int read_string(const struct assertion_reader *r, enum assertion_field field, struct span *out) {
  struct span raw = r->pieces.fields[field];
  if (r->pieces.escaped & 1u << field)
    return json_unescape(r->arena, raw, out, r->err);
  *out = raw;
  return 0;
}

static int read_time(const struct assertion_reader *r, enum assertion_field field, bool *has, int64_t *us) {
  struct span raw = r->pieces.fields[field];
  const char *reason;
  *has = raw.data != NULL;
  *us = 0;
  if (raw.data && !timestamp_parse(raw, us, &reason))
    return corrupt(r->err, reason);
  return 0;
}

static int read_confidence(const struct assertion_reader *r, double *out) {
  struct span raw = r->pieces.fields[FIELD_CONFIDENCE];
  *out = 1.0;
  if (!raw.data)
    return 0;
  if (!number_in_unit(raw))
    return corrupt(r->err, "confidence is not a number in [0, 1]");
  *out = number_to_double(raw);
  return 0;
}

/* The array is `[` and ids of one size with commas between them and `]`, or `[]`. */
static int read_derived(const struct assertion_reader *r, struct assertion *out) {
  struct span raw = r->pieces.fields[FIELD_DERIVED_FROM];
  unsigned char id[ID_SIZE];
  out->derived_from = raw.data ? raw : (struct span){NULL, 0};
  out->derived_count = raw.len > 2 ? (raw.len - 1) / ID_ITEM_SIZE : 0;
  if (!raw.data || (raw.len == 2 && raw.data[0] == '['))
    return 0;
  if (raw.len != 1 + out->derived_count * ID_ITEM_SIZE)
    return corrupt(r->err, "derived_from is not an array of ids");
  for (size_t i = 0; i < out->derived_count; i++) {
    const unsigned char *p = raw.data + i * ID_ITEM_SIZE;
    if (p[0] != (i ? ',' : '[') || p[1] != '"' || p[2 + ID_HEX_SIZE] != '"' ||
        digest_from_hex(id, span_of(p + 2, ID_HEX_SIZE)) != 0)
      return corrupt(r->err, "derived_from is not an array of ids");
  }
  return 0;
}

int assertion_read(struct arena *arena, struct span body, struct assertion *out, struct err *err) {
  struct assertion_reader r = {.arena = arena, .err = err};
  if (!assertion_split(body, &r.pieces))
    return corrupt(err, "not the canonical form of an assertion");
  out->value = r.pieces.fields[FIELD_VALUE];
  int code = read_string(&r, FIELD_CONCEPT_PATH, &out->concept_path);
  if (!code)
    code = read_string(&r, FIELD_PREDICATE, &out->predicate);
  if (!code)
    code = read_string(&r, FIELD_SOURCE, &out->source);
  if (!code)
    code = read_confidence(&r, &out->confidence);
  if (!code)
    code = read_time(&r, FIELD_OBSERVED_AT, &out->has_observed_at, &out->observed_at);
  if (!code)
    code = read_time(&r, FIELD_VALID_FROM, &out->has_valid_from, &out->valid_from);
  if (!code)
    code = read_time(&r, FIELD_VALID_TO, &out->has_valid_to, &out->valid_to);
  if (!code)
    code = read_derived(&r, out);
  return code;
}

void assertion_derived_id(const struct assertion *assertion, size_t i, unsigned char id[ID_SIZE]) {
  const unsigned char *p = assertion->derived_from.data + i * ID_ITEM_SIZE + 2;
  if (digest_from_hex(id, span_of(p, ID_HEX_SIZE)) != 0)
    memset(id, 0, ID_SIZE); /* assertion_read refuses it before */
}
