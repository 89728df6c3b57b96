#include "api/resource.h"

#include "api/answer.h"
#include "api/fields.h"
#include "api/problem.h"
#include "projection/snapshot.h"

struct proof_request {
  bool has_from, has_to, has_seq, has_at;
  uint64_t from, to, seq, at;
};

static int read_from(const struct field_input *input, void *target, struct err *err) {
  struct proof_request *request = target;
  return field_integer(input, 1, UINT64_MAX, &request->from, &request->has_from, err);
}

static int read_to(const struct field_input *input, void *target, struct err *err) {
  struct proof_request *request = target;
  return field_integer(input, 1, UINT64_MAX, &request->to, &request->has_to, err);
}

static int read_seq(const struct field_input *input, void *target, struct err *err) {
  struct proof_request *request = target;
  return field_integer(input, 1, UINT64_MAX, &request->seq, &request->has_seq, err);
}

static int read_at(const struct field_input *input, void *target, struct err *err) {
  struct proof_request *request = target;
  return field_integer(input, 1, UINT64_MAX, &request->at, &request->has_at, err);
}

static const struct field proof_fields[] = {
    {"from", 0, read_from}, {"to", 0, read_to}, {"seq", 0, read_seq}, {"at", 0, read_at}};

enum { PROOF_FIELD_COUNT = sizeof(proof_fields) / sizeof(proof_fields[0]) };

/* What is wrong between the fields: `part` of them is a beginning of `whole`, which is there. */
static void check_range(struct field_errors *errors, const char *part_name, uint64_t part, const char *whole_name,
                        uint64_t *whole, bool has_whole, uint64_t visible) {
  if (!has_whole)
    *whole = visible;
  if (*whole > visible)
    field_errors_add(errors, span_str(""), whole_name, "above the newest entry, %llu", (unsigned long long)visible);
  else if (part > *whole)
    field_errors_add(errors, span_str(""), part_name, "above %s, %llu", has_whole ? whole_name : "the newest entry",
                     (unsigned long long)*whole);
}

static void check_request(struct proof_request *request, struct field_errors *errors, uint64_t visible) {
  bool prefix = request->has_from || request->has_to, inclusion = request->has_seq || request->has_at;
  if (errors->count > 0)
    return;
  if (prefix && inclusion)
    field_errors_add(errors, span_str(""), request->has_seq ? "seq" : "at",
                     "from and to ask for another proof than seq and at");
  else if (prefix && !request->has_from)
    field_errors_add(errors, span_str(""), "from", "is required with to");
  else if (!prefix && !request->has_seq)
    field_errors_add(errors, span_str(""), "seq", "seq, or from, is required");
  else if (prefix)
    check_range(errors, "from", request->from, "to", &request->to, request->has_to, visible);
  else
    check_range(errors, "seq", request->seq, "at", &request->at, request->has_at, visible);
}

static void add_hash(struct buf *out, const char *name, const unsigned char hash[DIGEST_SIZE]) {
  buf_addf(out, ",\"%s\":\"", name);
  buf_add_hex(out, hash, DIGEST_SIZE);
  buf_add_byte(out, '"');
}

static void add_proof(struct exchange *exchange, const struct merkle_proof *proof, const struct watermark *mark) {
  struct buf *out = &exchange->response.body;
  buf_add_str(out, ",\"proof\":[");
  for (size_t i = 0; i < proof->count; i++) {
    buf_add_str(out, i ? ",\"" : "\"");
    buf_add_hex(out, proof->node[i], DIGEST_SIZE);
    buf_add_byte(out, '"');
  }
  buf_add_byte(out, ']');
  answer_history(out, mark);
  buf_add_str(out, "}\n");
}

/* The root at `seq`: that of the watermark, or computed. */
static int root_at(struct api *api, const struct watermark *mark, uint64_t seq, unsigned char root[DIGEST_SIZE],
                   struct err *err) {
  uint64_t count;
  if (seq != mark->visible_seq)
    return merkle_root_at(&api->reader, seq, root, &count, err);
  memcpy(root, mark->root, DIGEST_SIZE);
  return 0;
}

static int answer_prefix(struct api *api, struct exchange *exchange, const struct proof_request *request,
                         const struct watermark *mark, struct err *err) {
  struct buf *out = &exchange->response.body;
  unsigned char from_root[DIGEST_SIZE], to_root[DIGEST_SIZE];
  struct merkle_proof proof;
  int rc = 0;
  if ((rc = root_at(api, mark, request->from, from_root, err)) ||
      (rc = root_at(api, mark, request->to, to_root, err)) ||
      (rc = merkle_prove_prefix(&api->reader, request->from, request->to, &proof, err)))
    return rc;
  answer_begin(exchange, 200);
  buf_addf(out, "{\"from\":%llu,\"to\":%llu", (unsigned long long)request->from, (unsigned long long)request->to);
  add_hash(out, "from_root", from_root);
  add_hash(out, "to_root", to_root);
  add_proof(exchange, &proof, mark);
  return 0;
}

static int answer_inclusion(struct api *api, struct exchange *exchange, const struct proof_request *request,
                            const struct watermark *mark, struct err *err) {
  struct buf *out = &exchange->response.body;
  unsigned char leaf[DIGEST_SIZE], root[DIGEST_SIZE];
  struct merkle_proof proof;
  int rc = 0;
  if ((rc = root_at(api, mark, request->at, root, err)) ||
      (rc = merkle_prove_inclusion(&api->reader, request->seq, request->at, leaf, &proof, err)))
    return rc;
  answer_begin(exchange, 200);
  buf_addf(out, "{\"seq\":%llu,\"at\":%llu", (unsigned long long)request->seq, (unsigned long long)request->at);
  add_hash(out, "leaf", leaf);
  add_hash(out, "history_root", root);
  add_proof(exchange, &proof, mark);
  return 0;
}

enum http_outcome proof_handle(struct api *api, struct exchange *exchange) {
  struct arena *arena = exchange->request.arena;
  struct proof_request request = {0};
  struct field_errors errors;
  struct watermark mark;
  struct err err;
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, proof_fields, PROOF_FIELD_COUNT, &errors, &request,
                             &err);
  segment_watermark(api->segment, &mark);
  if (!rc)
    check_request(&request, &errors, mark.visible_seq);
  if (!rc && errors.count > 0) {
    problem_fields(&exchange->response, &errors);
    return HTTP_DONE;
  }
  if (!rc)
    rc = request.has_from ? answer_prefix(api, exchange, &request, &mark, &err)
                          : answer_inclusion(api, exchange, &request, &mark, &err);
  if (rc)
    problem_err(api, &exchange->response, &err);
  return HTTP_DONE;
}
