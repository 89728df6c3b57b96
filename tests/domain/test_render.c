#include "domain/render.h"

#include "model/json.h"
#include "tests/harness/harness.h"

/* An assertion with every member that a client may set. */
static const char body[] =
    "{\"concept_path\":\"web/grid/chrome\",\"confidence\":0.95,\"derived_from\":["
    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"],\"observed_at\":\"2017-03-09T00:00:00Z\","
    "\"predicate\":\"supported_since\",\"source\":\"source/caniuse\",\"valid_from\":\"2017-03-09T00:00:00Z\","
    "\"valid_to\":\"2027-03-09T00:00:00Z\",\"value\":\"57\"}";

static const unsigned char bytes[64] = {0,  1,  2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,   13,  14,
                                        15, 16, 17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,   28,  29,
                                        30, 31, 250, 251, 252, 253, 254, 255, 127, 128, 129, 130, 0xab, 0xcd};

static const struct server_section everything = {.recorded_by = {(const unsigned char *)"a\"b", 3},
                                                 .batch = {bytes, 16},
                                                 .key_scope = {(const unsigned char *)"a\"b\0assert", 10},
                                                 .key_hash = {bytes, 32},
                                                 .has_index = true,
                                                 .index = 4294967295,
                                                 .salt = {bytes + 16, 16},
                                                 .signature = {bytes + 32, 12},
                                                 .section_digest = {bytes, 32}};

typedef int render(struct buf *out, const struct entry *entry, struct err *err);

/* Renders a record of `kind` with this server section and body; the caller frees `out`. */
static int run(render *how, uint8_t kind, const struct server_section *section, const char *text, struct buf *out) {
  struct buf server, record;
  struct entry entry;
  struct err err;
  buf_init(&server, 10000);
  buf_init(&record, 10000);
  buf_init(out, 10000);
  entry_put_server(&server, section);
  entry_encode(&record, kind, 0, 271625, 1732485795123456, bytes, buf_span(&server), span_str(text));
  CU_ASSERT_EQUAL_FATAL(entry_decode(buf_span(&record), &entry, &err), 0);
  const int code = how(out, &entry, &err);
  buf_free(&server);
  buf_free(&record);
  return code;
}

static void check(render *how, uint8_t kind, const struct server_section *section, const char *text,
                  const char *expected) {
  struct buf out;
  CU_ASSERT_EQUAL(run(how, kind, section, text, &out), 0);
  CU_ASSERT_TRUE(span_equal(buf_span(&out), span_str(expected)));
  if (!span_equal(buf_span(&out), span_str(expected)))
    printf("# %.*s\n", (int)out.len, (const char *)out.data);
  buf_free(&out);
}

#define ID "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_assertion(void) {
  const struct server_section plain = {.salt = {bytes, 16}};
  check(render_assertion, ENTRY_ASSERTION, &plain, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}",
        "{\"id\":\"" ID "\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"status\":\"active\","
        "\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}");
  check(render_assertion, ENTRY_ASSERTION, &everything, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}",
        "{\"id\":\"" ID "\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"status\":\"active\","
        "\"recorded_by\":\"a\\\"b\",\"batch\":\"000102030405060708090a0b0c0d0e0f\","
        "\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}");
}

static void test_feed(void) {
  const struct server_section plain = {.salt = {bytes, 16}};
  check(render_feed_entry, ENTRY_ASSERTION, &plain, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}",
        "{\"kind\":\"assertion\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"id\":\"" ID
        "\",\"salt\":\"000102030405060708090a0b0c0d0e0f\",\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}");
  check(render_feed_entry, ENTRY_ASSERTION, &everything, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}",
        "{\"kind\":\"assertion\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"id\":\"" ID
        "\",\"salt\":\"101112131415161718191a1b1c1d1e1f\",\"recorded_by\":\"a\\\"b\","
        "\"batch\":\"000102030405060708090a0b0c0d0e0f\",\"key_scope\":\"a\\\"b\\u0000assert\",\"key_hash\":\"" ID
        "\",\"index\":4294967295,\"signature\":\"fafbfcfdfeff7f808182abcd\",\"section_digest\":\"" ID
        "\",\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1}");
}

/* A retraction names the batch that it retracts; the feed must not confuse it with the one it came in with. */
static void test_feed_of_requests(void) {
  const struct server_section plain = {.salt = {NULL, 0}};
  check(render_feed_entry, ENTRY_RETRACTION, &plain, "{\"batch\":\"00\",\"reason\":\"r\"}",
        "{\"kind\":\"retraction\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"id\":\"" ID
        "\",\"request\":{\"batch\":\"00\",\"reason\":\"r\"}}");
  check(render_feed_entry, ENTRY_REINSTATEMENT, &plain, "{}",
        "{\"kind\":\"reinstatement\",\"seq\":271625,\"timestamp\":\"2024-11-24T22:03:15.123456Z\",\"id\":\"" ID
        "\",\"request\":{}}");
}

static void parses(render *how, uint8_t kind, const char *text) {
  struct arena *arena = arena_create(1 << 20);
  struct json_doc doc;
  struct json_fault fault = {.reason = ""};
  struct err err;
  struct buf out;
  CU_ASSERT_EQUAL(run(how, kind, &everything, text, &out), 0);
  CU_ASSERT_EQUAL(json_parse(arena, buf_span(&out), &doc, &fault, &err), 0);
  buf_free(&out);
  arena_free(arena);
}

static void test_no_name_twice(void) {
  parses(render_assertion, ENTRY_ASSERTION, body);
  parses(render_feed_entry, ENTRY_ASSERTION, body);
  parses(render_feed_entry, ENTRY_RETRACTION, "{\"batch\":\"00\",\"id\":1,\"kind\":2,\"request\":3,\"seq\":4}");
}

static void test_damage(void) {
  const struct server_section plain = {.salt = {bytes, 16}};
  static const char *const bad[] = {"", "{", "{}", "[1]", "1"};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    struct buf out;
    CU_ASSERT_EQUAL(run(render_assertion, ENTRY_ASSERTION, &plain, bad[i], &out), ERR_CORRUPT);
    buf_free(&out);
    CU_ASSERT_EQUAL(run(render_feed_entry, ENTRY_ASSERTION, &plain, bad[i], &out), ERR_CORRUPT);
    buf_free(&out);
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"an assertion is what the server knows, then its stored members", test_assertion},
      {"a feed entry shows all of the server section", test_feed},
      {"a feed entry that is no assertion keeps its request apart", test_feed_of_requests},
      {"no member of an answer is there twice", test_no_name_twice},
      {"a body that is no object with members is corrupt", test_damage},
  };
  return harness_run("render", cases, HARNESS_COUNT(cases));
}
