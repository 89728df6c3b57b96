#include "tests/harness/harness.h"

#include <stdio.h>

#include "model/assertion.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "00000000000000000000000000000000000000000000000000000000000000bb"

static struct arena *arena;
static struct field_errors errors;

/* Validates a text; the number of errors. */
static size_t validate_span(struct span text, const char *pointer, struct assertion_draft *draft) {
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  field_errors_init(&errors, arena);
  CU_ASSERT_EQUAL_FATAL(json_parse_wrapped(arena, text, 1, &doc, &fault, &err), 0);
  CU_ASSERT_EQUAL_FATAL(assertion_validate(arena, &doc, 0, span_str(pointer), &errors, draft, &err), 0);
  return errors.count;
}

static size_t validate(const char *text, struct assertion_draft *draft) {
  return validate_span(span_str(text), "", draft);
}

/* Whether an error with this pointer and words in its detail was found. */
static bool has_error(const char *pointer, const char *words) {
  for (size_t i = 0; i < errors.count && i < FIELD_ERRORS_MAX; i++) {
    char detail[600];
    snprintf(detail, sizeof(detail), "%.*s", (int)errors.items[i].detail.len,
             (const char *)errors.items[i].detail.data);
    if (span_equal(errors.items[i].pointer, span_str(pointer)) && strstr(detail, words))
      return true;
  }
  return false;
}

/* An assertion with these further members, so that only they are in question: exactly one error, here. */
static void expect_member_error(const char *members, const char *pointer, const char *words) {
  char text[8192];
  struct assertion_draft draft;
  snprintf(text, sizeof(text), "{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":1,%s}", members);
  CU_ASSERT_EQUAL(validate(text, &draft), 1);
  bool found = has_error(pointer, words);
  CU_ASSERT(found);
  if (!found && errors.count)
    printf("# %s: %.*s %.*s\n", members, (int)errors.items[0].pointer.len, (const char *)errors.items[0].pointer.data,
           (int)errors.items[0].detail.len, (const char *)errors.items[0].detail.data);
}

static void expect_body(const char *text, const char *body) {
  struct assertion_draft draft;
  CU_ASSERT_EQUAL_FATAL(validate(text, &draft), 0);
  CU_ASSERT(span_equal(draft.body, span_str(body)));
}

static void test_draft(void) {
  struct assertion_draft draft;
  const char *text =
      " { \"value\" : { \"b\" : 1.0 , \"a\" : [ ] } , \"source\" : \"source/x\" , \"predicate\" : \"p\\u0041\" , "
      "\"derived_from\" : [ \"" ID_A "\" , \"" ID_B "\" ] , \"concept_path\" : \"a/b\" , \"confidence\" : 0.50 } ";
  CU_ASSERT_EQUAL_FATAL(validate(text, &draft), 0);
  CU_ASSERT(span_equal(draft.body,
                       span_str("{\"concept_path\":\"a/b\",\"confidence\":0.5,\"derived_from\":[\"" ID_A "\",\"" ID_B
                                "\"],\"predicate\":\"pA\",\"source\":\"source/x\",\"value\":{\"a\":[],\"b\":1}}")));
  CU_ASSERT(span_equal(draft.value, span_str("{\"a\":[],\"b\":1}")));
  CU_ASSERT(draft.value.data + draft.value.len + 1 == draft.body.data + draft.body.len);
  CU_ASSERT(span_equal(draft.concept_path, span_str("a/b")));
  CU_ASSERT(span_equal(draft.predicate, span_str("pA")));
  CU_ASSERT(span_equal(draft.source, span_str("source/x")));
  CU_ASSERT_EQUAL_FATAL(draft.derived_count, 2);
  CU_ASSERT_EQUAL(draft.derived[0], 0xaa);
  CU_ASSERT_EQUAL(draft.derived[2 * ID_SIZE - 1], 0xbb);
}

static void test_own_memory(void) {
  struct assertion_draft draft;
  char text[200];
  snprintf(text, sizeof(text), "%s",
           "{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":\"v\",\"source\":\"s\\\"t\"}");
  CU_ASSERT_EQUAL_FATAL(validate(text, &draft), 0);
  memset(text, 'x', sizeof(text)); /* a line of an import is overwritten by the next one */
  CU_ASSERT(span_equal(draft.concept_path, span_str("a/b")));
  CU_ASSERT(span_equal(draft.predicate, span_str("p")));
  CU_ASSERT(span_equal(draft.source, span_str("s\"t")));
  CU_ASSERT(span_equal(draft.value, span_str("\"v\"")));
}

static void test_absent(void) {
  struct assertion_draft draft;
  expect_body("{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":null}",
              "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":null}");
  expect_body("{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[],\"confidence\":1.0,\"derived_from\":[]}",
              "{\"concept_path\":\"a\",\"confidence\":1,\"derived_from\":[],\"predicate\":\"p\",\"value\":[]}");
  CU_ASSERT_EQUAL(validate("{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}", &draft), 0);
  CU_ASSERT_EQUAL(draft.source.len, 0);
  CU_ASSERT_EQUAL(draft.derived_count, 0);
}

static void test_all_at_once(void) {
  struct assertion_draft draft;
  const char *text =
      "{\"concept_path\":\"a//b\",\"confidence\":1.5,\"derived_from\":[\"" ID_A "\",\"x\",\"" ID_A "\",7],"
      "\"observed_at\":\"yesterday\",\"predicate\":\"a/b\",\"source\":\"\",\"valid_from\":5,"
      "\"valid_to\":\"2026-01-01T00:00:00\",\"value\":{\"x\":[1e999]},\"colour\":\"red\",\"id\":\"1\"}";
  CU_ASSERT_EQUAL(validate_span(span_str(text), "/3", &draft), 13);
  CU_ASSERT(has_error("/3/concept_path", "empty segment"));
  CU_ASSERT(has_error("/3/confidence", "[0, 1]"));
  CU_ASSERT(has_error("/3/derived_from/1", "64 lower-case hex"));
  CU_ASSERT(has_error("/3/derived_from/2", "twice"));
  CU_ASSERT(has_error("/3/derived_from/3", "64 lower-case hex"));
  CU_ASSERT(has_error("/3/observed_at", "RFC 3339"));
  CU_ASSERT(has_error("/3/predicate", "\"/\""));
  CU_ASSERT(has_error("/3/source", "empty"));
  CU_ASSERT(has_error("/3/valid_from", "must be a string"));
  CU_ASSERT(has_error("/3/valid_to", "offset"));
  CU_ASSERT(has_error("/3/value/x/0", "exactly"));
  CU_ASSERT(has_error("/3/colour", "not a field"));
  CU_ASSERT(has_error("/3/id", "set by the server"));
}

static void test_missing(void) {
  struct assertion_draft draft;
  CU_ASSERT_EQUAL(validate("{}", &draft), 3);
  CU_ASSERT(has_error("/concept_path", "missing"));
  CU_ASSERT(has_error("/predicate", "missing"));
  CU_ASSERT(has_error("/value", "missing"));
  static const char *const others[] = {"[]", "1", "\"x\"", "null", "true"};
  for (size_t i = 0; i < HARNESS_COUNT(others); i++) {
    CU_ASSERT_EQUAL(validate(others[i], &draft), 1);
    CU_ASSERT(has_error("", "must be an object"));
  }
}

static void test_types(void) {
  struct assertion_draft draft;
  CU_ASSERT_EQUAL(validate("{\"concept_path\":1,\"predicate\":[],\"value\":1}", &draft), 2);
  CU_ASSERT(has_error("/concept_path", "must be a string"));
  CU_ASSERT(has_error("/predicate", "must be a string"));
  expect_member_error("\"confidence\":\"1\"", "/confidence", "must be a number");
  expect_member_error("\"confidence\":null", "/confidence", "must be a number");
  expect_member_error("\"source\":null", "/source", "must be a string");
  expect_member_error("\"derived_from\":\"" ID_A "\"", "/derived_from", "array");
  expect_member_error("\"observed_at\":1700000000", "/observed_at", "must be a string");
  expect_member_error("\"a/b~\":1", "/a~1b~0", "not a field");
}

static void test_confidence(void) {
  static const char *const good[][2] = {{"0", "0"},    {"1", "1"},      {"1.000", "1"},   {"0.0", "0"},
                                        {"-0", "0"},   {"5e-1", "0.5"}, {"1e-9", "1e-9"}, {"0.99999", "0.99999"},
                                        {"10e-1", "1"}};
  char text[200], body[200];
  for (size_t i = 0; i < HARNESS_COUNT(good); i++) {
    snprintf(text, sizeof(text), "{\"concept_path\":\"a\",\"confidence\":%s,\"predicate\":\"p\",\"value\":1}",
             good[i][0]);
    snprintf(body, sizeof(body), "{\"concept_path\":\"a\",\"confidence\":%s,\"predicate\":\"p\",\"value\":1}",
             good[i][1]);
    expect_body(text, body);
  }
  static const char *const bad[] = {"-0.1", "1.0000001", "2", "1e3", "-1", "10", "11e-1", "1e300", "-1e-9"};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    snprintf(text, sizeof(text), "\"confidence\":%s", bad[i]);
    expect_member_error(text, "/confidence", "must be in [0, 1]");
  }
  expect_member_error("\"confidence\":0.1000000000000000055511", "/confidence", "exactly");
  expect_member_error("\"confidence\":1e-400", "/confidence", "exactly");
}

static void test_times(void) {
  expect_body(
      "{\"concept_path\":\"a\",\"observed_at\":\"2026-01-01T00:00:00.10+00:00\",\"predicate\":\"p\",\"valid_from\":"
      "\"2026-01-01T00:00:00+01:00\",\"valid_to\":\"2026\\u002d01-01t00:00:00z\",\"value\":1}",
      "{\"concept_path\":\"a\",\"observed_at\":\"2026-01-01T00:00:00.1Z\",\"predicate\":\"p\",\"valid_from\":"
      "\"2025-12-31T23:00:00Z\",\"valid_to\":\"2026-01-01T00:00:00Z\",\"value\":1}");
  expect_member_error("\"valid_from\":\"2026-01-01T00:00:00Z\",\"valid_to\":\"2026-01-01T00:00:00Z\"", "/valid_to",
                      "after");
  expect_member_error("\"valid_from\":\"2026-01-01T00:00:00Z\",\"valid_to\":\"2026-01-01T00:59:59+01:00\"", "/valid_to",
                      "after");
  expect_member_error("\"observed_at\":\"2026-01-01T00:00:00.1234567Z\"", "/observed_at", "6 fractional digits");
  expect_member_error("\"valid_to\":\"\"", "/valid_to", "RFC 3339");
}

static void test_derived(void) {
  struct buf text;
  struct assertion_draft draft;
  struct assertion assertion;
  struct err err;
  unsigned char id[ID_SIZE];
  buf_init(&text, 1 << 20);
  for (unsigned count = 0; count <= 65; count++) {
    buf_reset(&text);
    buf_add_str(&text, "{\"concept_path\":\"a\",\"derived_from\":[");
    for (unsigned i = 0; i < count; i++)
      buf_addf(&text, "%s\"%064x\"", i ? "," : "", i + 1);
    buf_add_str(&text, "],\"predicate\":\"p\",\"value\":1}");
    size_t found = validate_span(buf_span(&text), "", &draft);
    if (count == 65) {
      CU_ASSERT_EQUAL(found, 1);
      CU_ASSERT(has_error("/derived_from", "more than 64"));
      break;
    }
    CU_ASSERT_EQUAL_FATAL(found, 0);
    CU_ASSERT_EQUAL(draft.derived_count, count);
    CU_ASSERT(span_equal(draft.body, buf_span(&text)));
    CU_ASSERT_EQUAL_FATAL(assertion_read(arena, draft.body, &assertion, &err), 0);
    CU_ASSERT_EQUAL(assertion.derived_count, count);
    for (unsigned i = 0; i < count; i++) {
      assertion_derived_id(&assertion, i, id);
      CU_ASSERT(memcmp(id, draft.derived + i * ID_SIZE, ID_SIZE) == 0);
      CU_ASSERT_EQUAL(id[ID_SIZE - 1], i + 1);
    }
  }
  expect_member_error("\"derived_from\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]",
                      "/derived_from/0", "lower-case");
  buf_free(&text);
}

static void test_value_size(void) {
  struct buf text;
  struct assertion_draft draft;
  buf_init(&text, 1 << 20);
  for (int over = 0; over < 2; over++) {
    buf_reset(&text);
    buf_add_str(&text, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":\"");
    size_t inside = (size_t)ASSERTION_VALUE_MAX - 2 + (size_t)over;
    memset(buf_extend(&text, inside), 'x', inside);
    buf_add_str(&text, "\"}");
    CU_ASSERT_EQUAL(validate_span(buf_span(&text), "", &draft), (size_t)over);
    CU_ASSERT_EQUAL(draft.value.len, over ? 0 : (size_t)ASSERTION_VALUE_MAX);
  }
  CU_ASSERT(has_error("/value", "65,536"));
  /* far too large, and small numbers that become large: still one error, whatever the others are */
  for (int kind = 0; kind < 2; kind++) {
    buf_reset(&text);
    buf_add_str(&text, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"source\":\"/\",\"value\":[1");
    for (int i = 0; i < (kind ? 50000 : 4000); i++)
      buf_add_str(&text, ",1e20");
    buf_add_str(&text, "]}");
    CU_ASSERT_EQUAL(validate_span(buf_span(&text), "", &draft), 2);
    CU_ASSERT(has_error("/value", "65,536"));
    CU_ASSERT(has_error("/source", "empty segment"));
  }
  buf_reset(&text); /* one string that alone is more than a body may be */
  buf_add_str(&text, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":\"");
  memset(buf_extend(&text, 200000), 'x', 200000);
  buf_add_str(&text, "\"}");
  CU_ASSERT_EQUAL(validate_span(buf_span(&text), "", &draft), 1);
  CU_ASSERT(has_error("/value", "65,536"));
  buf_reset(&text); /* white space does not count */
  buf_add_str(&text, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[");
  memset(buf_extend(&text, 200000), ' ', 200000);
  buf_add_str(&text, "1e20]}");
  CU_ASSERT_EQUAL(validate_span(buf_span(&text), "", &draft), 0);
  CU_ASSERT(span_equal(draft.value, span_str("[100000000000000000000]")));
  buf_free(&text);
}

/* Everything that grows when it becomes canonical, in every place: the body's memory must do. */
static void test_growth(void) {
  expect_body(
      "{\"value\":[1e20,-1e20,1e18,1e-6,{\"a\":1e20}],\"predicate\":\"p\",\"confidence\":1e-6,\"concept_path\":\"a\"}",
      "{\"concept_path\":\"a\",\"confidence\":0.000001,\"predicate\":\"p\",\"value\":[100000000000000000000,"
      "-100000000000000000000,1000000000000000000,0.000001,{\"a\":100000000000000000000}]}");
}

static void test_settings(void) {
  static const struct {
    const char *predicate, *value, *words; /* words NULL: accepted */
  } table[] = {
      {"trust", "0", NULL},
      {"trust", "1.0", NULL},
      {"trust", "0.25", NULL},
      {"trust", "1e-9", NULL},
      {"trust", "1.01", "[0, 1]"},
      {"trust", "-0.1", "[0, 1]"},
      {"trust", "\"0.5\"", "[0, 1]"},
      {"trust", "null", "[0, 1]"},
      {"trust", "[0.5]", "[0, 1]"},
      {"tier", "0", NULL},
      {"tier", "5.0", NULL},
      {"tier", "6", "from 0 to 5"},
      {"tier", "2.5", "from 0 to 5"},
      {"tier", "-1", "from 0 to 5"},
      {"tier", "10", "from 0 to 5"},
      {"tier", "\"1\"", "from 0 to 5"},
      {"half_life_days", "0.5", NULL},
      {"half_life_days", "1e300", NULL},
      {"half_life_days", "0", "above 0"},
      {"half_life_days", "-1", "above 0"},
      {"half_life_days", "true", "above 0"},
      {"cardinality", "\"one\"", NULL},
      {"cardinality", "\"m\\u0061ny\"", NULL},
      {"cardinality", "\"two\"", "\"many\""},
      {"cardinality", "1", "\"many\""},
      {"tolerance", "0", NULL},
      {"tolerance", "1.5", NULL},
      {"tolerance", "-1.5", "at least 0"},
      {"tolerance", "{}", "at least 0"},
      {"same_as", "\"x/y\"", NULL},
      {"same_as", "\"x\\\"/y\"", NULL},
      {"same_as", "\"x//y\"", "another concept path"},
      {"same_as", "\"\"", "another concept path"},
      {"same_as", "7", "another concept path"},
      {"same_as", "\"a/b\"", "another concept path"},
      {"same_as", "\"a\\n\"", "another concept path"},
  };
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    char text[300];
    struct assertion_draft draft;
    snprintf(text, sizeof(text), "{\"concept_path\":\"a/b\",\"predicate\":\"stemedb.%s\",\"value\":%s}",
             table[i].predicate, table[i].value);
    size_t found = validate(text, &draft);
    bool right = table[i].words ? found == 1 && has_error("/value", table[i].words) : found == 0;
    CU_ASSERT(right);
    if (!right)
      printf("# %s\n", text);
  }
  static const char *const unknown[] = {"stemedb.", "stemedb.Trust", "stemedb.trusts", "stemedb.colour"};
  for (size_t i = 0; i < HARNESS_COUNT(unknown); i++) {
    char text[300];
    struct assertion_draft draft;
    snprintf(text, sizeof(text), "{\"concept_path\":\"a\",\"predicate\":\"%s\",\"value\":1}", unknown[i]);
    CU_ASSERT_EQUAL(validate(text, &draft), 1);
    CU_ASSERT(has_error("/predicate", "reserved"));
  }
}

static void test_read(void) {
  struct assertion a;
  struct err err;
  const char *body =
      "{\"concept_path\":\"a/\\\"b\",\"confidence\":0.95,\"derived_from\":[\"" ID_A "\",\"" ID_B
      "\"],\"observed_at\":\"1970-01-01T00:00:01Z\",\"predicate\":\"p\",\"source\":\"s/\\\\t\",\"valid_from\":"
      "\"1969-12-31T23:59:59.5Z\",\"valid_to\":\"2026-01-01T00:00:00Z\",\"value\":{\"}\":\",\\\"value\\\":\"}}";
  CU_ASSERT_EQUAL_FATAL(assertion_read(arena, span_str(body), &a, &err), 0);
  CU_ASSERT(span_equal(a.concept_path, span_str("a/\"b")));
  CU_ASSERT(span_equal(a.predicate, span_str("p")));
  CU_ASSERT(span_equal(a.source, span_str("s/\\t")));
  CU_ASSERT(span_equal(a.value, span_str("{\"}\":\",\\\"value\\\":\"}")));
  CU_ASSERT_EQUAL(a.confidence, 0.95);
  CU_ASSERT(a.has_observed_at && a.observed_at == 1000000);
  CU_ASSERT(a.has_valid_from && a.valid_from == -500000);
  CU_ASSERT(a.has_valid_to && a.valid_to == INT64_C(1767225600000000));
  CU_ASSERT_EQUAL(a.derived_count, 2);

  const char *small = "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":null}";
  size_t used = arena_used(arena);
  CU_ASSERT_EQUAL_FATAL(assertion_read(arena, span_str(small), &a, &err), 0);
  CU_ASSERT_EQUAL(arena_used(arena), used); /* no allocation */
  CU_ASSERT_EQUAL(a.confidence, 1.0);
  CU_ASSERT(a.source.len == 0 && a.derived_count == 0 && a.derived_from.len == 0);
  CU_ASSERT(!a.has_observed_at && !a.has_valid_from && !a.has_valid_to);
}

static void test_read_corrupt(void) {
  static const char *const bodies[] = {
      "",
      "{",
      "}",
      "{}",
      "[]",
      "null",
      "{\"concept_path\":\"a\",\"predicate\":\"p\"}",
      "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":}",
      "{\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"value\":1}",
      "{\"predicate\":\"p\",\"concept_path\":\"a\",\"value\":1}",
      "{\"concept_path\":\"a\", \"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"other\":1,\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":7,\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"confidence\":2,\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"confidence\":,\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"confidence\":0.123456789012345678901,\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"derived_from\":[\"x\"],\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"derived_from\":[1],\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"derived_from\":[\"" ID_A "\"\"" ID_B "\"],\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"derived_from\":[\"A" ID_A "\"],\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"derived_from\":[\"" ID_A "a],\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\";\"predicate\":\"p\",\"value\":1}",
      "{\"concept_path\":\"a\",\"observed_at\":\"now\",\"predicate\":\"p\",\"value\":1}",
  };
  struct assertion a;
  struct err err;
  for (size_t i = 0; i < HARNESS_COUNT(bodies); i++)
    CU_ASSERT_EQUAL(assertion_read(arena, span_str(bodies[i]), &a, &err), ERR_CORRUPT);
}

/* What validation writes, reading takes apart, for any damage without harm. */
static void test_read_damaged(void) {
  char body[] = "{\"concept_path\":\"a/\\\"b\",\"confidence\":0.95,\"derived_from\":[\"" ID_A
                "\"],\"observed_at\":\"1970-01-01T00:00:01Z\",\"predicate\":\"p\",\"source\":\"s\",\"value\":[1]}";
  static const unsigned char bytes[] = {'"', '\\', '{', '}', '[', ']', ',', ':', '0', 'e', 0, 0xff};
  struct assertion a;
  struct err err;
  size_t len = sizeof(body) - 1, read = 0;
  for (size_t at = 0; at < len; at++) {
    char was = body[at];
    for (size_t i = 0; i < sizeof(bytes); i++) {
      body[at] = (char)bytes[i];
      int code = assertion_read(arena, span_of(body, len), &a, &err);
      CU_ASSERT(code == 0 || code == ERR_CORRUPT);
      read += code == 0;
    }
    body[at] = was;
    CU_ASSERT_EQUAL(assertion_read(arena, span_of(body, at), &a, &err), ERR_CORRUPT);
  }
  CU_ASSERT(read > 0);
}

static void test_no_memory(void) {
  const char *text =
      "{\"concept_path\":\"a\\/b\",\"derived_from\":[\"" ID_A "\"],\"predicate\":\"p\\u0041\",\"value\":{\"a\\n\":1}}";
  struct assertion_draft draft;
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  unsigned refused = 0;
  CU_ASSERT_EQUAL_FATAL(json_parse(arena, span_str(text), &doc, &fault, &err), 0);
  for (size_t max = 0; max < 2048; max += 16) {
    struct arena *small = arena_create(max);
    CU_ASSERT_PTR_NOT_NULL_FATAL(small);
    field_errors_init(&errors, small);
    int code = assertion_validate(small, &doc, 0, span_str(""), &errors, &draft, &err);
    CU_ASSERT(code == ERR_NOMEM || (code == 0 && errors.count == 0));
    refused += code != 0;
    arena_free(small);
  }
  CU_ASSERT(refused > 5 && refused < 128);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a client's assertion becomes a canonical body", test_draft},
      {"a draft does not need the client's text any more", test_own_memory},
      {"what is absent stays absent", test_absent},
      {"everything wrong is said at once, with pointers", test_all_at_once},
      {"missing fields and what is no object are errors", test_missing},
      {"fields of the wrong type are errors", test_types},
      {"confidence is a number in [0, 1]", test_confidence},
      {"times become UTC and keep their order", test_times},
      {"up to 64 ids may be named, each once", test_derived},
      {"a value may be as large as the limit and no larger", test_value_size},
      {"numbers that grow have room in the body", test_growth},
      {"settings have values of their type", test_settings},
      {"a stored body is taken apart", test_read},
      {"what is no canonical body is corrupt", test_read_corrupt},
      {"a damaged body is read without harm", test_read_damaged},
      {"without memory validation says so", test_no_memory},
  };
  arena = arena_create((size_t)256 << 20);
  if (!arena)
    return 99;
  int status = harness_run("assertion", cases, HARNESS_COUNT(cases));
  arena_free(arena);
  return status;
}
