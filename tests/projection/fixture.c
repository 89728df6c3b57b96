#include "tests/projection/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/harness.h"

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "fixture: %s\n", err->text);
  abort();
}

uint64_t mix(uint64_t n) { /* splitmix64, https://prng.di.unimi.it/splitmix64.c */
  n += 0x9e3779b97f4a7c15u;
  n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
  n = (n ^ n >> 27) * 0x94d049bb133111ebu;
  return n ^ n >> 31;
}

void fixture_create(struct fixture *f) {
  struct err err;
  *f = (struct fixture){0};
  const char *home = harness_folder();
  need(fileio_join(f->log_path, home, "log.txt", &err), &err);
  log_open(&f->log, open(f->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), "test");
  need(config_defaults(&f->config, home, &err), &err);
  f->config.history_cache_bytes = 8 << 20;
  f->config.projection_cache_bytes = 16 << 20;
  f->config.wal_file_bytes = 8 << 20;
  need(store_init(&f->config, &f->log, &err), &err);
  need(env_open_writer(&f->config, &f->log, NULL, RECOVER_NORMAL, &f->store, &err), &err);
  need(fileio_join(f->indexes, f->config.data_dir, "db/indexes", &err), &err);
  f->made = calloc(FIXTURE_MAX + 1, sizeof(struct made));
  if (!f->made)
    abort();
}

void fixture_release(struct fixture *f) {
  struct err err;
  if (f->projection)
    fixture_close(f);
  if (f->store)
    need(store_close(f->store, &err), &err);
  f->store = NULL;
}

void fixture_free(struct fixture *f) {
  fixture_release(f);
  for (uint64_t seq = 1; seq <= f->last; seq++)
    free(f->made[seq].body);
  free(f->made);
  close(f->log.fd);
}

static void choose_names(struct made *m, uint64_t r) {
  static const char *const shapes[] = {"web/c%u", "web/c%u/chrome", "web/c%u-x", "w\"eb\\/c%u", "z\xc3\xa9/c%u"};
  static const char *const predicates[] = {"supported_since", "status", "s", "status-of", "\xf0\x9f\x9a\x80"};
  static const char *const sources[] = {"", "source/a", "source/a/b", "source/a-b", "source/mdn", "source/\"q\""};
  snprintf(m->path, sizeof(m->path), shapes[r % 5], (unsigned)(r >> 8 & 63));
  snprintf(m->predicate, sizeof(m->predicate), "%s", predicates[(r >> 16 & 7) % 5]);
  snprintf(m->source, sizeof(m->source), "%s", sources[(r >> 20 & 7) % 6]);
}

/* Calls are 1 to 4 entries long: those with equal (seq - 1) / 4 and a key. */
static void choose_key(struct made *m, uint64_t seq) {
  uint64_t group = (seq - 1) / 4, r = mix(group ^ 0x1234);
  if (r % 5 == 0)
    snprintf(m->scope, sizeof(m->scope), "%s", r >> 8 & 1 ? "alice|assert" : "|assert");
  else if (r % 5 == 1)
    snprintf(m->scope, sizeof(m->scope), "|import");
  m->call = r % 5 == 1 ? group / 50 : group;
}

static void add_quoted(struct buf *b, const char *text) {
  buf_add_byte(b, '"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      buf_add_byte(b, '\\');
    buf_add_byte(b, (unsigned char)*text);
  }
  buf_add_byte(b, '"');
}

static void add_derived(const struct fixture *f, struct made *m, uint64_t seq, uint64_t r, struct buf *b) {
  m->derived_count = seq > 10 && r % 10 == 0 ? 1 + (r >> 40) % 3 : 0;
  for (size_t i = 0; i < m->derived_count; i++) {
    m->derived[i] = 1 + mix(seq * 3 + i) % (seq - 1);
    buf_add_str(b, i ? ",\"" : ",\"derived_from\":[\"");
    buf_add_hex(b, f->made[m->derived[i]].id, ID_SIZE);
    buf_add_str(b, "\"");
  }
  if (m->derived_count)
    buf_add_str(b, "]");
}

/* The canonical body of an assertion; *value is its value's span in `b`. */
static void make_body(const struct fixture *f, struct made *m, uint64_t seq, uint64_t r, struct buf *b,
                      struct span *value) {
  buf_add_str(b, "{\"concept_path\":");
  add_quoted(b, m->path);
  if (r >> 30 & 1)
    buf_addf(b, ",\"confidence\":0.%u", 1 + (unsigned)(r >> 31 & 7));
  add_derived(f, m, seq, r, b);
  if (r >> 36 & 1)
    buf_add_str(b, ",\"observed_at\":\"2026-02-11T00:00:00Z\"");
  buf_add_str(b, ",\"predicate\":");
  add_quoted(b, m->predicate);
  if (m->source[0]) {
    buf_add_str(b, ",\"source\":");
    add_quoted(b, m->source);
  }
  buf_add_str(b, ",\"value\":");
  size_t at = b->len;
  buf_addf(b, "\"%llu", (unsigned long long)r);
  size_t filler = r % 50 == 7 ? 900 + (r >> 10) % 3000 : r % 1000 == 8 ? 60000 : 0;
  memset(buf_extend(b, filler), 'v', filler);
  buf_add_str(b, "\"");
  buf_add_str(b, "}");
  *value = span_of(b->data + at, b->len - 1 - at);
}

static void make_server(const struct made *m, uint64_t seq, const unsigned char *salt, struct buf *out) {
  char scope[sizeof(m->scope)];
  unsigned char hash[DIGEST_SIZE];
  struct server_section s = {.salt = span_of(salt, SALT_SIZE)};
  if (m->kind != ENTRY_ASSERTION)
    s.salt = (struct span){NULL, 0};
  if (m->batch[0])
    s.batch = span_of(m->batch, 16);
  if (m->scope[0]) {
    memcpy(scope, m->scope, sizeof(scope));
    size_t len = strlen(scope);
    *strchr(scope, '|') = 0;
    s.key_scope = span_of(scope, len);
    memset(hash, 0, sizeof(hash));
    memcpy(hash, &m->call, sizeof(m->call));
    s.key_hash = span_of(hash, sizeof(hash));
    s.has_index = true;
    s.index = (uint32_t)((seq - 1) % 4);
  }
  if (seq % 7 == 0)
    s.recorded_by = span_str("alice");
  entry_put_server(out, &s);
}

/* Appends the record of the next entry to `out`, and remembers it. */
static void make_entry(struct fixture *f, struct buf *out) {
  uint64_t seq = f->last + 1, r = mix(seq);
  struct made *m = &f->made[seq];
  struct err err;
  struct buf body, server;
  struct span value = {NULL, 0};
  unsigned char salt[SALT_SIZE], content[DIGEST_SIZE];
  buf_init(&body, 1 << 17);
  buf_init(&server, 4096);
  for (size_t i = 0; i < SALT_SIZE; i++)
    salt[i] = (unsigned char)mix(seq * 16 + i);
  m->kind = r % 37 == 5 ? ENTRY_RETRACTION : ENTRY_ASSERTION;
  choose_names(m, r);
  choose_key(m, seq);
  if (r >> 50 & 1)
    memset(m->batch, (int)(1 + seq % 100), 16);
  if (m->kind == ENTRY_ASSERTION)
    make_body(f, m, seq, r, &body, &value);
  else
    buf_addf(&body, "{\"concept_path\":\"source/a\",\"reason\":\"r%llu\"}", (unsigned long long)seq);
  make_server(m, seq, salt, &server);
  uint64_t time_us = (uint64_t)FIXTURE_TIME * 1000000 + seq * 10;
  digest_content(content, buf_span(&body), value, salt);
  digest_id(m->id, m->kind, content, seq, time_us);
  size_t start = out->len;
  entry_encode(out, m->kind, 0, seq, time_us, m->id, buf_span(&server), buf_span(&body));
  struct entry entry;
  need(buf_check(out, "records", &err), &err);
  need(entry_decode(span_of(out->data + start, out->len - start), &entry, &err), &err);
  need(entry_verify(&entry, m->leaf, &err), &err);
  m->body = malloc(body.len);
  if (!m->body)
    abort();
  memcpy(m->body, body.data, body.len);
  m->body_len = body.len;
  buf_free(&body);
  buf_free(&server);
  f->last = seq;
}

/* Makes and stores `count` entries; their records, one after another, are in `records`. */
static void store_more(struct fixture *f, uint64_t count, struct buf *records) {
  struct err err;
  struct span *spans = calloc(count + 1, sizeof(*spans));
  size_t *ends = calloc(count + 1, sizeof(*ends));
  uint64_t first = f->last + 1;
  if (!spans || !ends || f->last + count > FIXTURE_MAX)
    abort();
  for (uint64_t i = 0; i < count; i++) {
    make_entry(f, records);
    ends[i + 1] = records->len;
  }
  for (uint64_t i = 0; i < count; i++)
    spans[i] = span_of(records->data + ends[i], ends[i + 1] - ends[i]);
  if (count)
    need(history_append(f->store, spans, first, count, &err), &err);
  need(history_flush(f->store, &err), &err);
  free(spans);
  free(ends);
}

void fixture_grow(struct fixture *f, uint64_t count) {
  while (count > 0) {
    uint64_t n = count < 2000 ? count : 2000;
    struct buf records;
    buf_init(&records, 1 << 28);
    store_more(f, n, &records);
    buf_free(&records);
    count -= n;
  }
}

int fixture_project(struct fixture *f, bool rebuild, struct err *err) {
  int rc = projection_open(&f->config, &f->log, NULL, f->store, f->last, rebuild, &f->projection, err);
  if (rc)
    f->projection = NULL;
  f->reader = (struct reader){.store = f->store, .projection = f->projection};
  return rc;
}

void fixture_open(struct fixture *f) {
  struct err err;
  need(fixture_project(f, false, &err), &err);
}

void fixture_close(struct fixture *f) {
  struct err err;
  need(projection_close(f->projection, &err), &err);
  f->projection = NULL;
}

void fixture_apply(struct fixture *f, uint64_t count, size_t batch) {
  struct err err;
  struct entry *entries = calloc(batch, sizeof(*entries));
  while (count > 0) {
    size_t n = count < batch ? (size_t)count : batch;
    struct buf records;
    buf_init(&records, 1 << 28);
    store_more(f, n, &records);
    struct span rest = buf_span(&records);
    for (size_t i = 0; i < n; i++)
      need(history_next(&rest, &entries[i], &err), &err);
    need(projection_apply(f->projection, entries, n, &err), &err);
    buf_free(&records);
    count -= n;
  }
  free(entries);
}

bool fixture_logged(const struct fixture *f, const char *words) {
  struct buf text;
  struct err err;
  bool found;
  buf_init(&text, 1 << 24);
  need(fileio_read_file(f->log_path, &text, &found, &err), &err);
  buf_add_byte(&text, 0);
  bool logged = strstr((char *)text.data, words) != NULL;
  buf_free(&text);
  return logged;
}

void fixture_clear_log(const struct fixture *f) {
  if (truncate(f->log_path, 0) != 0)
    abort();
}

void naive_root(const struct fixture *f, uint64_t from, uint64_t count, unsigned char root[DIGEST_SIZE]) {
  unsigned char right[DIGEST_SIZE];
  if (count == 0) {
    digest_sha256(root, (struct span){NULL, 0});
    return;
  }
  if (count == 1) {
    memcpy(root, f->made[from].leaf, DIGEST_SIZE);
    return;
  }
  uint64_t k = 1;
  while (k * 2 < count)
    k *= 2;
  naive_root(f, from, k, root);
  naive_root(f, from + k, count - k, right);
  digest_node(root, root, right);
}

static void open_store(struct fixture *f) {
  struct err err;
  need(env_open_writer(&f->config, &f->log, NULL, RECOVER_NORMAL, &f->store, &err), &err);
}

void fixture_reopen(struct fixture *f) {
  struct err err;
  struct buf record;
  uint64_t last;
  open_store(f);
  need(history_last(f->store, &last, &err), &err);
  while (f->last < last) {
    buf_init(&record, 1 << 20);
    make_entry(f, &record);
    buf_free(&record);
  }
}

bool fixture_killed(struct fixture *f, const char *faults, void (*work)(struct fixture *f)) {
  return fixture_status(f, faults, work) == -SIGKILL;
}

int fixture_status(struct fixture *f, const char *faults, void (*work)(struct fixture *f)) {
  fflush(stdout);
  pid_t child = fork();
  if (child < 0)
    abort();
  if (child == 0) {
    setenv("STEMEDB_FAULTS", faults, 1);
    open_store(f);
    work(f);
    _exit(0);
  }
  int status;
  if (waitpid(child, &status, 0) != child)
    abort();
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
