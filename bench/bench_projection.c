/*
 * What the projections cost: CPU and wall time of projection_apply an assertion, log and disk bytes, the time of a
 * rebuild, and of a read. The lines of a file of assertions are stored as often as asked for, under another path prefix
 * each time. Not installed; run by hand:
 *
 *   zcat bcd-full.ndjson.gz | bench/bench_projection --home /tmp/x [--copies 1] [--batch 1000] [--cache MIB]
 *                                                   [--limit LINES] [--no-rebuild]
 */
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "projection/internal.h"
#include "projection/snapshot.h"
#include "store/internal.h"

enum { HISTORY_CACHE = 64 << 20, CHECKPOINT_BYTES = 64 << 20, READS = 200000, READ_ROWS = 5 };

struct bench {
  const char *home;
  uint64_t copies, batch, cache_mib, limit;
  bool rebuild;
  struct config config;
  struct log log;
  struct store *store;
  struct projection *projection;
  char **lines;
  size_t line_count;
  uint64_t seq;
  struct buf records;
  struct entry *entries;
  struct span *spans;
};

/* A stretch of time, measured while it is switched on. */
struct meter {
  double cpu, wall;
};

static void die(const char *what, const struct err *err) {
  fprintf(stderr, "bench_projection: %s: %s\n", what, err ? err->text : "failed");
  exit(1);
}

static double cpu_now(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void meter_start(struct meter *m) {
  m->cpu -= cpu_now();
  m->wall -= (double)clock_monotonic() / 1e6;
}

static void meter_stop(struct meter *m) {
  m->cpu += cpu_now();
  m->wall += (double)clock_monotonic() / 1e6;
}

static void read_lines(struct bench *b) {
  char *line = NULL;
  size_t size = 0, cap = 0;
  ssize_t len;
  while (b->line_count < b->limit && (len = getline(&line, &size, stdin)) > 0) {
    if (b->line_count == cap) {
      cap = cap ? 2 * cap : 65536;
      b->lines = realloc(b->lines, cap * sizeof(*b->lines));
      if (!b->lines)
        die("lines", NULL);
    }
    b->lines[b->line_count++] = strndup(line, (size_t)len);
  }
  free(line);
  if (b->line_count == 0)
    die("no lines on standard input", NULL);
}

/* The canonical body of a line; the path gets a prefix from the second copy on. */
static void make_draft(struct arena *arena, const char *line, uint64_t copy, struct assertion_draft *draft) {
  static const char start[] = "{\"concept_path\":\"";
  struct json_doc doc;
  struct json_fault fault;
  struct field_errors *errors = arena_alloc(arena, sizeof(*errors));
  struct err err;
  size_t size = strlen(line) + 32;
  char *text = arena_alloc(arena, size);
  if (!text || !errors)
    die("memory", NULL);
  if (copy && strncmp(line, start, sizeof(start) - 1) == 0)
    snprintf(text, size, "%sp%" PRIu64 "/%s", start, copy, line + sizeof(start) - 1);
  else
    memcpy(text, line, strlen(line) + 1);
  field_errors_init(errors, arena);
  if (json_parse(arena, span_str(text), &doc, &fault, &err) ||
      assertion_validate(arena, &doc, 0, span_str(""), errors, draft, &err) || errors->count)
    die(line, &err);
}

/* The record of one assertion of an import, as the committer would make it. */
static void make_record(struct bench *b, const struct assertion_draft *draft, uint64_t seq) {
  static const unsigned char batch[16] = {1, 2, 3};
  unsigned char salt[SALT_SIZE], content[DIGEST_SIZE], id[ID_SIZE];
  struct buf server;
  struct server_section section = {
      .batch = span_of(batch, 16), .salt = span_of(salt, SALT_SIZE), .has_index = true, .index = (uint32_t)seq};
  uint64_t time_us = UINT64_C(1764000000000000) + seq;
  buf_init(&server, 1024);
  randombytes_buf(salt, sizeof(salt));
  entry_put_server(&server, &section);
  digest_content(content, draft->body, draft->value, salt);
  digest_id(id, ENTRY_ASSERTION, content, seq, time_us);
  entry_encode(&b->records, ENTRY_ASSERTION, 0, seq, time_us, id, buf_span(&server), draft->body);
  buf_free(&server);
}

/* Makes `count` records and stores them in the history. */
static void make_batch(struct bench *b, struct arena *arena, size_t line, size_t count, uint64_t copy) {
  struct err err;
  buf_reset(&b->records);
  arena_reset(arena);
  for (size_t i = 0; i < count; i++) {
    struct assertion_draft draft;
    make_draft(arena, b->lines[line + i], copy, &draft);
    make_record(b, &draft, b->seq + 1 + i);
  }
  struct span rest = buf_span(&b->records);
  for (size_t i = 0; i < count; i++) {
    if (history_next(&rest, &b->entries[i], &err))
      die("records", &err);
    b->spans[i] = b->entries[i].record;
  }
  if (history_append(b->store, b->spans, b->seq + 1, count, &err))
    die("history", &err);
  b->seq += count;
}

static uint64_t log_bytes(const struct bench *b) {
  DB_LOG_STAT *stat = NULL;
  DB_ENV *env = b->projection->env.handle;
  if (env->log_stat(env, &stat, 0) != 0)
    return 0;
  uint64_t bytes = ((uint64_t)stat->st_w_mbytes << 20) + stat->st_w_bytes;
  free(stat);
  return bytes;
}

/* Sizes of the files of the indexes, and of all together. */
static void print_sizes(const struct bench *b) {
  double total = 0;
  DIR *dir = opendir(b->projection->dir);
  printf("  disk B an assertion:");
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    struct stat st;
    if (!strstr(e->d_name, ".kv") || fstatat(dirfd(dir), e->d_name, &st, 0) != 0)
      continue;
    printf(" %s %.1f", e->d_name, (double)st.st_size / (double)b->seq);
    total += (double)st.st_size;
  }
  printf(" all %.1f\n", total / (double)b->seq);
  closedir(dir);
}

/* Stores and projects all lines once. */
static void load_copy(struct bench *b, struct arena *arena, uint64_t copy) {
  struct meter apply = {0}, checkpoint = {0};
  struct err err;
  uint64_t logged = log_bytes(b);
  for (size_t line = 0; line < b->line_count; line += b->batch) {
    size_t n = b->line_count - line < b->batch ? b->line_count - line : b->batch;
    make_batch(b, arena, line, n, copy);
    meter_start(&apply);
    int rc = projection_apply(b->projection, b->entries, n, &err);
    meter_stop(&apply);
    meter_start(&checkpoint);
    if (!rc)
      rc = projection_checkpoint(b->projection, CHECKPOINT_BYTES, &err);
    meter_stop(&checkpoint);
    if (rc)
      die("projecting", &err);
    if (line / b->batch % 64 == 0 && store_checkpoint(b->store, CHECKPOINT_BYTES, NULL, &err))
      die("checkpointing", &err);
  }
  double n = (double)b->line_count;
  printf("copy %" PRIu64 ": apply %.2f us CPU, %.2f us wall; checkpoints %.2f us CPU, %.2f us wall; log %.0f B\n", copy,
         apply.cpu / n * 1e6, apply.wall / n * 1e6, checkpoint.cpu / n * 1e6, checkpoint.wall / n * 1e6,
         (double)(log_bytes(b) - logged) / n);
  fflush(stdout);
}

/* Reads READ_ROWS rows from random places on. */
static void read_rows(struct bench *b) {
  struct reader reader = {.store = b->store, .projection = b->projection};
  struct meter meter = {0};
  struct err err;
  uint64_t rows = 0, place = 12345;
  meter_start(&meter);
  for (int i = 0; i < READS; i++) {
    struct concept_scan *scan = NULL;
    struct concept_row row;
    bool found;
    place = place * UINT64_C(6364136223846793005) + 1442695040888963407u;
    const char *path = b->lines[(place >> 33) % b->line_count] + 17;
    struct span span = span_of(path, strcspn(path, "\""));
    if (concept_scan_open(&reader, &scan, &err) ||
        concept_scan_seek(scan, span, span_str(""), span_str(""), UINT64_MAX, &row, &found, &err))
      die("seeking", &err);
    for (int k = 0; k < READ_ROWS && found; k++, rows++)
      if (concept_scan_next(scan, &row, &found, &err))
        die("scanning", &err);
    concept_scan_close(scan);
  }
  meter_stop(&meter);
  printf("read of %d rows: %.2f us CPU, %.2f us wall (%.1f rows)\n", READ_ROWS, meter.cpu / READS * 1e6,
         meter.wall / READS * 1e6, (double)rows / READS);
}

static void rebuild(struct bench *b) {
  struct meter meter = {0};
  struct err err;
  if (projection_close(b->projection, &err))
    die("closing", &err);
  b->projection = NULL;
  meter_start(&meter);
  if (projection_open(&b->config, &b->log, NULL, b->store, b->seq, true, &b->projection, &err))
    die("rebuilding", &err);
  meter_stop(&meter);
  double n = (double)b->seq;
  printf("rebuild of %.0f: %.2f us CPU, %.2f us wall an assertion: %.0f/s\n", n, meter.cpu / n * 1e6,
         meter.wall / n * 1e6, n / meter.wall);
  print_sizes(b);
}

static void reopen(struct bench *b) {
  struct meter meter = {0};
  struct err err;
  if (projection_close(b->projection, &err))
    die("closing", &err);
  meter_start(&meter);
  if (projection_open(&b->config, &b->log, NULL, b->store, b->seq, false, &b->projection, &err))
    die("opening", &err);
  meter_stop(&meter);
  printf("open with nothing to do: %.1f ms\n", meter.wall * 1e3);
}

static void parse_options(struct bench *b, int argc, char **argv) {
  static const struct option options[] = {{"home", required_argument, NULL, 'h'},
                                          {"copies", required_argument, NULL, 'c'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"cache", required_argument, NULL, 'm'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {"no-rebuild", no_argument, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
    switch (c) {
    case 'h': b->home = optarg; break;
    case 'c': b->copies = strtoull(optarg, NULL, 10); break;
    case 'b': b->batch = strtoull(optarg, NULL, 10); break;
    case 'm': b->cache_mib = strtoull(optarg, NULL, 10); break;
    case 'l': b->limit = strtoull(optarg, NULL, 10); break;
    case 'n': b->rebuild = false; break;
    default: exit(2);
    }
  if (!b->home || b->batch == 0) {
    fprintf(stderr, "usage: bench_projection --home NEW_FOLDER < LINES\n");
    exit(2);
  }
}

int main(int argc, char **argv) {
  struct bench b = {.copies = 1, .batch = 1000, .cache_mib = 256, .limit = UINT64_MAX, .rebuild = true};
  struct err err;
  parse_options(&b, argc, argv);
  read_lines(&b);
  log_open(&b.log, STDERR_FILENO, "bench");
  buf_init(&b.records, (size_t)1 << 30);
  b.entries = calloc(b.batch, sizeof(*b.entries));
  b.spans = calloc(b.batch, sizeof(*b.spans));
  struct arena *arena = arena_create((size_t)1 << 30);
  if (!b.entries || !b.spans || !arena || sodium_init() < 0)
    die("memory", NULL);
  if (config_defaults(&b.config, b.home, &err))
    die("configuration", &err);
  b.config.history_cache_bytes = HISTORY_CACHE;
  b.config.projection_cache_bytes = b.cache_mib << 20;
  if (store_init(&b.config, &b.log, &err) || env_open_writer(&b.config, &b.log, NULL, RECOVER_NORMAL, &b.store, &err) ||
      projection_open(&b.config, &b.log, NULL, b.store, 0, false, &b.projection, &err))
    die("making a history", &err);
  for (uint64_t copy = 0; copy < b.copies; copy++)
    load_copy(&b, arena, copy);
  print_sizes(&b);
  read_rows(&b);
  reopen(&b);
  read_rows(&b);
  if (b.rebuild)
    rebuild(&b);
  if (projection_close(b.projection, &err) || store_close(b.store, &err))
    die("closing", &err);
  return 0;
}
