#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/harness.h"
#include "tests/store/fixture.h"

static void entries_that_were_appended_are_read_back(void) {
  struct fixture f;
  struct err err;
  struct buf out;
  struct entry entry;
  uint64_t last = 99;
  bool found = false;
  fixture_create(&f);
  buf_init(&out, ENTRY_MAX_SIZE);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(history_last(store, &last, &err), 0);
  CU_ASSERT_EQUAL(last, 0);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 1, 200, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 2, 50, 300, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 51, 52, 70000, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  CU_ASSERT_EQUAL(history_last(store, &last, &err), 0);
  CU_ASSERT_EQUAL(last, 52);
  for (uint64_t seq = 1; seq <= 52; seq++) {
    CU_ASSERT_EQUAL_FATAL(history_get(store, seq, &out, &entry, &found, &err), 0);
    CU_ASSERT_TRUE_FATAL(found);
    CU_ASSERT_EQUAL(entry.seq, seq);
    CU_ASSERT_EQUAL(entry.body.len, seq == 1 ? 200 : seq <= 50 ? 300 : 70000);
    CU_ASSERT_EQUAL(entry.body.data[entry.body.len - 1], 'a' + seq % 26);
  }
  CU_ASSERT_EQUAL(history_get(store, 53, &out, &entry, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(history_get(store, 0, &out, &entry, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  buf_free(&out);
  fixture_close(store);
}

/* Reads from..to in steps of max_bytes and checks that every entry comes once, in order. */
static void read_all(struct store *store, uint64_t from, uint64_t to, uint64_t expect_to, size_t max_bytes) {
  struct err err;
  struct buf out;
  uint64_t next = from;
  size_t count = 0;
  buf_init(&out, 64 << 20);
  do {
    CU_ASSERT_EQUAL_FATAL(history_read(store, next, to, max_bytes, &out, &count, &err), 0);
    struct span rest = buf_span(&out);
    for (size_t i = 0; i < count; i++) {
      struct entry entry;
      CU_ASSERT_EQUAL_FATAL(history_next(&rest, &entry, &err), 0);
      CU_ASSERT_EQUAL(entry.seq, next);
      next++;
    }
    CU_ASSERT_EQUAL(rest.len, 0);
  } while (count > 0);
  CU_ASSERT_EQUAL(next, expect_to + 1);
  buf_free(&out);
}

static void ranges_are_read_in_bulk_whatever_the_sizes(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  for (uint64_t seq = 1; seq <= 2000; seq += 100)
    CU_ASSERT_EQUAL(fixture_append(store, seq, seq + 99, 100 + (size_t)seq, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 2001, 2003, ENTRY_MAX_SIZE - ENTRY_OVERHEAD, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 2004, 2100, 20, &err), 0);
  read_all(store, 1, UINT64_MAX, 2100, 1);
  read_all(store, 1, UINT64_MAX, 2100, 100000);
  read_all(store, 1, UINT64_MAX, 2100, 8 << 20);
  read_all(store, 77, 1234, 1234, 50000);
  read_all(store, 2002, 2002, 2002, 1);
  read_all(store, 2101, UINT64_MAX, 2100, 1000);
  fixture_close(store);
}

static void a_batch_that_does_not_follow_is_refused_whole(void) {
  struct fixture f;
  struct err err;
  uint64_t last = 0;
  struct buf bytes;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 10, 100, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 12, 13, 100, &err), ERR_CONFLICT);
  CU_ASSERT_EQUAL(fixture_append(store, 10, 12, 100, &err), ERR_CONFLICT);
  /* The third record is not what it is to be: the two before it must go too. */
  buf_init(&bytes, 1 << 20);
  fixture_record(&bytes, 11, 100);
  size_t one = bytes.len;
  fixture_record(&bytes, 12, 100);
  fixture_record(&bytes, 14, 100);
  struct span records[3] = {span_of(bytes.data, one), span_of(bytes.data + one, one),
                            span_of(bytes.data + 2 * one, one)};
  CU_ASSERT_EQUAL(history_append(store, records, 11, 3, &err), ERR_INVALID);
  CU_ASSERT_EQUAL(history_last(store, &last, &err), 0);
  CU_ASSERT_EQUAL(last, 10);
  CU_ASSERT_EQUAL(history_append(store, records, 11, 2, &err), 0);
  buf_free(&bytes);
  fixture_close(store);
}

static void a_time_becomes_the_last_entry_up_to_it(void) {
  struct fixture f;
  struct err err;
  const int64_t base = (int64_t)FIXTURE_TIME * 1000000;
  const struct {
    int64_t time;
    uint64_t max, expected;
  } cases[] = {{base + 9, 500, 0},      {base + 10, 500, 1},     {base + 19, 500, 1},   {base + 20, 500, 2},
               {base + 2505, 500, 250}, {base + 5000, 500, 500}, {INT64_MAX, 500, 500}, {INT64_MAX, 300, 300},
               {base + 3000, 299, 299}, {base + 2990, 300, 299}, {-1, 500, 0},          {0, 500, 0},
               {INT64_MAX, 0, 0}};
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  /* Values of one record, of some, of many. */
  for (uint64_t seq = 1; seq <= 260; seq += seq > 20 ? 5 : 1)
    CU_ASSERT_EQUAL(fixture_append(store, seq, seq > 20 ? seq + 4 : seq, 60, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 261, 500, 60, &err), 0);
  for (uint64_t at = 1; at <= 500; at++) {
    uint64_t seq = 0;
    CU_ASSERT_EQUAL(history_seq_at(store, base + (int64_t)at * 10 + 3, 500, &seq, &err), 0);
    CU_ASSERT_EQUAL(seq, at);
    CU_ASSERT_EQUAL(history_seq_at(store, INT64_MAX, at, &seq, &err), 0);
    CU_ASSERT_EQUAL(seq, at);
  }
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint64_t seq = 12345;
    CU_ASSERT_EQUAL(history_seq_at(store, cases[i].time, cases[i].max, &seq, &err), 0);
    CU_ASSERT_EQUAL(seq, cases[i].expected);
  }
  fixture_close(store);
}

static void an_entry_that_is_missing_is_corruption(void) {
  struct fixture f;
  struct err err;
  struct buf out;
  struct entry entry;
  bool found = false;
  size_t count = 0;
  unsigned char key_bytes[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 0, 50};
  DBT key = {.data = key_bytes, .size = sizeof key_bytes};
  fixture_create(&f);
  buf_init(&out, 1 << 20);
  struct store *store = fixture_open(&f);
  for (uint64_t seq = 1; seq <= 100; seq++)
    CU_ASSERT_EQUAL(fixture_append(store, seq, seq, 60, &err), 0);
  CU_ASSERT_EQUAL(store->history->del(store->history, NULL, &key, 0), 0);
  CU_ASSERT_EQUAL(history_read(store, 1, 100, 1 << 20, &out, &count, &err), ERR_CORRUPT);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "entry 50 is missing"));
  CU_ASSERT_EQUAL(history_read(store, 50, 100, 1 << 20, &out, &count, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(history_get(store, 50, &out, &entry, &found, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(history_read(store, 1, 49, 1 << 20, &out, &count, &err), 0);
  CU_ASSERT_EQUAL(count, 49);
  buf_free(&out);
  fixture_close(store);
}

static void a_record_that_was_altered_is_corruption(void) {
  struct fixture f;
  struct err err;
  struct buf bytes, out;
  struct entry entry;
  bool found = false;
  unsigned char key_bytes[STORE_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 0, 5};
  fixture_create(&f);
  buf_init(&bytes, 1 << 20);
  buf_init(&out, 1 << 20);
  struct store *store = fixture_open(&f);
  for (uint64_t seq = 1; seq <= 10; seq++)
    CU_ASSERT_EQUAL(fixture_append(store, seq, seq, 60, &err), 0);
  fixture_record(&bytes, 5, 60);
  bytes.data[70] ^= 1;
  DBT key = {.data = key_bytes, .size = sizeof key_bytes};
  DBT value = {.data = bytes.data, .size = (u_int32_t)bytes.len};
  CU_ASSERT_EQUAL(store->history->put(store->history, NULL, &key, &value, 0), 0);
  CU_ASSERT_EQUAL(history_get(store, 5, &out, &entry, &found, &err), ERR_CORRUPT);
  buf_reset(&bytes);
  fixture_record(&bytes, 6, 60);
  value.data = bytes.data;
  CU_ASSERT_EQUAL(store->history->put(store->history, NULL, &key, &value, 0), 0);
  CU_ASSERT_EQUAL(history_get(store, 5, &out, &entry, &found, &err), ERR_CORRUPT);
  buf_free(&bytes);
  buf_free(&out);
  fixture_close(store);
}

static void the_table_of_timelines_survives_a_restart(void) {
  struct fixture f;
  struct err err;
  struct history_meta meta = {0}, again = {0};
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL_FATAL(history_meta_read(store, &meta, &err), 0);
  CU_ASSERT_EQUAL(meta.count, 1);
  CU_ASSERT_EQUAL(history_meta_branch(&meta, 0, 7, &err), 0);
  CU_ASSERT_EQUAL(history_meta_write(store, &meta, &err), 0);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 3, 60, &err), 0);
  fixture_close(store);
  store = fixture_open(&f);
  CU_ASSERT_EQUAL_FATAL(history_meta_read(store, &again, &err), 0);
  CU_ASSERT_EQUAL(again.count, 2);
  CU_ASSERT_EQUAL(history_meta_current(&again)->number, 7);
  CU_ASSERT_EQUAL(history_meta_current(&again)->branch, history_meta_current(&meta)->branch);
  CU_ASSERT_EQUAL(memcmp(again.id, meta.id, HISTORY_ID_SIZE), 0);
  history_meta_free(&meta);
  history_meta_free(&again);
  read_all(store, 1, UINT64_MAX, 3, 1000);
  fixture_close(store);
}

/* In a process of its own: joins and reads everything over and over until told to stop. */
static int read_beside_the_writer(struct fixture *f, int until) {
  struct err err;
  struct store *store = NULL;
  struct buf out;
  size_t count = 0, rounds = 0;
  char c = 0;
  buf_init(&out, 64 << 20);
  if (store_join(&f->config, &f->log, NULL, &store, &err))
    return 10;
  while (read(until, &c, 1) < 0) {
    uint64_t last = 0;
    struct entry entry;
    if (history_last(store, &last, &err))
      return 11;
    for (uint64_t next = 1; next <= last; next += count) {
      if (history_read(store, next, last, 200000, &out, &count, &err) || count == 0)
        return 12;
      struct span rest = buf_span(&out);
      for (size_t i = 0; i < count; i++)
        if (history_next(&rest, &entry, &err) || entry.seq != next + i)
          return 13;
    }
    rounds++;
  }
  buf_free(&out);
  return store_close(store, &err) ? 14 : rounds == 0 ? 15 : 0;
}

static void another_process_reads_while_the_writer_writes(void) {
  struct fixture f;
  struct err err;
  int until[2], status = 0;
  fixture_create(&f);
  CU_ASSERT_EQUAL_FATAL(pipe2(until, O_NONBLOCK), 0);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 10, 300, &err), 0);
  pid_t child = fork();
  if (child == 0) {
    close(until[1]);
    _exit(read_beside_the_writer(&f, until[0]));
  }
  for (uint64_t seq = 11; seq < 6000; seq += 7) {
    CU_ASSERT_EQUAL_FATAL(fixture_append(store, seq, seq + 6, seq % 5 ? 300 : 5000, &err), 0);
    CU_ASSERT_EQUAL_FATAL(history_flush(store, &err), 0);
  }
  close(until[1]);
  CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
  CU_ASSERT_TRUE(WIFEXITED(status));
  CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
  close(until[0]);
  fixture_close(store);
}

static void a_checkpoint_waits_for_its_bytes(void) {
  struct fixture f;
  struct err err;
  bool done = true;
  fixture_create(&f);
  struct store *store = fixture_open(&f);
  CU_ASSERT_EQUAL(store_checkpoint(store, 0, &done, &err), 0);
  CU_ASSERT_TRUE(done);
  CU_ASSERT_EQUAL(fixture_append(store, 1, 100, 1000, &err), 0);
  CU_ASSERT_EQUAL(history_flush(store, &err), 0);
  CU_ASSERT_EQUAL(store_checkpoint(store, 1 << 20, &done, &err), 0);
  CU_ASSERT_FALSE(done);
  CU_ASSERT_EQUAL(store_checkpoint(store, 50000, &done, &err), 0);
  CU_ASSERT_TRUE(done);
  CU_ASSERT_EQUAL(store_checkpoint(store, 50000, &done, &err), 0);
  CU_ASSERT_FALSE(done);
  fixture_close(store);
}

int main(void) {
  static const struct test_case cases[] = {
      {"entries that were appended are read back", entries_that_were_appended_are_read_back},
      {"ranges are read in bulk whatever the sizes", ranges_are_read_in_bulk_whatever_the_sizes},
      {"a batch that does not follow is refused whole", a_batch_that_does_not_follow_is_refused_whole},
      {"a time becomes the last entry up to it", a_time_becomes_the_last_entry_up_to_it},
      {"an entry that is missing is corruption", an_entry_that_is_missing_is_corruption},
      {"a record that was altered is corruption", a_record_that_was_altered_is_corruption},
      {"the table of timelines survives a restart", the_table_of_timelines_survives_a_restart},
      {"another process reads while the writer writes", another_process_reads_while_the_writer_writes},
      {"a checkpoint waits for its bytes", a_checkpoint_waits_for_its_bytes}};
  return harness_run("history", cases, HARNESS_COUNT(cases));
}
