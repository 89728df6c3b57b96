#include "tools/query_show.h"

#include <stdio.h>
#include <string.h>

#include "tools/explain_show.h"

/* The answer's concept need not stand in each row on a terminal, unless it is one of many. */
static bool many_concepts(struct call *call) {
  const char *asked = reply_text(call->reply, "concept_path");
  for (size_t i = 0; i < reply_length(call->reply, "assertions"); i++) {
    struct json_object *assertion = reply_element(call->reply, "assertions", i);
    if (!reply_member(assertion, "kind") && strcmp(asked, reply_text(assertion, "concept_path")) != 0)
      return true;
  }
  return false;
}

static void add_resolved(struct call *call, struct table *table, struct json_object *topic) {
  reply_cell(table, topic, "concept_path");
  reply_cell(table, topic, "predicate");
  reply_cell_json(table, topic, "value");
  reply_cell_ratio(table, &call->screen, topic, "confidence");
  reply_cell_ratio(table, &call->screen, topic, "conflict");
  reply_cell(table, topic, "status");
  reply_cell(table, topic, "winner");
}

static int show_resolved(struct call *call, bool many) {
  const struct table_column columns[] = {{"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"VALUE", TABLE_SHRINK},
                                         {"CONFIDENCE", TABLE_RIGHT},
                                         {"CONFLICT", TABLE_RIGHT},
                                         {"STATUS", 0},
                                         {"WINNER", TABLE_PLAIN}};
  size_t count = reply_length(call->reply, "resolved");
  struct table *table = table_create("resolved", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < count; i++)
    add_resolved(call, table, reply_element(call->reply, "resolved", i));
  if (count)
    call_title(call, "Resolved");
  return call_print(call, table);
}

/* What a lens tells of a topic beside its winner: an array of {value, share or confidence, sources}. */
static int show_groups(struct call *call, bool many, const char *member, const char *record, const char *weight,
                       const char *heading) {
  const struct table_column columns[] = {{"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"VALUE", TABLE_SHRINK},
                                         {strcmp(weight, "share") == 0 ? "SHARE" : "CONFIDENCE", TABLE_RIGHT},
                                         {"SOURCES", TABLE_SHRINK}};
  struct table *table = table_create(record, columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "resolved"); i++) {
    struct json_object *topic = reply_element(call->reply, "resolved", i);
    for (size_t j = 0; j < reply_length(topic, member); j++) {
      struct json_object *group = reply_element(topic, member, j);
      reply_cell(table, topic, "concept_path");
      reply_cell(table, topic, "predicate");
      reply_cell_json(table, group, "value");
      reply_cell_ratio(table, &call->screen, group, weight);
      reply_cell_list(table, group, "sources");
    }
  }
  if (table && table_rows(table))
    call_title(call, heading);
  return call_print(call, table);
}

static int show_layers(struct call *call, bool many) {
  const struct table_column columns[] = {{"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"TIER", TABLE_RIGHT},
                                         {"VALUE", TABLE_SHRINK},
                                         {"CONFIDENCE", TABLE_RIGHT},
                                         {"CONFLICT", TABLE_RIGHT},
                                         {"STATUS", 0},
                                         {"WINNER", TABLE_PLAIN}};
  struct table *table = table_create("layer", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "resolved"); i++) {
    struct json_object *topic = reply_element(call->reply, "resolved", i);
    for (size_t j = 0; j < reply_length(topic, "layers"); j++) {
      struct json_object *layer = reply_element(topic, "layers", j);
      reply_cell(table, topic, "concept_path");
      reply_cell(table, topic, "predicate");
      reply_cell(table, layer, "tier");
      reply_cell_json(table, layer, "value");
      reply_cell_ratio(table, &call->screen, layer, "confidence");
      reply_cell_ratio(table, &call->screen, layer, "conflict");
      reply_cell(table, layer, "status");
      reply_cell(table, layer, "winner");
    }
  }
  if (table && table_rows(table))
    call_title(call, "Layers");
  return call_print(call, table);
}

/* A retraction or a reinstatement on a timeline, with its reason in place of a value. */
static void add_event(struct table *table, struct json_object *event) {
  struct json_object *request = reply_member(event, "request");
  reply_cell(table, event, "seq");
  reply_cell(table, request, "concept_path");
  reply_cell(table, request, "predicate");
  reply_cell_json(table, request, "reason");
  table_add_text(table, "");
  reply_cell(table, request, "source");
  reply_cell(table, event, "kind");
  reply_cell(table, event, "timestamp");
  reply_cell(table, event, "id");
}

static void add_assertion(struct call *call, struct table *table, struct json_object *assertion) {
  reply_cell(table, assertion, "seq");
  reply_cell(table, assertion, "concept_path");
  reply_cell(table, assertion, "predicate");
  reply_cell_json(table, assertion, "value");
  if (reply_member(assertion, "confidence"))
    reply_cell_ratio(table, &call->screen, assertion, "confidence");
  else
    table_add_text(table, "1");
  reply_cell(table, assertion, "source");
  reply_cell(table, assertion, "status");
  reply_cell(table, assertion, "timestamp");
  reply_cell(table, assertion, "id");
}

static int show_assertions(struct call *call, bool many) {
  const struct table_column columns[] = {{"SEQ", TABLE_RIGHT},
                                         {"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"VALUE", TABLE_SHRINK},
                                         {"CONFIDENCE", TABLE_RIGHT},
                                         {"SOURCE", TABLE_SHRINK},
                                         {"STATUS", 0},
                                         {"TIMESTAMP", TABLE_PLAIN},
                                         {"ID", TABLE_PLAIN}};
  size_t count = reply_length(call->reply, "assertions");
  struct table *table = table_create("assertion", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < count; i++) {
    struct json_object *assertion = reply_element(call->reply, "assertions", i);
    if (reply_member(assertion, "kind"))
      add_event(table, assertion);
    else
      add_assertion(call, table, assertion);
  }
  if (count)
    call_title(call, "Assertions");
  return call_print(call, table);
}

int query_show(struct call *call) {
  bool many = many_concepts(call);
  struct json_object *as_of = reply_member(call->reply, "as_of");
  call_note(call, "%s, lens %s, as of seq %llu (%s)", reply_text(call->reply, "concept_path"),
            reply_text(call->reply, "lens"), (unsigned long long)reply_count(as_of, "seq"),
            reply_text(as_of, "timestamp"));
  if (reply_length(call->reply, "assertions") == 0)
    call_note(call, "Nothing is asserted.");
  int status = show_resolved(call, many);
  if (status < 0)
    status = show_groups(call, many, "candidates", "candidate", "share", "Candidates");
  if (status < 0)
    status = show_groups(call, many, "values", "value", "confidence", "Values");
  if (status < 0)
    status = show_layers(call, many);
  if (status < 0)
    status = explain_show(call, many);
  if (status < 0)
    status = show_assertions(call, many);
  return status < 0 ? TOOL_DONE : status;
}
