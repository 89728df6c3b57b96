#include "model/sha256.h"

#include <sodium.h>
#include <stdint.h>

#include "base/bytes.h"

void sha256_parts_portable(unsigned char out[32], const struct span *parts, size_t count) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (size_t i = 0; i < count; i++)
    crypto_hash_sha256_update(&state, parts[i].data, parts[i].len);
  crypto_hash_sha256_final(&state, out);
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

enum { BLOCK = 64, GROUPS = 16 };

struct hash {
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  unsigned char block[BLOCK];
};

/* FIPS 180-4, sections 5.3.3 and 4.2.2. */
static const uint32_t first_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint32_t round_constants[4 * GROUPS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static __m128i load(const void *p) {
  return _mm_loadu_si128((const __m128i *)p);
}

/* The compression function over whole blocks. SHA256RNDS2 does two rounds on the state as {a,b,e,f} and {c,d,g,h};
 * words 4g to 4g+3 of the message schedule live in w[g mod 4]. */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress(uint32_t state[8], const unsigned char *data,
                                                                 size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i badc = _mm_shuffle_epi32(load(state), 0xb1), efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, efgh, 8), cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
  for (; blocks > 0; blocks--, data += BLOCK) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++)
      w[i] = _mm_shuffle_epi8(load(data + 16 * i), big_endian);
#pragma GCC unroll 16
    for (int g = 0; g < GROUPS; g++) {
      if (g >= 4) {
        __m128i w16 = w[g & 3], w12 = w[(g + 1) & 3], w8 = w[(g + 2) & 3], w4 = w[(g + 3) & 3];
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w16, w12), _mm_alignr_epi8(w4, w8, 4));
        w[g & 3] = _mm_sha256msg2_epu32(sum, w4);
      }
      __m128i keyed = _mm_add_epi32(w[g & 3], load(round_constants + 4 * g));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, keyed);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(keyed, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static void add(struct hash *hash, struct span part) {
  size_t filled = hash->length % BLOCK;
  hash->length += part.len;
  if (filled > 0 && part.len >= BLOCK - filled) {
    memcpy(hash->block + filled, part.data, BLOCK - filled);
    part = span_of(part.data + (BLOCK - filled), part.len - (BLOCK - filled));
    compress(hash->state, hash->block, 1);
    filled = 0;
  }
  if (part.len >= BLOCK) {
    size_t blocks = part.len / BLOCK;
    compress(hash->state, part.data, blocks);
    part = span_of(part.data + blocks * BLOCK, part.len % BLOCK);
  }
  if (part.len > 0)
    memcpy(hash->block + filled, part.data, part.len);
}

/* Padding: a one bit, zeros, the length in bits (FIPS 180-4, section 5.1.1). */
static void finish(struct hash *hash, unsigned char out[32]) {
  size_t filled = hash->length % BLOCK;
  hash->block[filled++] = 0x80;
  if (filled > BLOCK - 8) {
    memset(hash->block + filled, 0, BLOCK - filled);
    compress(hash->state, hash->block, 1);
    filled = 0;
  }
  memset(hash->block + filled, 0, BLOCK - 8 - filled);
  put_u64(hash->block + BLOCK - 8, hash->length * 8);
  compress(hash->state, hash->block, 1);
  for (size_t i = 0; i < 8; i++)
    put_u32(out + 4 * i, hash->state[i]);
}

void sha256_parts(unsigned char out[32], const struct span *parts, size_t count) {
  if (!__builtin_cpu_supports("sha") || !__builtin_cpu_supports("sse4.1")) {
    sha256_parts_portable(out, parts, count);
    return;
  }
  struct hash hash;
  memcpy(hash.state, first_state, sizeof(first_state));
  hash.length = 0;
  for (size_t i = 0; i < count; i++)
    add(&hash, parts[i]);
  finish(&hash, out);
}

#else

void sha256_parts(unsigned char out[32], const struct span *parts, size_t count) {
  sha256_parts_portable(out, parts, count);
}

#endif
