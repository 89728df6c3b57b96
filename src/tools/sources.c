#include "tools/pages.h"

struct sources_args {
  struct call_args call;
  struct pages_args pages;
  const char *as_of;
};

static const struct option_spec specs[] = {
    {"as-of", "MOMENT", "a seq or an RFC 3339 time", OPTION_TEXT, offsetof(struct sources_args, as_of)},
    PAGES_OPTIONS(struct sources_args, "sources"),
};

static const struct call_command command = {
    .name = "sources",
    .operands = "[CONCEPT]",
    .text =
        "Who says something, how much, how trusted, and how often it is what most believe; of all sources, or those\n"
        "at or below a concept.\n",
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static void add_row(struct call *call, struct table *table, struct json_object *source) {
  if (reply_member(source, "source"))
    reply_cell(table, source, "source");
  else
    table_add_text(table, "(anonymous)");
  reply_cell(table, source, "assertions");
  reply_cell(table, source, "active");
  reply_cell_ratio(table, &call->screen, source, "trust");
  reply_cell(table, source, "tier");
  reply_cell(table, source, "topics");
  reply_cell(table, source, "agreeing");
  reply_cell_ratio(table, &call->screen, source, "agreement");
  reply_cell(table, reply_member(source, "first_seen"), "timestamp");
  reply_cell(table, reply_member(source, "last_seen"), "timestamp");
}

static int show(struct call *call) {
  static const struct table_column columns[] = {
      {"SOURCE", TABLE_SHRINK}, {"ASSERTIONS", TABLE_RIGHT}, {"ACTIVE", TABLE_RIGHT},   {"TRUST", TABLE_RIGHT},
      {"TIER", TABLE_RIGHT},    {"TOPICS", TABLE_RIGHT},     {"AGREEING", TABLE_RIGHT}, {"AGREEMENT", TABLE_RIGHT},
      {"FIRST", TABLE_PLAIN},   {"LAST", TABLE_SHRINK},
  };
  size_t count = reply_length(call->reply, "sources");
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < count; i++)
    add_row(call, table, reply_element(call->reply, "sources", i));
  if (count == 0)
    call_note(call, "There are no sources.");
  int status = call_print(call, table);
  return status < 0 ? TOOL_DONE : status;
}

int tool_sources(const struct tool *tool, int argc, char **argv) {
  struct sources_args args = {0};
  struct call call;
  struct buf target;
  target_begin(&target, "/v1/sources");
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0) {
    target_text(&target, "prefix", call_operand(&call, 0));
    target_text(&target, "as_of", args.as_of);
    status = pages_get(&call, &args.pages, &target, show);
  }
  buf_free(&target);
  return call_end(&call, status);
}
