#include "api/request.h"

#include "tests/harness/harness.h"

static bool is(struct span s, const char *text, size_t len) {
  return span_equal(s, span_of(text, len));
}

static void decodes_parameters(void) {
  struct parameter *p;
  size_t count;
  struct err err;
  struct arena *arena = arena_create(1 << 20);
  CU_ASSERT_EQUAL_FATAL(
      request_parameters(arena, span_str("a=1&&b=x%2fy+z&c&=d&e=f=g&%C3%A4=%e2%82%ac&"), &p, &count, &err), 0);
  CU_ASSERT_EQUAL_FATAL(count, 6);
  CU_ASSERT_TRUE(is(p[0].name, "a", 1) && is(p[0].value, "1", 1));
  CU_ASSERT_TRUE(is(p[1].name, "b", 1) && is(p[1].value, "x/y z", 5));
  CU_ASSERT_TRUE(is(p[2].name, "c", 1) && p[2].value.len == 0);
  CU_ASSERT_TRUE(p[3].name.len == 0 && is(p[3].value, "d", 1));
  CU_ASSERT_TRUE(is(p[4].name, "e", 1) && is(p[4].value, "f=g", 3));
  CU_ASSERT_TRUE(is(p[5].name, "ä", 2) && is(p[5].value, "€", 3));
  CU_ASSERT_EQUAL(request_parameters(arena, (struct span){NULL, 0}, &p, &count, &err), 0);
  CU_ASSERT_EQUAL(count, 0);
  arena_free(arena);
}

static void refuses_bad_encodings(void) {
  static const char *const bad[] = {"a=%",
                                    "a=%4",
                                    "a=%zz",
                                    "a=%4&b=1",
                                    "%=1",
                                    "a=%00",
                                    "a=%ff",
                                    "a=%c0%80",
                                    "a=%ed%a0%80",
                                    "a=%f4%90%80%80",
                                    "a=%e2%82",
                                    "a=%80",
                                    "a=%f8%88%80%80%80",
                                    "a=%e0%80%80",
                                    "a=%f0%80%80%80"};
  struct arena *arena = arena_create(1 << 20);
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    struct parameter *p;
    size_t count;
    struct err err;
    CU_ASSERT_EQUAL(request_parameters(arena, span_str(bad[i]), &p, &count, &err), ERR_INVALID);
  }
  arena_free(arena);
}

static void bounds_their_number(void) {
  char text[REQUEST_PARAMETERS_MAX * 2 + 3];
  struct parameter *p;
  size_t count;
  struct err err;
  struct arena *arena = arena_create(1 << 20);
  for (size_t i = 0; i < REQUEST_PARAMETERS_MAX + 1; i++)
    memcpy(text + 2 * i, "a&", 2);
  CU_ASSERT_EQUAL(request_parameters(arena, span_of(text, 2 * REQUEST_PARAMETERS_MAX), &p, &count, &err), 0);
  CU_ASSERT_EQUAL(count, REQUEST_PARAMETERS_MAX);
  CU_ASSERT_EQUAL(request_parameters(arena, span_of(text, 2 * REQUEST_PARAMETERS_MAX + 1), &p, &count, &err),
                  ERR_INVALID);
  arena_free(arena);
}

static void compares_content_types(void) {
  static const struct {
    const char *type;
    bool json, ndjson;
  } cases[] = {
      {"application/json", true, false},
      {"Application/JSON; charset=UTF-8", true, false},
      {"application/json;charset=\"utf-8\"", true, false},
      {"application/json ; profile=\"a;charset=latin1\"", true, false},
      {"application/json; charset=latin1", false, false},
      {"application/x-ndjson", false, true},
      {"application/ndjson; charset=utf-8", false, true},
      {"text/plain", false, false},
      {"application/jsonx", false, false},
      {"application/x-www-form-urlencoded", false, false},
      {"", false, false},
      {";", false, false},
  };
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    CU_ASSERT_EQUAL(request_type_is(span_str(cases[i].type), "application/json"), cases[i].json);
    CU_ASSERT_EQUAL(request_type_is(span_str(cases[i].type), "application/x-ndjson application/ndjson"),
                    cases[i].ndjson);
  }
  CU_ASSERT_FALSE(request_type_is((struct span){NULL, 0}, "application/json"));
}

static void weighs_accept(void) {
  static const struct {
    const char *accept;
    bool stream;
  } cases[] = {
      {"application/x-ndjson", true},
      {"application/NDJSON", true},
      {"text/html, application/x-ndjson;q=0.5", true},
      {"application/json, application/x-ndjson", true},
      {"application/json, application/x-ndjson;q=0.9", false},
      {"application/json;q=0.2, application/x-ndjson;q=0.25", true},
      {"application/x-ndjson;q=0", false},
      {"application/x-ndjson; q=0.000", false},
      {"*/*", false},
      {"application/*", false},
      {"", false},
  };
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
    CU_ASSERT_EQUAL(request_prefers(span_str(cases[i].accept), "application/x-ndjson application/ndjson"),
                    cases[i].stream);
  CU_ASSERT_FALSE(request_prefers((struct span){NULL, 0}, "application/x-ndjson"));
}

static void checks_keys(void) {
  char longest[REQUEST_KEY_MAX + 2];
  struct http_request request = {0};
  struct span key;
  struct err err;
  CU_ASSERT_EQUAL(request_key(&request, &key, &err), 0);
  CU_ASSERT_PTR_NULL(key.data);
  memset(longest, '~', sizeof(longest));
  request.idempotency_key = span_of(longest, REQUEST_KEY_MAX);
  CU_ASSERT_EQUAL(request_key(&request, &key, &err), 0);
  CU_ASSERT_EQUAL(key.len, REQUEST_KEY_MAX);
  static const char *const bad[] = {"", "a b", "a\tb", "ä", "\x7f"};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    request.idempotency_key = span_str(bad[i]);
    CU_ASSERT_EQUAL(request_key(&request, &key, &err), ERR_INVALID);
  }
  request.idempotency_key = span_of(longest, REQUEST_KEY_MAX + 1);
  CU_ASSERT_EQUAL(request_key(&request, &key, &err), ERR_INVALID);
}

int main(void) {
  static const struct test_case cases[] = {
      {"parameters are split and decoded", decodes_parameters},
      {"bad percent-encoding, bad UTF-8 and NUL are refused", refuses_bad_encodings},
      {"the number of parameters is bounded", bounds_their_number},
      {"content types are compared without case and with their charset", compares_content_types},
      {"Accept chooses the stream only when it prefers it", weighs_accept},
      {"an Idempotency-Key is 1 to 255 visible ASCII characters", checks_keys},
  };
  return harness_run("api/request", cases, HARNESS_COUNT(cases));
}
