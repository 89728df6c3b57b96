/*
 * The values of a B-tree of 8-byte keys, in the order of the keys, from the plain file and without Berkeley DB. It does
 * not follow the tree from its root: every sound leaf page counts, so that one bad page hides nothing but itself. Large
 * values are put together from their overflow pages. Memory: 16 bytes a leaf page.
 */
#ifndef STORE_LEAFSCAN_H
#define STORE_LEAFSCAN_H

#include "base/buf.h"
#include "store/pagescan.h"

struct leafscan;

/* One value. */
struct leaf_value {
  uint64_t key;
  struct span value; /* good until the next call; data NULL: it cannot be put together, `fault` says why */
  uint32_t page;     /* the leaf page */
  uint32_t overflow; /* the first of its overflow pages; 0: it lies on the leaf page */
  const char *fault; /* constant text; NULL: none */
  uint32_t fault_page;
};

/* Scans the file once, telling `visitor` (may be NULL) and *pages all that pagescan_run() tells, and remembers where
 * the leaf pages are. *out is the caller's (leafscan_close). With a damaged meta page there are no values. ERR_NOTFOUND
 * if there is no such file. */
NODISCARD int leafscan_open(const char *path, const struct page_visitor *visitor, struct leafscan **out,
                            struct pagescan *pages, struct err *err);
/* The next value with a key greater than those before; *found is false at the end. */
NODISCARD int leafscan_next(struct leafscan *scan, struct leaf_value *out, bool *found, struct err *err);
/* Goes to the first value whose key is at least `key`. */
void leafscan_seek(struct leafscan *scan, uint64_t key);
/* Whether the tree is as one that was closed: from the root every leaf page is reached once, in the order of its keys,
 * and no leaf page is left over. *good is false with the page and what is wrong (constant text). */
NODISCARD int leafscan_check_tree(struct leafscan *scan, bool *good, uint32_t *page, const char **what,
                                  struct err *err);
/* Takes NULL. */
void leafscan_close(struct leafscan *scan);

#endif
