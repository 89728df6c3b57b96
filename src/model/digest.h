/*
 * The digests that ids and proofs are made of (contract section 1; test vectors in docs/test-vectors.md). SHA-256 is
 * base/sha256.h, BLAKE2b libsodium's.
 */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum { DIGEST_SIZE = 32, SALT_SIZE = 16, ID_SIZE = 32, ID_HEX_SIZE = 64 };

/* V = SHA-256(salt || canonical value). */
void digest_value(unsigned char out[DIGEST_SIZE], const unsigned char salt[SALT_SIZE], struct span value);
/* D = SHA-256(canonical body with `value` replaced by V in hex, as a JSON string). `value` is the span of the value
 * inside `body`; a body without a value (retraction, reinstatement) has value.data NULL and D is SHA-256(body). */
void digest_content(unsigned char out[DIGEST_SIZE], struct span body, struct span value,
                    const unsigned char salt[SALT_SIZE]);
/* id = BLAKE2b-256("stemedb-id-1" || kind || D || seq u64be || time u64be). */
void digest_id(unsigned char out[ID_SIZE], uint8_t kind, const unsigned char content[DIGEST_SIZE], uint64_t seq,
               uint64_t time_us);
/* RFC 9162 leaf hash SHA-256(0x00 || leaf data), leaf data = "stemedb-leaf-1" || kind || seq || time || id ||
 * SHA-256(server section) || D. */
void digest_leaf(unsigned char out[DIGEST_SIZE], uint8_t kind, uint64_t seq, uint64_t time_us,
                 const unsigned char id[ID_SIZE], const unsigned char server[DIGEST_SIZE],
                 const unsigned char content[DIGEST_SIZE]);
/* RFC 9162 interior node SHA-256(0x01 || left || right). `out` may be either of them. */
void digest_node(unsigned char out[DIGEST_SIZE], const unsigned char left[DIGEST_SIZE],
                 const unsigned char right[DIGEST_SIZE]);
/* SHA-256 of one span. */
void digest_sha256(unsigned char out[DIGEST_SIZE], struct span data);
/* Parses 64 lower-case hex digits; -1 if it is not that. */
int digest_from_hex(unsigned char out[ID_SIZE], struct span hex);

#endif
