#include <string.h>

#include "tests/harness/harness.h"
#include "tools/request.h"

static bool holds(const struct buf *b, const char *text) {
  bool same = span_equal(buf_span(b), span_str(text));
  if (!same)
    printf("# %.*s\n", (int)b->len, (const char *)b->data);
  return same;
}

static void a_body_has_what_was_given(void) {
  struct buf body;
  struct option_list list = {.count = 2, .items = {"a", "b\""}};
  struct option_list none = {0};
  request_begin(&body);
  request_text(&body, "concept_path", "a\"\n\xc3\xa4");
  request_text(&body, "source", NULL);
  request_raw(&body, "value", "1e0");
  request_flag(&body, "decay", false);
  request_flag(&body, "explain", true);
  request_count(&body, "limit", (struct option_count){0});
  request_count(&body, "from_seq", (struct option_count){.given = true, .value = UINT64_MAX});
  request_texts(&body, "ids", &list);
  request_texts(&body, "none", &none);
  request_end(&body);
  CU_ASSERT(holds(&body, "{\"concept_path\":\"a\\\"\\n\xc3\xa4\",\"value\":1e0,\"explain\":true,"
                         "\"from_seq\":18446744073709551615,\"ids\":[\"a\",\"b\\\"\"]}"));
  buf_free(&body);
}

static void a_moment_is_a_seq_or_a_time(void) {
  static const char *const moments[][2] = {
      {"0", "{\"m\":0}"},   {"12", "{\"m\":12}"},     {"012", "{\"m\":\"012\"}"},
      {"", "{\"m\":\"\"}"}, {"-1", "{\"m\":\"-1\"}"}, {"2026-01-01T00:00:00Z", "{\"m\":\"2026-01-01T00:00:00Z\"}"}};
  for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
    struct buf body;
    request_begin(&body);
    request_moment(&body, "m", moments[i][0]);
    request_end(&body);
    CU_ASSERT(holds(&body, moments[i][1]));
    buf_free(&body);
  }
}

static void a_target_is_escaped(void) {
  struct buf target;
  target_begin(&target, "/v1/why");
  target_segment(&target, "../x y");
  target_text(&target, "prefix", "a/b&c=d%+\xc3\xa4");
  target_text(&target, "none", NULL);
  target_count(&target, "limit", (struct option_count){.given = true, .value = 5});
  CU_ASSERT(holds(&target, "/v1/why/%2E%2E%2Fx%20y?prefix=a/b%26c%3Dd%25%2B%C3%A4&limit=5"));
  CU_ASSERT_EQUAL(target.data[target.len], '\0');
  buf_free(&target);
}

static void json_is_told_from_text(void) {
  const char *reason;
  size_t offset;
  static const char *const good[] = {"1", "\"a\"", "null", "[1,{\"a\":[]}]", " true "};
  static const char *const wrong[] = {"", "a", "'a'", "NaN", "1 2", "{\"a\":1,\"a\":2}", "\"\xff\"", "[1,]"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    CU_ASSERT_TRUE(request_is_json(good[i], &reason, &offset));
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    CU_ASSERT_FALSE(request_is_json(wrong[i], &reason, &offset));
    CU_ASSERT_PTR_NOT_NULL(reason);
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"a body has what was given, and nothing else", a_body_has_what_was_given},
      {"a moment is a seq or a time", a_moment_is_a_seq_or_a_time},
      {"a target is escaped", a_target_is_escaped},
      {"JSON is told from text", json_is_told_from_text},
  };
  return harness_run("request", cases, HARNESS_COUNT(cases));
}
