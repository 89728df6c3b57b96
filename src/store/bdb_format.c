#include "store/bdb_format.h"

#include <string.h>

enum { SUM_BLOCK = 8 };

uint32_t bdb_sum(uint32_t h, const void *data, size_t len) {
  /* Eight steps at once: h * 33^8 + b0 * 33^7 + … + b7, so that the multiplications do not wait for each other. */
  const uint32_t p1 = 33, p2 = p1 * p1, p3 = p2 * p1, p4 = p2 * p2, p5 = p4 * p1, p6 = p4 * p2, p7 = p4 * p3,
                 p8 = p4 * p4;
  const unsigned char *p = data;
  for (; len >= SUM_BLOCK; p += SUM_BLOCK, len -= SUM_BLOCK)
    h = h * p8 + (p[0] * p7 + p[1] * p6 + p[2] * p5 + p[3] * p4) + (p[4] * p3 + p[5] * p2 + p[6] * p1 + p[7]);
  for (; len > 0; p++, len--)
    h = h * p1 + *p;
  return h;
}

bool bdb_is_zero(const unsigned char *data, size_t len) {
  return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

void bdb_file_header(unsigned char out[LOG_FILE_HEADER], uint32_t prev, uint32_t file_size) {
  const uint32_t body[4] = {LOG_MAGIC, LOG_VERSION, file_size, 0}, len = LOG_FILE_HEADER;
  const uint32_t sum = bdb_sum(0, body, sizeof body) ^ prev ^ len;
  memcpy(out, &prev, sizeof prev);
  memcpy(out + 4, &len, sizeof len);
  memcpy(out + 8, &sum, sizeof sum);
  memcpy(out + LOG_RECORD_HEADER, body, sizeof body);
}
