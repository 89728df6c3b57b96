#include "ops/load_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/assertion.h"
#include "model/retraction.h"

enum { CHECK_ARENA = 64 << 20 };

struct load_check {
  struct arena *arena;
};

int load_check_open(struct load_check **out, struct err *err) {
  struct load_check *c = calloc(1, sizeof(*c));
  if (c)
    c->arena = arena_create(CHECK_ARENA);
  if (!c || !c->arena) {
    free(c);
    return err_set(err, ERR_NOMEM, "no memory to check entries");
  }
  *out = c;
  return 0;
}

void load_check_close(struct load_check *c) {
  if (!c)
    return;
  arena_free(c->arena);
  free(c);
}

/* The canonical body that the same request would get now. */
static int canonical(struct load_check *c, const struct entry *entry, struct field_errors *errors, struct span *body,
                     struct err *err) {
  struct json_doc doc;
  struct json_fault fault;
  struct assertion_draft assertion = {0};
  struct retraction_draft retraction = {0};
  struct reinstatement_draft reinstatement = {0};
  int rc = json_parse_wrapped(c->arena, entry->body, 1, &doc, &fault, err);
  if (rc)
    return rc;
  switch (entry->kind) {
  case ENTRY_ASSERTION:
    rc = assertion_validate(c->arena, &doc, 0, span_str(""), errors, &assertion, err);
    *body = assertion.body;
    return rc;
  case ENTRY_RETRACTION:
    rc = retraction_validate(c->arena, &doc, 0, span_str(""), errors, &retraction, err);
    *body = retraction.body;
    return rc;
  case ENTRY_REINSTATEMENT:
    rc = reinstatement_validate(c->arena, &doc, 0, span_str(""), errors, &reinstatement, err);
    *body = reinstatement.body;
    return rc;
  default: return err_set(err, ERR_INVALID, "entries of this kind are not loaded");
  }
}

int load_check_body(struct load_check *c, const struct entry *entry, struct err *err) {
  struct field_errors errors;
  struct assertion assertion;
  struct span body = {NULL, 0};
  arena_reset(c->arena);
  if (entry->flags & ENTRY_FLAG_ERASED) /* its value is a digest now, whatever it was */
    return assertion_read(c->arena, entry->body, &assertion, err);
  field_errors_init(&errors, c->arena);
  int rc = canonical(c, entry, &errors, &body, err);
  if (!rc && (errors.count > 0 || !span_equal(body, entry->body)))
    rc = err_set(err, ERR_INVALID, "entry %" PRIu64 " is not one that StemeDB stores", entry->seq);
  return rc;
}
