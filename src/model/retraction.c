#include "model/retraction.h"

#include <stdlib.h>

#include "model/canonical.h"
#include "model/name.h"
#include "model/number.h"

enum { BODY_MAX = 8 << 20, FIELDS_MAX = 10 };

/* One request on its way: the value's token of each of its fields, 0 for an absent one. */
struct request {
  struct arena *arena;
  const struct json_doc *doc;
  struct span pointer;
  struct field_errors *errors;
  struct err *err;
  const char *const *names; /* of the fields, sorted as the body has them */
  size_t name_count;
  const char *unsaved; /* the field that the body leaves out; NULL: none */
  uint32_t tokens[FIELDS_MAX];
};

enum retraction_field { BATCH, CASCADE, CONCEPT_PATH, DRY_RUN, FROM_SEQ, IDS, PREDICATE, REASON, SOURCE, TO_SEQ };
static const char *const retraction_names[] = {"batch", "cascade",   "concept_path", "dry_run", "from_seq",
                                               "ids",   "predicate", "reason",       "source",  "to_seq"};
enum reinstatement_field { UNDO_REASON, UNDO_ID };
static const char *const reinstatement_names[] = {"reason", "retraction_id"};

static void fault(struct request *r, size_t field, const char *detail) {
  field_errors_add(r->errors, r->pointer, r->names[field], "%s", detail);
}

static const struct json_token *token_of(const struct request *r, size_t field) {
  return &r->doc->tokens[r->tokens[field]];
}

/* --- members and body --- */

static int find_members(struct request *r, uint32_t object) {
  uint32_t name = object + 1;
  for (uint32_t i = 0; i < r->doc->tokens[object].count; i++) {
    struct span text;
    size_t field = 0;
    int code = json_string(r->arena, r->doc, name, &text, r->err);
    if (code)
      return code;
    while (field < r->name_count && !span_equal(text, span_str(r->names[field])))
      field++;
    if (field < r->name_count)
      r->tokens[field] = name + 1;
    else
      field_errors_add(r->errors, field_pointer(r->arena, r->pointer, text), NULL, "is not a field of this request");
    name = r->doc->tokens[name + 1].next;
  }
  return 0;
}

/* The canonical body of what was found to be right. */
static int write_body(struct request *r, struct span *body) {
  struct buf out;
  int code = 0;
  buf_init(&out, BODY_MAX);
  for (size_t i = 0; i < r->name_count && !code; i++) {
    if (r->tokens[i] == 0 || (r->unsaved && strcmp(r->names[i], r->unsaved) == 0))
      continue;
    buf_addf(&out, "%c\"%s\":", out.len ? ',' : '{', r->names[i]);
    code = canonical_value(r->arena, r->doc, r->tokens[i], field_pointer(r->arena, r->pointer, span_str(r->names[i])),
                           r->errors, &out, r->err);
  }
  buf_add_byte(&out, '}');
  if (!code)
    code = buf_check(&out, "a request", r->err);
  if (!code)
    *body = arena_copy(r->arena, buf_span(&out));
  if (!code && !body->data)
    code = err_set(r->err, ERR_NOMEM, "no memory for a request");
  buf_free(&out);
  return code;
}

/* Finds the members of the object, or says that it is none. */
static int open_request(struct request *r, uint32_t token, bool *is_object) {
  *is_object = r->doc->tokens[token].type == JSON_OBJECT;
  if (*is_object)
    return find_members(r, token);
  field_errors_add(r->errors, r->pointer, NULL, "must be an object");
  return 0;
}

/* --- fields --- */

/* A string; *out keeps len 0 if it is absent or none. */
static int take_string(struct request *r, size_t field, struct span *out, bool *right) {
  *right = false;
  if (r->tokens[field] == 0)
    return 0;
  if (token_of(r, field)->type != JSON_STRING) {
    fault(r, field, "must be a string");
    return 0;
  }
  *right = true;
  return json_string(r->arena, r->doc, r->tokens[field], out, r->err);
}

static int take_name(struct request *r, size_t field, const char *(*check)(struct span), struct span *out) {
  bool right;
  int code = take_string(r, field, out, &right);
  const char *wrong = !code && right ? check(*out) : NULL;
  if (wrong)
    fault(r, field, wrong);
  return code;
}

/* null, or an empty text, is what nobody named a source for: as in a query. */
static int take_source(struct request *r, struct retraction *out) {
  out->has_source = r->tokens[SOURCE] != 0;
  if (!out->has_source || token_of(r, SOURCE)->type == JSON_NULL)
    return 0;
  if (token_of(r, SOURCE)->type == JSON_STRING && token_of(r, SOURCE)->start == token_of(r, SOURCE)->end)
    return 0;
  return take_name(r, SOURCE, name_path_fault, &out->source);
}

static int take_reason(struct request *r, size_t field, struct span *out) {
  bool right;
  int code = take_string(r, field, out, &right);
  if (r->tokens[field] == 0)
    fault(r, field, "is missing");
  else if (!code && right && out->len == 0)
    fault(r, field, "must not be empty");
  else if (!code && right && out->len > RETRACTION_REASON_MAX)
    fault(r, field, "is longer than 4,096 bytes");
  return code;
}

static void take_flag(struct request *r, size_t field, bool *out) {
  if (r->tokens[field] == 0)
    return;
  uint8_t type = token_of(r, field)->type;
  *out = type == JSON_TRUE;
  if (type != JSON_TRUE && type != JSON_FALSE)
    fault(r, field, "must be true or false");
}

static void take_seq(struct request *r, size_t field, uint64_t *out) {
  char text[40];
  uint64_t value = 0;
  if (r->tokens[field] == 0)
    return;
  if (token_of(r, field)->type != JSON_NUMBER) {
    fault(r, field, "must be a number");
    return;
  }
  size_t len = number_canonical(json_raw(r->doc, r->tokens[field]), text), i = 0;
  for (; i < len && text[i] >= '0' && text[i] <= '9' && value <= UINT64_MAX / 10 - 1; i++)
    value = value * 10 + (uint64_t)(text[i] - '0');
  if (len == 0 || i < len || value == 0 || value > INT64_MAX)
    fault(r, field, "must be a seq: an integer from 1 on");
  else
    *out = value;
}

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, ID_SIZE);
}

/* Sorts the ids and keeps each once. */
static void sort_ids(unsigned char *ids, size_t *count) {
  size_t kept = 0;
  qsort(ids, *count, ID_SIZE, compare_ids);
  for (size_t i = 0; i < *count; i++)
    if (kept == 0 || compare_ids(ids + (kept - 1) * ID_SIZE, ids + i * ID_SIZE) != 0)
      memmove(ids + kept++ * ID_SIZE, ids + i * ID_SIZE, ID_SIZE);
  *count = kept;
}

static int take_ids(struct request *r, struct retraction *out) {
  if (r->tokens[IDS] == 0)
    return 0;
  const struct json_token *array = token_of(r, IDS);
  if (array->type != JSON_ARRAY || array->count == 0 || array->count > RETRACTION_IDS_MAX) {
    fault(r, IDS, "must be an array of 1 to 10,000 ids");
    return 0;
  }
  unsigned char *ids = arena_calloc(r->arena, array->count, ID_SIZE);
  if (!ids)
    return err_set(r->err, ERR_NOMEM, "no memory for ids");
  struct span parent = field_pointer(r->arena, r->pointer, span_str(r->names[IDS]));
  size_t count = 0;
  uint32_t token = r->tokens[IDS] + 1;
  for (uint32_t i = 0; i < array->count; i++, token = r->doc->tokens[token].next) {
    struct span text = {NULL, 0};
    if (r->doc->tokens[token].type == JSON_STRING && json_string(r->arena, r->doc, token, &text, r->err))
      return r->err->code;
    if (digest_from_hex(ids + count * ID_SIZE, text) == 0)
      count++;
    else
      field_errors_add(r->errors, field_pointer_index(r->arena, parent, i), NULL,
                       "must be an id: 64 lower-case hex digits");
  }
  sort_ids(ids, &count);
  out->ids = ids;
  out->id_count = count;
  return 0;
}

/* 32 lower-case hex digits, as answers have it. */
static int take_batch(struct request *r, struct retraction *out) {
  enum { HEX = 2 * RETRACTION_BATCH_SIZE };
  unsigned char digits[ID_HEX_SIZE], id[ID_SIZE];
  struct span text = {NULL, 0};
  bool right;
  int code = take_string(r, BATCH, &text, &right);
  if (code || !right)
    return code;
  memset(digits, '0', sizeof(digits));
  if (text.len == HEX)
    memcpy(digits, text.data, HEX);
  if (text.len != HEX || digest_from_hex(id, span_of(digits, sizeof(digits))) != 0) {
    fault(r, BATCH, "must be the id of a batch: 32 lower-case hex digits");
    return 0;
  }
  out->batch = arena_copy(r->arena, span_of(id, RETRACTION_BATCH_SIZE));
  return out->batch.data ? 0 : err_set(r->err, ERR_NOMEM, "no memory for a batch");
}

static bool selects(const struct request *r) {
  static const enum retraction_field selectors[] = {CONCEPT_PATH, IDS, BATCH, SOURCE, FROM_SEQ, TO_SEQ};
  for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
    if (r->tokens[selectors[i]])
      return true;
  return false;
}

static int take_retraction(struct request *r, struct retraction_draft *draft) {
  struct retraction *out = &draft->retraction;
  int code = take_batch(r, out);
  take_flag(r, CASCADE, &out->cascade);
  if (!code)
    code = take_name(r, CONCEPT_PATH, name_path_fault, &out->concept_path);
  take_flag(r, DRY_RUN, &draft->dry_run);
  take_seq(r, FROM_SEQ, &out->from_seq);
  if (!code)
    code = take_ids(r, out);
  if (!code)
    code = take_name(r, PREDICATE, name_predicate_fault, &out->predicate);
  if (!code)
    code = take_reason(r, REASON, &out->reason);
  if (!code)
    code = take_source(r, out);
  take_seq(r, TO_SEQ, &out->to_seq);
  if (!code && out->to_seq < out->from_seq)
    fault(r, TO_SEQ, "must not be below from_seq");
  if (!code && !selects(r))
    field_errors_add(
        r->errors, r->pointer, NULL,
        "must select: by concept_path, ids or batch, or by source, from_seq or to_seq over the whole store");
  return code;
}

/* --- the whole --- */

int retraction_validate(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                        struct field_errors *errors, struct retraction_draft *draft, struct err *err) {
  struct request r = {.arena = arena, .doc = doc, .pointer = pointer, .errors = errors, .err = err};
  r.names = retraction_names;
  r.name_count = sizeof(retraction_names) / sizeof(retraction_names[0]);
  r.unsaved = retraction_names[DRY_RUN];
  *draft = (struct retraction_draft){.retraction = {.from_seq = 1, .to_seq = UINT64_MAX}};
  bool is_object;
  int code = open_request(&r, token, &is_object);
  if (!code && is_object)
    code = take_retraction(&r, draft);
  return code || errors->count ? code : write_body(&r, &draft->body);
}

int reinstatement_validate(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                           struct field_errors *errors, struct reinstatement_draft *draft, struct err *err) {
  struct request r = {.arena = arena, .doc = doc, .pointer = pointer, .errors = errors, .err = err};
  r.names = reinstatement_names;
  r.name_count = sizeof(reinstatement_names) / sizeof(reinstatement_names[0]);
  *draft = (struct reinstatement_draft){0};
  bool is_object, right = false;
  int code = open_request(&r, token, &is_object);
  if (!code && is_object) {
    struct span id = {NULL, 0};
    code = take_reason(&r, UNDO_REASON, &draft->reinstatement.reason);
    if (!code)
      code = take_string(&r, UNDO_ID, &id, &right);
    if (r.tokens[UNDO_ID] == 0)
      fault(&r, UNDO_ID, "is missing");
    else if (!code && right && digest_from_hex(draft->reinstatement.retraction_id, id) != 0)
      fault(&r, UNDO_ID, "must be an id: 64 lower-case hex digits");
  }
  return code || errors->count ? code : write_body(&r, &draft->body);
}

/* Parses a stored body. It was valid when it was stored, and what is valid never becomes less. */
static int parse_stored(struct arena *arena, struct span body, struct json_doc *doc, struct field_errors **errors,
                        struct err *err) {
  struct json_fault why;
  *errors = arena_alloc(arena, sizeof(**errors));
  if (!*errors)
    return err_set(err, ERR_NOMEM, "no memory for a stored body");
  field_errors_init(*errors, arena);
  int code = json_parse(arena, body, doc, &why, err);
  return code == ERR_INVALID ? err_set(err, ERR_CORRUPT, "stored body: byte %zu: %s", why.offset, why.reason) : code;
}

static int check_stored(const struct field_errors *errors, struct err *err) {
  if (errors->count == 0)
    return 0;
  const struct field_error *first = &errors->items[0];
  return err_set(err, ERR_CORRUPT, "stored body: %.*s %.*s", (int)first->pointer.len, (const char *)first->pointer.data,
                 (int)first->detail.len, (const char *)first->detail.data);
}

int retraction_read(struct arena *arena, struct span body, struct retraction *out, struct err *err) {
  struct json_doc doc;
  struct field_errors *errors;
  struct retraction_draft draft;
  int code = parse_stored(arena, body, &doc, &errors, err);
  if (!code)
    code = retraction_validate(arena, &doc, 0, (struct span){NULL, 0}, errors, &draft, err);
  if (!code)
    code = check_stored(errors, err);
  if (!code)
    *out = draft.retraction;
  return code;
}

int reinstatement_read(struct arena *arena, struct span body, struct reinstatement *out, struct err *err) {
  struct json_doc doc;
  struct field_errors *errors;
  struct reinstatement_draft draft;
  int code = parse_stored(arena, body, &doc, &errors, err);
  if (!code)
    code = reinstatement_validate(arena, &doc, 0, (struct span){NULL, 0}, errors, &draft, err);
  if (!code)
    code = check_stored(errors, err);
  if (!code)
    *out = draft.reinstatement;
  return code;
}

bool retraction_is_by_name(const struct retraction *retraction) {
  return retraction->id_count == 0 && retraction->batch.len == 0;
}
