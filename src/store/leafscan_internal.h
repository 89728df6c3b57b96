/* What leafscan.c and leafscan_tree.c share. */
#ifndef STORE_LEAFSCAN_INTERNAL_H
#define STORE_LEAFSCAN_INTERNAL_H

#include "store/leafscan.h"

struct leaf_ref {
  uint64_t first; /* its first key */
  uint32_t page;
};

struct leafscan {
  int fd;
  uint32_t page_size, page_count, root;
  struct leaf_ref *leaves; /* by first key, then page; owned */
  size_t count, capacity;
  const struct page_visitor *visitor; /* while the file is being scanned */
  size_t next_leaf;                   /* where leafscan_next() goes on: */
  uint32_t next_item;
  uint64_t least;        /* keys below are skipped */
  unsigned char *leaf;   /* the page that is being read */
  uint32_t leaf_page;    /* its number; 0: none */
  unsigned char *window; /* a part of the file, for overflow pages */
  uint32_t window_page;  /* its first page */
  uint32_t window_count; /* pages in it */
  struct buf value;
};

/* The bytes of page `number`, good until the next call; NULL if the file has no such page, or it is not sound. */
NODISCARD int leafscan_page(struct leafscan *scan, uint32_t number, const unsigned char **page, struct err *err);
/* Item `i` of a leaf or internal page: where its bytes begin, and how many can be there at most; false if it lies
 * outside of the page. */
bool leafscan_item(const unsigned char *page, uint32_t page_size, uint32_t i, const unsigned char **item, size_t *room);

#endif
