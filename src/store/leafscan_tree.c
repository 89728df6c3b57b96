#include <stdlib.h>

#include "base/bytes.h"
#include "store/leafscan_internal.h"

/* A walk down a tree that may be anything: bounded by its depth and by a mark on each page. */
enum { DEPTH_MAX = 32 };

struct tree_walk {
  struct leafscan *scan;
  unsigned char *seen;  /* a bit a page */
  unsigned char *pages; /* DEPTH_MAX internal pages */
  size_t leaves;        /* reached so far */
  uint32_t page;        /* where something is wrong, and: */
  const char *what;     /* NULL: nothing */
};

static int blame(struct tree_walk *w, uint32_t page, const char *what) {
  w->page = page;
  w->what = what;
  return 0;
}

static bool see(struct tree_walk *w, uint32_t number) {
  unsigned char bit = (unsigned char)(1u << (number & 7));
  if (w->seen[number / 8] & bit)
    return false;
  w->seen[number / 8] |= bit;
  return true;
}

static int visit_leaf(struct tree_walk *w, uint32_t number, const unsigned char *page) {
  const struct leafscan *scan = w->scan;
  if (bdb_u16(page + PAGE_ENTRIES_AT) == 0)
    return 0;
  if (w->leaves >= scan->count || scan->leaves[w->leaves].page != number)
    return blame(w, number, "the tree does not reach this page in the order of its keys");
  w->leaves++;
  return 0;
}

static int visit(struct tree_walk *w, uint32_t number, unsigned level, size_t depth, struct err *err);

static int visit_children(struct tree_walk *w, uint32_t number, const unsigned char *page, size_t depth,
                          struct err *err) {
  uint32_t entries = bdb_u16(page + PAGE_ENTRIES_AT);
  unsigned level = page[PAGE_LEVEL_AT];
  for (uint32_t i = 0; i < entries && !w->what; i++) {
    const unsigned char *item;
    size_t room;
    if (!leafscan_item(page, w->scan->page_size, i, &item, &room) || room < ITEM_OVERFLOW_SIZE)
      return blame(w, number, "an item lies outside of its page");
    if (visit(w, bdb_u32(item + ITEM_CHILD_AT), level - 1, depth + 1, err))
      return err->code;
  }
  return 0;
}

/* `level` 0: any, at the root. */
static int visit(struct tree_walk *w, uint32_t number, unsigned level, size_t depth, struct err *err) {
  const unsigned char *page;
  if (leafscan_page(w->scan, number, &page, err))
    return err->code;
  if (!page)
    return blame(w, number, "the tree leads to a page that is not there");
  if (!see(w, number))
    return blame(w, number, "the tree leads to this page twice");
  if (page[PAGE_TYPE_AT] == PAGE_LEAF && (level == 0 || level == 1))
    return visit_leaf(w, number, page);
  if (page[PAGE_TYPE_AT] != PAGE_INTERNAL || (level != 0 && page[PAGE_LEVEL_AT] != level) || page[PAGE_LEVEL_AT] < 2 ||
      depth >= DEPTH_MAX)
    return blame(w, number, "the tree leads to a page of another kind");
  /* The window moves on while the children are read. */
  unsigned char *copy = w->pages + depth * w->scan->page_size;
  memcpy(copy, page, w->scan->page_size);
  return visit_children(w, number, copy, depth, err);
}

int leafscan_check_tree(struct leafscan *scan, bool *good, uint32_t *page, const char **what, struct err *err) {
  struct tree_walk w = {.scan = scan};
  w.seen = calloc(scan->page_count / 8 + 1, 1);
  w.pages = malloc((size_t)DEPTH_MAX * (scan->page_size ? scan->page_size : 1));
  int code = w.seen && w.pages ? 0 : err_set(err, ERR_NOMEM, "no memory to walk the tree");
  if (!code && scan->page_count > 0)
    code = visit(&w, scan->root, 0, 0, err);
  if (!code && !w.what && w.leaves < scan->count)
    code = blame(&w, scan->leaves[w.leaves].page, "the tree does not reach this page");
  *good = !code && !w.what;
  *page = w.page;
  *what = w.what;
  free(w.seen);
  free(w.pages);
  return code;
}
