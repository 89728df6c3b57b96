#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/drill.h"
#include "ops/members.h"
#include "ops/node_call.h"

enum { ANSWER_MAX = 4 << 20, ARENA_MAX = 64 << 20, TIMEOUT_S = 60, ID_TEXT_SIZE = 65, TEXT_MAX = 200 };

/* One conversation: a call, and its answer parsed. */
struct asked {
  struct buf answer;
  struct arena *arena;
  struct json_doc doc;
  int status;
};

static void asked_free(struct asked *a) {
  arena_free(a->arena);
  buf_free(&a->answer);
}

/* The answer must have status `wanted`, and be an object. asked_free() whatever it returns. */
static int ask(const char *run_dir, const char *method, const char *path, const char *query, struct span body,
               int wanted, struct asked *a, struct err *err) {
  const struct node_call call = {method, path, query, body, TIMEOUT_S};
  struct json_fault fault;
  *a = (struct asked){.arena = arena_create(ARENA_MAX)};
  buf_init(&a->answer, ANSWER_MAX);
  if (!a->arena)
    return err_set(err, ERR_NOMEM, "no memory for an answer");
  if (node_call(run_dir, &call, &a->status, &a->answer, err))
    return err->code;
  if (a->status != wanted)
    return err_set(err, a->status == 503 ? ERR_BUSY : ERR_IO, "%s %s: answered %d, not %d: %.*s", method, path,
                   a->status, wanted, a->answer.len > TEXT_MAX ? TEXT_MAX : (int)a->answer.len,
                   (const char *)a->answer.data);
  if (json_parse_wrapped(a->arena, buf_span(&a->answer), JSON_MAX_WRAP, &a->doc, &fault, err))
    return err_context(err, "%s %s", method, path);
  return a->doc.tokens[0].type == JSON_OBJECT ? 0 : err_set(err, ERR_IO, "%s %s: no object", method, path);
}

int drill_ask_health(const char *run_dir, struct drill_health *out, struct err *err) {
  char root[2 * DIGEST_SIZE + 1], status[16];
  struct asked a;
  *out = (struct drill_health){.timestamp = ""};
  struct proof *proof = &out->proof;
  int rc = ask(run_dir, "GET", "/v1/health", "", span_of(NULL, 0), 200, &a, err);
  if (!rc && !(rc = members_text(&a.doc, 0, "status", status, sizeof(status), err)) && strcmp(status, "healthy") != 0)
    rc = err_set(err, ERR_BUSY, "the node is %s", status);
  if (!rc && !(rc = members_count(&a.doc, 0, "assertion_count", &proof->assertion_count, err)) &&
      !(rc = members_count(&a.doc, 0, "last_seq", &proof->last_seq, err)) &&
      !(rc = members_text(&a.doc, 0, "history", proof->history, sizeof(proof->history), err)) &&
      !(rc = members_text(&a.doc, 0, "history_root", root, sizeof(root), err)) &&
      digest_from_hex(proof->root, span_str(root)) != 0)
    rc = members_missing(err, "history_root");
  if (!rc && proof->last_seq > 0)
    rc = members_text(&a.doc, 0, "timestamp", out->timestamp, sizeof(out->timestamp), err);
  asked_free(&a);
  return rc;
}

/* The first element of the array `name`; false if there is none. */
static bool first_of(const struct json_doc *doc, const char *name, uint32_t *out) {
  uint32_t array;
  if (!json_member(doc, 0, name, &array) || doc->tokens[array].type != JSON_ARRAY || doc->tokens[array].count == 0)
    return false;
  *out = array + 1;
  return true;
}

/* A query for a concept, whose path is given as the inside of a JSON string, must find something. */
static int ask_query(const char *run_dir, struct span path, struct err *err) {
  struct asked a;
  struct buf body;
  uint32_t found = 0;
  buf_init(&body, NODE_CALL_BODY_MAX);
  buf_add_str(&body, "{\"concept_path\":\"");
  buf_add_span(&body, path);
  buf_add_str(&body, "\",\"include_retracted\":true,\"limit\":1}");
  int rc = buf_check(&body, "a query", err);
  if (!rc) {
    rc = ask(run_dir, "POST", "/v1/query", "", buf_span(&body), 200, &a, err);
    if (!rc && !first_of(&a.doc, "assertions", &found))
      rc = err_set(err, ERR_CORRUPT, "a query for %.*s finds nothing", (int)path.len, (const char *)path.data);
    asked_free(&a);
  }
  buf_free(&body);
  return rc;
}

static int ask_id(const char *run_dir, const char *id, uint64_t seq, struct err *err) {
  char path[ID_TEXT_SIZE + 32];
  uint64_t found = 0;
  struct asked a;
  snprintf(path, sizeof(path), "/v1/assertions/%s", id);
  int rc = ask(run_dir, "GET", path, "", span_of(NULL, 0), 200, &a, err);
  if (!rc && !(rc = members_count(&a.doc, 0, "seq", &found, err)) && found != seq)
    rc = err_set(err, ERR_CORRUPT, "id %s finds entry %" PRIu64 ", not %" PRIu64, id, found, seq);
  asked_free(&a);
  return rc;
}

static int ask_entry(const char *run_dir, uint64_t seq, struct err *err) {
  char query[64], id[ID_TEXT_SIZE], kind[16];
  uint64_t found = 0;
  uint32_t entry = 0, path;
  struct asked a;
  snprintf(query, sizeof(query), "after_seq=%" PRIu64 "&limit=1", seq - 1);
  int rc = ask(run_dir, "GET", "/v1/assertions", query, span_of(NULL, 0), 200, &a, err);
  if (!rc && !first_of(&a.doc, "entries", &entry))
    rc = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is not there", seq);
  if (!rc && !(rc = members_count(&a.doc, entry, "seq", &found, err)) && found != seq)
    rc = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is not there", seq);
  if (!rc)
    rc = members_text(&a.doc, entry, "kind", kind, sizeof(kind), err);
  if (!rc && strcmp(kind, "assertion") == 0 && !(rc = members_text(&a.doc, entry, "id", id, sizeof(id), err)) &&
      !(rc = ask_id(run_dir, id, seq, err)))
    rc = json_member(&a.doc, entry, "concept_path", &path) ? ask_query(run_dir, json_raw(&a.doc, path), err)
                                                           : members_missing(err, "concept_path");
  asked_free(&a);
  return rc;
}

int drill_ask_entries(const char *run_dir, uint64_t last_seq, struct err *err) {
  const uint64_t seqs[] = {1, last_seq / 2, last_seq};
  int rc = 0;
  for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]) && !rc; i++)
    if (seqs[i] > 0 && seqs[i] <= last_seq)
      rc = ask_entry(run_dir, seqs[i], err);
  return rc;
}

int drill_ask_assert(const char *run_dir, const char *stamp, struct err *err) {
  char path[64], id[ID_TEXT_SIZE];
  uint64_t seq = 0;
  struct asked a;
  struct buf body;
  snprintf(path, sizeof(path), "drill/%s", stamp);
  buf_init(&body, NODE_CALL_BODY_MAX);
  buf_addf(&body, "{\"concept_path\":\"%s\",\"predicate\":\"drill\",\"value\":\"%s\"}", path, stamp);
  int rc = buf_check(&body, "an assertion", err);
  if (!rc) {
    rc = ask(run_dir, "POST", "/v1/assert", "", buf_span(&body), 201, &a, err);
    if (!rc && !(rc = members_count(&a.doc, 0, "seq", &seq, err)))
      rc = members_text(&a.doc, 0, "id", id, sizeof(id), err);
    asked_free(&a);
  }
  buf_free(&body);
  if (!rc)
    rc = ask_id(run_dir, id, seq, err);
  return rc ? rc : ask_query(run_dir, span_str(path), err);
}
