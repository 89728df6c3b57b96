/* Packs: what is put in comes out, and bytes that are no pack are refused, never followed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "projection/pack.h"
#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

enum { ROWS = 40 };

/* A row and the memory that it refers to. */
struct sample {
  struct pack_row row;
  char key[120], server[40], middle[40], end[80];
  unsigned char id[ID_SIZE];
};

static struct span text(char *out, size_t size, const char *word, uint64_t n) {
  int len = snprintf(out, size, "%s%llu", word, (unsigned long long)n);
  return span_of(out, (size_t)len);
}

/* Row `i` of series `r`: names, server items and middles that often repeat. */
static void make_sample(struct sample *s, uint64_t r, uint64_t i) {
  uint64_t n = mix(r * 1000 + i);
  int len = snprintf(s->key, sizeof(s->key), "path/%llu%cpredicate%llu%csource%llu", (unsigned long long)(i / 3), 0,
                     (unsigned long long)(n & 1), 0, (unsigned long long)(n >> 1 & 1));
  s->row.key = span_of(s->key, (size_t)len + 1); /* with the last 0 */
  s->row.path_len = strlen(s->key);
  s->row.seq = n % 3 ? r + i : n;
  s->row.time_us = n >> 20;
  s->row.covered = n % 5 != 0;
  s->row.spliced = n % 7 != 0;
  memset(s->id, (int)n, sizeof(s->id));
  s->row.id = s->id;
  s->row.server = text(s->server, sizeof(s->server), "server", n >> 3 & 1);
  s->row.middle = text(s->middle, sizeof(s->middle), "middle", n >> 4 & 1);
  s->row.end = text(s->end, sizeof(s->end), "end", n);
}

static size_t make_pack(struct sample *samples, uint64_t r, unsigned char *out, size_t max) {
  struct pack_writer w;
  size_t bound = 0;
  pack_begin(&w, out);
  for (size_t i = 0; i < ROWS; i++) {
    make_sample(&samples[i], r, i);
    bound += pack_row_max(&samples[i].row);
    CU_ASSERT_TRUE_FATAL(bound <= max);
    pack_add(&w, &samples[i].row);
    CU_ASSERT_TRUE(w.len <= bound);
  }
  return w.len;
}

static void rows_come_out_as_they_went_in(void) {
  static struct sample samples[ROWS];
  unsigned char bytes[ROWS * 512];
  for (uint64_t r = 0; r < 200; r++) {
    struct pack_reader reader;
    bool sound = false;
    size_t i = 0;
    pack_read(&reader, span_of(bytes, make_pack(samples, r, bytes, sizeof(bytes))));
    for (; pack_next(&reader, &sound) && i < ROWS; i++) {
      const struct pack_row *in = &samples[i].row, *out = &reader.row;
      CU_ASSERT_TRUE(span_equal(in->key, out->key));
      CU_ASSERT_EQUAL(in->path_len, out->path_len);
      CU_ASSERT_EQUAL(in->seq, out->seq);
      CU_ASSERT_EQUAL(in->covered, out->covered);
      if (!in->covered)
        continue;
      CU_ASSERT_EQUAL(in->time_us, out->time_us);
      CU_ASSERT_EQUAL(memcmp(in->id, out->id, ID_SIZE), 0);
      CU_ASSERT_EQUAL(in->spliced, out->spliced);
      CU_ASSERT_TRUE(span_equal(in->server, out->server));
      CU_ASSERT_TRUE(span_equal(in->end, out->end));
      if (in->spliced)
        CU_ASSERT_TRUE(span_equal(in->middle, out->middle));
    }
    CU_ASSERT_TRUE(sound);
    CU_ASSERT_EQUAL(i, ROWS);
  }
}

static void an_empty_pack_has_no_rows(void) {
  struct pack_reader reader;
  bool sound = false;
  pack_read(&reader, (struct span){NULL, 0});
  CU_ASSERT_FALSE(pack_next(&reader, &sound));
  CU_ASSERT_TRUE(sound);
}

/* Under AddressSanitizer this shows any step beyond the bytes. */
static void damaged_and_cut_bytes_are_never_followed(void) {
  static struct sample samples[ROWS];
  unsigned char bytes[ROWS * 512];
  for (uint64_t r = 0; r < 3000; r++) {
    size_t len = make_pack(samples, r, bytes, sizeof(bytes)), rows = 0;
    size_t cut = r % 2 ? len : mix(r) % len;
    unsigned char *copy = malloc(cut + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, bytes, cut);
    if (cut && r % 3)
      copy[mix(r + 1) % cut] ^= (unsigned char)(1 + r % 255);
    struct pack_reader reader;
    bool sound;
    pack_read(&reader, span_of(copy, cut));
    while (pack_next(&reader, &sound))
      rows++;
    CU_ASSERT_TRUE(rows <= cut);
    CU_ASSERT_TRUE(!sound || reader.rest.len == 0);
    free(copy);
  }
}

static void the_order_is_by_key_then_the_newest_first(void) {
  struct sample a, b;
  make_sample(&a, 1, 1);
  b = a;
  b.row.key = span_of(b.key, a.row.key.len);
  b.row.seq = a.row.seq + 1;
  CU_ASSERT_TRUE(pack_compare(&b.row, &a.row) < 0);
  CU_ASSERT_TRUE(pack_compare(&a.row, &b.row) > 0);
  CU_ASSERT_EQUAL(pack_compare(&a.row, &a.row), 0);
  b.key[0]++;
  CU_ASSERT_TRUE(pack_compare(&a.row, &b.row) < 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"rows come out as they went in", rows_come_out_as_they_went_in},
      {"an empty pack has no rows", an_empty_pack_has_no_rows},
      {"damaged and cut bytes are never followed", damaged_and_cut_bytes_are_never_followed},
      {"the order is by key, then the newest first", the_order_is_by_key_then_the_newest_first},
  };
  return harness_run("pack", cases, HARNESS_COUNT(cases));
}
