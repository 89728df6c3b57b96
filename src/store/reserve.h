/*
 * Space for the region files of an environment. Berkeley DB makes them small and lets them grow, sparse, up to the size
 * of the cache, also while it only reads (DB_REGION_INIT fills no more than the beginning); a page of them that finds
 * no room on the disk is a SIGBUS. So the space is reserved when they are made.
 */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include <stdint.h>

#include "base/log.h"

/* Reserves, without changing a size (fallocate(2), FALLOC_FL_KEEP_SIZE), what the region files in `home` may grow to:
 * `cache_bytes` for that of the cache, or, where that is more than a quarter of what is free, 4 MiB more than it has,
 * as for the others (or a thirty-second of what is free, if that is less). A file system that cannot do so is left
 * alone; too little space is logged. */
void reserve_regions(const char *home, uint64_t cache_bytes, const struct log *log);

#endif
