/* POST /v1/retract and /v1/reinstate up to the command, and from the reply on. */
#include <sodium.h>
#include <stdlib.h>

#include "model/entry.h"
#include "tests/api/call.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void open_ready(struct call *call) {
  if (sodium_init() < 0)
    abort();
  call_open(call);
  call_publish(call, 5);
  call->api.ready = true;
}

static const struct {
  const char *target, *body;
  int status;
  const char *where; /* a pointer; NULL: none */
} refused[] = {
    {"/v1/retract", "", 400, NULL},
    {"/v1/retract", "[]", 400, NULL},
    {"/v1/retract", "{\"reason\":\"r\",\"reason\":\"r\"}", 400, NULL},
    {"/v1/retract", "{\"reason\":\"r\"}", 422, ""},
    {"/v1/retract", "{\"reason\":\"r\",\"predicate\":\"p\"}", 422, ""},
    {"/v1/retract", "{\"concept_path\":\"a\"}", 422, "/reason"},
    {"/v1/retract", "{\"concept_path\":\"a//b\",\"reason\":\"r\"}", 422, "/concept_path"},
    {"/v1/retract", "{\"ids\":[\"" ID "\",\"x\"],\"reason\":\"r\"}", 422, "/ids/1"},
    {"/v1/retract", "{\"concept_path\":\"a\",\"reason\":\"r\",\"from_seq\":5,\"to_seq\":4}", 422, "/to_seq"},
    {"/v1/retract", "{\"concept_path\":\"a\",\"reason\":\"r\",\"a/b\":1}", 422, "/a~1b"},
    {"/v1/retract?lens=recency", "{\"concept_path\":\"a\",\"reason\":\"r\"}", 422, "/lens"},
    {"/v1/retract?lens=none", "{\"concept_path\":\"a\",\"reason\":\"r\",\"dry_run\":true}", 422, "/lens"},
    {"/v1/retract?lens=timeline", "{\"concept_path\":\"a\",\"reason\":\"r\",\"dry_run\":true}", 422, "/lens"},
    {"/v1/retract?dry_run=true", "{\"concept_path\":\"a\",\"reason\":\"r\"}", 422, "/dry_run"},
    {"/v1/reinstate", "7", 400, NULL},
    {"/v1/reinstate", "{\"reason\":\"r\"}", 422, "/retraction_id"},
    {"/v1/reinstate", "{\"retraction_id\":\"" ID "\"}", 422, "/reason"},
    {"/v1/reinstate", "{\"retraction_id\":\"x\",\"reason\":\"r\"}", 422, "/retraction_id"},
    {"/v1/reinstate", "{\"retraction_id\":\"" ID "\",\"reason\":\"r\",\"cascade\":true}", 422, "/cascade"},
    {"/v1/reinstate?x=1", "{\"retraction_id\":\"" ID "\",\"reason\":\"r\"}", 422, "/x"},
};

static void bad_requests_are_refused(void) {
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(refused); i++) {
    CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, refused[i].target, refused[i].body), refused[i].status);
    if (refused[i].where)
      CU_ASSERT_TRUE(call_has_error(&call, refused[i].where));
    CU_ASSERT_EQUAL(call.exchange.command.len, 0);
  }
  segment_set_disk_full(call.segment, true);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/retract", "{\"concept_path\":\"a\",\"reason\":\"r\"}"), 507);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/reinstate", "{\"retraction_id\":\"" ID "\",\"reason\":\"r\"}"), 507);
  call_close(&call);
}

/* The one entry of the command that was made. */
static struct command_entry entry_of(struct call *call, struct command *command) {
  struct command_entry entry = {0};
  struct err err;
  CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&call->exchange.command), command, &err), 0);
  CU_ASSERT_EQUAL_FATAL(command->count, 1);
  struct span rest = command->entries;
  CU_ASSERT_EQUAL_FATAL(command_next_entry(&rest, &entry, &err), 0);
  return entry;
}

static void the_command_holds_the_canonical_request(void) {
  static const char canonical[] = "{\"cascade\":true,\"concept_path\":\"a/b\",\"from_seq\":3,\"reason\":\"r\"}";
  struct call call;
  struct command command;
  unsigned char digest[DIGEST_SIZE];
  open_ready(&call);
  struct http_request *request = call_begin(&call, HTTP_POST, "/v1/retract");
  request->body = span_str(
      "{ \"reason\":\"r\", \"from_seq\":3.0, \"dry_run\":false, \"cascade\":true, \"concept_path\":\"a\\/b\" }");
  request->content_type = span_str("application/json");
  request->idempotency_key = span_str("k");
  CU_ASSERT_EQUAL_FATAL(call_run(&call), HTTP_COMMAND);
  struct command_entry entry = entry_of(&call, &command);
  CU_ASSERT_EQUAL(command.type, COMMAND_RETRACT);
  CU_ASSERT_EQUAL(entry.kind, ENTRY_RETRACTION);
  CU_ASSERT_TRUE(span_equal(entry.body, span_str(canonical)));
  digest_sha256(digest, span_str(canonical));
  CU_ASSERT_EQUAL(memcmp(entry.content, digest, DIGEST_SIZE), 0);
  CU_ASSERT_TRUE(span_equal(command.key_scope, span_of("\0retract", 8)));
  struct server_section server;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(entry_parse_server(entry.server, &server, &err), 0);
  CU_ASSERT_TRUE(span_equal(server.key_scope, command.key_scope));
  CU_ASSERT_PTR_NULL(server.salt.data);
  CU_ASSERT_PTR_NULL(server.batch.data);

  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/reinstate", "{\"retraction_id\":\"" ID "\",\"reason\":\"r\"}"), 0);
  entry = entry_of(&call, &command);
  CU_ASSERT_EQUAL(command.type, COMMAND_REINSTATE);
  CU_ASSERT_EQUAL(entry.kind, ENTRY_REINSTATEMENT);
  CU_ASSERT_TRUE(span_equal(entry.body, span_str("{\"reason\":\"r\",\"retraction_id\":\"" ID "\"}")));
  call_close(&call);
}

static void a_dry_run_is_not_for_the_event_loop(void) {
  struct call call;
  open_ready(&call);
  struct http_request *request = call_begin(&call, HTTP_POST, "/v1/retract?lens=skeptic");
  request->body = span_str("{\"concept_path\":\"a\",\"dry_run\":true,\"reason\":\"r\"}");
  request->content_type = span_str("application/json");
  CU_ASSERT_EQUAL(call_run(&call), HTTP_SLOW);
  CU_ASSERT_EQUAL(call.exchange.command.len, 0);
  CU_ASSERT_PTR_NOT_NULL(call.exchange.route->stream);
  call_close(&call);
}

/* A call that reached the committer, and its reply. */
static void reply(struct call *call, const char *target, const char *body, const struct buf *frame) {
  CU_ASSERT_EQUAL_FATAL(call_make(call, HTTP_POST, target, body), 0);
  call_reply(call, buf_span(frame));
}

static void replies_become_answers(void) {
  static const char retract[] = "{\"concept_path\":\"a\",\"reason\":\"r\"}";
  static const char reinstate[] = "{\"retraction_id\":\"" ID "\",\"reason\":\"r\"}";
  struct commit_receipt receipt = {.seq = 7, .time_us = 1764021795123456};
  struct call call;
  struct buf frame;
  open_ready(&call);
  memset(receipt.id, 0x5a, ID_SIZE);
  for (int replayed = 0; replayed < 2; replayed++) {
    buf_init(&frame, 1 << 16);
    reply_put_retracted(&frame, 0, replayed, &receipt, 12, 34);
    reply(&call, "/v1/retract", retract, &frame);
    CU_ASSERT_EQUAL(call.exchange.response.status, 200);
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/retracted_count"), "12");
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/cascaded_count"), "34");
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/seq"), "7");
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/timestamp"), "2025-11-24T22:03:15.123456Z");
    CU_ASSERT_EQUAL(strncmp(call_text(&call, "/retraction_id"), "5a5a", 4), 0);
    CU_ASSERT_EQUAL(call.exchange.stored_count, replayed ? 0 : 1);
    reply(&call, "/v1/reinstate", reinstate, &frame);
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/retraction_id"), ID);
    CU_ASSERT_STRING_EQUAL(call_text(&call, "/reinstated_count"), "12");
    CU_ASSERT_EQUAL(strncmp(call_text(&call, "/reinstatement_id"), "5a5a", 4), 0);
    buf_free(&frame);
  }
  call_close(&call);
}

static void refusals_become_problems(void) {
  static const struct {
    uint8_t refusal;
    int status;
  } refusals[] = {{REFUSAL_NO_MATCH, 404},   {REFUSAL_NOT_FOUND, 404}, {REFUSAL_REINSTATED, 409},
                  {REFUSAL_KEY_REUSED, 409}, {REFUSAL_TOO_LARGE, 413}, {REFUSAL_DISK_FULL, 507},
                  {REFUSAL_STOPPING, 503}};
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(refusals); i++) {
    struct buf frame;
    buf_init(&frame, 1 << 16);
    reply_put_refused(&frame, 0, refusals[i].refusal, NULL, 0);
    reply(&call, "/v1/retract", "{\"concept_path\":\"a\",\"reason\":\"r\"}", &frame);
    CU_ASSERT_EQUAL(call.exchange.response.status, refusals[i].status);
    reply(&call, "/v1/reinstate", "{\"retraction_id\":\"" ID "\",\"reason\":\"r\"}", &frame);
    CU_ASSERT_EQUAL(call.exchange.response.status, refusals[i].status);
    CU_ASSERT_EQUAL(call.exchange.stored_count, 0);
    buf_free(&frame);
  }
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"bad requests are refused with pointers, and make no command", bad_requests_are_refused},
      {"the command holds the canonical request, its digest and its key", the_command_holds_the_canonical_request},
      {"a dry run is not for the event loop", a_dry_run_is_not_for_the_event_loop},
      {"replies become answers", replies_become_answers},
      {"refusals become problems", refusals_become_problems},
  };
  return harness_run("retract", cases, HARNESS_COUNT(cases));
}
