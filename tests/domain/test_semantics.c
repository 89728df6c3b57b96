/* What docs/semantics.md says of its example is what queries answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/query.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"
#include "tests/model/vectors.h"

enum { FIRST_SEQ = 3177 };

static struct world world;
static struct buf page;

static struct span block(const char *name) {
  struct span rest = buf_span(&page), found = {NULL, 0};
  CU_ASSERT_TRUE_FATAL(vectors_next_block(&rest, name, &found));
  return found;
}

static void copy(char *out, size_t size, struct span span) {
  snprintf(out, size, "%.*s", (int)span.len, (const char *)span.data);
}

/* The facts of the page, at the seqs that it names: after so many others. */
static void tell_facts(void) {
  struct span facts = block("facts"), seq, rest;
  for (int i = 1; i < FIRST_SEQ; i++)
    world_assert(&world, "other", "p", NULL, "1", NULL, NULL, 1);
  while (vectors_next_line(&facts, " ", &seq, &rest)) {
    char line[200], value[50], confidence[50], source[100];
    copy(line, sizeof(line), rest);
    CU_ASSERT_EQUAL_FATAL(sscanf(line, "%49s %49s %99s", value, confidence, source), 3);
    CU_ASSERT_EQUAL_FATAL(vectors_number(seq), world.count + 1);
    world_assert(&world, "web/csp/edge", "supported_since", source, value, confidence, NULL, 1);
  }
  world_commit(&world);
}

static void tell_trust(void) {
  struct span trust = block("trust"), source, number;
  while (vectors_next_line(&trust, " ", &source, &number)) {
    char path[100], value[50];
    copy(path, sizeof(path), source);
    copy(value, sizeof(value), number);
    world_assert(&world, path, "stemedb.trust", NULL, value, NULL, NULL, 1);
  }
  world_commit(&world);
}

/* The retraction of the page. */
static void retract(void) {
  struct span body, rest, text = block("retraction");
  char line[300];
  CU_ASSERT_TRUE_FATAL(vectors_next_line(&text, "}", &body, &rest));
  copy(line, sizeof(line) - 1, body);
  snprintf(line + strlen(line), 2, "}");
  world_request(&world, ENTRY_RETRACTION, line);
  world_commit(&world);
}

static void reinstate(void) {
  char body[200];
  snprintf(body, sizeof(body), "{\"reason\":\"r\",\"retraction_id\":\"%s\"}", world.facts[world.count - 1]->id);
  world_request(&world, ENTRY_REINSTATEMENT, body);
  world_commit(&world);
}

/* The answer's JSON; the caller frees it. */
static char *ask(struct query *query) {
  struct arena *arena = arena_create(1 << 20);
  struct field_errors errors;
  struct err err;
  struct buf out;
  buf_init(&out, 1 << 20);
  field_errors_init(&errors, arena);
  CU_ASSERT_EQUAL_FATAL(query_run(&world.reader, &world.mark, NULL, query, arena, &errors, &out, &err), 0);
  CU_ASSERT_EQUAL_FATAL(errors.count, 0);
  buf_add_byte(&out, 0);
  arena_free(arena);
  return (char *)out.data;
}

/* What the page says, with ids in place of <seq>. */
static void write_ids(struct span text, char *out, size_t size) {
  copy(out, size, text);
  char *mark = strstr(out, "\"<");
  CU_ASSERT_PTR_NOT_NULL_FATAL(mark);
  const size_t seq = (size_t)strtoull(mark + 2, NULL, 10), tail = strlen(mark) + 1;
  CU_ASSERT_TRUE_FATAL(seq > 0 && seq <= world.count && tail + 64 < size - (size_t)(mark - out));
  char *end = strchr(mark, '>');
  memmove(mark + 1 + 2 * ID_SIZE, end + 1, strlen(end + 1) + 1);
  memcpy(mark + 1, world.facts[seq - 1]->id, 2 * ID_SIZE);
}

static void check_answers(const char *name, uint64_t as_of) {
  struct span answers = block(name), lens, text;
  size_t count = 0;
  for (; vectors_next_line(&answers, " -> ", &lens, &text); count++) {
    char expected[2000];
    struct query query = {
        .concept_path = span_str("web/csp/edge"), .lens = lens_find(lens), .limit = QUERY_LIMIT_DEFAULT};
    if (as_of)
      query.as_of = (struct moment){.kind = MOMENT_SEQ, .seq = as_of};
    CU_ASSERT_PTR_NOT_NULL_FATAL(query.lens);
    write_ids(text, expected, sizeof(expected));
    char *json = ask(&query), *resolved = strstr(json, "\"resolved\":[");
    CU_ASSERT_PTR_NOT_NULL_FATAL(resolved);
    CU_ASSERT_EQUAL(strncmp(resolved + 12, expected, strlen(expected)), 0);
    if (strncmp(resolved + 12, expected, strlen(expected)) != 0)
      printf("# the page: %s\n# got:      %s\n", expected, resolved + 12);
    free(json);
  }
  CU_ASSERT_EQUAL(count, 5);
}

/* The seqs of `assertions`, as a row of the page's table has them. */
static void check_order(const char *lens, const char *expected) {
  struct query query = {
      .concept_path = span_str("web/csp/edge"), .lens = lens_find(span_str(lens)), .limit = QUERY_LIMIT_DEFAULT};
  char *json = ask(&query), seqs[100] = "", needle[120];
  const char *end = strstr(json, "\"resolved\":[");
  for (const char *at = strstr(json, "\"assertions\":["); (at = strstr(at, "\"seq\":")) && at < end; at++)
    snprintf(seqs + strlen(seqs), sizeof(seqs) - strlen(seqs), "%s%.4s", seqs[0] ? ", " : "", at + 6);
  CU_ASSERT_STRING_EQUAL(seqs, expected);
  snprintf(needle, sizeof(needle), "%s", expected);
  CU_ASSERT_PTR_NOT_NULL(strstr((const char *)page.data, needle));
  free(json);
}

static void test_example(void) {
  world_open(&world, 16 << 20);
  tell_facts();
  check_answers("answers", 0);
  check_order("recency", "3180, 3179, 3178, 3177");
  static const char *const others[] = {"confidence", "authority", "consensus", "skeptic"};
  for (size_t i = 0; i < HARNESS_COUNT(others); i++)
    check_order(others[i], "3177, 3178, 3180, 3179");
  const uint64_t before = world.mark.visible_seq;
  retract();
  check_answers("answers-retracted", 0);
  check_order("recency", "3178, 3177");
  check_answers("answers", before);
  reinstate();
  check_answers("answers", 0);
  tell_trust();
  check_answers("answers-with-trust", 0);
  check_answers("answers", before);
  check_order("authority", "3180, 3179, 3177, 3178");
  check_order("consensus", "3180, 3177, 3178, 3179");
  world_close(&world);
}

int main(void) {
  static const struct test_case cases[] = {
      {"every answer in docs/semantics.md is what a query says", test_example},
  };
  struct err err;
  bool found = false;
  buf_init(&page, 1 << 20);
  if (fileio_read_file(DOCS_DIR "/semantics.md", &page, &found, &err) || !found)
    return 99;
  buf_add_byte(&page, 0);
  int status = harness_run("semantics", cases, HARNESS_COUNT(cases));
  buf_free(&page);
  return status;
}
