#include "tools/pages.h"

#include <stdio.h>
#include <string.h>

/* The cursor of the next page, of an answer that was printed with --json too; "" after the last one. */
static int next_cursor(struct call *call, char cursor[PAGES_CURSOR_SIZE], struct err *err) {
  struct json_object *reply = NULL;
  int rc = reply_parse(buf_span(&call->answer.body), &reply, err);
  if (rc)
    return rc;
  const char *next = reply_text(reply, "next_cursor");
  if (strlen(next) >= PAGES_CURSOR_SIZE)
    rc = err_set(err, ERR_IO, "the cursor is too long");
  else
    memcpy(cursor, next, strlen(next) + 1);
  reply_free(reply);
  return rc;
}

int pages_run(struct call *call, const struct pages_args *args, pages_ask *ask, void *context) {
  char cursor[PAGES_CURSOR_SIZE] = "";
  struct err err;
  int status;
  if (args->cursor && strlen(args->cursor) >= sizeof(cursor))
    return call_usage(call, "--cursor is too long");
  if (args->cursor)
    memcpy(cursor, args->cursor, strlen(args->cursor) + 1);
  const char *from = args->cursor ? cursor : NULL;
  do {
    status = ask(call, from, context);
    if (status == TOOL_DONE && next_cursor(call, cursor, &err))
      status = call_fail(call, &err);
    from = cursor;
  } while (status == TOOL_DONE && args->all && *cursor);
  if (status == TOOL_DONE && *cursor)
    fprintf(stderr, "There is more: --all, or --cursor %s\n", cursor);
  return status;
}

/* What pages_get knows while pages are read. */
struct list {
  const struct pages_args *args;
  const struct buf *target;
  pages_show *show;
};

static int ask_list(struct call *call, const char *cursor, void *context) {
  const struct list *list = context;
  struct buf target;
  target_begin(&target, (const char *)list->target->data);
  target_count(&target, "limit", list->args->limit);
  target_text(&target, "cursor", cursor);
  int status = call_get(call, &target);
  buf_free(&target);
  return status < 0 ? list->show(call) : status;
}

int pages_get(struct call *call, const struct pages_args *args, const struct buf *target, pages_show *show) {
  struct list list = {args, target, show};
  struct err err;
  return buf_check(target, "the request", &err) ? call_fail(call, &err) : pages_run(call, args, ask_list, &list);
}
