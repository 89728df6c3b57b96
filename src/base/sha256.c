#include "base/sha256.h"

/* The functions that replace these allocate, may fail, and cost more than the hash of a short text does. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "OpenSSL's state fits");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "and is aligned");

static SHA256_CTX *context(struct sha256 *hash) {
  return (SHA256_CTX *)(void *)hash->state;
}

void sha256_begin(struct sha256 *hash) {
  (void)SHA256_Init(context(hash));
}

void sha256_add(struct sha256 *hash, const void *data, size_t len) {
  (void)SHA256_Update(context(hash), data, len);
}

void sha256_end(struct sha256 *hash, unsigned char out[SHA256_SIZE]) {
  (void)SHA256_Final(out, context(hash));
}
