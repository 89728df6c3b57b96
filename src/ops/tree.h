/*
 * Folders of files: listed, sealed, copied, removed. What is listed is judged too, since a backup may come from
 * anywhere: regular files of plain names in plain folders, nothing else.
 */
#ifndef OPS_TREE_H
#define OPS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct tree_file {
  char *name; /* relative to the folder: "db/assertions.kv" */
  uint64_t size;
};

struct tree {
  struct tree_file *files; /* by name, ascending in bytes */
  size_t count;
  uint64_t bytes;
};

/* Lists all files below `dir`; *out is the caller's (tree_free). ERR_CORRUPT for what is neither a regular file nor a
 * folder, and for names with bytes other than A-Z a-z 0-9 . _ -; ERR_NOTFOUND if there is no such folder. */
NODISCARD int tree_list(const char *dir, struct tree *out, struct err *err);
void tree_free(struct tree *tree);
/* Whether names may have this byte. */
bool tree_plain_byte(char c);

/* Gives every file below `dir` the mode `files`, every folder (itself too) `folders`, and syncs them all. */
NODISCARD int tree_seal(const char *dir, mode_t files, mode_t folders, struct err *err);
/* Copies the regular files below from/NAME to to/NAME, making folders, with modes 0640 and 0750, synced. Shares blocks
 * where the file system can. ERR_NOTFOUND if there is no from/NAME. */
NODISCARD int tree_copy(const char *from, const char *to, const char *name, struct err *err);
/* The same for a copy that nobody needs after a crash: not synced, and without the regions of Berkeley DB (__db.*). */
NODISCARD int tree_copy_scratch(const char *from, const char *to, const char *name, struct err *err);
/* rm -rf; what is not there is fine. Follows no symbolic link. */
NODISCARD int tree_remove(const char *path, struct err *err);

#endif
