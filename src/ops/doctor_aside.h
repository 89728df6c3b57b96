/* What logs that were set aside still have. */
#ifndef OPS_DOCTOR_ASIDE_H
#define OPS_DOCTOR_ASIDE_H

#include "ops/doctor.h"

/* Tells how many of entries from..to lie in DATA_DIR/wal.corrupted.* and wal.superseded.*, where a start looks for
 * them.
 */
void doctor_look_aside(const char *data_dir, uint64_t from, uint64_t to, doctor_teller *tell, void *ctx);

#endif
