/* Putting log files into an archive that is a folder. Nobody ever finds half an object under its name. */
#ifndef OPS_ARCHIVE_PUT_H
#define OPS_ARCHIVE_PUT_H

#include "ops/archive.h"

/* Puts the first `length` bytes of WAL_DIR/log.NUMBER into `folder` (made if need be), durably, and removes what the
 * folder had of them before: shorter ones, and the live one if `and_live`. *out becomes its name. ERR_CORRUPT if the
 * file is shorter. */
NODISCARD int archive_put(const char *folder, const char *wal_dir, uint32_t number, uint64_t length, bool and_live,
                          struct archive_name *out, struct err *err);

#endif
