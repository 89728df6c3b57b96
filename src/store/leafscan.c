#include "store/leafscan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fileio.h"
#include "model/entry.h"
#include "store/leafscan_internal.h"

enum { WINDOW_SIZE = 1 << 20, LEAVES_FIRST = 1024, KEY_SIZE = 8, VALUE_MAX = 2 * ENTRY_MAX_SIZE };

bool leafscan_item(const unsigned char *page, uint32_t page_size, uint32_t i, const unsigned char **item,
                   size_t *room) {
  uint32_t entries = bdb_u16(page + PAGE_ENTRIES_AT);
  if (i >= entries || PAGE_HEADER + 2 * (size_t)(i + 1) > page_size)
    return false;
  uint32_t at = bdb_u16(page + PAGE_HEADER + 2 * (size_t)i);
  if (at < PAGE_HEADER + 2 * entries || at + ITEM_DATA_AT > page_size)
    return false;
  *item = page + at;
  *room = page_size - at;
  return true;
}

/* The key of pair `i`; false if it is none of 8 bytes. */
static bool read_key(const unsigned char *page, uint32_t page_size, uint32_t i, uint64_t *key) {
  const unsigned char *item;
  size_t room;
  if (!leafscan_item(page, page_size, 2 * i, &item, &room) || item[ITEM_TYPE_AT] != ITEM_DATA ||
      bdb_u16(item) != KEY_SIZE || room < ITEM_DATA_AT + KEY_SIZE)
    return false;
  *key = get_u64(item + ITEM_DATA_AT);
  return true;
}

/* --- the first pass --- */

static int note_leaf(struct leafscan *scan, uint32_t number, const unsigned char *page, struct err *err) {
  uint64_t first = 0;
  uint32_t pairs = bdb_u16(page + PAGE_ENTRIES_AT) / 2;
  bool any = false;
  for (uint32_t i = 0; i < pairs && !any; i++)
    any = read_key(page, scan->page_size, i, &first);
  if (!any)
    return 0;
  if (scan->count == scan->capacity) {
    size_t capacity = scan->capacity ? 2 * scan->capacity : LEAVES_FIRST;
    struct leaf_ref *larger = reallocarray(scan->leaves, capacity, sizeof(*larger));
    if (!larger)
      return err_set(err, ERR_NOMEM, "no memory to remember %zu pages", capacity);
    scan->leaves = larger;
    scan->capacity = capacity;
  }
  scan->leaves[scan->count++] = (struct leaf_ref){first, number};
  return 0;
}

static int note_page(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  struct leafscan *scan = ctx;
  scan->page_size = size;
  if (number == 0)
    scan->root = bdb_u32(page + META_ROOT_AT);
  else if (page[PAGE_TYPE_AT] == PAGE_LEAF && note_leaf(scan, number, page, err))
    return err->code;
  return scan->visitor && scan->visitor->page ? scan->visitor->page(scan->visitor->ctx, number, page, size, err) : 0;
}

static int note_bad(void *ctx, uint32_t number, enum page_fault fault, struct err *err) {
  struct leafscan *scan = ctx;
  return scan->visitor && scan->visitor->bad ? scan->visitor->bad(scan->visitor->ctx, number, fault, err) : 0;
}

static void note_progress(void *ctx, uint64_t done, uint64_t total) {
  struct leafscan *scan = ctx;
  if (scan->visitor && scan->visitor->progress)
    scan->visitor->progress(scan->visitor->ctx, done, total);
}

static int compare_leaves(const void *a, const void *b) {
  const struct leaf_ref *x = a, *y = b;
  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return (x->page > y->page) - (x->page < y->page);
}

int leafscan_open(const char *path, const struct page_visitor *visitor, struct leafscan **out, struct pagescan *pages,
                  struct err *err) {
  struct leafscan *scan = calloc(1, sizeof(*scan));
  struct page_visitor own = {scan, note_page, note_progress, note_bad};
  if (!scan)
    return err_set(err, ERR_NOMEM, "no memory to scan %s", path);
  scan->fd = -1;
  scan->visitor = visitor;
  buf_init(&scan->value, VALUE_MAX);
  int code = pagescan_run(path, &own, pages, err);
  scan->visitor = NULL;
  if (code)
    goto out;
  scan->fd = open(path, O_RDONLY | O_CLOEXEC);
  scan->page_size = pages->page_size;
  scan->page_count = pages->page_count;
  scan->leaf = malloc(pages->page_size ? pages->page_size : 1);
  scan->window = malloc(WINDOW_SIZE);
  if (scan->fd < 0)
    code = err_sys(err, errno, "opening %s", path);
  else if (!scan->leaf || !scan->window)
    code = err_set(err, ERR_NOMEM, "no memory to scan %s", path);
  else if (scan->count > 1)
    qsort(scan->leaves, scan->count, sizeof(*scan->leaves), compare_leaves);
out:
  if (code)
    leafscan_close(scan);
  else
    *out = scan;
  return code;
}

void leafscan_close(struct leafscan *scan) {
  if (!scan)
    return;
  if (scan->fd >= 0)
    close(scan->fd);
  free(scan->leaves);
  free(scan->leaf);
  free(scan->window);
  buf_free(&scan->value);
  free(scan);
}

/* --- pages --- */

int leafscan_page(struct leafscan *scan, uint32_t number, const unsigned char **page, struct err *err) {
  size_t got = 0;
  *page = NULL;
  if (number == 0 || number >= scan->page_count)
    return 0;
  if (number < scan->window_page || number - scan->window_page >= scan->window_count) {
    scan->window_count = 0;
    if (fileio_pread(scan->fd, scan->window, WINDOW_SIZE, (uint64_t)number * scan->page_size, &got, err))
      return err->code;
    scan->window_page = number;
    scan->window_count = (uint32_t)(got / scan->page_size);
    if (scan->window_count == 0)
      return 0;
  }
  const unsigned char *p = scan->window + (size_t)(number - scan->window_page) * scan->page_size;
  if (pagescan_is_sound(p, scan->page_size, number))
    *page = p;
  return 0;
}

/* Puts the value on overflow pages together. */
static int read_overflow(struct leafscan *scan, const unsigned char *item, struct leaf_value *out, struct err *err) {
  uint32_t number = bdb_u32(item + 4), length = bdb_u32(item + 8), before = 0;
  const unsigned char *page;
  out->overflow = number;
  buf_reset(&scan->value);
  if (length > VALUE_MAX) {
    out->fault = "a value that is larger than one can be";
    return 0;
  }
  while (scan->value.len < length) {
    if (leafscan_page(scan, number, &page, err))
      return err->code;
    out->fault_page = number;
    if (!page || page[PAGE_TYPE_AT] != PAGE_OVERFLOW || bdb_u32(page + PAGE_PREV_AT) != before) {
      out->fault = page ? "a page that is not the value's" : "a page of the value is damaged";
      return 0;
    }
    uint32_t here = bdb_u16(page + PAGE_FREE_AT);
    if (here == 0 || here > scan->page_size - PAGE_HEADER || here > length - scan->value.len) {
      out->fault = "a page of the value has another length";
      return 0;
    }
    buf_add(&scan->value, page + PAGE_HEADER, here);
    before = number;
    number = bdb_u32(page + PAGE_NEXT_AT);
  }
  if (number != 0) {
    out->fault = "the value's pages do not end where it does";
    return 0;
  }
  int code = buf_check(&scan->value, "a value", err);
  out->value = buf_span(&scan->value);
  return code;
}

static int read_value(struct leafscan *scan, uint32_t i, struct leaf_value *out, struct err *err) {
  const unsigned char *item;
  size_t room;
  out->fault_page = scan->leaf_page;
  if (!leafscan_item(scan->leaf, scan->page_size, 2 * i + 1, &item, &room)) {
    out->fault = "a value lies outside of its page";
    return 0;
  }
  if (item[ITEM_TYPE_AT] == ITEM_OVERFLOW && room >= ITEM_OVERFLOW_SIZE)
    return read_overflow(scan, item, out, err);
  size_t length = bdb_u16(item);
  if (item[ITEM_TYPE_AT] != ITEM_DATA || length > room - ITEM_DATA_AT)
    out->fault = "a value lies outside of its page";
  else
    out->value = span_of(item + ITEM_DATA_AT, length);
  return 0;
}

/* Reads leaf page leaves[next_leaf]; one that became unreadable since the first pass is skipped. */
static int load_leaf(struct leafscan *scan, struct err *err) {
  size_t got = 0;
  uint32_t number = scan->leaves[scan->next_leaf].page;
  if (fileio_pread(scan->fd, scan->leaf, scan->page_size, (uint64_t)number * scan->page_size, &got, err))
    return err->code;
  scan->leaf_page = got == scan->page_size && pagescan_is_sound(scan->leaf, scan->page_size, number) ? number : 0;
  scan->next_item = 0;
  return 0;
}

static bool is_deleted(const struct leafscan *scan, uint32_t i) {
  const unsigned char *item;
  size_t room;
  return leafscan_item(scan->leaf, scan->page_size, 2 * i + 1, &item, &room) && (item[ITEM_TYPE_AT] & ITEM_DELETED);
}

int leafscan_next(struct leafscan *scan, struct leaf_value *out, bool *found, struct err *err) {
  *found = false;
  for (; scan->next_leaf < scan->count; scan->next_leaf++, scan->leaf_page = 0) {
    if (scan->leaf_page == 0 && load_leaf(scan, err))
      return err->code;
    uint32_t pairs = scan->leaf_page ? bdb_u16(scan->leaf + PAGE_ENTRIES_AT) / 2 : 0;
    while (scan->next_item < pairs) {
      uint32_t i = scan->next_item++;
      *out = (struct leaf_value){.page = scan->leaf_page};
      if (!read_key(scan->leaf, scan->page_size, i, &out->key) || out->key < scan->least || is_deleted(scan, i))
        continue;
      scan->least = out->key + 1;
      *found = true;
      return read_value(scan, i, out, err);
    }
  }
  return 0;
}

void leafscan_seek(struct leafscan *scan, uint64_t key) {
  size_t low = 0, high = scan->count;
  while (low < high) { /* the first leaf that begins above */
    size_t middle = low + (high - low) / 2;
    if (scan->leaves[middle].first <= key)
      low = middle + 1;
    else
      high = middle;
  }
  size_t leaf = low > 0 ? low - 1 : 0;
  if (leaf != scan->next_leaf || scan->leaf_page == 0 || key < scan->least) {
    if (leaf != scan->next_leaf)
      scan->leaf_page = 0;
    scan->next_leaf = leaf;
    scan->next_item = 0;
  }
  scan->least = key;
}
