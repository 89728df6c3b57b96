#include "api/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/canonical.h"
#include "model/timestamp.h"

static const struct span no_parent = {(const unsigned char *)"", 0};

static const struct field *find_field(const struct field *fields, size_t count, struct span name) {
  for (size_t i = 0; i < count; i++)
    if (span_equal(span_str(fields[i].name), name))
      return &fields[i];
  return NULL;
}

void field_fault(const struct field_input *input, const char *fmt, ...) {
  char detail[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(detail, sizeof(detail), fmt, args);
  va_end(args);
  field_errors_add(input->errors, no_parent, input->name, "%s", detail);
}

/* An unknown name comes from the client: it may hold what a C string cannot. */
static int add_unknown(struct arena *arena, struct field_errors *errors, struct span name, struct err *err) {
  struct span pointer = field_pointer(arena, no_parent, name);
  if (!pointer.data)
    return err_set(err, ERR_NOMEM, "no memory for the fields");
  field_errors_add(errors, pointer, NULL, "unknown field");
  return 0;
}

/* Reads one value; `seen` has a bit for each line of the table. */
static int read_field(struct field_input *input, const struct field *fields, const struct field *field, uint64_t *seen,
                      void *target, struct err *err) {
  uint64_t bit = UINT64_C(1) << (field - fields);
  input->name = field->name;
  if (*seen & bit) {
    field_fault(input, "given twice");
    return 0;
  }
  *seen |= bit;
  return field->read(input, target, err);
}

static void add_missing(const struct field *fields, size_t count, uint64_t seen, struct field_errors *errors) {
  for (size_t i = 0; i < count; i++)
    if ((fields[i].flags & FIELD_REQUIRED) && !(seen & UINT64_C(1) << i))
      field_errors_add(errors, no_parent, fields[i].name, "missing");
}

int fields_read_object(struct arena *arena, const struct json_doc *doc, const struct field *fields, size_t count,
                       struct field_errors *errors, void *target, struct err *err) {
  struct field_input input = {.arena = arena, .errors = errors, .doc = doc};
  uint64_t seen = 0;
  uint32_t name = 1;
  for (uint32_t i = 0; i < doc->tokens[0].count; i++) {
    struct span text;
    int rc = json_string(arena, doc, name, &text, err);
    if (rc)
      return rc;
    const struct field *field = find_field(fields, count, text);
    input.token = name + 1;
    rc = field ? read_field(&input, fields, field, &seen, target, err) : add_unknown(arena, errors, text, err);
    if (rc)
      return rc;
    name = doc->tokens[name + 1].next;
  }
  add_missing(fields, count, seen, errors);
  return 0;
}

int fields_read_query(struct arena *arena, struct span query_string, const struct field *fields, size_t count,
                      struct field_errors *errors, void *target, struct err *err) {
  struct field_input input = {.arena = arena, .errors = errors};
  struct parameter *parameters;
  size_t parameter_count;
  uint64_t seen = 0;
  int rc = request_parameters(arena, query_string, &parameters, &parameter_count, err);
  for (size_t i = 0; !rc && i < parameter_count; i++) {
    const struct field *field = find_field(fields, count, parameters[i].name);
    input.text = parameters[i].value;
    rc = field ? read_field(&input, fields, field, &seen, target, err)
               : add_unknown(arena, errors, parameters[i].name, err);
  }
  if (!rc)
    add_missing(fields, count, seen, errors);
  return rc;
}

int field_string(const struct field_input *input, struct span *out, bool *good, struct err *err) {
  *good = true;
  if (!input->doc) {
    *out = input->text;
    return 0;
  }
  if (input->doc->tokens[input->token].type != JSON_STRING) {
    field_fault(input, "must be a string");
    *good = false;
    return 0;
  }
  return json_string(input->arena, input->doc, input->token, out, err);
}

int field_boolean(const struct field_input *input, bool *out, struct err *err) {
  (void)err;
  const struct span text = input->doc ? json_raw(input->doc, input->token) : input->text;
  const bool word = !input->doc || input->doc->tokens[input->token].type != JSON_STRING;
  *out = word && span_equal(text, span_str("true"));
  if (!*out && !(word && span_equal(text, span_str("false"))))
    field_fault(input, "must be true or false");
  return 0;
}

bool field_is_number(const struct field_input *input) {
  if (input->doc)
    return input->doc->tokens[input->token].type == JSON_NUMBER;
  /* A parameter is a number when the JSON grammar says so and it is one alone, without space around it. */
  struct json_doc doc;
  struct json_fault fault;
  struct err err;
  return json_parse(input->arena, input->text, &doc, &fault, &err) == 0 && doc.tokens[0].type == JSON_NUMBER &&
         json_raw(&doc, 0).len == input->text.len;
}

/* The number in canonical form; *good is false, with a fault added, if it is none or cannot be kept exactly. */
static void read_canonical(const struct field_input *input, const char *kind, char out[40], bool *good) {
  struct span text = input->doc ? json_raw(input->doc, input->token) : input->text;
  *good = field_is_number(input) && canonical_number(text, out);
  if (!*good)
    field_fault(input, "must be %s", kind);
}

int field_integer(const struct field_input *input, uint64_t least, uint64_t greatest, uint64_t *out, bool *good,
                  struct err *err) {
  (void)err;
  char text[40];
  read_canonical(input, "an integer", text, good);
  if (!*good)
    return 0;
  uint64_t value = 0;
  bool whole = text[strspn(text, "-0123456789")] == '\0';
  bool fits = text[0] != '-';
  if (whole && fits)
    for (const char *p = text; *p; p++)
      fits = fits && !__builtin_mul_overflow(value, UINT64_C(10), &value) &&
             !__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
  if (!whole)
    field_fault(input, "must be an integer");
  else if (!fits || value < least || value > greatest)
    field_fault(input, "must be between %llu and %llu", (unsigned long long)least, (unsigned long long)greatest);
  *good = whole && fits && value >= least && value <= greatest;
  *out = value;
  return 0;
}

int field_number(const struct field_input *input, double least, double greatest, double *out, bool *good,
                 struct err *err) {
  (void)err;
  char text[40];
  read_canonical(input, "a number", text, good);
  if (!*good)
    return 0;
  *out = strtod(text, NULL);
  *good = *out >= least && *out <= greatest;
  if (!*good)
    field_fault(input, "must be between %g and %g", least, greatest);
  return 0;
}

int field_moment(const struct field_input *input, struct moment *out, bool *good, struct err *err) {
  struct span text;
  const char *reason;
  if (field_is_number(input)) {
    out->kind = MOMENT_SEQ;
    return field_integer(input, 0, UINT64_MAX, &out->seq, good, err);
  }
  if (input->doc && input->doc->tokens[input->token].type != JSON_STRING) {
    field_fault(input, "must be a seq (number) or an RFC 3339 time (string)");
    *good = false;
    return 0;
  }
  int rc = field_string(input, &text, good, err);
  if (rc || !*good)
    return rc;
  out->kind = MOMENT_TIME;
  *good = timestamp_parse(text, &out->time_us, &reason);
  if (!*good)
    field_fault(input, "neither a seq nor an RFC 3339 time: %s", reason);
  return 0;
}
