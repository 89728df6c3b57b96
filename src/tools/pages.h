/* Answers that come in pages: the options that go with them, and reading one page or all. */
#ifndef TOOLS_PAGES_H
#define TOOLS_PAGES_H

#include "tools/call.h"

enum { PAGES_CURSOR_SIZE = 1024 };

struct pages_args {
  struct option_count limit;
  const char *cursor;
  bool all;
};

/* Three lines of a table of options, for a struct whose member `pages` is a struct pages_args. */
#define PAGES_OPTIONS(type, what)                                                                                      \
  {"limit", "N", what " of a page, 1 to 1000; 100 if absent", OPTION_COUNT, offsetof(type, pages.limit)},              \
      {"cursor", "CURSOR", "the page that begins there", OPTION_TEXT, offsetof(type, pages.cursor)}, {                 \
    "all", NULL, "all pages, one after the other", OPTION_FLAG, offsetof(type, pages.all)                              \
  }

/* Asks for the page at a cursor (NULL: the first) and shows it; returns the exit status. */
typedef int pages_ask(struct call *call, const char *cursor, void *context);

/* Reads the page that was asked for, or all from it on, and says on standard error if there is more. Returns the exit
 * status. */
int pages_run(struct call *call, const struct pages_args *args, pages_ask *ask, void *context);

/* Shows call->reply; returns the exit status. */
typedef int pages_show(struct call *call);
/* The same where a page is the answer to a GET of `target`, to which limit and cursor are added here. */
int pages_get(struct call *call, const struct pages_args *args, const struct buf *target, pages_show *show);

#endif
