#include "tests/harness/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/json.h"

static struct arena *arena;

static int parse_span(struct span text, struct json_doc *doc, struct json_fault *fault) {
  struct err err;
  return json_parse(arena, text, doc, fault, &err);
}

static bool accepts(const char *text) {
  struct json_doc doc;
  struct json_fault fault;
  return parse_span(span_str(text), &doc, &fault) == 0;
}

/* Expects the bytes to be refused at `offset` for a reason with these words. */
static void refuses_bytes(const char *text, size_t len, size_t offset, const char *words) {
  struct json_doc doc;
  struct json_fault fault;
  CU_ASSERT_EQUAL_FATAL(parse_span(span_of(text, len), &doc, &fault), ERR_INVALID);
  CU_ASSERT_EQUAL(fault.offset, offset);
  CU_ASSERT_PTR_NOT_NULL(strstr(fault.reason, words));
  if (fault.offset != offset || !strstr(fault.reason, words))
    printf("# %.*s: offset %zu, %s\n", (int)(len < 60 ? len : 60), text, fault.offset, fault.reason);
}

static void refuses(const char *text, size_t offset, const char *words) {
  refuses_bytes(text, strlen(text), offset, words);
}

static void test_tokens(void) {
  struct json_doc doc;
  struct json_fault fault;
  CU_ASSERT_EQUAL_FATAL(parse_span(span_str(" {\"a\" : [1, \"x\\ty\", {}], \"b\":null } "), &doc, &fault), 0);
  static const struct json_token expected[] = {
      {JSON_OBJECT, false, 1, 36, 2, 8},  {JSON_STRING, false, 3, 4, 0, 2},  {JSON_ARRAY, false, 8, 24, 3, 6},
      {JSON_NUMBER, false, 9, 10, 0, 4},  {JSON_STRING, true, 13, 17, 0, 5}, {JSON_OBJECT, false, 20, 22, 0, 6},
      {JSON_STRING, false, 27, 28, 0, 7}, {JSON_NULL, false, 30, 34, 0, 8},
  };
  CU_ASSERT_EQUAL_FATAL(doc.count, HARNESS_COUNT(expected));
  for (uint32_t i = 0; i < doc.count; i++) {
    const struct json_token *t = &doc.tokens[i], *e = &expected[i];
    CU_ASSERT(t->type == e->type && t->escaped == e->escaped && t->count == e->count && t->next == e->next);
    if (i != 2 && i != 0 && i != 5)
      CU_ASSERT(t->end - t->start == e->end - e->start);
  }
  CU_ASSERT(span_equal(json_raw(&doc, 2), span_str("[1, \"x\\ty\", {}]")));
  CU_ASSERT(span_equal(json_raw(&doc, 4), span_str("x\\ty")));
  CU_ASSERT(span_equal(json_raw(&doc, 5), span_str("{}")));
  CU_ASSERT(span_equal(json_raw(&doc, 7), span_str("null")));
}

static void test_accepted(void) {
  static const char *const texts[] = {"0",
                                      "-0",
                                      "1e5",
                                      "1E+5",
                                      "1e-5",
                                      "0.5",
                                      "-12.5e10",
                                      "true",
                                      "false",
                                      "null",
                                      "\"\"",
                                      "[]",
                                      "{}",
                                      " \t\r\n1 \t\r\n",
                                      "[1,2]",
                                      "[[],{}]",
                                      "{\"a\":{\"b\":[]}}",
                                      "{\"\":1}",
                                      "\"\x7f\"",
                                      "\"\xc2\x80\"",
                                      "\"\xed\x9f\xbf\"",
                                      "\"\xee\x80\x80\"",
                                      "\"\xef\xbf\xbf\"",
                                      "\"\xf0\x90\x80\x80\"",
                                      "\"\xf4\x8f\xbf\xbf\"",
                                      "\"\xe2\x80\xa8\"",
                                      "\"\\ud83d\\uDE00\"",
                                      "\"\\u0000\"",
                                      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                      "{\"a\":1,\"A\":2}",
                                      "1e999999999999"};
  for (size_t i = 0; i < HARNESS_COUNT(texts); i++)
    CU_ASSERT(accepts(texts[i]));
}

static void test_structure(void) {
  refuses("", 0, "unexpected end");
  refuses("  ", 2, "unexpected end");
  refuses("[", 1, "unexpected end");
  refuses("[1", 2, "unexpected end");
  refuses("[1,", 3, "unexpected end");
  refuses("{\"a\":", 5, "unexpected end");
  refuses("[1,]", 3, "not a JSON value");
  refuses("[,1]", 1, "not a JSON value");
  refuses("[1 2]", 3, "a comma or ]");
  refuses("[1}", 2, "a comma or ]");
  refuses("{\"a\":1]", 6, "a comma or }");
  refuses("{\"a\" 1}", 5, "colon");
  refuses("{a:1}", 1, "member name");
  refuses("{'a':1}", 1, "member name");
  refuses("{\"a\":1,}", 7, "member name");
  refuses("{1:2}", 1, "member name");
  refuses("{,}", 1, "member name");
  refuses("1 2", 2, "text after");
  refuses("{}{}", 2, "text after");
  refuses("[1]]", 3, "text after");
  refuses("]", 0, "not a JSON value");
  refuses("/*c*/1", 0, "not a JSON value");
  refuses("1//c", 1, "text after");
  refuses("\v1", 0, "not a JSON value");
  refuses_bytes("[1]\0junk", 8, 3, "text after");
  refuses_bytes("\0", 1, 0, "not a JSON value");
  refuses("\xef\xbb\xbf{}", 0, "not a JSON value");
}

static void test_scalars(void) {
  refuses("NaN", 0, "not a JSON value");
  refuses("Infinity", 0, "not a JSON value");
  refuses("-Infinity", 1, "digit");
  refuses("nan", 1, "not a JSON value");
  refuses("TRUE", 0, "not a JSON value");
  refuses("tru", 3, "unexpected end");
  refuses("trux", 3, "not a JSON value");
  refuses("truex", 4, "text after");
  refuses("01", 1, "begin with 0");
  refuses("-01", 2, "begin with 0");
  refuses("00", 1, "begin with 0");
  refuses("+1", 0, "not a JSON value");
  refuses(".5", 0, "not a JSON value");
  refuses("1.", 2, "unexpected end");
  refuses("[1.]", 3, "digit");
  refuses("1.e5", 2, "digit");
  refuses("1e", 2, "unexpected end");
  refuses("1e+", 3, "unexpected end");
  refuses("[1e]", 3, "digit");
  refuses("-", 1, "unexpected end");
  refuses("[-]", 2, "digit");
  refuses("0x10", 1, "text after");
  refuses("1_000", 1, "text after");
  refuses("1.5.5", 3, "text after");
}

static void test_strings(void) {
  refuses("\"", 1, "unexpected end");
  refuses("\"abc", 4, "unexpected end");
  refuses("\"abc\\", 5, "unexpected end");
  refuses("\"abc\\\"", 6, "unexpected end");
  refuses("'a'", 0, "not a JSON value");
  refuses("\"\\x\"", 2, "unknown escape");
  refuses("\"\\U0041\"", 2, "unknown escape");
  refuses("\"\\'\"", 2, "unknown escape");
  refuses_bytes("\"\\\0\"", 4, 2, "unknown escape");
  refuses("\"a\nb\"", 2, "control character");
  refuses("\"\x1f\"", 1, "control character");
  refuses_bytes("\"\0\"", 3, 1, "control character");
  refuses("\"\\u12g4\"", 5, "four hex digits");
  refuses("\"\\u12\"", 5, "four hex digits");
  refuses("\"\\u12", 5, "unexpected end");
  refuses("\"\\ud800\"", 1, "lone surrogate");
  refuses("\"x\\udc00\"", 2, "lone surrogate");
  refuses("\"\\ud800\\ud800\"", 1, "lone surrogate");
  refuses("\"\\ud800\\u0041\"", 1, "lone surrogate");
  refuses("\"\\ud800\\n\"", 1, "lone surrogate");
  refuses("\"\\ud800x\"", 1, "lone surrogate");
  refuses("\"\\ud800\\udg00\"", 10, "four hex digits");
  refuses("\"\\udfff\\ud800\"", 1, "lone surrogate");
}

static void test_utf8(void) {
  static const char *const bad[] = {"\x80",
                                    "\xbf",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xc2",
                                    "\xc2\x20",
                                    "\xe0\x80\x80",
                                    "\xe0\x9f\xbf",
                                    "\xe2\x82",
                                    "\xe2\x28\xa1",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xf0\x80\x80\x80",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xf0\x9f\x98",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xfe",
                                    "\xff"};
  char text[16];
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    snprintf(text, sizeof(text), "\"a%s\"", bad[i]);
    refuses(text, 2, "not UTF-8");
    snprintf(text, sizeof(text), "{\"a%s\":1}", bad[i]);
    refuses(text, 3, "not UTF-8");
    snprintf(text, sizeof(text), "\"a%s", bad[i]); /* at the end of the text */
    refuses(text, 2, "not UTF-8");
  }
}

static void test_depth(void) {
  char text[256];
  for (int kind = 0; kind < 2; kind++) {
    const char *open = kind ? "{\"a\":" : "[";
    const char close = kind ? '}' : ']';
    for (size_t depth = 31; depth <= 36; depth++) {
      size_t len = 0;
      for (size_t i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", open);
      size_t offset = JSON_MAX_DEPTH * strlen(open);
      text[len++] = '0';
      memset(text + len, close, depth);
      len += depth;
      struct json_doc doc;
      struct json_fault fault;
      struct err err;
      for (unsigned wrap = 0; wrap <= 2; wrap++) {
        int code = json_parse_wrapped(arena, span_of(text, len), wrap, &doc, &fault, &err);
        CU_ASSERT_EQUAL(code, depth <= JSON_MAX_DEPTH + wrap ? 0 : ERR_INVALID);
        if (code)
          CU_ASSERT(fault.offset == offset + wrap * strlen(open) && strstr(fault.reason, "deep"));
      }
      CU_ASSERT_EQUAL(parse_span(span_of(text, len), &doc, &fault), depth <= JSON_MAX_DEPTH ? 0 : ERR_INVALID);
    }
  }
  char many[100000];
  memset(many, '[', sizeof(many));
  refuses_bytes(many, sizeof(many), JSON_MAX_DEPTH, "deep");
}

static void test_duplicates(void) {
  refuses("{\"a\":1,\"a\":2}", 7, "duplicate");
  refuses("{\"a\":1,\"\\u0061\":2}", 7, "duplicate");
  refuses("{\"\\u0061\":1,\"b\":0,\"a\":2}", 18, "duplicate");
  refuses("{\"\":1,\"\":2}", 6, "duplicate");
  refuses("[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", 19, "duplicate");
  refuses("{\"\\/\":1,\"/\":2}", 8, "duplicate");
  refuses("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", 10, "duplicate");
  refuses("{\"a\\u0000b\":1,\"a\\u0000b\":2}", 14, "duplicate");
  CU_ASSERT(accepts("{\"a\\u0000b\":1,\"a\":2,\"a\\u0000c\":3}"));
  CU_ASSERT(accepts("{\"a\":{\"a\":{\"a\":1}}}"));
  CU_ASSERT(accepts("[{\"a\":1},{\"a\":1}]"));
  /* the same buckets of the small set, but other names */
  CU_ASSERT(accepts("{\"axb\":1,\"ayb\":2,\"azb\":3}"));
}

/* An object of `count` members with names n0, n1 …; the name of number `again`, if it is one, repeats that of 0. */
static size_t many_members(char *text, size_t size, unsigned count, unsigned again) {
  size_t len = 0;
  for (unsigned i = 0; i < count; i++)
    len += (size_t)snprintf(text + len, size - len, "%s\"n%u\":%u", i ? "," : "{", i == again ? 0 : i, i);
  text[len++] = '}';
  return len;
}

static void test_many_members(void) {
  enum { SIZE = 4 << 20 };
  char *text = malloc(SIZE);
  struct json_doc doc;
  struct json_fault fault;
  CU_ASSERT_PTR_NOT_NULL_FATAL(text);
  for (unsigned count = 1; count < 40; count++) {
    size_t len = many_members(text, SIZE, count, 0);
    CU_ASSERT_EQUAL(parse_span(span_of(text, len), &doc, &fault), 0);
    for (unsigned again = 1; again < count; again++) {
      len = many_members(text, SIZE, count, again);
      CU_ASSERT_EQUAL(parse_span(span_of(text, len), &doc, &fault), ERR_INVALID);
      char name[24];
      int digits = snprintf(name, sizeof(name), "\"n0\":%u", again);
      CU_ASSERT(memcmp(text + fault.offset, name, (size_t)digits) == 0);
    }
  }
  /* the first of several, wherever sorting puts them */
  refuses(
      "{\"b\":1,\"b\":2,\"a\":3,\"a\":4,\"1\":5,\"2\":6,\"3\":7,\"4\":8,\"5\":9,\"6\":10,\"7\":11,\"8\":12,\"9\":13}",
      7, "duplicate");
  size_t len = many_members(text, SIZE, 100000, 99999);
  CU_ASSERT_EQUAL(parse_span(span_of(text, len), &doc, &fault), ERR_INVALID);
  CU_ASSERT_PTR_NOT_NULL(strstr(fault.reason, "duplicate"));
  free(text);
  arena_reset(arena);
}

static void test_too_many_values(void) {
  size_t len = 2 * (size_t)JSON_MAX_TOKENS + 1;
  char *text = malloc(len);
  struct json_doc doc;
  struct json_fault fault;
  CU_ASSERT_PTR_NOT_NULL_FATAL(text);
  for (size_t i = 0; i < len; i++)
    text[i] = i % 2 ? '1' : ',';
  text[0] = '[';
  text[len - 1] = ']'; /* the array and a million elements */
  CU_ASSERT_EQUAL(parse_span(span_of(text, len), &doc, &fault), ERR_INVALID);
  CU_ASSERT(fault.too_large);
  text[len - 3] = ']';
  CU_ASSERT_EQUAL(parse_span(span_of(text, len - 2), &doc, &fault), 0);
  CU_ASSERT_EQUAL(doc.count, JSON_MAX_TOKENS);
  free(text);
  arena_reset(arena);
}

static void test_no_memory(void) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  const char *text = "[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,{\"a\\n\":1,\"b\\n\":2}]";
  unsigned refused = 0;
  for (size_t max = 0; max < 4096; max += 16) {
    struct arena *small = arena_create(max);
    CU_ASSERT_PTR_NOT_NULL_FATAL(small);
    int code = json_parse(small, span_str(text), &doc, &fault, &err);
    CU_ASSERT(code == 0 || code == ERR_NOMEM);
    refused += code != 0;
    arena_free(small);
  }
  CU_ASSERT(refused > 10 && refused < 256);
}

static void test_unescape(void) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  struct span s;
  const char *text = "[\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000z\",\"plain\"]";
  CU_ASSERT_EQUAL_FATAL(parse_span(span_str(text), &doc, &fault), 0);
  CU_ASSERT_EQUAL(json_string(arena, &doc, 1, &s, &err), 0);
  CU_ASSERT(span_equal(s, span_of("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\\/\b\f\n\r\t\0z", 20)));
  CU_ASSERT_EQUAL(json_string(arena, &doc, 2, &s, &err), 0);
  CU_ASSERT(s.data == json_raw(&doc, 2).data && s.len == 5); /* borrowed */
}

static void test_member(void) {
  struct json_doc doc;
  struct json_fault fault;
  uint32_t value;
  const char *text = "{\"x\":{\"name\":1},\"n\\u0061me\":2,\"nam\":3,\"names\":4,\"\\u006e\":5}";
  CU_ASSERT_EQUAL_FATAL(parse_span(span_str(text), &doc, &fault), 0);
  CU_ASSERT(json_member(&doc, 0, "name", &value));
  CU_ASSERT(span_equal(json_raw(&doc, value), span_str("2")));
  CU_ASSERT(json_member(&doc, 0, "nam", &value));
  CU_ASSERT(span_equal(json_raw(&doc, value), span_str("3")));
  CU_ASSERT(json_member(&doc, 0, "n", &value));
  CU_ASSERT(span_equal(json_raw(&doc, value), span_str("5")));
  CU_ASSERT_FALSE(json_member(&doc, 0, "na", &value));
  CU_ASSERT_FALSE(json_member(&doc, 0, "", &value));
}

static void test_escape(void) {
  struct buf out;
  buf_init(&out, 4096);
  json_quote(&out, span_of("a\"b\\c/\b\f\n\r\t\0\x1f\x7f\xc3\xa9", 16));
  CU_ASSERT(span_equal(buf_span(&out), span_str("\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\"")));
  buf_reset(&out);
  json_quote(&out, (struct span){NULL, 0});
  CU_ASSERT(span_equal(buf_span(&out), span_str("\"\"")));
  buf_free(&out);
}

int main(void) {
  static const struct test_case cases[] = {
      {"tokens say where values are and what follows them", test_tokens},
      {"strict JSON is accepted", test_accepted},
      {"broken structure is refused where it breaks", test_structure},
      {"what is no number and no literal is refused", test_scalars},
      {"bad strings and lone surrogates are refused", test_strings},
      {"bad UTF-8 is refused", test_utf8},
      {"depth is limited, and wrapped texts may have more", test_depth},
      {"duplicate member names are found after unescaping", test_duplicates},
      {"duplicates are found among few and among many members", test_many_members},
      {"the number of values is limited", test_too_many_values},
      {"without memory parsing says so", test_no_memory},
      {"strings are unescaped", test_unescape},
      {"members are found by name", test_member},
      {"strings are escaped as RFC 8785 says", test_escape},
  };
  arena = arena_create((size_t)256 << 20);
  if (!arena)
    return 99;
  int status = harness_run("json", cases, HARNESS_COUNT(cases));
  arena_free(arena);
  return status;
}
