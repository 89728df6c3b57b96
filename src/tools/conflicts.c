#include "tools/pages.h"

struct conflicts_args {
  struct call_args call;
  struct pages_args pages;
  const char *predicate, *min_conflict, *as_of;
};

static const struct option_spec specs[] = {
    {"min-conflict", "NUMBER", "from 0 to 1: only what is at least so contested; 0.5 if absent", OPTION_NUMBER,
     offsetof(struct conflicts_args, min_conflict)},
    {"predicate", "NAME", "only this predicate", OPTION_TEXT, offsetof(struct conflicts_args, predicate)},
    {"as-of", "MOMENT", "a seq or an RFC 3339 time", OPTION_TEXT, offsetof(struct conflicts_args, as_of)},
    PAGES_OPTIONS(struct conflicts_args, "topics"),
};

static const struct call_command command = {
    .name = "conflicts",
    .operands = "[CONCEPT]",
    .text = "What sources disagree about, most contested first; of a concept and all below it, or of all.\n",
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

/* "value" share, of every candidate. */
static void add_candidates(struct call *call, struct table *table, struct json_object *topic) {
  struct buf text;
  buf_init(&text, REPLY_CELL_MAX);
  for (size_t i = 0; i < reply_length(topic, "candidates"); i++) {
    struct json_object *candidate = reply_element(topic, "candidates", i);
    buf_add_str(&text, i ? ", " : "");
    reply_show_json(&text, candidate, "value");
    buf_add_byte(&text, ' ');
    reply_show_ratio(&text, &call->screen, candidate, "share");
  }
  table_add(table, buf_span(&text));
  buf_free(&text);
}

static int show(struct call *call) {
  static const struct table_column columns[] = {{"CONCEPT", TABLE_SHRINK}, {"PREDICATE", TABLE_SHRINK},
                                                {"CONFLICT", TABLE_RIGHT}, {"STATUS", 0},
                                                {"VALUES", TABLE_SHRINK},  {"WINNER", TABLE_PLAIN}};
  size_t count = reply_length(call->reply, "conflicts");
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  for (size_t i = 0; table && i < count; i++) {
    struct json_object *topic = reply_element(call->reply, "conflicts", i);
    reply_cell(table, topic, "concept_path");
    reply_cell(table, topic, "predicate");
    reply_cell_ratio(table, &call->screen, topic, "conflict");
    reply_cell(table, topic, "status");
    add_candidates(call, table, topic);
    reply_cell(table, topic, "winner");
  }
  if (count == 0)
    call_note(call, "No conflicts.");
  int status = call_print(call, table);
  return status < 0 ? TOOL_DONE : status;
}

int tool_conflicts(const struct tool *tool, int argc, char **argv) {
  struct conflicts_args args = {0};
  struct call call;
  struct buf target;
  target_begin(&target, "/v1/conflicts");
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0) {
    target_text(&target, "prefix", call_operand(&call, 0));
    target_text(&target, "predicate", args.predicate);
    target_text(&target, "min_conflict", args.min_conflict);
    target_text(&target, "as_of", args.as_of);
    status = pages_get(&call, &args.pages, &target, show);
  }
  buf_free(&target);
  return call_end(&call, status);
}
