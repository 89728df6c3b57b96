/*
 * A .kv file (B-tree, checksums on) read page by page from the plain file, without Berkeley DB: one bad page read
 * through the library panics the environment for every process in it. For a file that nobody writes, before start-up;
 * beside a live writer too, since a page that looks bad is read again before it is believed.
 */
#ifndef STORE_PAGESCAN_H
#define STORE_PAGESCAN_H

#include "base/err.h"
#include "base/span.h"
#include "store/bdb_format.h"

enum page_fault {
  PAGE_SOUND,
  PAGE_BAD_META,     /* page 0 is no meta page of a B-tree with checksums, or damaged */
  PAGE_BAD_CHECKSUM, /* not what was written */
  PAGE_MISPLACED,    /* sound, but it bears the number of another page */
  PAGE_CUT           /* the file ends inside of it */
};

struct pagescan {
  uint64_t bytes; /* size of the file */
  uint32_t page_size, page_count;
  uint32_t last_page; /* the last one that the meta page knows of */
  unsigned char file_id[META_FILE_ID_SIZE];
  struct lsn newest;     /* greatest LSN on any page; {0,0}: none was ever logged */
  uint64_t leaf_items;   /* keys on leaf pages */
  uint64_t greatest_key; /* of 8 bytes, big-endian, as a number, on any leaf page, reachable or not; 0 if none */
  uint64_t holes;        /* pages up to last_page that are all zeros or behind the end of the file: to be written by
                            recovery, damage afterwards */
  uint32_t first_hole;   /* page number */
  enum page_fault fault; /* of first_bad; PAGE_SOUND: no bad page */
  uint64_t bad_pages;    /* how many */
  uint32_t first_bad;    /* page number */
};

/* What a scan tells on the way; members may be NULL. A function that returns other than 0 ends the scan. */
struct page_visitor {
  void *ctx;
  int (*page)(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err); /* sound ones */
  void (*progress)(void *ctx, uint64_t done, uint64_t total);                     /* bytes, each few MiB */
  int (*bad)(void *ctx, uint32_t number, enum page_fault fault, struct err *err); /* each bad page */
};

/* Scans the file. Bad pages are no error, only *out tells. ERR_NOTFOUND if there is no such file. */
NODISCARD int pagescan_run(const char *path, const struct page_visitor *visitor, struct pagescan *out, struct err *err);

/* Whether these bytes are the page `number` (> 0), and not a hole. */
bool pagescan_is_sound(const unsigned char *page, uint32_t size, uint32_t number);

enum { PAGESCAN_TEXT_SIZE = 512 };
/* "Checksum mismatch in PATH at page 40 (offset 327680)" and so on, for the first bad page. */
void pagescan_describe(const struct pagescan *scan, const char *path, char out[PAGESCAN_TEXT_SIZE]);

#endif
