#include "model/assertion.h"

#include "model/assertion_fields.h"
#include "model/name.h"
#include "model/number.h"
#include "model/setting_value.h"
#include "model/timestamp.h"

enum {
  NUMBER_GROWTH = 17,    /* 1e20 becomes 21 digits; nothing else in JSON grows when it becomes canonical */
  OTHERS_MAX = 16 * 1024 /* more than all fields but the value can have, since their limits are checked first */
};

/* One body on its way from tokens to canonical bytes. Fields are validated and written in the order of the body. */
struct validator {
  struct arena *arena;
  const struct json_doc *doc;
  struct span pointer;
  struct field_errors *errors;
  struct err *err;
  uint32_t tokens[FIELD_COUNT]; /* of the values; 0: absent, since 0 is never a member's */
  struct buf body;              /* over a fixed piece of the arena, so that spans into it stay good */
};

static void fault(struct validator *v, enum assertion_field field, const char *detail) {
  field_errors_add(v->errors, v->pointer, assertion_fields[field].name, "%s", detail);
}

static const struct json_token *token_of(const struct validator *v, enum assertion_field field) {
  return &v->doc->tokens[v->tokens[field]];
}

/* Whether the field is there and of the type; a wrong type is an error. */
static bool is_type(struct validator *v, enum assertion_field field, enum json_type type, const char *detail) {
  if (v->tokens[field] == 0)
    return false;
  if (token_of(v, field)->type == type)
    return true;
  fault(v, field, detail);
  return false;
}

/* Writes a comma and the key. Every field does so: the first comma becomes the body's brace in the end. */
static void put_key(struct validator *v, enum assertion_field field) {
  unsigned char *p = buf_extend(&v->body, assertion_fields[field].key_len + 1);
  if (!p)
    return;
  p[0] = ',';
  memcpy(p + 1, assertion_fields[field].key, assertion_fields[field].key_len);
}

/* Writes a string that needs no escapes. */
static void put_plain(struct validator *v, struct span text) {
  unsigned char *p = buf_extend(&v->body, text.len + 2);
  if (!p)
    return;
  p[0] = '"';
  memcpy(p + 1, text.data, text.len);
  p[text.len + 1] = '"';
}

/* --- members --- */

static bool find_field(struct span name, enum assertion_field *field) {
  for (int i = 0; i < FIELD_COUNT; i++)
    if (name.len == assertion_fields[i].name_len && memcmp(name.data, assertion_fields[i].name, name.len) == 0) {
      *field = (enum assertion_field)i;
      return true;
    }
  return false;
}

/* People send back what they were answered. */
static bool is_set_by_server(struct span name) {
  static const char *const names[] = {"id", "seq", "timestamp", "recorded_by", "batch", "status", "retraction"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (span_equal(name, span_str(names[i])))
      return true;
  return false;
}

static int find_members(struct validator *v, uint32_t object) {
  uint32_t name = object + 1;
  for (uint32_t i = 0; i < v->doc->tokens[object].count; i++) {
    struct span text;
    enum assertion_field field;
    int code = json_string(v->arena, v->doc, name, &text, v->err);
    if (code)
      return code;
    if (find_field(text, &field))
      v->tokens[field] = name + 1;
    else
      field_errors_add(v->errors, field_pointer(v->arena, v->pointer, text), NULL, "%s",
                       is_set_by_server(text) ? "is set by the server" : "is not a field of an assertion");
    name = v->doc->tokens[name + 1].next;
  }
  static const enum assertion_field required[] = {FIELD_CONCEPT_PATH, FIELD_PREDICATE, FIELD_VALUE};
  for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
    if (v->tokens[required[i]] == 0)
      fault(v, required[i], "is missing");
  return 0;
}

/* --- fields --- */

/* Validates and writes a field that is a name; *out is its unescaped text, len 0 if it is absent or wrong. */
static int take_name(struct validator *v, enum assertion_field field, const char *(*check)(struct span),
                     struct span *out) {
  struct span text;
  *out = (struct span){NULL, 0};
  if (!is_type(v, field, JSON_STRING, "must be a string"))
    return 0;
  int code = json_string(v->arena, v->doc, v->tokens[field], &text, v->err);
  if (code)
    return code;
  const char *wrong = check(text);
  if (wrong) {
    fault(v, field, wrong);
    return 0;
  }
  put_key(v, field);
  size_t start = v->body.len + 1;
  if (token_of(v, field)->escaped)
    json_quote(&v->body, text);
  else
    put_plain(v, text);
  /* The text's own memory may end before the draft does; what was escaped is in the arena. */
  bool borrowed = !token_of(v, field)->escaped && !v->body.failed;
  *out = borrowed ? span_of(v->body.data + start, text.len) : text;
  return 0;
}

static void take_confidence(struct validator *v) {
  char text[40];
  if (!is_type(v, FIELD_CONFIDENCE, JSON_NUMBER, "must be a number"))
    return;
  size_t len = number_canonical(json_raw(v->doc, v->tokens[FIELD_CONFIDENCE]), text);
  if (len == 0) {
    fault(v, FIELD_CONFIDENCE, "is a number that cannot be kept exactly");
  } else if (!number_in_unit(span_of(text, len))) {
    fault(v, FIELD_CONFIDENCE, "must be in [0, 1]");
  } else {
    put_key(v, FIELD_CONFIDENCE);
    buf_add(&v->body, text, len);
  }
}

/* Validates and writes a time. *has tells whether it is there and right. */
static int take_time(struct validator *v, enum assertion_field field, bool *has, int64_t *us) {
  struct span text;
  const char *reason;
  char canonical[TIMESTAMP_SIZE];
  *has = false;
  if (!is_type(v, field, JSON_STRING, "must be a string"))
    return 0;
  int code = json_string(v->arena, v->doc, v->tokens[field], &text, v->err);
  if (code)
    return code;
  if (!timestamp_parse(text, us, &reason)) {
    fault(v, field, reason);
    return 0;
  }
  *has = true;
  timestamp_format_short(*us, canonical);
  put_key(v, field);
  put_plain(v, span_str(canonical));
  return 0;
}

static bool is_repeated(const unsigned char *ids, size_t count, const unsigned char id[ID_SIZE]) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(ids + i * ID_SIZE, id, ID_SIZE) == 0)
      return true;
  return false;
}

/* Validates and writes one element of derived_from, and adds its id to the draft's. */
static int take_id(struct validator *v, uint32_t token, unsigned char *ids, size_t *count, const char **wrong) {
  struct span text = {NULL, 0};
  unsigned char *id = ids + *count * ID_SIZE;
  if (v->doc->tokens[token].type == JSON_STRING) {
    int code = json_string(v->arena, v->doc, token, &text, v->err);
    if (code)
      return code;
  }
  *wrong = NULL;
  if (digest_from_hex(id, text) != 0)
    *wrong = "must be an id: 64 lower-case hex digits";
  else if (is_repeated(ids, *count, id))
    *wrong = "is named twice";
  if (*wrong)
    return 0;
  if (*count > 0)
    buf_add_byte(&v->body, ',');
  put_plain(v, text);
  ++*count;
  return 0;
}

static int take_derived(struct validator *v, struct assertion_draft *draft) {
  if (!is_type(v, FIELD_DERIVED_FROM, JSON_ARRAY, "must be an array of ids"))
    return 0;
  uint32_t token = v->tokens[FIELD_DERIVED_FROM] + 1, count = token_of(v, FIELD_DERIVED_FROM)->count;
  if (count > ASSERTION_DERIVED_MAX) {
    fault(v, FIELD_DERIVED_FROM, "has more than 64 ids");
    return 0;
  }
  unsigned char *ids = arena_calloc(v->arena, (size_t)count + 1, ID_SIZE);
  if (!ids)
    return err_set(v->err, ERR_NOMEM, "no memory for ids");
  struct span parent = field_pointer(v->arena, v->pointer, span_str(assertion_fields[FIELD_DERIVED_FROM].name));
  put_key(v, FIELD_DERIVED_FROM);
  buf_add_byte(&v->body, '[');
  for (uint32_t i = 0; i < count; i++) {
    const char *wrong;
    int code = take_id(v, token, ids, &draft->derived_count, &wrong);
    if (code)
      return code;
    if (wrong)
      field_errors_add(v->errors, field_pointer_index(v->arena, parent, i), NULL, "%s", wrong);
    token = v->doc->tokens[token].next;
  }
  buf_add_byte(&v->body, ']');
  draft->derived = ids;
  return 0;
}

static int take_valid_times(struct validator *v) {
  int64_t from = 0, to = 0;
  bool has_from, has_to;
  int code = take_time(v, FIELD_VALID_FROM, &has_from, &from);
  if (!code)
    code = take_time(v, FIELD_VALID_TO, &has_to, &to);
  if (!code && has_from && has_to && to <= from)
    fault(v, FIELD_VALID_TO, "must be after valid_from");
  return code;
}

static int take_value(struct validator *v, struct assertion_draft *draft) {
  if (v->tokens[FIELD_VALUE] == 0)
    return 0;
  size_t errors_before = v->errors->count;
  put_key(v, FIELD_VALUE);
  size_t start = v->body.len;
  struct span pointer = field_pointer(v->arena, v->pointer, span_str(assertion_fields[FIELD_VALUE].name));
  int code = canonical_value(v->arena, v->doc, v->tokens[FIELD_VALUE], pointer, v->errors, &v->body, v->err);
  if (v->body.failed || v->body.len - start > ASSERTION_VALUE_MAX) {
    fault(v, FIELD_VALUE, "is larger than 65,536 bytes");
    return 0;
  }
  if (code || v->errors->count > errors_before)
    return code;
  draft->value = span_of(v->body.data + start, v->body.len - start);
  if (!name_is_reserved(draft->predicate))
    return 0;
  const char *wrong;
  code = setting_value_check(v->arena, draft->concept_path, draft->predicate, draft->value, &wrong, v->err);
  if (!code && wrong)
    fault(v, FIELD_VALUE, wrong);
  return code;
}

/* --- the whole --- */

/* Gives the body memory for all that the object can become, so that it is written without growing. */
static int open_body(struct validator *v, uint32_t object) {
  const struct json_token *t = &v->doc->tokens[object];
  size_t size = t->end - t->start;
  for (uint32_t i = object; i < t->next; i++)
    size += v->doc->tokens[i].type == JSON_NUMBER ? NUMBER_GROWTH : 0;
  if (size > ASSERTION_VALUE_MAX + OTHERS_MAX)
    size = ASSERTION_VALUE_MAX + OTHERS_MAX;
  unsigned char *data = arena_alloc(v->arena, size);
  if (!data)
    return err_set(v->err, ERR_NOMEM, "no memory for the body of an assertion");
  v->body = (struct buf){.data = data, .cap = size, .max = size};
  return 0;
}

static int take_fields(struct validator *v, struct assertion_draft *draft) {
  bool has;
  int64_t us;
  int code = take_name(v, FIELD_CONCEPT_PATH, name_path_fault, &draft->concept_path);
  if (code)
    return code;
  take_confidence(v);
  code = take_derived(v, draft);
  if (!code)
    code = take_time(v, FIELD_OBSERVED_AT, &has, &us);
  if (!code)
    code = take_name(v, FIELD_PREDICATE, name_predicate_fault, &draft->predicate);
  if (!code && name_is_reserved(draft->predicate) && !setting_value_known(draft->predicate))
    fault(v, FIELD_PREDICATE, "is reserved: no setting has this name");
  if (!code)
    code = take_name(v, FIELD_SOURCE, name_path_fault, &draft->source);
  if (!code)
    code = take_valid_times(v);
  if (!code)
    code = take_value(v, draft);
  return code;
}

int assertion_validate(struct arena *arena, const struct json_doc *doc, uint32_t token, struct span pointer,
                       struct field_errors *errors, struct assertion_draft *draft, struct err *err) {
  struct validator v = {.arena = arena, .doc = doc, .pointer = pointer, .errors = errors, .err = err};
  *draft = (struct assertion_draft){0};
  if (doc->tokens[token].type != JSON_OBJECT) {
    field_errors_add(errors, pointer, NULL, "must be an object");
    return 0;
  }
  int code = open_body(&v, token);
  if (!code)
    code = find_members(&v, token);
  if (!code)
    code = take_fields(&v, draft);
  if (code)
    return code;
  buf_add_byte(&v.body, '}');
  v.body.data[0] = '{';
  draft->body = buf_span(&v.body);
  return 0;
}
