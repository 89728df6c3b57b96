#include "tests/harness/harness.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/canonical.h"
#include "model/decimal.h"
#include "model/number.h"

static struct arena *arena;
static struct field_errors errors;

/* The canonical form of a text in `out` (emptied first); the number of errors. */
static size_t make_canonical(struct span text, struct buf *out) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  field_errors_init(&errors, arena);
  buf_reset(out);
  CU_ASSERT_EQUAL_FATAL(json_parse(arena, text, &doc, &fault, &err), 0);
  CU_ASSERT_EQUAL_FATAL(canonical_value(arena, &doc, 0, span_str("/value"), &errors, out, &err), 0);
  return errors.count;
}

static void test_errors(void) {
  struct buf out;
  buf_init(&out, 1 << 20);
  const char *text = "{\"a/b\":[1,0.1,{\"~\":1e400}],\"x\\u0000y\":{\"z\":[18446744073709551615]},\"ok\":\"\\u0000\"}";
  CU_ASSERT_EQUAL_FATAL(make_canonical(span_str(text), &out), 3);
  CU_ASSERT(span_equal(errors.items[0].pointer, span_str("/value/a~1b/2/~0")));
  CU_ASSERT(span_equal(errors.items[1].pointer, span_of("/value/x\0y", 10)));
  CU_ASSERT(span_equal(errors.items[2].pointer, span_of("/value/x\0y/z/0", 14)));
  CU_ASSERT_EQUAL_FATAL(make_canonical(span_str("1e400"), &out), 1);
  CU_ASSERT(span_equal(errors.items[0].pointer, span_str("/value")));
  buf_free(&out);
}

static void test_order(void) {
  struct buf out;
  buf_init(&out, 1 << 20);
  /* 20 members take the other sort: U+FFFF, then U+10FFFF and so on, in reverse */
  const char *text =
      "{\"\xef\xbf\xbf\":0,\"\xee\x80\x80\":1,\"\xf4\x8f\xbf\xbf\":2,\"\xf0\x90\x80\x80\":3,\"\xed\x9f\xbf\":4,"
      "\"zz\":5,\"z\":6,\"y\":7,\"x\":8,\"w\":9,\"v\":10,\"u\":11,\"t\":12,\"s\":13,\"r\":14,\"q\":15,"
      "\"p\":16,\"o\":17,\"\\n\":18,\"\":19}";
  const char *sorted = "{\"\":19,\"\\n\":18,\"o\":17,\"p\":16,\"q\":15,\"r\":14,\"s\":13,\"t\":12,\"u\":11,\"v\":10,"
                       "\"w\":9,\"x\":8,\"y\":7,\"z\":6,\"zz\":5,\"\xed\x9f\xbf\":4,\"\xf0\x90\x80\x80\":3,"
                       "\"\xf4\x8f\xbf\xbf\":2,\"\xee\x80\x80\":1,\"\xef\xbf\xbf\":0}";
  CU_ASSERT_EQUAL(make_canonical(span_str(text), &out), 0);
  CU_ASSERT(span_equal(buf_span(&out), span_str(sorted)));
  /* the same characters inside a common prefix, and before a longer rest */
  CU_ASSERT_EQUAL(make_canonical(span_str("{\"a\xef\xbf\xbf\":1,\"a\xf0\x90\x80\x80zz\":2,\"a\":3}"), &out), 0);
  CU_ASSERT(span_equal(buf_span(&out), span_str("{\"a\":3,\"a\xf0\x90\x80\x80zz\":2,\"a\xef\xbf\xbf\":1}")));
  buf_free(&out);
}

static bool kept_as(const char *text, const char *expected) {
  char out[40];
  return canonical_number(span_str(text), out) && strcmp(out, expected) == 0;
}

static bool kept(struct span text) {
  char out[40];
  return canonical_number(text, out);
}

static void test_huge_numbers(void) {
  CU_ASSERT_FALSE(kept(span_str("1e999999999999")));
  CU_ASSERT_FALSE(kept(span_str("1e-999999999999")));
  CU_ASSERT_FALSE(kept(span_str("1e99999999999999999999999999999999999999")));
  CU_ASSERT_FALSE(kept(span_str("-1e-99999999999999999999999999999999999999")));
  CU_ASSERT(kept_as("0e99999999999999999999999999999999999999", "0"));
  CU_ASSERT(kept_as("-0.00e-99999999999999999999999999999999999", "0"));

  enum { ZEROS = 1000000 };
  struct buf text;
  buf_init(&text, 4 * ZEROS);
  buf_add_str(&text, "1");
  memset(buf_extend(&text, ZEROS), '0', ZEROS);
  CU_ASSERT_FALSE(kept(buf_span(&text)));
  buf_add_str(&text, "e-1000000"); /* 1 after all */
  char out[40];
  CU_ASSERT(canonical_number(buf_span(&text), out));
  CU_ASSERT_STRING_EQUAL(out, "1");
  buf_reset(&text);
  buf_add_str(&text, "0.");
  memset(buf_extend(&text, ZEROS), '0', ZEROS);
  buf_add_str(&text, "5E+1000001");
  CU_ASSERT(canonical_number(buf_span(&text), out));
  CU_ASSERT_STRING_EQUAL(out, "5");
  buf_reset(&text);
  memset(buf_extend(&text, ZEROS), '7', ZEROS);
  CU_ASSERT_FALSE(kept(buf_span(&text)));
  buf_reset(&text);
  buf_add_str(&text, "1.5"); /* zeros behind change nothing, a digit behind them does */
  memset(buf_extend(&text, ZEROS), '0', ZEROS);
  CU_ASSERT(canonical_number(buf_span(&text), out));
  CU_ASSERT_STRING_EQUAL(out, "1.5");
  buf_add_str(&text, "1");
  CU_ASSERT_FALSE(kept(buf_span(&text)));
  buf_free(&text);
}

static void test_locale(void) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
  char out[40];
  for (size_t i = 0; i < HARNESS_COUNT(names); i++)
    if (setlocale(LC_ALL, names[i]))
      break;
  CU_ASSERT(kept_as("0.30000000000000004", "0.30000000000000004"));
  CU_ASSERT(kept_as("1.7976931348623157e308", "1.7976931348623157e+308"));
  CU_ASSERT(kept_as("1.5", "1.5"));
  canonical_double(0.1, out);
  CU_ASSERT_STRING_EQUAL(out, "0.1");
  CU_ASSERT_EQUAL(number_to_double(span_str("0.30000000000000004")), 0.1 + 0.2);
  setlocale(LC_ALL, "C");
}

/* --- properties, with a fixed seed --- */

static uint64_t random_state;

/* splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain) */
static uint64_t random_word(void) {
  uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static unsigned random_below(unsigned n) {
  return (unsigned)(random_word() % n);
}

/* Doubles of every kind: random bits, few digits, near integers, powers of two. */
static double random_double(void) {
  uint64_t bits = random_word();
  double value;
  switch (random_below(4)) {
  case 0: memcpy(&value, &bits, sizeof(value)); break;
  case 1: value = (double)(int64_t)(bits >> 44) / pow(10, random_below(20)); break;
  case 2: value = ldexp((double)(bits >> 60) + 1, (int)random_below(2100) - 1074); break;
  default: value = (double)(int64_t)bits / (1 << random_below(30)); break;
  }
  return isfinite(value) ? value : 0.5;
}

static void test_double_properties(void) {
  unsigned wrong = 0;
  random_state = 1;
  for (int i = 0; i < 200000; i++) {
    double value = random_double();
    char text[40], again[40];
    canonical_double(value, text);
    struct span s = span_str(text);
    wrong += strtod(text, NULL) != value;                             /* it is that double */
    wrong += !canonical_number(s, again) || strcmp(text, again) != 0; /* and canonical */
    wrong += number_to_double(s) != value;
    wrong += number_in_unit(s) != (value >= 0 && value <= 1);
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

/* Whether DIGITSeEXPONENT is read back as the value. */
static bool is_read_back(unsigned long long digits, int exponent, double value) {
  char text[64];
  snprintf(text, sizeof(text), "%llue%d", digits, exponent);
  return strtod(text, NULL) == value;
}

/* ECMA-262's definition, word for word: the fewest digits that are read back as the value, and of these the nearest.
 * The nearest number of a length and its two neighbours are all that can be. */
static unsigned long long shortest_by_definition(double value, int *exponent) {
  for (int count = 1;; count++) {
    char text[64];
    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    unsigned long long digits = 0;
    char *p = text;
    for (; *p != 'e'; p++)
      if (*p != '.')
        digits = digits * 10 + (unsigned long long)(*p - '0');
    *exponent = atoi(p + 1) - (count - 1);
    static const int steps[] = {0, 1, -1};
    for (size_t i = 0; i < HARNESS_COUNT(steps); i++)
      if (is_read_back(digits + (unsigned long long)(long long)steps[i], *exponent, value))
        return digits + (unsigned long long)(long long)steps[i];
  }
}

static void test_shortest(void) {
  unsigned wrong = 0;
  random_state = 6;
  for (int i = 0; i < 60000; i++) {
    struct decimal d;
    int exponent;
    double value = fabs(i < 2098 ? ldexp(1, i - 1074) : random_double());
    if (value == 0)
      continue;
    unsigned long long expected = shortest_by_definition(value, &exponent), digits = 0;
    for (; expected % 10 == 0; expected /= 10)
      exponent++;
    decimal_shortest(value, &d);
    for (unsigned k = 0; k < d.count; k++)
      digits = digits * 10 + (unsigned long long)(d.digits[k] - '0');
    wrong += digits != expected || d.point != exponent + (int)d.count || d.negative;
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

/* A decimal of up to 15 digits skips the comparison with the shortest form; both must say the same. */
static void test_short_cut(void) {
  unsigned wrong = 0;
  random_state = 2;
  for (int i = 0; i < 100000; i++) {
    char text[64], out[40];
    unsigned long long digits = random_word() % UINT64_C(1000000000000000) / (random_below(3) ? 1 : 1000000) + 1;
    snprintf(text, sizeof(text), "%llue%d", digits, (int)random_below(560) - 290);
    struct decimal sent, shortest;
    if (!decimal_read(span_str(text), &sent) || sent.point > 290 || sent.point < -290)
      continue;
    decimal_shortest(strtod(text, NULL), &shortest);
    wrong += sent.count != shortest.count || sent.point != shortest.point ||
             memcmp(sent.digits, shortest.digits, sent.count) != 0;
    wrong += !canonical_number(span_str(text), out);
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void random_string(struct buf *out) {
  static const char *const pieces[] = {"a",
                                       "b",
                                       "\\u0000",
                                       "\\n",
                                       "\\\"",
                                       "\\\\",
                                       "\\/",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\\ud83d\\ude00",
                                       "\\u00E9",
                                       "\xef\xbf\xbf",
                                       " ",
                                       "\\uffff",
                                       "0"};
  buf_add_byte(out, '"');
  for (unsigned n = random_below(5); n > 0; n--)
    buf_add_str(out, pieces[random_below(HARNESS_COUNT(pieces))]);
  buf_add_byte(out, '"');
}

static void random_space(struct buf *out) {
  if (random_below(4) == 0)
    buf_add_str(out, random_below(2) ? " " : "\r\n\t");
}

static void random_value(struct buf *out, unsigned depth);

static void random_container(struct buf *out, unsigned depth) {
  bool object = random_below(2);
  buf_add_byte(out, object ? '{' : '[');
  for (unsigned i = 0, n = random_below(6); i < n; i++) {
    if (i > 0)
      buf_add_byte(out, ',');
    random_space(out);
    if (object) {
      random_string(out);
      out->data[out->len - 1] = (unsigned char)('0' + i); /* so that no name comes twice */
      buf_add_str(out, "\" :");
    }
    random_value(out, depth + 1);
    random_space(out);
  }
  buf_add_byte(out, object ? '}' : ']');
}

static void random_value(struct buf *out, unsigned depth) {
  static const char *const scalars[] = {"true", "false", "null", "0", "-0.0", "1e3", "12.50", "1e-9", "-7", "1.5E+30"};
  random_space(out);
  if (depth < 6 && random_below(3) > 0)
    random_container(out, depth);
  else if (random_below(2))
    random_string(out);
  else
    buf_add_str(out, scalars[random_below(HARNESS_COUNT(scalars))]);
}

static void test_idempotent(void) {
  struct buf text, once, twice;
  buf_init(&text, 1 << 20);
  buf_init(&once, 1 << 20);
  buf_init(&twice, 1 << 20);
  random_state = 3;
  for (int i = 0; i < 3000; i++) {
    arena_reset(arena);
    buf_reset(&text);
    random_value(&text, 0);
    size_t names_with_nul = make_canonical(buf_span(&text), &once);
    CU_ASSERT_EQUAL(make_canonical(buf_span(&once), &twice), names_with_nul);
    CU_ASSERT(span_equal(buf_span(&once), buf_span(&twice)));
  }
  buf_free(&text);
  buf_free(&once);
  buf_free(&twice);
}

static void test_prefixes(void) {
  struct buf text;
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  unsigned wrong = 0;
  buf_init(&text, 1 << 20);
  random_state = 4;
  for (int i = 0; i < 400; i++) {
    arena_reset(arena);
    buf_reset(&text);
    buf_add_byte(&text, '[');
    random_value(&text, 1);
    buf_add_byte(&text, ']');
    CU_ASSERT_EQUAL_FATAL(json_parse(arena, buf_span(&text), &doc, &fault, &err), 0);
    for (size_t len = 0; len < text.len; len++) {
      /* in memory of its own, so that a sanitizer sees a read behind its end */
      unsigned char *copy = malloc(len + 1);
      CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
      memcpy(copy + 1, text.data, len);
      wrong += json_parse(arena, span_of(copy + 1, len), &doc, &fault, &err) != ERR_INVALID || fault.offset > len;
      free(copy);
    }
  }
  CU_ASSERT_EQUAL(wrong, 0);
  buf_free(&text);
}

static void test_flips(void) {
  struct buf text, out;
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  unsigned wrong = 0, parsed = 0, refused = 0;
  buf_init(&text, 1 << 20);
  buf_init(&out, 1 << 20);
  random_state = 5;
  for (int i = 0; i < 300; i++) {
    buf_reset(&text);
    random_value(&text, 0);
    for (size_t at = 0; at < text.len; at++) {
      arena_reset(arena);
      unsigned char was = text.data[at];
      text.data[at] ^= (unsigned char)(1 + random_below(255));
      int code = json_parse(arena, buf_span(&text), &doc, &fault, &err);
      if (code == 0) {
        parsed++;
        if (make_canonical(buf_span(&text), &out) == 0)
          wrong += json_parse(arena, buf_span(&out), &doc, &fault, &err) != 0;
      } else {
        refused++;
        wrong += code != ERR_INVALID || fault.offset > text.len || !fault.reason;
      }
      text.data[at] = was;
    }
  }
  CU_ASSERT_EQUAL(wrong, 0);
  CU_ASSERT(parsed > 100 && refused > 100);
  buf_free(&text);
  buf_free(&out);
}

int main(void) {
  static const struct test_case cases[] = {
      {"numbers that cannot be kept and NUL in names are errors with pointers", test_errors},
      {"members are sorted by UTF-16 code units", test_order},
      {"huge exponents and long digit strings are decided exactly", test_huge_numbers},
      {"the locale does not matter", test_locale},
      {"every double is written so that it is read back", test_double_properties},
      {"the shortest form of a double is that of its definition", test_shortest},
      {"numbers of up to 15 digits are their own shortest form", test_short_cut},
      {"the canonical form of a canonical form is itself", test_idempotent},
      {"every prefix of a valid text is refused", test_prefixes},
      {"a flipped byte parses or is refused within the text", test_flips},
  };
  arena = arena_create((size_t)64 << 20);
  if (!arena)
    return 99;
  int status = harness_run("canonical", cases, HARNESS_COUNT(cases));
  arena_free(arena);
  return status;
}
