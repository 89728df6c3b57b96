/*
 * Nothing is lost in silence: damage of the pages of the history.
 */
#include <stdio.h>

#include "store/internal.h"
#include "store/pagescan.h"
#include "tests/corrupt/homes.h"

/* --- pages --- */

static int note_types(void *ctx, uint32_t number, const unsigned char *page, uint32_t size, struct err *err) {
  (void)size, (void)err;
  ((uint32_t *)ctx)[page[PAGE_TYPE_AT]] = number;
  return 0;
}

static void a_bad_page_of_whatever_kind_stops_the_start(void) {
  static const struct {
    const char *name;
    int type;
  } kinds[] = {{"meta", META_BTREE}, {"leaf", PAGE_LEAF}, {"overflow", PAGE_OVERFLOW}, {"internal", PAGE_INTERNAL}};
  uint32_t last_of[256] = {0};
  struct page_visitor visitor = {.ctx = last_of, .page = note_types};
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(pagescan_run(homes_history(homes.settled), &visitor, &scan, &err), 0);
  for (size_t i = 0; i < HARNESS_COUNT(kinds); i++)
    for (int way = START_COLD; way <= START_QUICK; way++) {
      char words[64];
      const char *data = homes_copy(way == START_COLD ? homes.settled : homes.good);
      uint32_t page = last_of[kinds[i].type];
      snprintf(words, sizeof words, "assertions.kv at page %u (offset ", (unsigned)page);
      if ((page + 1) * (uint64_t)STORE_PAGE_SIZE > crashed_size(homes_history(data)))
        continue; /* not yet written at the crash */
      crashed_flip(homes_history(data), page * (uint64_t)STORE_PAGE_SIZE + 200);
      homes_start(data, (enum start_way)way);
      if (way == START_COLD || kinds[i].type == META_BTREE) {
        CU_ASSERT(homes_expect(kinds[i].name, homes.result.end == END_STOPPED && homes_says(words) &&
                                                  homes_says("Failed to recover WAL: follow \302\2471")));
      } else { /* a quick start does not look at pages that recovery does not need */
        CU_ASSERT(homes_expect(kinds[i].name, (homes.result.end == END_STOPPED && homes_says(words)) ||
                                                  homes.result.end == END_WRONG));
      }
    }
}

/* A restart under a living supervisor does not read all pages: a reader meets the bad one and panics the environment,
 * the node restarts. Berkeley DB left a note in the log: the second time it stops. */
static void a_bad_page_cannot_make_a_restart_loop(void) {
  const char *data = homes_copy(homes.settled);
  uint64_t at = 20 * (uint64_t)STORE_PAGE_SIZE + 1000;
  crashed_flip(homes_history(data), at);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("first", homes.result.end == END_WRONG));
  for (int again = 0; again < 2; again++) {
    homes_start(data, START_QUICK);
    CU_ASSERT(homes_expect("second",
                           homes.result.end == END_STOPPED && homes_says("assertions.kv at page 20 (offset 81920)")));
  }
  /* The page is well again, it was the cable: nothing was lost. */
  crashed_flip(homes_history(data), at);
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("well", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES));
  homes_start(data, START_QUICK);
  CU_ASSERT(homes_expect("and stays so", homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES));
}

static void pages_that_are_gone_stop_the_start(void) {
  struct pagescan scan;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(pagescan_run(homes_history(homes.settled), NULL, &scan, &err), 0);
  for (int way = 0; way < 4; way++) {
    const char *data = homes_copy(homes.settled), *path = homes_history(data);
    if (way == 0)
      crashed_fill(path, 5 * STORE_PAGE_SIZE, STORE_PAGE_SIZE, 0);
    else
      crashed_truncate(path, way == 1 ? scan.bytes - 100 : way == 2 ? scan.bytes / 2 : 0);
    homes_start(data, START_COLD);
    CU_ASSERT(homes_expect("gone", homes.result.end == END_STOPPED && homes_says("assertions.kv") &&
                                       homes_says(way == 3 ? "page 0 (offset" : " (offset ")));
    data = homes_copy(homes.good);
    if (way == 0)
      crashed_fill(path, 5 * STORE_PAGE_SIZE, STORE_PAGE_SIZE, 0);
    else
      crashed_truncate(path, way == 1 ? crashed_size(path) - 100 : way == 2 ? crashed_size(path) / 2 : 0);
    homes_start(data, START_COLD);
    CU_ASSERT(homes_expect("gone before recovery",
                           (homes.result.end == END_STOPPED && homes_says("Failed to recover WAL")) ||
                               (way == 1 && homes.result.end == END_ALL_THERE && homes.result.last_seq == ENTRIES)));
  }
}

int main(void) {
  static const struct test_case cases[] = {
      {"a bad page of whatever kind stops the start", a_bad_page_of_whatever_kind_stops_the_start},
      {"a bad page cannot make a restart loop", a_bad_page_cannot_make_a_restart_loop},
      {"pages that are gone stop the start", pages_that_are_gone_stop_the_start}};
  homes_make();
  return harness_run("pages", cases, HARNESS_COUNT(cases));
}
