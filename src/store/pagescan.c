#include "store/pagescan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fileio.h"

enum { BLOCK_SIZE = 1 << 20, PAGE_SIZE_LEAST = 512, PAGE_SIZE_MOST = 65536, READ_AGAIN = 3, KEY_SIZE = 8 };

static const unsigned char no_sum[4];

static bool is_sum_right(const unsigned char *page, size_t size, size_t at) {
  uint32_t h = bdb_sum(0, page, at);
  h = bdb_sum(h, no_sum, sizeof(no_sum));
  return bdb_sum(h, page + at + 4, size - at - 4) == bdb_u32(page + at);
}

static enum page_fault check_meta(const unsigned char *page) {
  uint32_t size = bdb_u32(page + META_PAGE_SIZE_AT);
  if (bdb_u32(page + META_MAGIC_AT) != META_BTREE_MAGIC || page[PAGE_TYPE_AT] != META_BTREE ||
      !(page[META_FLAGS_AT] & META_FLAG_CHECKSUM) || size < PAGE_SIZE_LEAST || size > PAGE_SIZE_MOST ||
      (size & (size - 1)) != 0 || !is_sum_right(page, META_SIZE, META_SUM_AT))
    return PAGE_BAD_META;
  return bdb_u32(page + PAGE_PGNO_AT) == 0 ? PAGE_SOUND : PAGE_MISPLACED;
}

static enum page_fault check_page(const unsigned char *page, uint32_t size, uint32_t number) {
  if (number == 0)
    return check_meta(page);
  if (bdb_is_zero(page, size))
    return PAGE_SOUND; /* a hole */
  if (!is_sum_right(page, size, PAGE_SUM_AT))
    return PAGE_BAD_CHECKSUM;
  return bdb_u32(page + PAGE_PGNO_AT) == number ? PAGE_SOUND : PAGE_MISPLACED;
}

bool pagescan_is_sound(const unsigned char *page, uint32_t size, uint32_t number) {
  return number > 0 && !bdb_is_zero(page, size) && check_page(page, size, number) == PAGE_SOUND;
}

/* Keys of a leaf page: every other item, the first one included. */
static void note_leaf(struct pagescan *out, const unsigned char *page, uint32_t size) {
  uint32_t entries = bdb_u16(page + PAGE_ENTRIES_AT);
  for (uint32_t i = 0; i + 1 < entries && PAGE_HEADER + 2 * (i + 1) <= size; i += 2) {
    uint32_t at = bdb_u16(page + PAGE_HEADER + 2 * i);
    if (at + ITEM_DATA_AT + KEY_SIZE > size || page[at + ITEM_TYPE_AT] != ITEM_DATA || bdb_u16(page + at) != KEY_SIZE)
      continue;
    uint64_t key = get_u64(page + at + ITEM_DATA_AT);
    out->leaf_items++;
    if (key > out->greatest_key)
      out->greatest_key = key;
  }
}

static void note_sound(struct pagescan *out, const unsigned char *page, uint32_t number) {
  struct lsn lsn = bdb_lsn(page + PAGE_LSN_AT);
  if (number > 0 && bdb_is_zero(page, out->page_size)) {
    if (number <= out->last_page && out->holes++ == 0)
      out->first_hole = number;
    return;
  }
  if (lsn.file > 0 && lsn_compare(lsn, out->newest) > 0) /* {0,1}: a page whose writing was not logged */
    out->newest = lsn;
  if (number > 0 && page[PAGE_TYPE_AT] == PAGE_LEAF)
    note_leaf(out, page, out->page_size);
}

static int note_bad(const struct page_visitor *visitor, struct pagescan *out, enum page_fault fault, uint32_t number,
                    struct err *err) {
  if (out->bad_pages++ == 0) {
    out->fault = fault;
    out->first_bad = number;
  }
  return visitor && visitor->bad ? visitor->bad(visitor->ctx, number, fault, err) : 0;
}

/* A live writer may be in the middle of the page: read it again before believing that it is bad. */
static int read_again(int fd, unsigned char *page, uint32_t size, uint32_t number, enum page_fault *fault,
                      struct err *err) {
  size_t got;
  for (int i = 0; i < READ_AGAIN && *fault != PAGE_SOUND; i++) {
    if (fileio_pread(fd, page, size, (uint64_t)number * size, &got, err))
      return (int)err->code;
    if (got == size)
      *fault = check_page(page, size, number);
  }
  return 0;
}

/* The meta page, which tells the size of all. */
static int read_meta(int fd, const struct page_visitor *visitor, struct pagescan *out, struct err *err) {
  unsigned char page[META_SIZE] = {0};
  size_t got;
  enum page_fault fault = PAGE_BAD_META;
  for (int i = 0; i <= READ_AGAIN && fault != PAGE_SOUND; i++) {
    if (fileio_pread(fd, page, sizeof(page), 0, &got, err))
      return (int)err->code;
    fault = got == sizeof(page) ? check_meta(page) : PAGE_BAD_META;
  }
  if (fault != PAGE_SOUND)
    return note_bad(visitor, out, fault, 0, err);
  out->page_size = bdb_u32(page + META_PAGE_SIZE_AT);
  out->last_page = bdb_u32(page + META_LAST_PAGE_AT);
  memcpy(out->file_id, page + META_FILE_ID_AT, sizeof(out->file_id));
  return 0;
}

static int scan_block(int fd, const struct page_visitor *visitor, struct pagescan *out, unsigned char *block,
                      uint32_t first, uint32_t count, struct err *err) {
  for (uint32_t i = 0; i < count; i++) {
    unsigned char *page = block + (size_t)i * out->page_size;
    enum page_fault fault = check_page(page, out->page_size, first + i);
    if (fault != PAGE_SOUND && read_again(fd, page, out->page_size, first + i, &fault, err))
      return (int)err->code;
    if (fault != PAGE_SOUND) {
      if (note_bad(visitor, out, fault, first + i, err))
        return (int)err->code;
      continue;
    }
    note_sound(out, page, first + i);
    if (visitor && visitor->page && visitor->page(visitor->ctx, first + i, page, out->page_size, err))
      return (int)err->code;
  }
  return 0;
}

static int scan_pages(int fd, const struct page_visitor *visitor, struct pagescan *out, unsigned char *block,
                      struct err *err) {
  uint32_t per_block = BLOCK_SIZE / out->page_size;
  size_t got;
  out->page_count = (uint32_t)(out->bytes / out->page_size);
  for (uint32_t first = 0; first < out->page_count; first += per_block) {
    uint32_t count = out->page_count - first < per_block ? out->page_count - first : per_block;
    uint64_t at = (uint64_t)first * out->page_size;
    if (fileio_pread(fd, block, (size_t)count * out->page_size, at, &got, err))
      return (int)err->code;
    if (scan_block(fd, visitor, out, block, first, (uint32_t)(got / out->page_size), err))
      return (int)err->code;
    if (visitor && visitor->progress)
      visitor->progress(visitor->ctx, at + got, out->bytes);
  }
  if (out->bytes % out->page_size != 0 && note_bad(visitor, out, PAGE_CUT, out->page_count, err))
    return (int)err->code;
  if (out->last_page >= out->page_count) { /* behind the end of the file */
    if (out->holes == 0)
      out->first_hole = out->page_count;
    out->holes += out->last_page - out->page_count + 1;
  }
  return 0;
}

int pagescan_run(const char *path, const struct page_visitor *visitor, struct pagescan *out, struct err *err) {
  unsigned char *block = NULL;
  struct stat st;
  int ret;
  *out = (struct pagescan){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st)) {
    ret = err_sys(err, errno, "opening %s", path);
    goto out;
  }
  out->bytes = (uint64_t)st.st_size;
  block = malloc(BLOCK_SIZE);
  if (!block) {
    ret = err_set(err, ERR_NOMEM, "no memory to scan %s", path);
    goto out;
  }
  if ((ret = read_meta(fd, visitor, out, err)) == 0 && out->bad_pages == 0)
    ret = scan_pages(fd, visitor, out, block, err);
  if (ret)
    err_context(err, "scanning %s", path);
out:
  free(block);
  if (fd >= 0)
    close(fd);
  return ret;
}

void pagescan_describe(const struct pagescan *scan, const char *path, char out[PAGESCAN_TEXT_SIZE]) {
  static const char *const words[] = {
      [PAGE_SOUND] = "No bad page in",
      [PAGE_BAD_META] = "Checksum mismatch in the meta page of",
      [PAGE_BAD_CHECKSUM] = "Checksum mismatch in",
      [PAGE_MISPLACED] = "A page of another place in",
      [PAGE_CUT] = "The file ends inside of a page:",
  };
  snprintf(out, PAGESCAN_TEXT_SIZE, "%s %.380s at page %u (offset %llu)", words[scan->fault], path,
           (unsigned)scan->first_bad, (unsigned long long)scan->first_bad * scan->page_size);
}
