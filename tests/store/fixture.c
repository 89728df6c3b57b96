#include "tests/store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "fixture: %s\n", err->text);
  abort();
}

void fixture_create_empty(struct fixture *f) {
  struct err err;
  *f = (struct fixture){0};
  log_open(&f->log, open("/dev/null", O_WRONLY | O_CLOEXEC), "test");
  need(config_defaults(&f->config, harness_folder(), &err), &err);
  f->config.history_cache_bytes = 8 << 20;
  f->config.wal_file_bytes = 4 << 20;
}

void fixture_create(struct fixture *f) {
  struct err err;
  fixture_create_empty(f);
  need(store_init(&f->config, &f->log, &err), &err);
}

struct store *fixture_open(struct fixture *f) {
  struct err err;
  struct store *store = NULL;
  need(env_open_writer(&f->config, &f->log, NULL, RECOVER_NORMAL, &store, &err), &err);
  return store;
}

void fixture_close(struct store *store) {
  struct err err;
  need(store_close(store, &err), &err);
}

void fixture_record(struct buf *out, uint64_t seq, size_t body_len) {
  unsigned char id[ID_SIZE];
  unsigned char *body = malloc(body_len + 1);
  if (!body)
    abort();
  memset(id, (int)(seq & 0xff), sizeof id);
  memset(body, (int)('a' + seq % 26), body_len);
  entry_encode(out, ENTRY_ASSERTION, 0, seq, (uint64_t)FIXTURE_TIME * 1000000 + seq * 10, id, span_of(NULL, 0),
               span_of(body, body_len));
  free(body);
}

int fixture_append(struct store *store, uint64_t from, uint64_t to, size_t body_len, struct err *err) {
  size_t count = (size_t)(to - from + 1);
  struct span *records = calloc(count, sizeof *records);
  size_t *ends = calloc(count + 1, sizeof *ends);
  struct buf bytes;
  buf_init(&bytes, (size_t)1 << 30);
  if (!records || !ends)
    abort();
  for (size_t i = 0; i < count; i++) {
    fixture_record(&bytes, from + i, body_len);
    ends[i + 1] = bytes.len;
  }
  for (size_t i = 0; i < count; i++)
    records[i] = span_of(bytes.data + ends[i], ends[i + 1] - ends[i]);
  int code = history_append(store, records, from, count, err);
  buf_free(&bytes);
  free(records);
  free(ends);
  return code;
}
