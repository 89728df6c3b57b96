#include "tools/pages.h"

struct concepts_args {
  struct call_args call;
  struct pages_args pages;
};

static const struct option_spec specs[] = {PAGES_OPTIONS(struct concepts_args, "children")};

static const struct call_command command = {
    .name = "concepts",
    .operands = "[CONCEPT]",
    .text = "The tree of concepts, a level at a time: the children of a concept, or the roots, with the numbers of\n"
            "their own assertions (a + says that there are more) and of those below them.\n",
    .operands_most = 1,
    .specs = specs,
    .spec_count = sizeof(specs) / sizeof(specs[0]),
    .wait_s = 30,
};

static void add_row(struct table *table, const char *what, const char *path, struct json_object *concept) {
  struct buf own;
  buf_init(&own, REPLY_CELL_MAX);
  reply_show(&own, reply_member(concept, "own"));
  if (reply_is_true(concept, "own_more"))
    buf_add_byte(&own, '+');
  table_add_text(table, what);
  table_add_text(table, path);
  table_add(table, buf_span(&own));
  reply_cell(table, concept, "below");
  buf_free(&own);
}

static int show(struct call *call) {
  static const struct table_column columns[] = {
      {"WHAT", 0}, {"CONCEPT", TABLE_SHRINK}, {"OWN", TABLE_RIGHT}, {"BELOW", TABLE_RIGHT}};
  const char *prefix = reply_text(call->reply, "prefix");
  size_t count = reply_length(call->reply, "children");
  struct table *table = table_create(NULL, columns, sizeof(columns) / sizeof(columns[0]));
  if (table && *prefix)
    add_row(table, "concept", prefix, call->reply);
  for (size_t i = 0; table && i < count; i++) {
    struct json_object *child = reply_element(call->reply, "children", i);
    add_row(table, "child", reply_text(child, "concept_path"), child);
  }
  if (count == 0 && !*prefix)
    call_note(call, "There are no concepts.");
  int status = call_print(call, table);
  return status < 0 ? TOOL_DONE : status;
}

int tool_concepts(const struct tool *tool, int argc, char **argv) {
  struct concepts_args args = {0};
  struct call call;
  struct buf target;
  target_begin(&target, "/v1/concepts");
  int status = call_begin(&call, tool, &command, argc, argv, &args.call);
  if (status < 0) {
    target_text(&target, "prefix", call_operand(&call, 0));
    status = pages_get(&call, &args.pages, &target, show);
  }
  buf_free(&target);
  return call_end(&call, status);
}
