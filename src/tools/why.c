#include <string.h>

#include "tools/pages.h"

struct why_args {
  struct call_args call;
  struct pages_args pages;
  const char *direction, *as_of;
};

static const struct option_spec specs[] = {
    {"direction", "DIRECTION", "rests_on, supports or both", OPTION_TEXT, offsetof(struct why_args, direction)},
    {"as-of", "MOMENT", "a seq or an RFC 3339 time", OPTION_TEXT, offsetof(struct why_args, as_of)},
    PAGES_OPTIONS(struct why_args, "assertions"),
};

static const struct call_command command = {
    .name = "why",
    .operands = "ID|SEQ",
    .text = "What an assertion rests on, and what rests on it, nearest first.\n",
    .operands_least = 1,
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

/* `step` is {depth, via, assertion}, or NULL for the assertion that was asked for. */
static void add_row(struct call *call, struct table *table, const char *direction, struct json_object *step) {
  struct json_object *assertion = reply_member(step ? step : call->reply, "assertion");
  table_add_text(table, direction);
  if (step)
    reply_cell(table, step, "depth");
  else
    table_add_text(table, "0");
  reply_cell(table, assertion, "seq");
  reply_cell(table, assertion, "concept_path");
  reply_cell(table, assertion, "predicate");
  reply_cell_json(table, assertion, "value");
  reply_cell(table, assertion, "source");
  reply_cell(table, assertion, "status");
  reply_cell(table, assertion, "id");
  reply_cell(table, step, "via");
}

static int show(struct call *call) {
  static const struct table_column columns[] = {
      {"WHAT", 0},
      {"DEPTH", TABLE_RIGHT},
      {"SEQ", TABLE_RIGHT},
      {"CONCEPT", TABLE_SHRINK},
      {"PREDICATE", TABLE_SHRINK},
      {"VALUE", TABLE_SHRINK},
      {"SOURCE", TABLE_SHRINK},
      {"STATUS", 0},
      {"ID", TABLE_PLAIN},
      {"VIA", TABLE_PLAIN},
  };
  static const char *const directions[] = {"rests_on", "supports"};
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  if (table)
    add_row(call, table, "assertion", NULL);
  for (size_t i = 0; table && i < 2; i++)
    for (size_t j = 0; j < reply_length(call->reply, directions[i]); j++)
      add_row(call, table, directions[i], reply_element(call->reply, directions[i], j));
  int status = call_print(call, table);
  if (status < 0 && strcmp(reply_text(reply_member(call->reply, "assertion"), "status"), "retracted") == 0)
    call_note(call, "Retracted: %s",
              reply_text(reply_member(reply_member(call->reply, "assertion"), "retraction"), "reason"));
  return status < 0 ? TOOL_DONE : status;
}

int tool_why(const struct tool *tool, int argc, char **argv) {
  struct why_args args = {0};
  struct call call;
  struct buf target;
  char id[CALL_ID_SIZE];
  target_begin(&target, "/v1/why");
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0)
    status = call_find_id(&call, call_operand(&call, 0), id);
  if (status < 0) {
    target_segment(&target, id);
    target_text(&target, "direction", args.direction);
    target_text(&target, "as_of", args.as_of);
    status = pages_get(&call, &args.pages, &target, show);
  }
  buf_free(&target);
  return call_end(&call, status);
}
