#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "store/internal.h"
#include "store/pagescan.h"
#include "tests/harness/harness.h"
#include "tests/store/crashed.h"

enum { ENTRIES = 1500 };

static char good[FILEIO_PATH_MAX], copy[FILEIO_PATH_MAX];
static struct pagescan whole;

/* All of it is on disk: the checkpoint comes last. */
static void make_file(void) {
  struct crash_plan plan = {.entries = ENTRIES, .per_txn = 10, .checkpoint_at = ENTRIES};
  struct err err;
  const char *home = harness_folder();
  crashed_create(home, &plan);
  snprintf(good, sizeof good, "%s/db/%s", home, STORE_HISTORY_FILE);
  snprintf(copy, sizeof copy, "%s/copy.kv", home);
  if (pagescan_run(good, NULL, &whole, &err))
    abort();
}

static struct pagescan scan_copy(void) {
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(pagescan_run(copy, NULL, &scan, &err), 0);
  return scan;
}

static void a_sound_file_tells_what_it_holds(void) {
  CU_ASSERT_EQUAL(whole.fault, PAGE_SOUND);
  CU_ASSERT_EQUAL(whole.bad_pages, 0);
  CU_ASSERT_EQUAL(whole.page_size, STORE_PAGE_SIZE);
  CU_ASSERT_EQUAL(whole.last_page + 1, whole.page_count);
  CU_ASSERT_EQUAL(whole.holes, 0);
  CU_ASSERT_EQUAL(whole.greatest_key, ENTRIES);
  CU_ASSERT(whole.leaf_items > ENTRIES / 10 && whole.leaf_items < ENTRIES); /* groups */
  CU_ASSERT(whole.newest.file > 1);
}

static int count_type(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  (void)number, (void)size, (void)err;
  (*(unsigned(*)[256])ctx)[page[PAGE_TYPE_AT]]++;
  return 0;
}

static void every_kind_of_page_is_seen(void) {
  unsigned types[256] = {0};
  struct page_visitor visitor = {.ctx = &types, .page = count_type};
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL(pagescan_run(good, &visitor, &scan, &err), 0);
  CU_ASSERT_EQUAL(types[META_BTREE], 1);
  CU_ASSERT(types[PAGE_LEAF] > 10);
  CU_ASSERT(types[PAGE_OVERFLOW] > 10);
  CU_ASSERT(types[3] >= 1); /* internal */
}

/* One flip a page, at another place of each. */
static void a_flipped_bit_is_found_on_every_page(void) {
  unsigned missed = 0, wrong = 0;
  crashed_copy(good, copy);
  for (uint32_t page = 0; page < whole.page_count; page++) {
    uint64_t at = (uint64_t)page * STORE_PAGE_SIZE + page * 131 % (page == 0 ? META_SIZE : STORE_PAGE_SIZE);
    crashed_flip(copy, at);
    struct pagescan scan = scan_copy();
    missed += scan.bad_pages != 1;
    wrong += scan.first_bad != page || scan.fault == PAGE_SOUND;
    crashed_flip(copy, at);
  }
  CU_ASSERT_EQUAL(missed, 0);
  CU_ASSERT_EQUAL(wrong, 0);
  CU_ASSERT_EQUAL(scan_copy().bad_pages, 0);
}

static void every_bit_of_the_meta_page_counts(void) {
  unsigned missed = 0;
  crashed_copy(good, copy);
  for (uint64_t at = 0; at < META_SIZE; at++) {
    crashed_flip(copy, at);
    struct pagescan scan = scan_copy();
    missed += scan.fault == PAGE_SOUND || scan.first_bad != 0;
    crashed_flip(copy, at);
  }
  CU_ASSERT_EQUAL(missed, 0);
}

static void a_page_that_was_never_written_is_a_hole(void) {
  crashed_copy(good, copy);
  crashed_fill(copy, 7 * STORE_PAGE_SIZE, STORE_PAGE_SIZE, 0);
  struct pagescan scan = scan_copy();
  CU_ASSERT_EQUAL(scan.fault, PAGE_SOUND);
  CU_ASSERT_EQUAL(scan.holes, 1);
  CU_ASSERT_EQUAL(scan.first_hole, 7);
  crashed_copy(good, copy);
  crashed_fill(copy, 7 * STORE_PAGE_SIZE, STORE_PAGE_SIZE / 2, 0);
  scan = scan_copy();
  CU_ASSERT_EQUAL(scan.fault, PAGE_BAD_CHECKSUM);
  CU_ASSERT_EQUAL(scan.first_bad, 7);
}

static void a_file_that_is_too_short_has_holes(void) {
  crashed_copy(good, copy);
  crashed_truncate(copy, (whole.page_count - 3) * (uint64_t)STORE_PAGE_SIZE - 100);
  struct pagescan scan = scan_copy();
  CU_ASSERT_EQUAL(scan.fault, PAGE_CUT);
  CU_ASSERT_EQUAL(scan.first_bad, whole.page_count - 4);
  CU_ASSERT_EQUAL(scan.holes, 4);
  CU_ASSERT_EQUAL(scan.first_hole, whole.page_count - 4);
  static const uint64_t sizes[] = {0, 1, 511, 512, 4095};
  for (size_t i = 0; i < HARNESS_COUNT(sizes); i++) {
    crashed_copy(good, copy);
    crashed_truncate(copy, sizes[i]);
    scan = scan_copy();
    if (sizes[i] < META_SIZE) {
      CU_ASSERT_EQUAL(scan.fault, PAGE_BAD_META);
    } else {
      CU_ASSERT_EQUAL(scan.holes, whole.page_count);
    }
  }
}

/* A page written to the place of another: its checksum is right. */
static void a_misplaced_page_is_found(void) {
  unsigned char page[STORE_PAGE_SIZE];
  crashed_copy(good, copy);
  FILE *f = fopen(copy, "r+");
  CU_ASSERT_PTR_NOT_NULL_FATAL(f);
  fseek(f, 3 * STORE_PAGE_SIZE, SEEK_SET);
  CU_ASSERT_EQUAL(fread(page, sizeof page, 1, f), 1);
  fseek(f, 9 * STORE_PAGE_SIZE, SEEK_SET);
  CU_ASSERT_EQUAL(fwrite(page, sizeof page, 1, f), 1);
  fclose(f);
  struct pagescan scan = scan_copy();
  CU_ASSERT_EQUAL(scan.fault, PAGE_MISPLACED);
  CU_ASSERT_EQUAL(scan.first_bad, 9);
}

static void a_bad_page_is_named_with_file_and_offset(void) {
  struct pagescan scan = {.fault = PAGE_BAD_CHECKSUM, .first_bad = 40, .page_size = 8192};
  char text[PAGESCAN_TEXT_SIZE];
  pagescan_describe(&scan, "data/db/assertions.kv", text);
  CU_ASSERT_STRING_EQUAL(text, "Checksum mismatch in data/db/assertions.kv at page 40 (offset 327680)");
}

static void a_missing_file_is_not_found(void) {
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL(pagescan_run("/nonexistent/assertions.kv", NULL, &scan, &err), ERR_NOTFOUND);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a sound file tells what it holds", a_sound_file_tells_what_it_holds},
      {"every kind of page is seen", every_kind_of_page_is_seen},
      {"a flipped bit is found on every page", a_flipped_bit_is_found_on_every_page},
      {"every bit of the meta page counts", every_bit_of_the_meta_page_counts},
      {"a page that was never written is a hole", a_page_that_was_never_written_is_a_hole},
      {"a file that is too short has holes", a_file_that_is_too_short_has_holes},
      {"a misplaced page is found", a_misplaced_page_is_found},
      {"a bad page is named with file and offset", a_bad_page_is_named_with_file_and_offset},
      {"a missing file is not found", a_missing_file_is_not_found}};
  make_file();
  return harness_run("pagescan", cases, HARNESS_COUNT(cases));
}
