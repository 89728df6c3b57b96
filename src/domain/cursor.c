#include "domain/cursor.h"

#include <math.h>
#include <sodium.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
  CURSOR_VERSION = 2,
  AT_BRANCH = 1,
  AT_SNAPSHOT = 9,
  AT_DECAYED = 17,
  AT_DIGEST = 25,
  AT_TOP = AT_DIGEST + CURSOR_DIGEST_SIZE,
  AT_MAJOR = AT_TOP + 8,
  AT_MINOR = AT_MAJOR + 8,
  AT_SEQ = AT_MINOR + 8,
  AT_TOPIC = AT_SEQ + 8,
  AT_CHECKSUM = AT_TOPIC + 8,
  CURSOR_SIZE = AT_CHECKSUM + 4,
  TOKEN_SIZE = sodium_base64_ENCODED_LEN(CURSOR_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
};

/* The years 0001 to 9999, in microseconds since 1970. */
static const int64_t time_min_us = INT64_C(-62135596800000000), time_max_us = INT64_C(253402300799999999);

static void add_part(struct buf *out, bool present, struct span part) {
  buf_add_byte(out, present);
  buf_add_u32(out, (uint32_t)part.len);
  buf_add_span(out, part);
}

static void add_number(struct buf *out, double number) {
  buf_add(out, &number, sizeof(number));
}

/* Everything that decides what is listed in which order. */
static void add_query(struct buf *out, const struct query *query) {
  const bool flags[] = {query->subtree, query->decay,   query->include_retracted,
                        query->aliases, query->explain, query->has_valid_at};
  add_part(out, true, query->concept_path);
  add_part(out, query->predicate.data != NULL, query->predicate);
  add_part(out, query->has_source, query->source);
  add_part(out, true, span_str(query->lens->name));
  for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
    buf_add_byte(out, flags[i]);
  add_number(out, query->min_confidence);
  buf_add_u64(out, query->has_valid_at ? (uint64_t)query->valid_at : 0);
  buf_add_byte(out, (unsigned char)query->as_of.kind);
  buf_add_u64(out, query->as_of.kind == MOMENT_SEQ ? query->as_of.seq : 0);
  buf_add_u64(out, query->as_of.kind == MOMENT_TIME ? (uint64_t)query->as_of.time_us : 0);
  buf_add_u64(out, query->excluded_count);
  for (size_t i = 0; i < query->excluded_count; i++)
    add_part(out, true, query->excluded[i]);
  for (size_t i = 0; i < query->override_count; i++) {
    add_part(out, true, query->overrides[i].source);
    add_number(out, query->overrides[i].trust);
  }
}

int cursor_digest(const struct query *query, unsigned char digest[CURSOR_DIGEST_SIZE], struct err *err) {
  unsigned char whole[DIGEST_SIZE];
  struct buf text;
  buf_init(&text, 4 << 20);
  add_query(&text, query);
  int code = buf_check(&text, "the query", err);
  if (!code) {
    digest_sha256(whole, buf_span(&text));
    memcpy(digest, whole, CURSOR_DIGEST_SIZE);
  }
  buf_free(&text);
  return code;
}

static void put_double(unsigned char *p, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  put_u64(p, bits);
}

static double get_double(const unsigned char *p) {
  uint64_t bits = get_u64(p);
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

void cursor_encode(const struct cursor *cursor, struct buf *out) {
  unsigned char raw[CURSOR_SIZE];
  raw[0] = CURSOR_VERSION;
  put_u64(raw + AT_BRANCH, cursor->branch);
  put_u64(raw + AT_SNAPSHOT, cursor->snapshot);
  memcpy(raw + AT_DIGEST, cursor->digest, CURSOR_DIGEST_SIZE);
  put_u64(raw + AT_DECAYED, (uint64_t)cursor->decayed_at);
  put_double(raw + AT_TOP, cursor->last.top);
  put_double(raw + AT_MAJOR, cursor->last.major);
  put_double(raw + AT_MINOR, cursor->last.minor);
  put_u64(raw + AT_SEQ, cursor->last.seq);
  put_u64(raw + AT_TOPIC, cursor->topic_seq);
  put_u32(raw + AT_CHECKSUM, crc32c(0, raw, AT_CHECKSUM));
  char token[TOKEN_SIZE];
  sodium_bin2base64(token, sizeof(token), raw, sizeof(raw), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  buf_add(out, token, TOKEN_SIZE - 1);
}

/* Only what cursor_encode() would write: libsodium's decoder takes some other characters too. */
static bool get_token(struct span token, unsigned char raw[CURSOR_SIZE]) {
  size_t len = 0;
  char again[TOKEN_SIZE];
  if (token.len != TOKEN_SIZE - 1 ||
      sodium_base642bin(raw, CURSOR_SIZE, (const char *)token.data, token.len, NULL, &len, NULL,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      len != CURSOR_SIZE)
    return false;
  sodium_bin2base64(again, sizeof(again), raw, CURSOR_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return memcmp(again, token.data, token.len) == 0;
}

bool cursor_decode(struct span token, struct cursor *out) {
  unsigned char raw[CURSOR_SIZE];
  if (!get_token(token, raw) || raw[0] != CURSOR_VERSION || get_u32(raw + AT_CHECKSUM) != crc32c(0, raw, AT_CHECKSUM))
    return false;
  out->branch = get_u64(raw + AT_BRANCH);
  out->snapshot = get_u64(raw + AT_SNAPSHOT);
  memcpy(out->digest, raw + AT_DIGEST, CURSOR_DIGEST_SIZE);
  out->decayed_at = (int64_t)get_u64(raw + AT_DECAYED);
  out->last.top = get_double(raw + AT_TOP);
  out->last.major = get_double(raw + AT_MAJOR);
  out->last.minor = get_double(raw + AT_MINOR);
  out->last.seq = get_u64(raw + AT_SEQ);
  out->topic_seq = get_u64(raw + AT_TOPIC);
  return out->decayed_at >= time_min_us && out->decayed_at <= time_max_us && isfinite(out->last.top) &&
         isfinite(out->last.major) && isfinite(out->last.minor) && out->last.seq > 0;
}
