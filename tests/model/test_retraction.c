#include "tests/harness/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/retraction.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "00000000000000000000000000000000000000000000000000000000000000bb"
#define BATCH "000102030405060708090a0b0c0d0e0f"

static struct arena *arena;
static struct field_errors errors;
static struct err err;

static void parse(const char *text, struct json_doc *doc) {
  struct json_fault fault;
  field_errors_init(&errors, arena);
  CU_ASSERT_EQUAL_FATAL(json_parse(arena, span_str(text), doc, &fault, &err), 0);
}

static size_t validate(const char *text, struct retraction_draft *draft) {
  struct json_doc doc;
  parse(text, &doc);
  CU_ASSERT_EQUAL_FATAL(retraction_validate(arena, &doc, 0, (struct span){NULL, 0}, &errors, draft, &err), 0);
  return errors.count;
}

static size_t validate_undo(const char *text, struct reinstatement_draft *draft) {
  struct json_doc doc;
  parse(text, &doc);
  CU_ASSERT_EQUAL_FATAL(reinstatement_validate(arena, &doc, 0, (struct span){NULL, 0}, &errors, draft, &err), 0);
  return errors.count;
}

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

/* One error, here. */
static void expect_error(const char *text, const char *pointer, const char *words) {
  struct retraction_draft draft;
  CU_ASSERT_EQUAL(validate(text, &draft), 1);
  bool found = has_error(pointer, words);
  CU_ASSERT_TRUE(found);
  if (!found)
    printf("# %s\n", text);
}

static void all_selectors_are_read(void) {
  struct retraction_draft draft;
  struct retraction r;
  static const char text[] =
      "{\"to_seq\":9.0,\"source\":\"source/x\",\"reason\":\"wr\\u006fng\",\"predicate\":\"p\",\"ids\":[\"" ID_A
      "\",\"" ID_B "\",\"" ID_A "\"],\"from_seq\":2,\"dry_run\":true,\"concept_path\":\"a/b\",\"cascade\":true,"
      "\"batch\":\"" BATCH "\"}";
  static const char body[] =
      "{\"batch\":\"" BATCH "\",\"cascade\":true,\"concept_path\":\"a/b\",\"from_seq\":2,\"ids\":[\"" ID_A "\",\"" ID_B
      "\",\"" ID_A "\"],\"predicate\":\"p\",\"reason\":\"wrong\",\"source\":\"source/x\",\"to_seq\":9}";
  CU_ASSERT_EQUAL_FATAL(validate(text, &draft), 0);
  CU_ASSERT_TRUE(draft.dry_run);
  CU_ASSERT_TRUE(span_equal(draft.body, span_str(body)));
  CU_ASSERT_EQUAL_FATAL(retraction_read(arena, draft.body, &r, &err), 0);
  CU_ASSERT_TRUE(span_equal(r.concept_path, span_str("a/b")) && span_equal(r.predicate, span_str("p")));
  CU_ASSERT_TRUE(r.has_source && span_equal(r.source, span_str("source/x")));
  CU_ASSERT_TRUE(span_equal(r.reason, span_str("wrong")) && r.cascade);
  CU_ASSERT_TRUE(r.from_seq == 2 && r.to_seq == 9);
  CU_ASSERT_EQUAL(r.id_count, 2); /* sorted, each once */
  CU_ASSERT_TRUE(r.ids[0] == 0 && r.ids[31] == 0xbb && r.ids[32] == 0xaa);
  CU_ASSERT_TRUE(r.batch.len == 16 && r.batch.data[0] == 0 && r.batch.data[15] == 15);
  CU_ASSERT_FALSE(retraction_is_by_name(&r));
}

static void what_is_absent_selects_all(void) {
  struct retraction_draft draft;
  CU_ASSERT_EQUAL_FATAL(validate("{\"reason\":\"r\",\"source\":null}", &draft), 0);
  CU_ASSERT_TRUE(draft.retraction.has_source && draft.retraction.source.len == 0);
  CU_ASSERT_TRUE(draft.retraction.from_seq == 1 && draft.retraction.to_seq == UINT64_MAX);
  CU_ASSERT_TRUE(retraction_is_by_name(&draft.retraction) && !draft.retraction.cascade && !draft.dry_run);
  CU_ASSERT_TRUE(span_equal(draft.body, span_str("{\"reason\":\"r\",\"source\":null}")));
  CU_ASSERT_EQUAL_FATAL(validate("{\"reason\":\"r\",\"to_seq\":1,\"cascade\":false}", &draft), 0);
  CU_ASSERT_TRUE(!draft.retraction.has_source && !draft.retraction.cascade);
  CU_ASSERT_TRUE(span_equal(draft.body, span_str("{\"cascade\":false,\"reason\":\"r\",\"to_seq\":1}")));
}

static void each_wrong_field_is_named(void) {
  expect_error("[]", "", "must be an object");
  expect_error("{\"source\":\"s\"}", "/reason", "is missing");
  expect_error("{\"source\":\"s\",\"reason\":\"\"}", "/reason", "must not be empty");
  expect_error("{\"source\":\"s\",\"reason\":1}", "/reason", "must be a string");
  expect_error("{\"reason\":\"r\"}", "", "must select");
  expect_error("{\"reason\":\"r\",\"predicate\":\"p\"}", "", "must select");
  expect_error("{\"reason\":\"r\",\"cascade\":true}", "", "must select");
  expect_error("{\"reason\":\"r\",\"source\":\"s\",\"cascade\":1}", "/cascade", "true or false");
  expect_error("{\"reason\":\"r\",\"source\":\"s\",\"dry_run\":null}", "/dry_run", "true or false");
  expect_error("{\"reason\":\"r\",\"source\":\"s//t\"}", "/source", "");
  expect_error("{\"reason\":\"r\",\"concept_path\":\"\"}", "/concept_path", "");
  expect_error("{\"reason\":\"r\",\"concept_path\":\"a\",\"predicate\":\"x/y\"}", "/predicate", "");
  expect_error("{\"reason\":\"r\",\"ids\":[]}", "/ids", "1 to 10,000");
  expect_error("{\"reason\":\"r\",\"ids\":\"" ID_A "\"}", "/ids", "1 to 10,000");
  expect_error("{\"reason\":\"r\",\"ids\":[\"" ID_A "\",\"A\"]}", "/ids/1", "64 lower-case");
  expect_error("{\"reason\":\"r\",\"ids\":[\"" ID_A "\",7]}", "/ids/1", "64 lower-case");
  expect_error("{\"reason\":\"r\",\"batch\":\"00\"}", "/batch", "32 lower-case");
  expect_error("{\"reason\":\"r\",\"batch\":\"00010203040506070809 a0b0c0d0e0f\"}", "/batch", "32 lower-case");
  expect_error("{\"reason\":\"r\",\"from_seq\":0}", "/from_seq", "from 1 on");
  expect_error("{\"reason\":\"r\",\"from_seq\":-1}", "/from_seq", "from 1 on");
  expect_error("{\"reason\":\"r\",\"from_seq\":1.5}", "/from_seq", "from 1 on");
  expect_error("{\"reason\":\"r\",\"from_seq\":\"1\"}", "/from_seq", "must be a number");
  expect_error("{\"reason\":\"r\",\"to_seq\":9223372036854775808}", "/to_seq", "from 1 on");
  expect_error("{\"reason\":\"r\",\"from_seq\":5,\"to_seq\":4}", "/to_seq", "below from_seq");
  expect_error("{\"reason\":\"r\",\"source\":\"s\",\"sourc/e\":1}", "/sourc~1e", "not a field");
}

static void all_errors_come_at_once(void) {
  struct retraction_draft draft;
  CU_ASSERT_EQUAL(validate("{\"batch\":1,\"cascade\":2,\"from_seq\":0,\"ids\":[1,2],\"x\":1}", &draft), 7);
  CU_ASSERT_TRUE(has_error("/batch", "") && has_error("/cascade", "") && has_error("/from_seq", ""));
  CU_ASSERT_TRUE(has_error("/ids/0", "") && has_error("/ids/1", "") && has_error("/x", "") && has_error("/reason", ""));
}

static void limits_are_exact(void) {
  struct retraction_draft draft;
  size_t size = 1 << 20;
  char *text = malloc(size);
  for (int over = 0; over <= 1; over++) {
    int at = snprintf(text, size, "{\"source\":\"s\",\"reason\":\"");
    memset(text + at, 'x', RETRACTION_REASON_MAX + (size_t)over);
    at += RETRACTION_REASON_MAX + over;
    snprintf(text + at, size - (size_t)at, "\"}");
    CU_ASSERT_EQUAL(validate(text, &draft), (size_t)over);
    at = snprintf(text, size, "{\"reason\":\"r\",\"ids\":[\"" ID_A "\"");
    for (int i = 1; i < RETRACTION_IDS_MAX + over; i++)
      at += snprintf(text + at, size - (size_t)at, ",\"%064x\"", (unsigned)i);
    snprintf(text + at, size - (size_t)at, "]}");
    CU_ASSERT_EQUAL(validate(text, &draft), (size_t)over);
    CU_ASSERT_TRUE(over || draft.retraction.id_count == RETRACTION_IDS_MAX);
  }
  free(text);
}

static void a_reinstatement_names_a_retraction(void) {
  struct reinstatement_draft draft;
  struct reinstatement read;
  CU_ASSERT_EQUAL_FATAL(validate_undo("{\"retraction_id\":\"" ID_B "\",\"reason\":\"\\u0041\"}", &draft), 0);
  CU_ASSERT_TRUE(span_equal(draft.body, span_str("{\"reason\":\"A\",\"retraction_id\":\"" ID_B "\"}")));
  CU_ASSERT_EQUAL_FATAL(reinstatement_read(arena, draft.body, &read, &err), 0);
  CU_ASSERT_TRUE(read.retraction_id[31] == 0xbb && span_equal(read.reason, span_str("A")));
  CU_ASSERT_EQUAL(validate_undo("{}", &draft), 2);
  CU_ASSERT_TRUE(has_error("/reason", "is missing") && has_error("/retraction_id", "is missing"));
  CU_ASSERT_EQUAL(validate_undo("{\"retraction_id\":\"x\",\"reason\":\"r\",\"dry_run\":true}", &draft), 2);
  CU_ASSERT_TRUE(has_error("/dry_run", "not a field") && has_error("/retraction_id", "64 lower-case"));
}

static void what_is_stored_and_cannot_be_is_corrupt(void) {
  struct retraction r;
  struct reinstatement u;
  static const char *const bodies[] = {"", "{", "[]", "{\"reason\":\"r\"}", "{\"reason\":\"r\",\"source\":1}"};
  for (size_t i = 0; i < HARNESS_COUNT(bodies); i++) {
    CU_ASSERT_EQUAL(retraction_read(arena, span_str(bodies[i]), &r, &err), ERR_CORRUPT);
    CU_ASSERT_EQUAL(reinstatement_read(arena, span_str(bodies[i]), &u, &err), ERR_CORRUPT);
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"all selectors are read, and written canonically without dry_run", all_selectors_are_read},
      {"what is absent does not narrow", what_is_absent_selects_all},
      {"each wrong field is named", each_wrong_field_is_named},
      {"all errors come at once", all_errors_come_at_once},
      {"limits are exact", limits_are_exact},
      {"a reinstatement names a retraction", a_reinstatement_names_a_retraction},
      {"a stored body that cannot be is corrupt", what_is_stored_and_cannot_be_is_corrupt},
  };
  arena = arena_create(256 << 20);
  int status = arena ? harness_run("retraction", cases, HARNESS_COUNT(cases)) : 1;
  arena_free(arena);
  return status;
}
