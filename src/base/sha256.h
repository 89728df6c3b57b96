/*
 * SHA-256 (FIPS 180-4), by OpenSSL, which uses the processor's instructions for it where there are some. Nothing is
 * allocated and nothing fails, so that hashing needs no error path; any number of threads.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_STATE_WORDS = 14 };

/* A hash under way. */
struct sha256 {
  uint64_t state[SHA256_STATE_WORDS]; /* OpenSSL's */
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t len);
void sha256_end(struct sha256 *hash, unsigned char out[SHA256_SIZE]);

#endif
