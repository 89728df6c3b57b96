#include "api/resource.h"

#include <sodium.h>
#include <stdio.h>

#include "api/answer.h"
#include "api/auth.h"
#include "api/entry_walk.h"
#include "api/fields.h"
#include "api/ingest.h"
#include "api/problem.h"
#include "domain/render.h"

enum { ASSERT_MAX = 1000 };

/* What the answer needs of one entry. */
struct assert_item {
  struct span body, server;
};

/* From handle to finish, in the arena. */
struct assert_state {
  bool array;
  uint32_t count;
  struct assert_item *items;
};

/* 400 unless it is an object or an array, 422 for an array of none or too many. */
static bool check_shape(struct exchange *exchange, const struct json_doc *doc, struct field_errors *errors) {
  const struct json_token *root = &doc->tokens[0];
  if (root->type != JSON_OBJECT && root->type != JSON_ARRAY) {
    problem_set(&exchange->response, 400, "the body must be an object or an array of objects");
    return false;
  }
  if (root->type == JSON_ARRAY && (root->count == 0 || root->count > ASSERT_MAX)) {
    field_errors_add(errors, span_str(""), NULL, "must hold 1 to %d assertions, holds %u", ASSERT_MAX, root->count);
    problem_fields(&exchange->response, errors);
    return false;
  }
  return true;
}

/* Validates every assertion of the body: all that is wrong with any of them is in `errors`. */
static int read_drafts(struct arena *arena, const struct json_doc *doc, struct field_errors *errors,
                       struct assertion_draft *drafts, uint32_t count, struct err *err) {
  bool array = doc->tokens[0].type == JSON_ARRAY;
  uint32_t token = array ? 1 : 0;
  for (uint32_t i = 0; i < count; i++) {
    struct span pointer = array ? field_pointer_index(arena, span_str(""), i) : span_str("");
    if (!pointer.data)
      return err_set(err, ERR_NOMEM, "no memory for the assertions");
    int rc = 0;
    if (doc->tokens[token].type == JSON_OBJECT)
      rc = assertion_validate(arena, doc, token, pointer, errors, &drafts[i], err);
    else
      field_errors_add(errors, pointer, NULL, "must be an object");
    if (rc)
      return rc;
    token = doc->tokens[token].next;
  }
  return 0;
}

/* The committer's frame, and in *state what the answer will need. */
static int make_command(struct exchange *exchange, const struct assertion_draft *drafts, struct assert_state *state,
                        struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct ingest ingest;
  struct buf server;
  size_t start = exchange->command.len;
  buf_init(&server, ENTRY_MAX_SIZE);
  int rc = ingest_begin(exchange, "assert", state->array, &ingest, err);
  if (rc)
    goto out;
  unsigned char *salts = arena_alloc(arena, state->count * SALT_SIZE);
  if (!salts) {
    rc = err_set(err, ERR_NOMEM, "no memory for the assertions");
    goto out;
  }
  randombytes_buf(salts, state->count * SALT_SIZE);
  command_begin(&exchange->command, COMMAND_ASSERT, exchange->tag, ingest.scope, ingest.key_hash, state->count);
  for (uint32_t i = 0; i < state->count; i++) {
    ingest_put(&ingest, &drafts[i], i, salts + i * SALT_SIZE, &server, &exchange->command);
    state->items[i] = (struct assert_item){drafts[i].body, arena_copy(arena, buf_span(&server))};
    if (server.failed || !state->items[i].server.data) {
      rc = err_set(err, ERR_NOMEM, "no memory for the assertions");
      goto out;
    }
  }
  command_end(&exchange->command, start);
  rc = buf_check(&exchange->command, "the command", err);
out:
  buf_free(&server);
  return rc;
}

/* 403 unless the caller may assert all of them. */
static bool may_assert(struct exchange *exchange, const struct assertion_draft *drafts, uint32_t count, bool array) {
  for (uint32_t i = 0; i < count; i++) {
    const char *fault = auth_assert_fault(&exchange->caller, drafts[i].predicate, drafts[i].source);
    if (!fault)
      continue;
    if (array)
      problem_set(&exchange->response, 403, "/%u: %s", i, fault);
    else
      problem_set(&exchange->response, 403, "%s", fault);
    return false;
  }
  return true;
}

/* How deep the assertions' values lie in the body, whose own depth must not count. */
static unsigned depth_of_values(struct span body) {
  size_t i = 0;
  while (i < body.len && (body.data[i] == ' ' || (body.data[i] >= '\t' && body.data[i] <= '\r')))
    i++;
  return i < body.len && body.data[i] == '[' ? 2 : 1;
}

/* Parses, validates, makes the command. *outcome is HTTP_DONE when the response is a problem already. */
static int take_assertions(struct exchange *exchange, enum http_outcome *outcome, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct json_doc doc;
  struct json_fault fault;
  struct field_errors errors;
  *outcome = HTTP_DONE;
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, NULL, 0, &errors, NULL, err);
  if (rc)
    return rc;
  rc = json_parse_wrapped(arena, exchange->request.body, depth_of_values(exchange->request.body), &doc, &fault, err);
  if (rc == ERR_INVALID) {
    problem_json(&exchange->response, &fault);
    return 0;
  }
  if (rc)
    return rc;
  if (!check_shape(exchange, &doc, &errors))
    return 0;
  struct assert_state *state = arena_calloc(arena, 1, sizeof(*state));
  bool array = doc.tokens[0].type == JSON_ARRAY;
  uint32_t count = array ? doc.tokens[0].count : 1;
  struct assertion_draft *drafts = arena_calloc(arena, count, sizeof(*drafts));
  struct assert_item *items = arena_calloc(arena, count, sizeof(*items));
  if (!state || !drafts || !items)
    return err_set(err, ERR_NOMEM, "no memory for the assertions");
  *state = (struct assert_state){array, count, items};
  rc = read_drafts(arena, &doc, &errors, drafts, count, err);
  if (rc)
    return rc;
  if (errors.count > 0) {
    problem_fields(&exchange->response, &errors);
    return 0;
  }
  if (!may_assert(exchange, drafts, count, array))
    return 0;
  rc = make_command(exchange, drafts, state, err);
  if (rc)
    return rc;
  exchange->state = state;
  *outcome = HTTP_COMMAND;
  return 0;
}

enum http_outcome assert_handle(struct api *api, struct exchange *exchange) {
  enum http_outcome outcome;
  struct err err;
  const char *detail;
  /* With a key the committer decides: it may have stored this already. */
  if (segment_disk_full(api->segment) && !exchange->request.idempotency_key.data) {
    int status = ingest_refusal(REFUSAL_DISK_FULL, &detail);
    problem_set(&exchange->response, status, "%s", detail);
    return HTTP_DONE;
  }
  int rc = take_assertions(exchange, &outcome, &err);
  if (rc == ERR_NOMEM) {
    problem_set(&exchange->response, 413, "the body needs more memory than one request may use");
    return HTTP_DONE;
  }
  if (rc) {
    problem_err(api, &exchange->response, &err);
    return HTTP_DONE;
  }
  return outcome;
}

/* --- the answer --- */

/* Appends one of the `count` stored assertions to the answer. Whether it is an array shows in the first one: only what
 * came in an array has a batch. So a call that is sent again with its key is answered in the form of the first. */
struct assert_answer {
  bool array;
  uint32_t written, count;
};

static int answer_open(struct http_response *response, const struct entry *first, struct assert_answer *answer,
                       struct err *err) {
  struct server_section section;
  int rc = entry_parse_server(first->server, &section, err);
  if (rc)
    return rc;
  answer->array = section.batch.data != NULL;
  if (answer->array) {
    buf_addf(&response->headers, "Location: /v1/assertions?after_seq=%llu&limit=%u\r\n",
             (unsigned long long)(first->seq - 1), answer->count);
    buf_add_str(&response->body, "{\"batch\":\"");
    buf_add_hex(&response->body, section.batch.data, section.batch.len);
    buf_add_str(&response->body, "\",\"assertions\":[");
  } else {
    buf_add_str(&response->headers, "Location: /v1/assertions/");
    buf_add_hex(&response->headers, first->id, ID_SIZE);
    buf_add_str(&response->headers, "\r\n");
  }
  return 0;
}

static int answer_add(struct http_response *response, const struct entry *entry, struct assert_answer *answer,
                      struct err *err) {
  int rc = answer->written == 0 ? answer_open(response, entry, answer, err) : 0;
  if (rc)
    return rc;
  if (answer->written > 0)
    buf_add_byte(&response->body, ',');
  rc = render_assertion(&response->body, entry, err);
  if (rc)
    return rc;
  if (++answer->written == answer->count)
    buf_add_str(&response->body, answer->array ? "]}\n" : "\n");
  return 0;
}

/* 201 with what was kept of the request and the receipts. */
static int answer_stored(struct exchange *exchange, const struct reply *reply, struct err *err) {
  const struct assert_state *state = exchange->state;
  struct assert_answer answer = {.count = state->count};
  if (reply->count != state->count)
    return err_set(err, ERR_IO, "the committer answered for %u entries, not %u", reply->count, state->count);
  answer_begin(exchange, 201);
  for (uint32_t i = 0; i < state->count; i++) {
    struct commit_receipt receipt;
    reply_receipt(reply, i, &receipt);
    struct entry entry = {.kind = ENTRY_ASSERTION,
                          .seq = receipt.seq,
                          .time_us = receipt.time_us,
                          .id = receipt.id,
                          .server = state->items[i].server,
                          .body = state->items[i].body};
    int rc = answer_add(&exchange->response, &entry, &answer, err);
    if (rc)
      return rc;
  }
  return 0;
}

/* 200 with what the key stored first, read back from the history. */
static int answer_replayed(struct api *api, struct exchange *exchange, const struct reply *reply, struct err *err) {
  struct assert_answer answer = {.count = reply->count};
  struct entry_walk walk;
  struct entry entry;
  bool found;
  int rc;
  answer_begin(exchange, 200);
  entry_walk_open(&walk, api->reader.store, reply->first_seq, reply->first_seq + reply->count - 1);
  while (!(rc = entry_walk_next(&walk, &entry, &found, err)) && found)
    if ((rc = answer_add(&exchange->response, &entry, &answer, err)))
      break;
  entry_walk_close(&walk);
  return rc;
}

/* 422 with the pointers of what only the committer could see; else the refusal's problem. */
static int answer_refused(struct exchange *exchange, const struct reply *reply, struct err *err) {
  const struct assert_state *state = exchange->state;
  struct arena *arena = exchange->request.arena;
  const char *detail;
  int status = ingest_refusal(reply->refusal, &detail);
  if (reply->refusal != REFUSAL_FIELDS) {
    problem_set(&exchange->response, status, "%s", detail);
    return 0;
  }
  struct field_errors errors;
  struct span rest = reply->items;
  field_errors_init(&errors, arena);
  for (uint32_t i = 0; i < reply->item_count; i++) {
    struct refused_item item;
    if (reply_next_item(&rest, &item, err))
      return err_set(err, ERR_IO, "the committer sent a malformed reply");
    char prefix[16] = "";
    if (state->array)
      snprintf(prefix, sizeof(prefix), "/%u", item.position);
    char pointer[128];
    int len =
        snprintf(pointer, sizeof(pointer), "%s%.*s", prefix, (int)item.pointer.len, (const char *)item.pointer.data);
    struct span copy = arena_copy(arena, span_of(pointer, (size_t)len < sizeof(pointer) ? (size_t)len : 0));
    field_errors_add(&errors, copy, NULL, "%.*s", (int)item.detail.len, (const char *)item.detail.data);
  }
  problem_fields(&exchange->response, &errors);
  return 0;
}

void assert_finish(struct api *api, struct exchange *exchange, const struct reply *reply) {
  struct err err;
  int rc;
  if (reply->type == REPLY_COMMITTED)
    rc = reply->replayed ? answer_replayed(api, exchange, reply, &err) : answer_stored(exchange, reply, &err);
  else if (reply->type == REPLY_REFUSED)
    rc = answer_refused(exchange, reply, &err);
  else
    rc = err_set(&err, ERR_IO, "the committer sent a reply of type %u", reply->type);
  if (rc)
    problem_err(api, &exchange->response, &err);
}
