#include "store/wal_extract.h"

#include <string.h>

#include "store/pagescan.h"
#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

static int expect_next(void *ctx, struct span record, struct err *err) {
  uint64_t *seq = ctx;
  struct entry entry;
  CU_ASSERT_EQUAL(entry_decode(record, &entry, err), 0);
  CU_ASSERT_EQUAL(entry.seq, *seq + 1);
  *seq = entry.seq;
  return 0;
}

static void every_entry_is_found_however_it_was_stored(void) {
  struct fixture f;
  struct err err;
  struct pagescan pages;
  struct wal_files files;
  uint64_t last = 0;
  char path[FILEIO_PATH_MAX];
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 1, 100, &err), 0);       /* a value on a leaf page */
  CU_ASSERT_EQUAL(fixture_append(store, 2, 4, 100, &err), 0);       /* of three records */
  CU_ASSERT_EQUAL(fixture_append(store, 5, 104, 300, &err), 0);     /* on pages of its own */
  CU_ASSERT_EQUAL(fixture_append(store, 105, 107, 70000, &err), 0); /* each alone on many pages */
  CU_ASSERT_EQUAL(fixture_append(store, 200, 300, 300, &err), ERR_CONFLICT);
  CU_ASSERT_EQUAL(fixture_append(store, 108, 2000, 40, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  fixture_close(store);
  CU_ASSERT_EQUAL(store_path(path, f.config.data_dir, STORE_DB_DIR, STORE_HISTORY_FILE, &err), 0);
  CU_ASSERT_EQUAL_FATAL(pagescan_run(path, NULL, &pages, &err), 0);
  CU_ASSERT_EQUAL(pages.greatest_key, 2000);
  CU_ASSERT_EQUAL(fileio_join(path, f.config.data_dir, STORE_WAL_DIR, &err), 0);
  CU_ASSERT_EQUAL(wal_extract_run(path, STORE_HISTORY_FILE, pages.file_id, expect_next, &last, &files, &err), 0);
  CU_ASSERT_EQUAL(last, 2000);
  CU_ASSERT_TRUE(files.own);
  CU_ASSERT_FALSE(files.foreign);
}

int main(void) {
  static const struct test_case cases[] = {
      {"every entry is found, however it was stored", every_entry_is_found_however_it_was_stored}};
  return harness_run("wal_extract", cases, HARNESS_COUNT(cases));
}
