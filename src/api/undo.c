#include "api/undo.h"

#include "api/answer.h"
#include "api/ingest.h"
#include "api/problem.h"
#include "model/entry.h"

int undo_parse(struct exchange *exchange, struct json_doc *doc, bool *good, struct err *err) {
  struct json_fault fault;
  *good = false;
  int rc = json_parse(exchange->request.arena, exchange->request.body, doc, &fault, err);
  if (rc == ERR_INVALID) {
    problem_json(&exchange->response, &fault);
    return 0;
  }
  if (rc)
    return rc;
  *good = doc->tokens[0].type == JSON_OBJECT;
  if (!*good)
    problem_set(&exchange->response, 400, "the body must be an object");
  return 0;
}

int undo_command(struct api *api, struct exchange *exchange, uint8_t type, uint8_t kind, const char *call,
                 struct span body, enum http_outcome *outcome, struct err *err) {
  struct ingest ingest;
  struct buf server;
  const char *detail;
  *outcome = HTTP_DONE;
  if (api->config->read_only) {
    problem_read_only(&exchange->response);
    return 0;
  }
  if (segment_disk_full(api->segment)) {
    int status = ingest_refusal(REFUSAL_DISK_FULL, &detail);
    problem_set(&exchange->response, status, "%s", detail);
    return 0;
  }
  buf_init(&server, ENTRY_MAX_SIZE);
  const size_t start = exchange->command.len;
  int rc = ingest_begin(exchange, call, false, &ingest, err);
  if (!rc) {
    command_begin(&exchange->command, type, exchange->tag, ingest.scope, ingest.key_hash, 1);
    ingest_put_request(&ingest, kind, body, &server, &exchange->command);
    command_end(&exchange->command, start);
    rc = buf_check(&server, "the server section", err);
  }
  if (!rc)
    rc = buf_check(&exchange->command, "the command", err);
  buf_free(&server);
  if (!rc)
    *outcome = HTTP_COMMAND;
  return rc;
}

bool undo_answer(struct api *api, struct exchange *exchange, const struct reply *reply, const char *name) {
  struct err err;
  if (reply->type == REPLY_REFUSED) {
    const char *detail;
    int status = ingest_refusal(reply->refusal, &detail);
    problem_set(&exchange->response, status, "%s", detail);
    return false;
  }
  if (reply->type != REPLY_RETRACTED) {
    (void)err_set(&err, ERR_IO, "the committer sent a reply of type %u", reply->type);
    problem_err(api, &exchange->response, &err);
    return false;
  }
  answer_begin(exchange, 200);
  struct buf *out = &exchange->response.body;
  buf_addf(out, "{\"%s\":\"", name);
  buf_add_hex(out, reply->receipt.id, ID_SIZE);
  buf_add_str(out, "\",\"seq\":");
  buf_add_dec(out, reply->receipt.seq);
  answer_timestamp(out, "timestamp", reply->receipt.seq, reply->receipt.time_us);
  return true;
}

void undo_failed(struct api *api, struct exchange *exchange, const struct err *err) {
  if (err->code == ERR_NOMEM)
    problem_set(&exchange->response, 413, "the body needs more memory than one request may use");
  else
    problem_err(api, &exchange->response, err);
}
