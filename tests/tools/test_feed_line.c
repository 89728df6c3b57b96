#include <string.h>

#include "tests/harness/harness.h"
#include "tools/feed_line.h"

enum { OUT_MAX = 1 << 20, ARENA_MAX = 16 << 20 };

/* What a line is, and what became of it. */
static enum feed_line read_line(const char *line, const char *wanted) {
  struct arena *arena = arena_create(ARENA_MAX);
  struct buf out;
  buf_init(&out, OUT_MAX);
  enum feed_line kind = feed_line_read(arena, span_str(line), &out);
  CU_ASSERT(span_equal(buf_span(&out), span_str(wanted)));
  buf_free(&out);
  arena_free(arena);
  return kind;
}

static void an_entry_becomes_what_its_client_said(void) {
  CU_ASSERT_EQUAL(
      read_line("{\"kind\":\"assertion\",\"seq\":6,\"id\":\"00\",\"salt\":\"11\",\"batch\":\"b\",\"index\":2,"
                "\"concept_path\":\"a\\u00e4\\n\",\"confidence\":0.10,\"derived_from\":[\"x\"],\"observed_at\":"
                "\"2026-01-01T00:00:00Z\",\"predicate\":\"p\",\"source\":\"s\",\"valid_from\":\"f\","
                "\"valid_to\":\"t\",\"value\":{\"kind\":[1e400,\"\\\"\"]}}",
                "{\"concept_path\":\"a\\u00e4\\n\",\"confidence\":0.10,\"derived_from\":[\"x\"],"
                "\"observed_at\":\"2026-01-01T00:00:00Z\",\"predicate\":\"p\",\"source\":\"s\","
                "\"valid_from\":\"f\",\"valid_to\":\"t\",\"value\":{\"kind\":[1e400,\"\\\"\"]}}"),
      FEED_ASSERTION);
}

static void other_lines_are_told_apart(void) {
  CU_ASSERT_EQUAL(read_line("{\"kind\":\"retraction\",\"seq\":6,\"concept_path\":\"a\"}", ""), FEED_EVENT);
  CU_ASSERT_EQUAL(read_line("{\"concept_path\":\"a\",\"kind\":\"assertion\"}", ""), FEED_NONE);
  CU_ASSERT_EQUAL(read_line("{\"kind\":\"assertion\",", ""), FEED_NONE);
  CU_ASSERT_EQUAL(read_line("", ""), FEED_NONE);
  CU_ASSERT_EQUAL(read_line("{\"kind\":\"assertion\"}", "{}"), FEED_ASSERTION);
}

static bool seq_of(const char *line, uint64_t *seq) {
  struct arena *arena = arena_create(ARENA_MAX);
  *seq = 0;
  bool found = feed_line_seq(arena, span_str(line), seq);
  arena_free(arena);
  return found;
}

static void the_seq_of_an_entry_is_found(void) {
  uint64_t seq;
  CU_ASSERT_TRUE(seq_of("{\"kind\":\"assertion\",\"seq\":15861,\"id\":1}", &seq) && seq == 15861);
  CU_ASSERT_TRUE(seq_of("{\"id\":1,\"value\":{\"seq\":7},\"seq\" : 42 }", &seq) && seq == 42);
  CU_ASSERT_FALSE(seq_of("{\"kind\":\"assertion\",\"seq\":158", &seq));
  CU_ASSERT_FALSE(seq_of("{\"kind\":\"assertion\",\"seq\":-1,\"x\":1}", &seq));
  CU_ASSERT_FALSE(seq_of("{\"kind\":\"assertion\",\"seq\":99999999999999999999999,\"x\":1}", &seq));
  CU_ASSERT_FALSE(seq_of("{\"value\":{\"seq\":7}}", &seq));
  CU_ASSERT_FALSE(seq_of("nonsense", &seq));
}

int main(void) {
  static const struct test_case cases[] = {
      {"an entry becomes what its client said", an_entry_becomes_what_its_client_said},
      {"other lines are told apart", other_lines_are_told_apart},
      {"the seq of an entry is found, and only there", the_seq_of_an_entry_is_found},
  };
  return harness_run("feed_line", cases, HARNESS_COUNT(cases));
}
