#include "api/problem.h"

#include "tests/api/call.h"

/* Parses the response as call_run would. */
static const char *text(struct call *call, const char *pointer) {
  call_parse(call, buf_span(&call->exchange.response.body));
  return call_text(call, pointer);
}

static void has_all_members(void) {
  struct call call;
  call_open(&call);
  problem_set(&call.exchange.response, 404, "no \"%s\" here", "x");
  CU_ASSERT_EQUAL(call.exchange.response.status, 404);
  CU_ASSERT_STRING_EQUAL(call.exchange.response.content_type, "application/problem+json");
  CU_ASSERT_STRING_EQUAL(text(&call, "/type"), "about:blank");
  CU_ASSERT_STRING_EQUAL(text(&call, "/title"), "Not Found");
  CU_ASSERT_STRING_EQUAL(text(&call, "/status"), "404");
  CU_ASSERT_STRING_EQUAL(text(&call, "/detail"), "no \"x\" here");
  CU_ASSERT_FALSE(call_has_header(&call, "Retry-After: 1"));
  call_close(&call);
}

static void replaces_what_was_begun(void) {
  struct call call;
  call_open(&call);
  buf_add_str(&call.exchange.response.body, "{\"half\":");
  buf_add_str(&call.exchange.response.headers, "Location: /x\r\n");
  problem_set(&call.exchange.response, 503, "recovering");
  CU_ASSERT_STRING_EQUAL(text(&call, "/status"), "503");
  CU_ASSERT_TRUE(call_has_header(&call, "Retry-After: 1"));
  CU_ASSERT_FALSE(call_has_header(&call, "Location: /x"));
  call_close(&call);
}

static void lists_the_first_hundred_fields(void) {
  struct call call;
  call_open(&call);
  struct field_errors errors;
  field_errors_init(&errors, call.arena);
  field_errors_add(&errors, span_str("/3"), "a/b~", "must be %s", "good");
  problem_fields(&call.exchange.response, &errors);
  CU_ASSERT_STRING_EQUAL(text(&call, "/status"), "422");
  CU_ASSERT_STRING_EQUAL(text(&call, "/errors/0/pointer"), "/3/a~1b~0");
  CU_ASSERT_STRING_EQUAL(text(&call, "/errors/0/detail"), "must be good");
  for (int i = 0; i < 150; i++)
    field_errors_add(&errors, span_str(""), "x", "wrong");
  problem_fields(&call.exchange.response, &errors);
  CU_ASSERT_STRING_EQUAL(text(&call, "/errors/99/pointer"), "/x");
  CU_ASSERT_STRING_EQUAL(text(&call, "/errors/100/pointer"), "");
  CU_ASSERT_STRING_EQUAL(text(&call, "/detail"), "151 fields are wrong, the first 100 are shown");
  call_close(&call);
}

static void says_where_json_is_wrong(void) {
  struct call call;
  call_open(&call);
  problem_json(&call.exchange.response, &(struct json_fault){.offset = 7, .reason = "lone surrogate"});
  CU_ASSERT_STRING_EQUAL(text(&call, "/status"), "400");
  CU_ASSERT_STRING_EQUAL(text(&call, "/offset"), "7");
  CU_ASSERT_PTR_NOT_NULL(strstr(text(&call, "/detail"), "lone surrogate"));
  problem_json(&call.exchange.response, &(struct json_fault){.reason = "", .too_large = true});
  CU_ASSERT_STRING_EQUAL(text(&call, "/status"), "413");
  call_close(&call);
}

static void each_code_has_its_status(void) {
  static const struct {
    enum err_code code;
    int status;
    bool shown;
  } cases[] = {{ERR_INVALID, 400, true}, {ERR_NOTFOUND, 404, true}, {ERR_CONFLICT, 409, true},
               {ERR_BUSY, 503, false},   {ERR_FULL, 507, false},    {ERR_NOMEM, 503, true},
               {ERR_IO, 500, false},     {ERR_CORRUPT, 500, false}};
  struct call call;
  call_open(&call);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    struct err err;
    err_set(&err, cases[i].code, "SECRET");
    problem_err(&call.api, &call.exchange.response, &err);
    CU_ASSERT_EQUAL(call.exchange.response.status, cases[i].status);
    CU_ASSERT_EQUAL(strstr(text(&call, "/detail"), "SECRET") != NULL, cases[i].shown);
  }
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a problem has type, title, status and detail", has_all_members},
      {"a problem replaces what was begun of an answer, and 503 asks to retry", replaces_what_was_begun},
      {"the first hundred wrong fields are listed with their pointers", lists_the_first_hundred_fields},
      {"bytes that are not strict JSON are named by offset", says_where_json_is_wrong},
      {"each error code has its status, and inner texts are not shown", each_code_has_its_status},
  };
  return harness_run("api/problem", cases, HARNESS_COUNT(cases));
}
