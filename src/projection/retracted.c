#include "projection/retracted.h"

#include "base/bytes.h"

enum { FORM_RUNS = 1, FORM_BITMAP = 2, AT_FORM = 8, AT_BITS = 9 };

void retracted_key(unsigned char key[RETRACTED_KEY_SIZE], uint64_t block, uint64_t retraction_seq) {
  put_u64(key, block);
  put_u64(key + 8, retraction_seq);
}

/* The first offset >= `from` whose bit is `set`; RETRACTED_BLOCK if there is none. */
static size_t find_bit(const uint64_t *words, size_t from, bool set) {
  while (from < RETRACTED_BLOCK) {
    uint64_t word = (set ? words[from / 64] : ~words[from / 64]) & UINT64_MAX << from % 64;
    if (word)
      return from / 64 * 64 + (size_t)__builtin_ctzll(word);
    from = from / 64 * 64 + 64;
  }
  return RETRACTED_BLOCK;
}

static size_t put_varint(unsigned char *out, size_t v) {
  size_t len = 0;
  for (; v >= 0x80; v >>= 7)
    out[len++] = (unsigned char)(v | 0x80);
  out[len++] = (unsigned char)v;
  return len;
}

/* Writes the runs; 0 if they would not be shorter than a bitmap. */
static size_t put_runs(const uint64_t *words, unsigned char *out) {
  enum { PAIR_MAX = 4 };
  size_t len = 0, at = 0;
  for (size_t start; (start = find_bit(words, at, true)) < RETRACTED_BLOCK;) {
    size_t end = find_bit(words, start, false);
    if (len + PAIR_MAX >= RETRACTED_BITMAP_SIZE)
      return 0;
    len += put_varint(out + len, start - at);
    len += put_varint(out + len, end - start);
    at = end;
  }
  return len;
}

size_t retracted_encode(const uint64_t words[RETRACTED_WORDS], uint64_t reinstated_seq,
                        unsigned char value[RETRACTED_VALUE_MAX]) {
  put_u64(value, reinstated_seq);
  value[AT_FORM] = FORM_RUNS;
  size_t len = put_runs(words, value + AT_BITS);
  if (len)
    return AT_BITS + len;
  value[AT_FORM] = FORM_BITMAP;
  for (size_t i = 0; i < RETRACTED_BITMAP_SIZE; i++)
    value[AT_BITS + i] = (unsigned char)(words[i / 8] >> i % 8 * 8);
  return RETRACTED_VALUE_MAX;
}

static bool take_varint(struct span *rest, size_t *v) {
  *v = 0;
  for (unsigned i = 0; i < 2 && i < rest->len; i++) {
    *v |= (size_t)(rest->data[i] & 0x7f) << 7 * i;
    if (rest->data[i] < 0x80) {
      *rest = span_of(rest->data + i + 1, rest->len - i - 1);
      return true;
    }
  }
  return false;
}

static bool take_runs(struct span rest, uint64_t *words) {
  size_t at = 0, gap, run;
  while (rest.len) {
    if (!take_varint(&rest, &gap) || !take_varint(&rest, &run) || run == 0 || at + gap + run > RETRACTED_BLOCK)
      return false;
    at += gap;
    for (size_t end = at + run; at < end;) {
      size_t bit = at % 64, n = end - at < 64 - bit ? end - at : 64 - bit;
      words[at / 64] |= UINT64_MAX >> (64 - n) << bit;
      at += n;
    }
  }
  return at > 0;
}

bool retracted_decode(struct span value, uint64_t words[RETRACTED_WORDS], uint64_t *reinstated_seq) {
  if (value.len <= AT_BITS)
    return false;
  struct span bits = span_of(value.data + AT_BITS, value.len - AT_BITS);
  *reinstated_seq = get_u64(value.data);
  memset(words, 0, RETRACTED_WORDS * sizeof(*words));
  if (value.data[AT_FORM] == FORM_RUNS)
    return take_runs(bits, words);
  if (value.data[AT_FORM] != FORM_BITMAP || bits.len != RETRACTED_BITMAP_SIZE)
    return false;
  for (size_t i = 0; i < RETRACTED_BITMAP_SIZE; i++)
    words[i / 8] |= (uint64_t)bits.data[i] << i % 8 * 8;
  return true;
}

void retraction_encode(const struct retraction_record *r, unsigned char value[RETRACTION_VALUE_SIZE]) {
  const uint64_t fields[] = {r->reinstated_seq,  r->direct,      r->cascaded, r->covers_direct,
                             r->covers_cascaded, r->reactivated, r->first,    r->last};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
    put_u64(value + 8 * i, fields[i]);
}

void retraction_decode(const unsigned char value[RETRACTION_VALUE_SIZE], struct retraction_record *r) {
  uint64_t *const fields[] = {&r->reinstated_seq,  &r->direct,      &r->cascaded, &r->covers_direct,
                              &r->covers_cascaded, &r->reactivated, &r->first,    &r->last};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
    *fields[i] = get_u64(value + 8 * i);
}
