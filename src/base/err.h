/*
 * Errors: one idiom for the whole program.
 *
 * A function that can fail returns 0 or an err_code, and takes `struct err *` last. It fills the err exactly once,
 * where the fault is found; callers on the way up may prefix what they were doing with err_context().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_index, first_index) __attribute__((format(printf, fmt_index, first_index)))

/* What went wrong, by what the caller can do about it. */
enum err_code {
  ERR_OK = 0,
  ERR_NOMEM,    /* out of memory, or over a cap that stands for it */
  ERR_INVALID,  /* the input is wrong; the same call will fail again */
  ERR_NOTFOUND, /* what was named does not exist, where it must */
  ERR_CONFLICT, /* contradicts what is stored */
  ERR_BUSY,     /* try again */
  ERR_FULL,     /* no space left */
  ERR_IO,       /* the operating system or Berkeley DB failed */
  ERR_NEWER,    /* written by a later StemeDB, in a format that this one does not know; as for CORRUPT, exit status 3 */
  ERR_CORRUPT   /* stored bytes are not what was written: the process must stop with exit status 3 */
};

enum { ERR_TEXT_SIZE = 768 };

struct err {
  enum err_code code;
  int sys;                  /* errno that caused it, else 0 */
  char text[ERR_TEXT_SIZE]; /* one line for people, always NUL-terminated */
};

/* Sets *err to `code` with a formatted text. Returns `code`, so that `return err_set(...)` is the idiom. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set, with the code chosen from `sys` (ENOMEM: NOMEM; ENOSPC, EDQUOT: FULL; ENOENT: NOTFOUND; EAGAIN, EBUSY:
 * BUSY; else IO), and ": " and the text of `sys` appended. */
int err_sys(struct err *err, int sys, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Prefixes the text with what was being done ("appending to history") and ": ". Returns err->code. */
int err_context(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
