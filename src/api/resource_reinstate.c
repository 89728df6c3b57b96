#include "api/resource.h"

#include "api/fields.h"
#include "api/problem.h"
#include "api/undo.h"
#include "model/entry.h"
#include "model/retraction.h"

struct reinstate_state {
  unsigned char retraction_id[ID_SIZE];
};

static int take(struct api *api, struct exchange *exchange, enum http_outcome *outcome, struct err *err) {
  struct arena *arena = exchange->request.arena;
  struct field_errors errors;
  struct json_doc doc;
  struct reinstatement_draft draft;
  bool good;
  *outcome = HTTP_DONE;
  field_errors_init(&errors, arena);
  int rc = fields_read_query(arena, exchange->request.query_string, NULL, 0, &errors, NULL, err);
  if (!rc)
    rc = undo_parse(exchange, &doc, &good, err);
  if (rc || !good)
    return rc;
  rc = reinstatement_validate(arena, &doc, 0, span_str(""), &errors, &draft, err);
  if (rc)
    return rc;
  if (errors.count > 0) {
    problem_fields(&exchange->response, &errors);
    return 0;
  }
  struct reinstate_state *state = arena_alloc(arena, sizeof(*state));
  if (!state)
    return err_set(err, ERR_NOMEM, "no memory for a reinstatement");
  memcpy(state->retraction_id, draft.reinstatement.retraction_id, ID_SIZE);
  exchange->state = state;
  return undo_command(api, exchange, COMMAND_REINSTATE, ENTRY_REINSTATEMENT, "reinstate", draft.body, outcome, err);
}

enum http_outcome reinstate_handle(struct api *api, struct exchange *exchange) {
  enum http_outcome outcome;
  struct err err;
  if (take(api, exchange, &outcome, &err)) {
    undo_failed(api, exchange, &err);
    return HTTP_DONE;
  }
  return outcome;
}

void reinstate_finish(struct api *api, struct exchange *exchange, const struct reply *reply) {
  const struct reinstate_state *state = exchange->state;
  struct buf *out = &exchange->response.body;
  if (!undo_answer(api, exchange, reply, "reinstatement_id"))
    return;
  buf_add_str(out, ",\"retraction_id\":\"");
  buf_add_hex(out, state->retraction_id, ID_SIZE);
  buf_add_str(out, "\",\"reinstated_count\":");
  buf_add_dec(out, reply->direct);
  buf_add_str(out, "}\n");
}
