#include "api/query_fields.h"

#include <stdio.h>

#include "api/fields.h"
#include "api/query_sources.h"
#include "model/name.h"
#include "model/timestamp.h"

/* --- one reader for each field, for POST and GET alike --- */

/* Reads a string and checks it by one of model/name.h's rules. */
static int read_name(const struct field_input *input, const char *(*fault_of)(struct span), struct span *out,
                     struct err *err) {
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const char *fault = fault_of(text);
  if (fault)
    field_fault(input, "%s", fault);
  else
    *out = text;
  return 0;
}

static int read_concept_path(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return read_name(input, name_path_fault, &query->concept_path, err);
}

static int read_predicate(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return read_name(input, name_predicate_fault, &query->predicate, err);
}

/* null, or an empty text: only what nobody named a source for. */
static int read_source(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  query->has_source = true;
  query->source = span_str("");
  if (input->doc ? input->doc->tokens[input->token].type == JSON_NULL : input->text.len == 0)
    return 0;
  return read_name(input, name_path_fault, &query->source, err);
}

static int read_match(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  struct span text;
  bool good;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  query->subtree = span_equal(text, span_str("subtree"));
  if (!query->subtree && !span_equal(text, span_str("exact")))
    field_fault(input, "must be \"exact\" or \"subtree\"");
  return 0;
}

/* The names of all lenses, for people. */
static void list_lenses(char *out, size_t size) {
  size_t count;
  const struct lens *lenses = lens_table(&count);
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; i < count && len < size; i++)
    len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", lenses[i].name);
}

static int read_lens(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  struct span text;
  bool good;
  char names[160];
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  const struct lens *lens = lens_find(text);
  list_lenses(names, sizeof(names));
  if (lens)
    query->lens = lens;
  else
    field_fault(input, "must be one of %s", names);
  return 0;
}

static int read_as_of(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_moment(input, &query->as_of, &good, err);
}

static int read_valid_at(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  struct span text;
  bool good;
  const char *reason;
  int rc = field_string(input, &text, &good, err);
  if (rc || !good)
    return rc;
  query->has_valid_at = true;
  if (!timestamp_parse(text, &query->valid_at, &reason))
    field_fault(input, "not an RFC 3339 time: %s", reason);
  return 0;
}

static int read_decay(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return field_boolean(input, &query->decay, err);
}

static int read_include_retracted(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return field_boolean(input, &query->include_retracted, err);
}

static int read_aliases(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return field_boolean(input, &query->aliases, err);
}

static int read_explain(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return field_boolean(input, &query->explain, err);
}

static int read_min_confidence(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_number(input, 0, 1, &query->min_confidence, &good, err);
}

static int read_limit(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  uint64_t limit = 0;
  bool good;
  int rc = field_integer(input, 1, QUERY_LIMIT_MAX, &limit, &good, err);
  query->limit = (uint32_t)limit;
  return rc;
}

static int read_cursor(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  bool good;
  return field_string(input, &query->cursor, &good, err);
}

static int read_excluded(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return query_read_excluded(input, query, err);
}

static int read_overrides(const struct field_input *input, void *target, struct err *err) {
  struct query *query = target;
  return query_read_overrides(input, query, err);
}

static const struct field query_fields[] = {
    {"concept_path", FIELD_REQUIRED, read_concept_path},
    {"match", 0, read_match},
    {"predicate", 0, read_predicate},
    {"source", 0, read_source},
    {"lens", 0, read_lens},
    {"as_of", 0, read_as_of},
    {"valid_at", 0, read_valid_at},
    {"decay", 0, read_decay},
    {"min_confidence", 0, read_min_confidence},
    {"include_retracted", 0, read_include_retracted},
    {"exclude_sources", 0, read_excluded},
    {"trust_override", 0, read_overrides},
    {"aliases", 0, read_aliases},
    {"explain", 0, read_explain},
    {"limit", 0, read_limit},
    {"cursor", 0, read_cursor},
};

enum { QUERY_FIELD_COUNT = sizeof(query_fields) / sizeof(query_fields[0]) };

static void begin(struct query *query) {
  *query = (struct query){.lens = lens_find(span_str("recency")), .limit = QUERY_LIMIT_DEFAULT};
}

/* What two fields together must not say. */
static void check_together(const struct query *query, struct field_errors *errors) {
  if (query->aliases && query->subtree)
    field_errors_add(errors, span_str(""), "aliases", "goes with \"match\": \"exact\" only");
}

int query_fields_read_object(struct arena *arena, const struct json_doc *doc, struct field_errors *errors,
                             struct query *query, struct err *err) {
  begin(query);
  int rc = fields_read_object(arena, doc, query_fields, QUERY_FIELD_COUNT, errors, query, err);
  check_together(query, errors);
  return rc;
}

int query_fields_read_parameters(struct arena *arena, struct span query_string, struct field_errors *errors,
                                 struct query *query, struct err *err) {
  begin(query);
  int rc = fields_read_query(arena, query_string, query_fields, QUERY_FIELD_COUNT, errors, query, err);
  check_together(query, errors);
  return rc;
}
