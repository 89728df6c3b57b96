#include "api/lines.h"

#include <stdlib.h>

#include "tests/harness/harness.h"

/* A body that is handed out in pieces. */
struct body {
  struct span bytes;
  size_t piece;
  bool cut;
};

static int read_body(struct http_stream *stream, void *data, size_t size, size_t *got, struct err *err) {
  struct body *body = stream->io;
  size_t n = body->piece < size ? body->piece : size;
  if (n > body->bytes.len)
    n = body->bytes.len;
  if (n == 0 && body->cut)
    return err_set(err, ERR_IO, "cut off");
  memcpy(data, body->bytes.data, n);
  body->bytes.data += n;
  body->bytes.len -= n;
  *got = n;
  return 0;
}

/* Reads all lines of `text` in pieces and compares them with `expected`, which joins them with '|' ("!" for one that is
 * too long). */
static bool lines_are(struct span text, size_t piece, const char *expected) {
  struct body body = {text, piece, false};
  struct http_stream stream = {.io = &body, .read = read_body};
  struct lines lines;
  struct span line;
  enum line_kind kind;
  struct err err;
  struct buf out;
  uint64_t count = 0;
  buf_init(&out, 4 << 20);
  if (lines_open(&lines, &stream, &err))
    abort();
  while (lines_next(&lines, &line, &kind, &err) == 0 && kind != LINE_END) {
    if (lines.number != ++count)
      buf_add_str(&out, "wrong number");
    if (kind == LINE_TOO_LONG)
      buf_add_byte(&out, '!');
    else
      buf_add_span(&out, line);
    buf_add_byte(&out, '|');
  }
  bool same = kind == LINE_END && span_equal(buf_span(&out), span_str(expected));
  buf_free(&out);
  lines_close(&lines);
  return same;
}

static void splits_in_any_pieces(void) {
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"", ""},       {"a", "a|"},         {"a\n", "a|"}, {"a\nb", "a|b|"},    {"a\r\nb\r\n", "a|b|"},
      {"\n\n", "||"}, {"a\rb\n", "a\rb|"}, {"\r\n", "|"}, {"a\r\r\n", "a\r|"}, {"abc\n\ndef\n", "abc||def|"},
  };
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
    for (size_t piece = 1; piece < 12; piece++)
      CU_ASSERT_TRUE(lines_are(span_str(cases[i].text), piece, cases[i].expected));
}

/* A line of `len` bytes between two short ones. */
static bool long_line_is(size_t len, size_t piece, const char *end, const char *expected_or_null) {
  struct buf text, expected;
  buf_init(&text, 2 << 20);
  buf_init(&expected, 2 << 20);
  buf_add_str(&text, "before\n");
  memset(buf_extend(&text, len), 'x', len);
  buf_add_str(&text, end);
  buf_add_str(&text, "after\n");
  buf_add_str(&expected, "before|");
  if (expected_or_null)
    buf_add_str(&expected, expected_or_null);
  else
    memset(buf_extend(&expected, len), 'x', len);
  buf_add_str(&expected, "|after|");
  buf_add_byte(&expected, '\0');
  bool same = lines_are(buf_span(&text), piece, (const char *)expected.data);
  buf_free(&text);
  buf_free(&expected);
  return same;
}

static void skips_what_is_too_long(void) {
  /* The third one ends between CR and LF of a longest line. */
  static const size_t pieces[] = {1 << 20, 65536, sizeof("before\n") - 1 + LINES_MAX + 1, 1000};
  static const char *const ends[] = {"\n", "\r\n"};
  for (size_t i = 0; i < HARNESS_COUNT(pieces); i++)
    for (size_t k = 0; k < HARNESS_COUNT(ends); k++) {
      CU_ASSERT_TRUE(long_line_is(LINES_MAX - 1, pieces[i], ends[k], NULL));
      CU_ASSERT_TRUE(long_line_is(LINES_MAX, pieces[i], ends[k], NULL));
      CU_ASSERT_TRUE(long_line_is(LINES_MAX + 1, pieces[i], ends[k], "!"));
      CU_ASSERT_TRUE(long_line_is(LINES_MAX + 2, pieces[i], ends[k], "!"));
      CU_ASSERT_TRUE(long_line_is(3 * LINES_MAX + 7, pieces[i], ends[k], "!"));
    }
}

static void says_when_the_body_is_cut(void) {
  struct body body = {span_str("one\ntw"), 100, true};
  struct http_stream stream = {.io = &body, .read = read_body};
  struct lines lines;
  struct span line;
  enum line_kind kind;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(lines_open(&lines, &stream, &err), 0);
  CU_ASSERT_EQUAL(lines_next(&lines, &line, &kind, &err), 0);
  CU_ASSERT_TRUE(span_equal(line, span_str("one")));
  CU_ASSERT_EQUAL(lines_next(&lines, &line, &kind, &err), ERR_IO);
  lines_close(&lines);
}

int main(void) {
  static const struct test_case cases[] = {
      {"lines are found however the bytes arrive", splits_in_any_pieces},
      {"a line over 256 KiB is skipped up to its end", skips_what_is_too_long},
      {"a line whose end was cut off is not given out", says_when_the_body_is_cut},
  };
  return harness_run("api/lines", cases, HARNESS_COUNT(cases));
}
