#include "tools/pages.h"

struct retractions_args {
  struct call_args call;
  struct pages_args pages;
  const char *as_of;
};

static const struct option_spec specs[] = {
    {"as-of", "MOMENT", "a seq or an RFC 3339 time", OPTION_TEXT, offsetof(struct retractions_args, as_of)},
    PAGES_OPTIONS(struct retractions_args, "retractions"),
};

static const struct call_command command = {
    .name = "retractions",
    .operands = "",
    .text = "The retractions, newest first: what was retracted and why, and whether it stands.\n",
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static void add_row(struct table *table, struct json_object *retraction) {
  struct json_object *reinstated = reply_member(retraction, "reinstated");
  reply_cell(table, retraction, "seq");
  reply_cell(table, retraction, "timestamp");
  reply_cell(table, retraction, "status");
  reply_cell(table, retraction, "retracted_count");
  reply_cell(table, retraction, "cascaded_count");
  reply_cell(table, retraction, "reason");
  reply_cell(table, retraction, "recorded_by");
  reply_cell(table, retraction, "request");
  reply_cell(table, retraction, "retraction_id");
  reply_cell(table, reinstated, "seq");
  reply_cell(table, reinstated, "reason");
}

static int show(struct call *call) {
  static const struct table_column columns[] = {
      {"SEQ", TABLE_RIGHT},       {"TIMESTAMP", TABLE_SHRINK}, {"STATUS", 0},
      {"RETRACTED", TABLE_RIGHT}, {"CASCADED", TABLE_RIGHT},   {"REASON", TABLE_SHRINK},
      {"BY", TABLE_SHRINK},       {"REQUEST", TABLE_PLAIN},    {"ID", TABLE_PLAIN},
      {"UNDONE", TABLE_RIGHT},    {"BECAUSE", TABLE_SHRINK},
  };
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < reply_length(call->reply, "retractions"); i++)
    add_row(table, reply_element(call->reply, "retractions", i));
  if (reply_length(call->reply, "retractions") == 0)
    call_note(call, "There are no retractions.");
  int status = call_print(call, table);
  return status < 0 ? TOOL_DONE : status;
}

int tool_retractions(const struct tool *tool, int argc, char **argv) {
  struct retractions_args args = {0};
  struct call call;
  struct buf target;
  target_begin(&target, "/v1/retractions");
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0) {
    target_text(&target, "as_of", args.as_of);
    status = pages_get(&call, &args.pages, &target, show);
  }
  buf_free(&target);
  return call_end(&call, status);
}
