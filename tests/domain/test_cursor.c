#include "domain/cursor.h"

#include <sodium.h>
#include <stdlib.h>

#include "tests/harness/harness.h"

static const struct cursor sample = {.branch = 0xfedcba9876543210u,
                                     .snapshot = 271625,
                                     .digest = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255},
                                     .decayed_at = -1,
                                     .topic_seq = 103,
                                     .last = {-5, 0.85000000000000009, -0.0, 104}};

static struct span token_of(const struct cursor *cursor, struct buf *out) {
  buf_init(out, 1000);
  cursor_encode(cursor, out);
  return buf_span(out);
}

static void test_round_trip(void) {
  struct buf token;
  struct cursor back;
  CU_ASSERT_TRUE_FATAL(cursor_decode(token_of(&sample, &token), &back));
  CU_ASSERT_EQUAL(back.branch, sample.branch);
  CU_ASSERT_EQUAL(back.snapshot, sample.snapshot);
  CU_ASSERT_EQUAL(back.decayed_at, sample.decayed_at);
  CU_ASSERT_EQUAL(back.topic_seq, sample.topic_seq);
  CU_ASSERT_EQUAL(memcmp(back.digest, sample.digest, CURSOR_DIGEST_SIZE), 0);
  CU_ASSERT_EQUAL(rank_compare(&back.last, &sample.last), 0);
  for (size_t i = 0; i < token.len; i++)
    CU_ASSERT_PTR_NOT_NULL(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token.data[i]));
  buf_free(&token);
}

static void test_any_change_shows(void) {
  struct buf token;
  struct cursor back;
  token_of(&sample, &token);
  int accepted = 0;
  for (size_t i = 0; i < token.len; i++) {
    unsigned char before = token.data[i];
    for (int c = 0; c < 256; c++) {
      token.data[i] = (unsigned char)c;
      accepted += c != before && cursor_decode(buf_span(&token), &back);
    }
    token.data[i] = before;
  }
  CU_ASSERT_EQUAL(accepted, 0);
  for (size_t len = 0; len < token.len; len++)
    CU_ASSERT_FALSE(cursor_decode(span_of(token.data, len), &back));
  buf_add_byte(&token, 'A');
  CU_ASSERT_FALSE(cursor_decode(buf_span(&token), &back));
  CU_ASSERT_FALSE(cursor_decode((struct span){NULL, 0}, &back));
  buf_free(&token);
}

static void test_no_nonsense(void) {
  struct buf token;
  struct cursor odd = sample, back;
  odd.last.seq = 0;
  CU_ASSERT_FALSE(cursor_decode(token_of(&odd, &token), &back));
  buf_free(&token);
  odd = sample;
  odd.decayed_at = INT64_MAX;
  CU_ASSERT_FALSE(cursor_decode(token_of(&odd, &token), &back));
  buf_free(&token);
  odd = sample;
  uint64_t nan = 0x7ff8000000000000u;
  memcpy(&odd.last.minor, &nan, sizeof(nan));
  CU_ASSERT_FALSE(cursor_decode(token_of(&odd, &token), &back));
  buf_free(&token);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a cursor comes back as it was, as letters that need no escape in a URL", test_round_trip},
      {"a cursor with any byte changed, cut or added is malformed", test_any_change_shows},
      {"a cursor that was never made is malformed though its checksum is right", test_no_nonsense},
  };
  return harness_run("cursor", cases, HARNESS_COUNT(cases));
}
