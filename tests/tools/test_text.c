#include <string.h>

#include "tests/harness/harness.h"
#include "tools/text.h"

enum { TEXT_MAX = 1 << 20 };

static bool shows(const char *text, size_t len, const char *wanted) {
  struct buf out;
  buf_init(&out, TEXT_MAX);
  text_show(&out, span_of(text, len));
  bool same = span_equal(buf_span(&out), span_str(wanted));
  if (!same)
    printf("# shown as %.*s\n", (int)out.len, (const char *)out.data);
  buf_free(&out);
  return same;
}

static bool shows_str(const char *text, const char *wanted) {
  return shows(text, strlen(text), wanted);
}

static void plain_text_is_itself(void) {
  CU_ASSERT(shows_str("", ""));
  CU_ASSERT(shows_str("web/grid ~ \"57\"", "web/grid ~ \"57\""));
  CU_ASSERT(shows_str("Größe 東京 😀 é", "Größe 東京 😀 é"));
}

static void escapes_of_a_terminal_are_seen_only(void) {
  CU_ASSERT(shows_str("\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m"));
  CU_ASSERT(shows_str("\033]0;title\a", "\\x1b]0;title\\x07"));
  CU_ASSERT(shows_str("a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f"));
  CU_ASSERT(shows("a\0b", 3, "a\\x00b"));
  CU_ASSERT(shows_str("\xc2\x9b"
                      "31m",
                      "\\u009b31m"));
}

static void text_that_hides_or_reverses_is_seen(void) {
  CU_ASSERT(shows_str("abc\u202ecba", "abc\\u202ecba"));
  CU_ASSERT(shows_str("a\u2066b\u2069", "a\\u2066b\\u2069"));
  CU_ASSERT(shows_str("a\u200bb\ufeff", "a\\u200bb\\ufeff"));
  CU_ASSERT(shows_str("a\u2028b", "a\\u2028b"));
  CU_ASSERT(shows_str("a\U000e0041", "a\\U000e0041"));
}

static void bytes_that_are_no_utf8_are_seen(void) {
  CU_ASSERT(shows_str("a\xff\xc3", "a\\xff\\xc3"));
  CU_ASSERT(shows_str("\xc0\x80", "\\xc0\\x80"));
  CU_ASSERT(shows_str("\xed\xa0\x80", "\\xed\\xa0\\x80"));
}

static void columns_are_those_of_a_terminal(void) {
  CU_ASSERT_EQUAL(text_columns(span_str("")), 0);
  CU_ASSERT_EQUAL(text_columns(span_str("abc")), 3);
  CU_ASSERT_EQUAL(text_columns(span_str("größe")), 5);
  CU_ASSERT_EQUAL(text_columns(span_str("東京")), 4);
  CU_ASSERT_EQUAL(text_columns(span_str("e\u0301")), 1);
}

static void a_head_never_splits_a_character(void) {
  CU_ASSERT(span_equal(text_head(span_str("東京都"), 5), span_str("東京")));
  CU_ASSERT(span_equal(text_head(span_str("e\u0301x"), 1), span_str("e\u0301")));
  CU_ASSERT(span_equal(text_head(span_str("abc"), 9), span_str("abc")));
  CU_ASSERT_EQUAL(text_head(span_str("東"), 1).len, 0);
}

/* Whatever bytes there are: what is shown is UTF-8 without control characters. */
static void all_single_and_double_bytes_become_harmless(void) {
  struct buf out;
  bool good = true;
  buf_init(&out, TEXT_MAX);
  for (unsigned i = 0; i < 0x10000; i++) {
    unsigned char bytes[2] = {(unsigned char)(i >> 8), (unsigned char)i};
    buf_reset(&out);
    text_show(&out, span_of(bytes, 2));
    for (size_t j = 0; j < out.len; j++)
      good = good && out.data[j] >= 0x20 && out.data[j] != 0x7f;
    good = good && !(out.len == 2 && out.data[0] == 0xc2 && out.data[1] < 0xa0);
  }
  CU_ASSERT(good);
  buf_free(&out);
}

int main(void) {
  static const struct test_case cases[] = {
      {"plain text is itself", plain_text_is_itself},
      {"escapes of a terminal can only be seen", escapes_of_a_terminal_are_seen_only},
      {"text that hides or reverses can be seen", text_that_hides_or_reverses_is_seen},
      {"bytes that are no UTF-8 can be seen", bytes_that_are_no_utf8_are_seen},
      {"columns are those of a terminal", columns_are_those_of_a_terminal},
      {"a head never splits a character", a_head_never_splits_a_character},
      {"all single and double bytes become harmless", all_single_and_double_bytes_become_harmless},
  };
  text_locale();
  return harness_run("text", cases, HARNESS_COUNT(cases));
}
