#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "tests/harness/harness.h"

static bool holds(const struct buf *b, const char *text) {
  return span_equal(buf_span(b), span_str(text));
}

static void appends_everything(void) {
  struct buf b;
  buf_init(&b, 1000);
  buf_add(&b, "ab", 2);
  buf_add_str(&b, "cd");
  buf_add_span(&b, span_str("ef"));
  buf_add_byte(&b, '-');
  buf_add_dec(&b, 0);
  buf_add_dec(&b, UINT64_MAX);
  buf_add_hex(&b, "\x00\xab\xff", 3);
  buf_addf(&b, "|%d|%s", -5, "x");
  CU_ASSERT(holds(&b, "abcdef-01844674407370955161500abff|-5|x"));
  buf_free(&b);
  CU_ASSERT_PTR_NULL(b.data);
}

static void integers_are_big_endian(void) {
  struct buf b;
  buf_init(&b, 100);
  buf_add_u16(&b, 0x0102);
  buf_add_u32(&b, 0x03040506);
  buf_add_u64(&b, 0x0708090a0b0c0d0eU);
  CU_ASSERT_EQUAL(b.len, 14);
  for (unsigned i = 0; i < b.len; i++)
    CU_ASSERT_EQUAL(b.data[i], i + 1);
  buf_free(&b);
}

static void cap_is_exact_and_failure_sticks(void) {
  struct buf b;
  struct err err;
  buf_init(&b, 5);
  buf_add(&b, "12345", 5);
  CU_ASSERT_EQUAL(buf_check(&b, "body", &err), 0);
  buf_add_byte(&b, '6');
  CU_ASSERT_TRUE(b.failed);
  CU_ASSERT(holds(&b, "12345"));
  CU_ASSERT_EQUAL(buf_check(&b, "body", &err), ERR_NOMEM);
  CU_ASSERT_STRING_EQUAL(err.text, "body is larger than 5 bytes");
  buf_drop_front(&b, 3);
  buf_add_byte(&b, 'x');
  CU_ASSERT(holds(&b, "45"));
  buf_reset(&b);
  buf_add_byte(&b, 'x');
  CU_ASSERT(holds(&b, "x"));
  CU_ASSERT_PTR_NULL(buf_extend(&b, SIZE_MAX));
  buf_free(&b);
}

static void nothing_fits_in_an_empty_cap(void) {
  struct buf b;
  struct err err;
  buf_init(&b, 0);
  buf_add(&b, "", 0);
  buf_add_str(&b, "");
  CU_ASSERT_EQUAL(buf_check(&b, "x", &err), 0);
  buf_add_byte(&b, 1);
  CU_ASSERT_EQUAL(buf_check(&b, "x", &err), ERR_NOMEM);
  buf_free(&b);
  buf_free(NULL);
}

static void long_formats_fit(void) {
  struct buf b;
  char text[1000];
  memset(text, 'q', sizeof(text) - 1);
  text[sizeof(text) - 1] = 0;
  buf_init(&b, 5000);
  buf_addf(&b, "<%s>", text);
  CU_ASSERT_EQUAL(b.len, 1001);
  CU_ASSERT_EQUAL(b.data[0], '<');
  CU_ASSERT_EQUAL(b.data[1000], '>');
  buf_free(&b);
}

static void long_formats_fill_the_cap(void) {
  struct buf b;
  buf_init(&b, 300);
  buf_addf(&b, "%300d", 1);
  CU_ASSERT_FALSE(b.failed);
  CU_ASSERT_EQUAL(b.len, 300);
  buf_addf(&b, "%d", 1);
  CU_ASSERT_TRUE(b.failed);
  buf_free(&b);
}

static void grows_through_many_sizes(void) {
  struct buf b;
  buf_init(&b, 1 << 20);
  for (unsigned i = 0; i < 100000; i++)
    buf_add_byte(&b, (unsigned char)i);
  CU_ASSERT_EQUAL(b.len, 100000);
  bool same = true;
  for (unsigned i = 0; i < 100000; i++)
    same = same && b.data[i] == (unsigned char)i;
  CU_ASSERT_TRUE(same);
  buf_drop_front(&b, 99999);
  CU_ASSERT_EQUAL(b.data[0], (unsigned char)99999);
  buf_free(&b);
}

static void spans_compare_by_bytes(void) {
  CU_ASSERT(span_compare(span_str("a"), span_str("ab")) < 0);
  CU_ASSERT(span_compare(span_str("b"), span_str("ab")) > 0);
  CU_ASSERT(span_compare(span_str("\xff"), span_str("a")) > 0);
  CU_ASSERT_EQUAL(span_compare(span_of(NULL, 0), span_str("")), 0);
  CU_ASSERT(span_equal(span_of(NULL, 0), span_str("")));
  CU_ASSERT_FALSE(span_equal(span_str("a"), span_str("b")));
}

int main(void) {
  static const struct test_case cases[] = {
      {"each way of appending gives its bytes", appends_everything},
      {"integers are appended big-endian", integers_are_big_endian},
      {"the cap is exact, and a failed append fails all later ones", cap_is_exact_and_failure_sticks},
      {"a buffer with cap 0 takes nothing but nothing", nothing_fits_in_an_empty_cap},
      {"a format longer than the stack buffer is appended whole", long_formats_fit},
      {"a long format may fill the buffer up to its cap", long_formats_fill_the_cap},
      {"a growing buffer keeps what it holds", grows_through_many_sizes},
      {"spans are compared by bytes, a prefix first", spans_compare_by_bytes},
  };
  return harness_run("buf", cases, HARNESS_COUNT(cases));
}
