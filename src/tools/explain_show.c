#include "tools/explain_show.h"

static void add_considered(struct call *call, struct table *table, struct json_object *topic,
                           struct json_object *item) {
  reply_cell(table, topic, "concept_path");
  reply_cell(table, topic, "predicate");
  reply_cell(table, item, "seq");
  reply_cell(table, item, "source");
  reply_cell_json(table, item, "value");
  reply_cell_ratio(table, &call->screen, item, "confidence");
  reply_cell_ratio(table, &call->screen, item, "trust");
  reply_cell(table, item, "tier");
  reply_cell_ratio(table, &call->screen, item, "weight");
  if (reply_member(item, "superseded_by"))
    table_add_text(table, "superseded");
  else
    reply_cell(table, item, "group");
  reply_cell(table, item, "id");
}

static int show_considered(struct call *call, bool many) {
  const struct table_column columns[] = {{"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"SEQ", TABLE_RIGHT},
                                         {"SOURCE", TABLE_SHRINK},
                                         {"VALUE", TABLE_SHRINK},
                                         {"CONFIDENCE", TABLE_RIGHT},
                                         {"TRUST", TABLE_RIGHT},
                                         {"TIER", TABLE_RIGHT},
                                         {"WEIGHT", TABLE_RIGHT},
                                         {"GROUP", 0},
                                         {"ID", TABLE_PLAIN}};
  struct table *table = table_create("considered", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "resolved"); i++) {
    struct json_object *topic = reply_element(call->reply, "resolved", i);
    struct json_object *explain = reply_member(topic, "explain");
    for (size_t j = 0; j < reply_length(explain, "considered"); j++)
      add_considered(call, table, topic, reply_element(explain, "considered", j));
  }
  if (table && table_rows(table))
    call_title(call, "Considered");
  return call_print(call, table);
}

static int show_left_out(struct call *call, bool many) {
  const struct table_column columns[] = {{"CONCEPT", many ? TABLE_SHRINK : TABLE_PLAIN},
                                         {"PREDICATE", TABLE_SHRINK},
                                         {"SEQ", TABLE_RIGHT},
                                         {"SOURCE", TABLE_SHRINK},
                                         {"REASON", 0},
                                         {"ID", TABLE_PLAIN}};
  struct table *table = table_create("left_out", columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "resolved"); i++) {
    struct json_object *topic = reply_element(call->reply, "resolved", i);
    struct json_object *explain = reply_member(topic, "explain");
    for (size_t j = 0; j < reply_length(explain, "left_out"); j++) {
      struct json_object *item = reply_element(explain, "left_out", j);
      reply_cell(table, topic, "concept_path");
      reply_cell(table, topic, "predicate");
      reply_cell(table, item, "seq");
      reply_cell(table, item, "source");
      reply_cell(table, item, "reason");
      reply_cell(table, item, "id");
    }
  }
  if (table && table_rows(table))
    call_title(call, "Left out");
  return call_print(call, table);
}

int explain_show(struct call *call, bool many) {
  int status = show_considered(call, many);
  return status < 0 ? show_left_out(call, many) : status;
}
