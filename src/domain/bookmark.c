#include "domain/bookmark.h"

#include <math.h>
#include <sodium.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
  BOOKMARK_VERSION = 2,
  AT_BRANCH = 1,
  AT_SNAPSHOT = 9,
  AT_OTHER = 17,
  AT_DIGEST = 25,
  AT_SCORE = AT_DIGEST + BOOKMARK_DIGEST_SIZE,
  AT_LENGTH = AT_SCORE + 8,
  AT_KEY = AT_LENGTH + 2,
  RAW_MIN = AT_KEY + 4,
  RAW_MAX = RAW_MIN + BOOKMARK_KEY_MAX,
  VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
  TOKEN_MAX = sodium_base64_ENCODED_LEN(RAW_MAX, VARIANT)
};

void bookmark_encode(const struct bookmark *b, struct buf *out) {
  unsigned char raw[RAW_MAX];
  char token[TOKEN_MAX];
  uint64_t bits;
  memcpy(&bits, &b->score, sizeof(bits));
  raw[0] = BOOKMARK_VERSION;
  put_u64(raw + AT_BRANCH, b->branch);
  put_u64(raw + AT_SNAPSHOT, b->snapshot);
  put_u64(raw + AT_OTHER, b->other);
  memcpy(raw + AT_DIGEST, b->digest, BOOKMARK_DIGEST_SIZE);
  put_u64(raw + AT_SCORE, bits);
  put_u16(raw + AT_LENGTH, (uint16_t)b->key.len);
  if (b->key.len)
    memcpy(raw + AT_KEY, b->key.data, b->key.len);
  const size_t len = AT_KEY + b->key.len;
  put_u32(raw + len, crc32c(0, raw, len));
  sodium_bin2base64(token, sizeof(token), raw, len + 4, VARIANT);
  buf_add_str(out, token);
}

/* Only what bookmark_encode() would write: libsodium's decoder takes some other characters too. */
static bool get_raw(struct span token, unsigned char raw[RAW_MAX], size_t *len) {
  char again[TOKEN_MAX];
  if (token.len >= TOKEN_MAX ||
      sodium_base642bin(raw, RAW_MAX, (const char *)token.data, token.len, NULL, len, NULL, VARIANT) != 0 ||
      *len < RAW_MIN)
    return false;
  sodium_bin2base64(again, sizeof(again), raw, *len, VARIANT);
  return strlen(again) == token.len && memcmp(again, token.data, token.len) == 0;
}

int bookmark_decode(struct arena *arena, struct span token, struct bookmark *out, bool *good, struct err *err) {
  unsigned char raw[RAW_MAX];
  size_t len = 0;
  *good = get_raw(token, raw, &len) && raw[0] == BOOKMARK_VERSION &&
          (size_t)get_u16(raw + AT_LENGTH) + RAW_MIN == len && get_u32(raw + len - 4) == crc32c(0, raw, len - 4);
  if (!*good)
    return 0;
  const uint64_t bits = get_u64(raw + AT_SCORE);
  out->branch = get_u64(raw + AT_BRANCH);
  out->snapshot = get_u64(raw + AT_SNAPSHOT);
  out->other = get_u64(raw + AT_OTHER);
  memcpy(out->digest, raw + AT_DIGEST, BOOKMARK_DIGEST_SIZE);
  memcpy(&out->score, &bits, sizeof(bits));
  out->key = arena_copy(arena, span_of(raw + AT_KEY, len - RAW_MIN));
  *good = isfinite(out->score);
  return out->key.data ? 0 : err_set(err, ERR_NOMEM, "no memory for a cursor");
}
