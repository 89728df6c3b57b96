/* CRC-32C (Castagnoli), reflected, initial value and final XOR ~0: RFC 3720 appendix B.4 ("123456789" is 0xe3069283).
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes; to continue an earlier one, pass its result as `crc`, else 0. Uses SSE4.2 where the
 * processor has it. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same for processors without SSE4.2. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
