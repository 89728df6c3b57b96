#include <stdio.h>
#include <stdlib.h>

#include "model/json.h"
#include "tests/api/fake_stream.h"
#include "tests/api/live.h"

/* The same requests in every run: splitmix64, https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t *state) {
  uint64_t n = *state += 0x9e3779b97f4a7c15u;
  n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
  n = (n ^ n >> 27) * 0x94d049bb133111ebu;
  return n ^ n >> 31;
}

static const char *const bodies[] = {
    "{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":{\"x\":[1,2.5,\"\\u00e9\\ud83d\\ude80\",null,true]}}",
    "[{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":\"\xe2\x82\xac\",\"confidence\":0.75,\"source\":\"s/t\","
    "\"observed_at\":\"2026-01-02T03:04:05.678+01:00\"},{\"concept_path\":\"a\",\"predicate\":\"q\",\"value\":-0}]",
    "{\"concept_path\":\"a/b\",\"predicate\":\"stemedb.trust\",\"value\":0.5,\"valid_from\":\"2026-01-01T00:00:00Z\","
    "\"valid_to\":\"2027-01-01T00:00:00Z\",\"derived_from\":["
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
    "abcdef\"]}",
    "{\"concept_path\":\"a\",\"match\":\"subtree\",\"predicate\":\"p\",\"source\":null,\"lens\":\"skeptic\",\"as_of\":"
    "3,"
    "\"min_confidence\":0.25,\"limit\":10}",
    "{\"concept_path\":\"a/b\",\"lens\":\"consensus\",\"as_of\":\"2026-01-02T03:04:05Z\",\"cursor\":\"AAAA\"}",
    "{\"concept_path\":\"a/b\",\"cascade\":true,\"reason\":\"r\",\"from_seq\":1,\"to_seq\":99,\"dry_run\":true}",
    "{\"concept_path\":\"a\",\"predicate\":\"q\",\"reason\":\"r\",\"dry_run\":false}",
    "{\"ids\":[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"],\"reason\":\"r\",\"source\":\"s/"
    "t\"}",
    "{\"retraction_id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"reason\":\"r\"}",
};

static const char *const targets[] = {
    "/v1/query?concept_path=a%2Fb&lens=skeptic&as_of=3&limit=10&min_confidence=0.5&match=subtree&source=s/t",
    "/v1/query?concept_path=a/b&as_of=2026-01-02T03:04:05%2B01:00&cursor=AAAA&predicate=p",
    "/v1/assertions?after_seq=1&limit=7&history=00112233445566778899aabbccddeeff.1-0011223344556677",
    "/v1/assertions/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef?x=%C3%A9",
    "/v1/history?seq=2",
    "/v1/retractions?limit=2&as_of=1",
    "/v1/why/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef?direction=both&limit=9",
};

/* A copy of `seed` with a few bytes changed, removed, inserted or repeated. */
static struct span mutate(struct arena *arena, const char *seed, uint64_t *random) {
  static const char spice[] = "\"\\{}[],:%&=+/0e-.\x00\x7f\xc0\xed\xa0\x80\xf4\xff u";
  size_t len = strlen(seed);
  unsigned char *text = arena_alloc(arena, 2 * len + 64);
  memcpy(text, seed, len);
  for (uint64_t times = next_random(random) % 4; times > 0 && len > 0; times--) {
    size_t at = next_random(random) % len;
    unsigned char c = (unsigned char)spice[next_random(random) % sizeof(spice)];
    switch (next_random(random) % 5) {
    case 0: text[at] = c; break;
    case 1: text[at] ^= (unsigned char)(1 << next_random(random) % 8); break;
    case 2: memmove(text + at, text + at + 1, --len - at); break;
    case 3:
      memmove(text + at + 1, text + at, len++ - at);
      text[at] = c;
      break;
    default: len = at; break;
    }
  }
  return span_of(text, len);
}

/* Whether the answer is what every answer must be: a known status and strict JSON, an error as a problem. */
static bool is_proper(struct live *live) {
  const struct http_response *response = &live->call.exchange.response;
  struct arena *arena = arena_create(64 << 20);
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  bool ok = response->status == 200 || response->status == 201;
  bool refused = response->status == 400 || response->status == 404 || response->status == 405 ||
                 response->status == 409 || response->status == 422;
  bool proper = (ok || refused) && json_parse(arena, buf_span(&response->body), &doc, &fault, &err) == 0 &&
                (strcmp(response->content_type, "application/problem+json") == 0) == refused;
  if (!proper)
    printf("# %d %.*s\n", response->status, (int)response->body.len, (const char *)response->body.data);
  arena_free(arena);
  return proper;
}

/* Runs the request that was begun, through the committer if it makes a command. */
static void finish(struct live *live) {
  struct call *call = &live->call;
  enum http_outcome outcome = call_run(call);
  if (outcome == HTTP_COMMAND) {
    struct buf reply;
    buf_init(&reply, COMMAND_MAX_SIZE);
    live_execute(live, buf_span(&call->exchange.command), &reply);
    call_reply(call, buf_span(&reply));
    buf_free(&reply);
  } else if (outcome == HTTP_SLOW) {
    struct fake_stream fake;
    fake_open(&fake, (struct span){NULL, 0}, 0);
    call->exchange.route->stream(&call->api, &call->exchange, &fake.face);
    fake_close(&fake);
  }
}

static void any_body_gets_a_proper_answer(void) {
  static const char *const paths[] = {"/v1/assert", "/v1/query", "/v1/retract", "/v1/reinstate"};
  struct live live;
  uint64_t random = 1;
  size_t good = 0;
  live_open(&live);
  for (int i = 0; i < 6000; i++) {
    struct http_request *request =
        call_begin(&live.call, HTTP_POST, paths[next_random(&random) % HARNESS_COUNT(paths)]);
    request->content_type = span_str("application/json");
    request->body = mutate(live.call.arena, bodies[next_random(&random) % HARNESS_COUNT(bodies)], &random);
    finish(&live);
    CU_ASSERT_TRUE(is_proper(&live));
    good += live.call.exchange.response.status < 300;
  }
  CU_ASSERT_TRUE(good > 200);
  live_close(&live);
}

static void any_target_gets_a_proper_answer(void) {
  struct live live;
  uint64_t random = 2;
  size_t good = 0;
  live_open(&live);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", bodies[0], NULL), 201);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", bodies[1], NULL), 201);
  for (int i = 0; i < 6000; i++) {
    struct http_request *request = call_begin(&live.call, HTTP_GET, "/");
    struct span text = mutate(live.call.arena, targets[next_random(&random) % HARNESS_COUNT(targets)], &random);
    const unsigned char *mark = text.len ? memchr(text.data, '?', text.len) : NULL;
    size_t path_len = mark ? (size_t)(mark - text.data) : text.len;
    request->path = span_of(text.data, path_len);
    if (mark)
      request->query_string = span_of(mark + 1, text.len - path_len - 1);
    finish(&live);
    CU_ASSERT_TRUE(is_proper(&live));
    good += live.call.exchange.response.status < 300;
  }
  CU_ASSERT_TRUE(good > 200);
  live_close(&live);
}

int main(void) {
  static const struct test_case cases[] = {
      {"whatever a body holds, the answer is strict JSON with a proper status", any_body_gets_a_proper_answer},
      {"whatever path and parameters hold, too", any_target_gets_a_proper_answer},
  };
  return harness_run("api/random", cases, HARNESS_COUNT(cases));
}
