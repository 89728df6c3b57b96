/*
 * What a retraction costs: to compute what it covers, to write it, to read what is inactive, to undo it. The history is
 * made here: assertions of two sources by turns, then a tree of derivations that rests on the first. Not installed; run
 * by hand:
 *
 *   bench/bench_retract --home /tmp/x [--assertions 200000] [--derived 100000]
 */
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "model/retraction.h"
#include "projection/cover.h"
#include "projection/internal.h"
#include "projection/snapshot.h"
#include "store/internal.h"

enum { CALL = 1000, CACHE = 256 << 20, CHECKPOINT_BYTES = 64 << 20 };

struct bench {
  struct config config;
  struct log log;
  struct store *store;
  struct projection *projection;
  struct reader reader;
  uint64_t seq, assertions, derived;
  unsigned char (*ids)[ID_SIZE]; /* [1..] */
  struct buf records;
  struct entry entries[CALL];
  struct span spans[CALL];
};

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "bench_retract: %s\n", err->text);
  exit(1);
}

static double now_ms(void) {
  return (double)clock_monotonic() / 1e3;
}

/* Adds one record to the call that is being made. */
static void add(struct bench *b, uint8_t kind, struct span body, size_t value_len) {
  static const unsigned char salt[SALT_SIZE] = {1}, batch[16] = {2};
  unsigned char content[DIGEST_SIZE];
  struct server_section section = {.salt = span_of(salt, SALT_SIZE), .batch = span_of(batch, 16)};
  struct span value = value_len ? span_of(body.data + body.len - 1 - value_len, value_len) : (struct span){NULL, 0};
  struct buf server;
  uint64_t seq = ++b->seq, time_us = UINT64_C(1764000000000000) + seq;
  buf_init(&server, 1024);
  if (kind != ENTRY_ASSERTION)
    section = (struct server_section){0};
  entry_put_server(&server, &section);
  digest_content(content, body, value, salt);
  digest_id(b->ids[seq], kind, content, seq, time_us);
  entry_encode(&b->records, kind, 0, seq, time_us, b->ids[seq], buf_span(&server), body);
  buf_free(&server);
}

/* Stores what was added and projects it; `cover` comes with the first. Returns the time of projecting. */
static double commit(struct bench *b, const struct cover *cover) {
  struct span rest = buf_span(&b->records);
  struct err err;
  size_t count = 0;
  for (; rest.len; count++) {
    need(history_next(&rest, &b->entries[count], &err), &err);
    b->spans[count] = b->entries[count].record;
  }
  b->entries[0].cover = cover;
  need(history_append(b->store, b->spans, b->seq + 1 - count, count, &err), &err);
  double started = now_ms();
  need(projection_apply(b->projection, b->entries, count, &err), &err);
  started = now_ms() - started;
  buf_reset(&b->records);
  need(projection_checkpoint(b->projection, CHECKPOINT_BYTES, &err), &err);
  return started;
}

static void make_history(struct bench *b) {
  struct buf body;
  buf_init(&body, 4096);
  for (uint64_t i = 0; i < b->assertions + b->derived; i++) {
    buf_reset(&body);
    buf_addf(&body, "{\"concept_path\":\"c/%" PRIu64, i % 5000);
    if (i >= b->assertions) { /* a tree of two children each, whose root rests on the first assertion */
      uint64_t n = i - b->assertions, parent = n ? b->assertions + (n - 1) / 2 + 1 : 1;
      buf_add_str(&body, "\",\"derived_from\":[\"");
      buf_add_hex(&body, b->ids[parent], ID_SIZE);
      buf_add_str(&body, "\"],\"predicate\":\"p\",\"source\":\"source/c");
    } else {
      buf_addf(&body, "\",\"predicate\":\"p\",\"source\":\"source/%c", i % 2 ? 'b' : 'a');
    }
    buf_addf(&body, "\",\"value\":%06u}", (unsigned)(100000 + i % 1000));
    add(b, ENTRY_ASSERTION, buf_span(&body), 6);
    if (b->seq % CALL == 0 || i + 1 == b->assertions + b->derived)
      commit(b, NULL);
  }
  buf_free(&body);
}

/* Reads every block of the history as of the newest entry. */
static void read_blocks(const struct bench *b) {
  struct retracted_block block;
  struct err err;
  uint64_t inactive = 0, blocks = b->seq / RETRACTED_BLOCK + 1;
  double started = now_ms();
  for (uint64_t i = 0; i < blocks; i++) {
    need(retracted_read(&b->reader, i, b->seq, &block, &err), &err);
    inactive += block.count;
  }
  printf("  read: %.2f us a block, %" PRIu64 " inactive\n", (now_ms() - started) * 1e3 / (double)blocks, inactive);
}

/* Retracts, reads, and undoes it. */
static void retract(struct bench *b, const char *name, const char *request) {
  struct arena *arena = arena_create(1 << 20);
  struct retraction retraction;
  struct cover *cover = NULL;
  struct cover_counts counts;
  struct err err;
  struct buf body;
  need(retraction_read(arena, span_str(request), &retraction, &err), &err);
  double started = now_ms();
  need(cover_compute(&b->reader, &retraction, b->seq, &cover, &err), &err);
  double computed = now_ms() - started;
  cover_counts(cover, &counts);
  add(b, ENTRY_RETRACTION, span_str(request), 0);
  double written = commit(b, cover);
  printf("%s: %" PRIu64 " direct, %" PRIu64 " cascaded; computed in %.1f ms, written in %.1f ms\n", name, counts.direct,
         counts.cascaded, computed, written);
  read_blocks(b);
  buf_init(&body, 4096);
  buf_add_str(&body, "{\"reason\":\"u\",\"retraction_id\":\"");
  buf_add_hex(&body, b->ids[b->seq], ID_SIZE);
  buf_add_str(&body, "\"}");
  add(b, ENTRY_REINSTATEMENT, buf_span(&body), 0);
  printf("  undone in %.1f ms\n", commit(b, NULL));
  buf_free(&body);
  cover_free(cover);
  arena_free(arena);
}

static void usage(void) {
  fputs("Usage: bench_retract --home DIR [--assertions N] [--derived N]\n", stderr);
  exit(2);
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"home", required_argument, NULL, 'h'},
                                          {"assertions", required_argument, NULL, 'a'},
                                          {"derived", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
  struct bench *b = calloc(1, sizeof(*b));
  const char *home = NULL;
  struct err err;
  if (!b || sodium_init() < 0)
    return 1;
  b->assertions = 200000;
  b->derived = 100000;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'h')
      home = optarg;
    else if (c == 'a')
      b->assertions = strtoull(optarg, NULL, 10);
    else if (c == 'd')
      b->derived = strtoull(optarg, NULL, 10);
    else
      usage();
  }
  if (!home)
    usage();
  log_open(&b->log, 2, "bench");
  (void)mkdir(home, 0750);
  need(config_defaults(&b->config, home, &err), &err);
  b->config.projection_cache_bytes = CACHE;
  b->ids = calloc(b->assertions + b->derived + 100, ID_SIZE);
  if (!b->ids)
    return 1;
  buf_init(&b->records, 64 << 20);
  need(store_init(&b->config, &b->log, &err), &err);
  need(env_open_writer(&b->config, &b->log, NULL, RECOVER_NORMAL, &b->store, &err), &err);
  need(projection_open(&b->config, &b->log, NULL, b->store, 0, false, &b->projection, &err), &err);
  b->reader = (struct reader){.store = b->store, .projection = b->projection};
  make_history(b);
  retract(b, "source", "{\"reason\":\"r\",\"source\":\"source/a\"}");
  retract(b, "range", "{\"from_seq\":1,\"reason\":\"r\"}");
  retract(b, "path", "{\"concept_path\":\"c/1\",\"reason\":\"r\"}");
  retract(b, "cascade", "{\"cascade\":true,\"reason\":\"r\",\"to_seq\":1}");
  need(projection_close(b->projection, &err), &err);
  need(store_close(b->store, &err), &err);
  buf_free(&b->records);
  free(b->ids);
  free(b);
  return 0;
}
