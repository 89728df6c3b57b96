#include "model/digest.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sha256.h"

static const char id_tag[] = "stemedb-id-1";
static const char leaf_tag[] = "stemedb-leaf-1";

enum { ID_TAG_SIZE = sizeof(id_tag) - 1, LEAF_TAG_SIZE = sizeof(leaf_tag) - 1 };

/* SHA-256 of parts, one after another. */
static void hash_parts(unsigned char out[DIGEST_SIZE], const struct span *parts, size_t count) {
  struct sha256 hash;
  sha256_begin(&hash);
  for (size_t i = 0; i < count; i++)
    sha256_add(&hash, parts[i].data, parts[i].len);
  sha256_end(&hash, out);
}

void digest_value(unsigned char out[DIGEST_SIZE], const unsigned char salt[SALT_SIZE], struct span value) {
  const struct span parts[] = {span_of(salt, SALT_SIZE), value};
  hash_parts(out, parts, 2);
}

void digest_content(unsigned char out[DIGEST_SIZE], struct span body, struct span value,
                    const unsigned char salt[SALT_SIZE]) {
  if (!value.data) {
    digest_sha256(out, body);
    return;
  }
  unsigned char v[DIGEST_SIZE];
  char quoted[2 * DIGEST_SIZE + 2];
  digest_value(v, salt, value);
  quoted[0] = '"';
  sodium_bin2hex(quoted + 1, sizeof(quoted) - 1, v, DIGEST_SIZE);
  quoted[2 * DIGEST_SIZE + 1] = '"'; /* in place of the NUL */

  const unsigned char *rest = value.data + value.len;
  const struct span parts[] = {span_of(body.data, (size_t)(value.data - body.data)), span_of(quoted, sizeof(quoted)),
                               span_of(rest, (size_t)(body.data + body.len - rest))};
  hash_parts(out, parts, 3);
}

void digest_id(unsigned char out[ID_SIZE], uint8_t kind, const unsigned char content[DIGEST_SIZE], uint64_t seq,
               uint64_t time_us) {
  unsigned char data[ID_TAG_SIZE + 1 + DIGEST_SIZE + 8 + 8];
  unsigned char *p = data;
  memcpy(p, id_tag, ID_TAG_SIZE);
  p += ID_TAG_SIZE;
  *p++ = kind;
  memcpy(p, content, DIGEST_SIZE);
  p += DIGEST_SIZE;
  put_u64(p, seq);
  put_u64(p + 8, time_us);
  crypto_generichash_blake2b(out, ID_SIZE, data, sizeof(data), NULL, 0);
}

void digest_leaf(unsigned char out[DIGEST_SIZE], uint8_t kind, uint64_t seq, uint64_t time_us,
                 const unsigned char id[ID_SIZE], const unsigned char server[DIGEST_SIZE],
                 const unsigned char content[DIGEST_SIZE]) {
  unsigned char data[1 + LEAF_TAG_SIZE + 1 + 8 + 8 + ID_SIZE + 2 * DIGEST_SIZE];
  unsigned char *p = data;
  *p++ = 0x00;
  memcpy(p, leaf_tag, LEAF_TAG_SIZE);
  p += LEAF_TAG_SIZE;
  *p++ = kind;
  put_u64(p, seq);
  put_u64(p + 8, time_us);
  p += 16;
  memcpy(p, id, ID_SIZE);
  p += ID_SIZE;
  memcpy(p, server, DIGEST_SIZE);
  p += DIGEST_SIZE;
  memcpy(p, content, DIGEST_SIZE);
  digest_sha256(out, span_of(data, sizeof(data)));
}

void digest_node(unsigned char out[DIGEST_SIZE], const unsigned char left[DIGEST_SIZE],
                 const unsigned char right[DIGEST_SIZE]) {
  unsigned char data[1 + 2 * DIGEST_SIZE];
  data[0] = 0x01;
  memcpy(data + 1, left, DIGEST_SIZE);
  memcpy(data + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
  digest_sha256(out, span_of(data, sizeof(data)));
}

void digest_sha256(unsigned char out[DIGEST_SIZE], struct span data) {
  hash_parts(out, &data, 1);
}

static int hex_digit(unsigned char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

int digest_from_hex(unsigned char out[ID_SIZE], struct span hex) {
  if (hex.len != ID_HEX_SIZE)
    return -1;
  for (size_t i = 0; i < ID_SIZE; i++) {
    int high = hex_digit(hex.data[2 * i]), low = hex_digit(hex.data[2 * i + 1]);
    if (high < 0 || low < 0)
      return -1;
    out[i] = (unsigned char)(high << 4 | low);
  }
  return 0;
}
