/*
 * Values of assertions.kv. A value is one record or several records of consecutive seqs, one after another; its key is
 * the seq of the last one, u64 big-endian. So the entry `seq` is in the value of the first key >= seq, and the last key
 * is the last seq.
 *
 * Why several: when a leaf page is full Berkeley DB logs the whole page, so records that fill leaf pages one by one are
 * logged twice and a half. What lies on pages of its own (an overflow item) is logged once. Measured with records of
 * 350 bytes, batches of 1,000: 363 bytes of log a record instead of 965, 356 bytes of file instead of 458, and a third
 * of the CPU time.
 */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { GROUP_MAX_SIZE = 16 << 10 }; /* of a value of more than one record: reading one entry copies the group */

/* How many of these records (count >= 1) make the next value: at least 1; several are not larger than GROUP_MAX_SIZE.
 */
size_t group_take(const struct span *records, size_t count);
/* Takes the next record off *rest, by its length field, and checks that it is that of `seq`; its checksum is not
 * looked at. ERR_CORRUPT if it is cut off or another entry's. */
NODISCARD int group_next(struct span *rest, uint64_t seq, struct span *record, struct err *err);
/* The seq of the value's first record. ERR_CORRUPT if there is none. */
NODISCARD int group_first_seq(struct span value, uint64_t *seq, struct err *err);

#endif
