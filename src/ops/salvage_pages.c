#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fileio.h"
#include "ops/salvage_shelf.h"
#include "store/bdb_format.h"

/*
 * No checksum of a page is asked, and no header is believed alone: whatever page the magic of a record stands on, the
 * record is put together from there, over the pages that follow it in a chain of overflow pages, and its own checksum
 * decides.
 */
enum {
  PAGE_DEFAULT = 4096,
  PAGE_LEAST = 512,
  PAGE_MOST = 65536,
  MAGIC = 4,
  AT_LENGTH = 8,
  META_HEADER = 25,
  META_COUNT_AT = 21,
  META_TIMELINE = 28
};

struct page_file {
  struct shelf *shelf;
  int fd;
  uint32_t size, count;
  unsigned char *page; /* one page */
  struct buf view;     /* the data of a page and of those after it */
};

/* Reads a page; false if there is none. */
static bool read_page(const struct page_file *f, uint32_t number, unsigned char *out) {
  size_t got = 0;
  struct err ignored;
  return number < f->count && fileio_pread(f->fd, out, f->size, (uint64_t)number * f->size, &got, &ignored) == 0 &&
         got == f->size;
}

/* Whether `candidate` says that it follows `number`. */
static bool follows(const struct page_file *f, uint32_t candidate, uint32_t number, unsigned char *page) {
  return candidate > 0 && candidate != number && read_page(f, candidate, page) && page[PAGE_TYPE_AT] == PAGE_OVERFLOW &&
         bdb_u32(page + PAGE_PREV_AT) == number;
}

/* The page after `number` in its chain, by whichever header is right; its bytes go to f->page. */
static bool next_page(struct page_file *f, uint32_t number, uint32_t named, uint32_t *next) {
  const uint32_t candidates[] = {named, number + 1};
  for (size_t i = 0; i < 2; i++)
    if (follows(f, candidates[i], number, f->page)) {
      *next = candidates[i];
      return true;
    }
  /* That page's own header may be the damaged one. */
  *next = named > 0 && named < f->count ? named : number + 1;
  return *next != number && read_page(f, *next, f->page);
}

/* Appends pages until the view has `need` bytes. */
static void extend(struct page_file *f, uint32_t *last, uint32_t *named, size_t need) {
  while (f->view.len < need && next_page(f, *last, *named, last)) {
    *named = bdb_u32(f->page + PAGE_NEXT_AT);
    buf_add(&f->view, f->page + PAGE_HEADER, f->size - PAGE_HEADER);
  }
}

static int offer_meta(struct page_file *f, size_t at, struct err *err) {
  struct span rest = span_of(f->view.data + at, f->view.len - at);
  size_t count = rest.len > META_HEADER ? get_u32(rest.data + META_COUNT_AT) : TIMELINES_MAX + 1;
  size_t len = META_HEADER + count * META_TIMELINE + 4;
  return count <= TIMELINES_MAX && len <= rest.len ? shelf_offer_meta(f->shelf, span_of(rest.data, len), err) : 0;
}

/* Whatever begins on page `number`. */
static int salvage_page(struct page_file *f, uint32_t number, struct err *err) {
  if (!read_page(f, number, f->page) || bdb_is_zero(f->page, f->size))
    return 0;
  uint32_t last = number, named = bdb_u32(f->page + PAGE_NEXT_AT);
  size_t own = f->size - PAGE_HEADER;
  buf_reset(&f->view);
  buf_add(&f->view, f->page + PAGE_HEADER, own);
  bool leaf = f->page[PAGE_TYPE_AT] == PAGE_LEAF;
  if (!leaf)
    extend(f, &last, &named, own + MAGIC + AT_LENGTH); /* the beginning may stand on the edge */
  for (size_t at = 0; at < own && at + AT_LENGTH + 4 <= f->view.len; at++) {
    const unsigned char *p = memchr(f->view.data + at, 'S', own - at);
    if (!p)
      break;
    at = (size_t)(p - f->view.data);
    if (at + AT_LENGTH + 4 > f->view.len)
      break;
    if (memcmp(p, "STMh", MAGIC) == 0 && offer_meta(f, at, err))
      return err->code;
    size_t len = memcmp(p, "STMe", MAGIC) == 0 ? get_u32(p + AT_LENGTH) : 0;
    if (len < ENTRY_OVERHEAD || len > ENTRY_MAX_SIZE)
      continue;
    extend(f, &last, &named, at + len);
    if (at + len <= f->view.len && shelf_offer(f->shelf, span_of(f->view.data + at, len), RANK_PAGE, err))
      return err->code;
  }
  return buf_check(&f->view, "pages", err);
}

int salvage_pages(struct shelf *shelf, const char *path, struct report *report, struct err *err) {
  struct page_file f = {.shelf = shelf};
  unsigned char head[META_SIZE] = {0};
  struct stat st;
  size_t got = 0;
  f.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (f.fd < 0 || fstat(f.fd, &st))
    return err_sys(err, errno, "opening %s", path);
  int rc = fileio_pread(f.fd, head, sizeof(head), 0, &got, err);
  f.size = bdb_u32(head + META_PAGE_SIZE_AT);
  if (f.size < PAGE_LEAST || f.size > PAGE_MOST || (f.size & (f.size - 1)) != 0)
    f.size = PAGE_DEFAULT;
  f.count = (uint32_t)((uint64_t)st.st_size / f.size);
  f.page = malloc(f.size);
  buf_init(&f.view, (size_t)2 * ENTRY_MAX_SIZE + (size_t)2 * PAGE_MOST);
  if (!rc && !f.page)
    rc = err_set(err, ERR_NOMEM, "no memory to read pages");
  for (uint32_t number = 1; !rc && number < f.count; number++) {
    rc = salvage_page(&f, number, err);
    report_progress(report, "Salvaging pages", (uint64_t)number * f.size, (uint64_t)st.st_size);
  }
  free(f.page);
  buf_free(&f.view);
  close(f.fd);
  return rc;
}
