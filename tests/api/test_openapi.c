#include "api/openapi.h"

#include <stdlib.h>

#include "model/json.h"
#include "tests/api/call.h"

static const struct {
  enum http_method method;
  const char *name;
} methods[] = {{HTTP_GET, "get"}, {HTTP_POST, "post"}};

/* The document as the call answers it, in the call's arena. */
static struct json_doc read_document(struct call *call) {
  struct json_doc doc = {0};
  struct json_fault fault;
  struct err err;
  CU_ASSERT_EQUAL(call_make(call, HTTP_GET, "/v1/openapi.json", NULL), 200);
  CU_ASSERT_EQUAL_FATAL(json_parse(call->arena, buf_span(&call->exchange.response.body), &doc, &fault, &err), 0);
  return doc;
}

static void is_strict_json(void) {
  struct call call;
  call_open(&call);
  read_document(&call);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/openapi"), "3.1.0");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/info/version"), PACKAGE_VERSION);
  call_close(&call);
}

static void has_each_call_that_exists(void) {
  struct call call;
  size_t count;
  const struct route *routes = route_table(&count);
  uint32_t paths, item, operation;
  call_open(&call);
  struct json_doc doc = read_document(&call);
  CU_ASSERT_TRUE_FATAL(json_member(&doc, 0, "paths", &paths));
  for (size_t i = 0; i < count; i++)
    for (size_t m = 0; m < HARNESS_COUNT(methods); m++)
      if ((routes[i].methods & (int)methods[m].method) && !(routes[i].flags & ROUTE_LATER))
        CU_ASSERT_TRUE(json_member(&doc, paths, routes[i].path, &item) &&
                       json_member(&doc, item, methods[m].name, &operation));
  call_close(&call);
}

/* Whether a call of the table is there for the document's path and method. */
static bool exists(struct span path, struct span name) {
  size_t count;
  const struct route *routes = route_table(&count);
  for (size_t i = 0; i < count; i++)
    for (size_t m = 0; m < HARNESS_COUNT(methods); m++)
      if (span_equal(span_str(routes[i].path), path) && span_equal(span_str(methods[m].name), name) &&
          (routes[i].methods & (int)methods[m].method) && !(routes[i].flags & ROUTE_LATER))
        return true;
  return false;
}

static void has_no_call_that_does_not_exist(void) {
  struct call call;
  uint32_t paths;
  call_open(&call);
  struct json_doc doc = read_document(&call);
  CU_ASSERT_TRUE_FATAL(json_member(&doc, 0, "paths", &paths));
  CU_ASSERT_TRUE(doc.tokens[paths].count > 0);
  for (uint32_t path = paths + 1; path < doc.tokens[paths].next; path = doc.tokens[path + 1].next)
    for (uint32_t name = path + 2; name < doc.tokens[path + 1].next; name = doc.tokens[name + 1].next)
      CU_ASSERT_TRUE(exists(json_raw(&doc, path), json_raw(&doc, name)));
  call_close(&call);
}

/* Whether "#/components/schemas/X" leads to something. */
static bool resolves(const struct json_doc *doc, struct span reference) {
  char text[256];
  char *save = NULL;
  uint32_t at = 0;
  if (reference.len >= sizeof(text) || reference.len < 2 || memcmp(reference.data, "#/", 2) != 0)
    return false;
  memcpy(text, reference.data, reference.len);
  text[reference.len] = '\0';
  for (char *part = strtok_r(text + 2, "/", &save); part; part = strtok_r(NULL, "/", &save))
    if (doc->tokens[at].type != JSON_OBJECT || !json_member(doc, at, part, &at))
      return false;
  return true;
}

static void its_references_lead_somewhere(void) {
  struct call call;
  size_t count = 0;
  call_open(&call);
  struct json_doc doc = read_document(&call);
  for (uint32_t i = 0; i + 1 < doc.count; i++)
    if (doc.tokens[i].type == JSON_STRING && span_equal(json_raw(&doc, i), span_str("$ref"))) {
      CU_ASSERT_TRUE(resolves(&doc, json_raw(&doc, i + 1)));
      count++;
    }
  CU_ASSERT_TRUE(count > 50);
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"the document is strict JSON", is_strict_json},
      {"every call that exists is in it", has_each_call_that_exists},
      {"nothing is in it that does not exist", has_no_call_that_does_not_exist},
      {"its references lead somewhere", its_references_lead_somewhere},
  };
  return harness_run("api/openapi", cases, HARNESS_COUNT(cases));
}
