#include "tests/api/call.h"

/* A bad field, as a member of a POST and as a parameter of a GET (NULL: cannot be said there). */
static const struct {
  const char *body, *parameters, *pointer;
} bad_fields[] = {
    {"{}", "", "/concept_path"},
    {"{\"concept_path\":7}", NULL, "/concept_path"},
    {"{\"concept_path\":null}", NULL, "/concept_path"},
    {"{\"concept_path\":\"\"}", "concept_path=", "/concept_path"},
    {"{\"concept_path\":\"a//b\"}", "concept_path=a//b", "/concept_path"},
    {"{\"concept_path\":\"a/../b\"}", "concept_path=a/../b", "/concept_path"},
    {"{\"concept_path\":\"a\\u0000b\"}", "concept_path=a%01b", "/concept_path"},
    {"{\"concept_path\":\"a\",\"nonsense\":1}", "concept_path=a&nonsense=1", "/nonsense"},
    {"{\"concept_path\":\"a\",\"a/b~c\":1}", "concept_path=a&a/b~c=1", "/a~1b~0c"},
    {"{\"concept_path\":\"a\",\"x\\u0000\":1}", NULL, "/x"},
    {"{\"concept_path\":\"a\",\"match\":\"prefix\"}", "concept_path=a&match=prefix", "/match"},
    {"{\"concept_path\":\"a\",\"match\":true}", NULL, "/match"},
    {"{\"concept_path\":\"a\",\"predicate\":\"a/b\"}", "concept_path=a&predicate=a/b", "/predicate"},
    {"{\"concept_path\":\"a\",\"predicate\":\"\"}", "concept_path=a&predicate=", "/predicate"},
    {"{\"concept_path\":\"a\",\"source\":\"s//\"}", "concept_path=a&source=s//", "/source"},
    {"{\"concept_path\":\"a\",\"source\":1}", NULL, "/source"},
    {"{\"concept_path\":\"a\",\"lens\":\"psychic\"}", "concept_path=a&lens=psychic", "/lens"},
    {"{\"concept_path\":\"a\",\"as_of\":-1}", "concept_path=a&as_of=-1", "/as_of"},
    {"{\"concept_path\":\"a\",\"as_of\":1.5}", "concept_path=a&as_of=1.5", "/as_of"},
    {"{\"concept_path\":\"a\",\"as_of\":true}", NULL, "/as_of"},
    {"{\"concept_path\":\"a\",\"as_of\":\"yesterday\"}", "concept_path=a&as_of=yesterday", "/as_of"},
    {"{\"concept_path\":\"a\",\"as_of\":\"2026-02-30T00:00:00Z\"}", "concept_path=a&as_of=2026-02-30T00:00:00Z",
     "/as_of"},
    {"{\"concept_path\":\"a\",\"as_of\":18446744073709551616}", "concept_path=a&as_of=18446744073709551616", "/as_of"},
    {"{\"concept_path\":\"a\",\"min_confidence\":1.01}", "concept_path=a&min_confidence=1.01", "/min_confidence"},
    {"{\"concept_path\":\"a\",\"min_confidence\":-0.5}", "concept_path=a&min_confidence=-0.5", "/min_confidence"},
    {"{\"concept_path\":\"a\",\"min_confidence\":\"0.5\"}", "concept_path=a&min_confidence=NaN", "/min_confidence"},
    {"{\"concept_path\":\"a\",\"min_confidence\":1e999}", "concept_path=a&min_confidence=1e999", "/min_confidence"},
    {"{\"concept_path\":\"a\",\"limit\":0}", "concept_path=a&limit=0", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":1001}", "concept_path=a&limit=1001", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":2.5}", "concept_path=a&limit=2.5", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":\"10\"}", "concept_path=a&limit=ten", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":null}", "concept_path=a&limit=", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":[1]}", "concept_path=a&limit=01", "/limit"},
    {"{\"concept_path\":\"a\",\"limit\":1e30}", "concept_path=a&limit=+1", "/limit"},
    {"{\"concept_path\":\"a\",\"cursor\":null}", NULL, "/cursor"},
    {"{\"concept_path\":\"a\",\"valid_at\":\"2026-13-01T00:00:00Z\"}", "concept_path=a&valid_at=now", "/valid_at"},
    {"{\"concept_path\":\"a\",\"valid_at\":5}", "concept_path=a&valid_at=5", "/valid_at"},
    {"{\"concept_path\":\"a\",\"decay\":\"true\"}", "concept_path=a&decay=yes", "/decay"},
    {"{\"concept_path\":\"a\",\"decay\":1}", "concept_path=a&decay=", "/decay"},
    {"{\"concept_path\":\"a\",\"include_retracted\":null}", "concept_path=a&include_retracted=1", "/include_retracted"},
    {"{\"concept_path\":\"a\",\"exclude_sources\":\"s\"}", "concept_path=a&exclude_sources=s//", "/exclude_sources"},
    {"{\"concept_path\":\"a\",\"exclude_sources\":{}}", "concept_path=a&exclude_sources=[", "/exclude_sources"},
    {"{\"concept_path\":\"a\",\"exclude_sources\":[\"s\",7]}", "concept_path=a&exclude_sources=[\"s\",7]",
     "/exclude_sources/1"},
    {"{\"concept_path\":\"a\",\"exclude_sources\":[\"a//b\"]}", "concept_path=a&exclude_sources=[\"a//b\"]",
     "/exclude_sources/0"},
    {"{\"concept_path\":\"a\",\"trust_override\":[]}", "concept_path=a&trust_override=s", "/trust_override"},
    {"{\"concept_path\":\"a\",\"trust_override\":null}", "concept_path=a&trust_override=", "/trust_override"},
    {"{\"concept_path\":\"a\",\"trust_override\":{\"s/a\":1.5}}", "concept_path=a&trust_override={\"s/a\":1.5}",
     "/trust_override/s~1a"},
    {"{\"concept_path\":\"a\",\"trust_override\":{\"s\":\"1\"}}", "concept_path=a&trust_override={\"s\":\"1\"}",
     "/trust_override/s"},
    {"{\"concept_path\":\"a\",\"trust_override\":{\"a//b\":1}}", "concept_path=a&trust_override={\"a//b\":1}",
     "/trust_override/a~1~1b"},
    {"{\"concept_path\":\"a\",\"trust_override\":{\"s\":-0.5}}", "concept_path=a&trust_override={\"s\":-0.5}",
     "/trust_override/s"},
    {"{\"concept_path\":\"a\",\"aliases\":0}", "concept_path=a&aliases=on", "/aliases"},
    {"{\"concept_path\":\"a\",\"aliases\":true,\"match\":\"subtree\"}", "concept_path=a&aliases=true&match=subtree",
     "/aliases"},
    {"{\"concept_path\":\"a\",\"explain\":[]}", "concept_path=a&explain=TRUE", "/explain"},
};

static void open_ready(struct call *call) {
  call_open(call);
  call_publish(call, 5);
  call->api.ready = true;
}

static void bad_members_are_named(void) {
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(bad_fields); i++) {
    int status = call_make(&call, HTTP_POST, "/v1/query", bad_fields[i].body);
    if (status != 422 || !call_has_error(&call, bad_fields[i].pointer))
      printf("# %s: %d, no %s\n", bad_fields[i].body, status, bad_fields[i].pointer);
    CU_ASSERT_EQUAL(status, 422);
    CU_ASSERT_TRUE(call_has_error(&call, bad_fields[i].pointer));
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/1/pointer"), "");
  }
  call_close(&call);
}

static void bad_parameters_are_named(void) {
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(bad_fields); i++) {
    char target[256];
    if (!bad_fields[i].parameters)
      continue;
    snprintf(target, sizeof(target), "/v1/query?%s", bad_fields[i].parameters);
    int status = call_make(&call, HTTP_GET, target, NULL);
    if (status != 422 || !call_has_error(&call, bad_fields[i].pointer))
      printf("# %s: %d, no %s\n", target, status, bad_fields[i].pointer);
    CU_ASSERT_EQUAL(status, 422);
    CU_ASSERT_TRUE(call_has_error(&call, bad_fields[i].pointer));
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/1/pointer"), "");
  }
  call_close(&call);
}

static void all_faults_come_in_one_answer(void) {
  struct call call;
  open_ready(&call);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/query",
                            "{\"limit\":0,\"lens\":\"x\",\"explain\":1,\"what\":2,\"min_confidence\":\"high\"}"),
                  422);
  static const char *const pointers[] = {"/limit", "/lens", "/explain", "/what", "/min_confidence", "/concept_path"};
  for (size_t i = 0; i < HARNESS_COUNT(pointers); i++)
    CU_ASSERT_TRUE(call_has_error(&call, pointers[i]));
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/query?limit=0&lens=x&limit=5&explain=1", NULL), 422);
  CU_ASSERT_TRUE(call_has_error(&call, "/limit"));
  CU_ASSERT_TRUE(call_has_error(&call, "/explain"));
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/2/detail"), "given twice");
  call_close(&call);
}

static void bodies_that_are_no_object_are_refused(void) {
  static const struct {
    const char *body, *offset;
  } cases[] = {{"", "0"},
               {"[]", ""},
               {"null", ""},
               {"\"a\"", ""},
               {"{\"a\":1,\"a\":2}", "7"},
               {"{\"a\":NaN}", "5"},
               {"{} x", "3"},
               {"{'a':1}", "1"},
               {"\xef\xbb\xbf{}", "0"}};
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/query", cases[i].body), 400);
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/offset"), cases[i].offset);
  }
  CU_ASSERT_EQUAL(call_make(&call, HTTP_GET, "/v1/query?concept_path=%zz", NULL), 400);
  call_close(&call);
}

static void a_post_takes_no_parameters(void) {
  struct call call;
  open_ready(&call);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/query?limit=3", "{\"concept_path\":\"a\"}"), 422);
  CU_ASSERT_TRUE(call_has_error(&call, "/limit"));
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"each bad member of a query is named", bad_members_are_named},
      {"each bad parameter is named in the same way", bad_parameters_are_named},
      {"all that is wrong comes in one answer", all_faults_come_in_one_answer},
      {"a body that is not a JSON object is 400", bodies_that_are_no_object_are_refused},
      {"a POST takes no parameters", a_post_takes_no_parameters},
  };
  return harness_run("api/query", cases, HARNESS_COUNT(cases));
}
