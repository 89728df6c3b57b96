/* The other side of a comparison that is a file: a dump, which is read whole and checked, or the metadata.json of a
 * backup, which tells the root at one seq. */
#ifndef OPS_AGAINST_FILE_H
#define OPS_AGAINST_FILE_H

#include "ops/against.h"
#include "ops/dump.h"

struct against_file {
  const char *path; /* borrowed */
  uint64_t last_seq;
  bool is_dump;
  struct tally_watch watch; /* where it is compared; of metadata: at last_seq, reached */
  struct dump_file *file;
  struct dump_head head;
};

/* Opens it. ERR_INVALID if it is neither, or a partial dump; ERR_NOTFOUND. Ends with against_file_close(), also after
 * an error. */
NODISCARD int against_file_open(const char *path, struct against_file *out, struct err *err);
/* Finds the root at `seq`, at most last_seq: of a dump by reading all of it. ERR_INVALID if that cannot be told, or the
 * dump does not add up. */
NODISCARD int against_file_run(struct against_file *file, uint64_t seq, struct report *report, struct err *err);
void against_file_close(struct against_file *file);

#endif
