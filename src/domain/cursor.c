#include "domain/cursor.h"

#include <math.h>
#include <sodium.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
  CURSOR_VERSION = 1,
  AT_BRANCH = 1,
  AT_SNAPSHOT = 9,
  AT_DIGEST = 17,
  AT_MAJOR = AT_DIGEST + CURSOR_DIGEST_SIZE,
  AT_MINOR = AT_MAJOR + 8,
  AT_SEQ = AT_MINOR + 8,
  AT_CHECKSUM = AT_SEQ + 8,
  CURSOR_SIZE = AT_CHECKSUM + 4,
  TOKEN_SIZE = sodium_base64_ENCODED_LEN(CURSOR_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
};

static void add_part(struct buf *out, bool present, struct span part) {
  buf_add_byte(out, present);
  buf_add_u32(out, (uint32_t)part.len);
  buf_add_span(out, part);
}

int cursor_digest(const struct query *query, unsigned char digest[CURSOR_DIGEST_SIZE], struct err *err) {
  unsigned char whole[DIGEST_SIZE];
  struct buf text;
  buf_init(&text, 8192);
  add_part(&text, true, query->concept_path);
  add_part(&text, query->predicate.data != NULL, query->predicate);
  add_part(&text, query->has_source, query->source);
  add_part(&text, true, span_str(query->lens->name));
  add_part(&text, query->subtree, span_of(&query->min_confidence, sizeof(query->min_confidence)));
  buf_add_byte(&text, (unsigned char)query->as_of.kind);
  buf_add_u64(&text, query->as_of.kind == MOMENT_SEQ ? query->as_of.seq : 0);
  buf_add_u64(&text, query->as_of.kind == MOMENT_TIME ? (uint64_t)query->as_of.time_us : 0);
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
  put_double(raw + AT_MAJOR, cursor->last.major);
  put_double(raw + AT_MINOR, cursor->last.minor);
  put_u64(raw + AT_SEQ, cursor->last.seq);
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
  out->last.major = get_double(raw + AT_MAJOR);
  out->last.minor = get_double(raw + AT_MINOR);
  out->last.seq = get_u64(raw + AT_SEQ);
  return isfinite(out->last.major) && isfinite(out->last.minor) && out->last.seq > 0;
}
