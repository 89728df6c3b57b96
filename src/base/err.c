#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every text is formatted here first, so that the former text may be one of the arguments. */
struct text {
  char bytes[ERR_TEXT_SIZE];
};

int err_set(struct err *err, enum err_code code, const char *fmt, ...) {
  struct text text;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text.bytes, sizeof(text.bytes), fmt, ap);
  va_end(ap);
  memcpy(err->text, text.bytes, sizeof(err->text));
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

/* Writes `more` at `len`, cut where the text ends; the new length. */
static size_t text_append(struct text *text, size_t len, const char *more) {
  size_t room = sizeof(text->bytes) - 1 - len, n = strnlen(more, room);
  memcpy(text->bytes + len, more, n);
  text->bytes[len + n] = 0;
  return len + n;
}

/* Appends ": " and `more` to a text, and makes it the one of *err. */
static void text_finish(struct err *err, struct text *text, const char *more) {
  size_t len = text_append(text, strlen(text->bytes), ": ");
  text_append(text, len, more);
  memcpy(err->text, text->bytes, sizeof(err->text));
}

int err_sys(struct err *err, int sys, const char *fmt, ...) {
  struct text text;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text.bytes, sizeof(text.bytes), fmt, ap);
  va_end(ap);
  const char *why = strerrordesc_np(sys);
  text_finish(err, &text, why ? why : "unknown error");
  err->code = code_of_sys(sys);
  err->sys = sys;
  return (int)err->code;
}

int err_context(struct err *err, const char *fmt, ...) {
  struct text text;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text.bytes, sizeof(text.bytes), fmt, ap);
  va_end(ap);
  text_finish(err, &text, err->text);
  return (int)err->code;
}
