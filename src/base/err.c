#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(err->text, sizeof(err->text), fmt, ap);
  va_end(ap);
  err->code = code;
  err->sys = 0;
  return (int)code;
}

static enum err_code code_of_sys(int sys) {
  switch (sys) {
  case ENOMEM: return ERR_NOMEM;
  case ENOSPC:
  case EDQUOT: return ERR_FULL;
  case ENOENT: return ERR_NOTFOUND;
  case EAGAIN:
  case EBUSY: return ERR_BUSY;
  default: return ERR_IO;
  }
}

int err_sys(struct err *err, int sys, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
  va_end(ap);
  const char *why = strerrordesc_np(sys);
  size_t len = n < 0 ? 0 : (size_t)n;
  if (len < sizeof(err->text))
    snprintf(err->text + len, sizeof(err->text) - len, ": %s", why ? why : "unknown error");
  err->code = code_of_sys(sys);
  err->sys = sys;
  return (int)err->code;
}

int err_context(struct err *err, const char *fmt, ...) {
  char former[ERR_TEXT_SIZE];
  memcpy(former, err->text, sizeof(former));
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
  va_end(ap);
  size_t len = n < 0 ? 0 : (size_t)n;
  if (len < sizeof(err->text))
    snprintf(err->text + len, sizeof(err->text) - len, ": %.*s", (int)(sizeof(err->text) - len), former);
  return (int)err->code;
}
