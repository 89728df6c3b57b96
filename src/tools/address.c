#include "tools/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"

#define DEFAULT_URL "http://127.0.0.1:18180"

enum { FILE_MAX = 64 << 10 };

static int copy(struct span text, const char *what, char *out, size_t size, struct err *err) {
  if (text.len >= size)
    return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", what, size - 1);
  if (text.len)
    memcpy(out, text.data, text.len);
  out[text.len] = '\0';
  return 0;
}

static struct span trim(struct span text) {
  while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
    text.len--;
  while (text.len && strchr(" \t\r\n", text.data[0])) {
    text.data++;
    text.len--;
  }
  return text;
}

/* The value of API_URL=...; no data if there is none. */
static struct span find_api_url(struct span text) {
  const char name[] = "API_URL=";
  size_t name_len = sizeof(name) - 1;
  while (text.len > 0) {
    const unsigned char *newline = memchr(text.data, '\n', text.len);
    size_t len = newline ? (size_t)(newline - text.data) : text.len;
    if (len > name_len && memcmp(text.data, name, name_len) == 0)
      return trim(span_of(text.data + name_len, len - name_len));
    size_t step = newline ? len + 1 : len;
    text.data += step;
    text.len -= step;
  }
  return (struct span){0};
}

int address_find_url(const char *named, const char *home, char *out, size_t size, struct err *err) {
  struct buf file;
  struct err ignored;
  char path[FILEIO_PATH_MAX];
  bool found = false;
  struct span url = {0};
  buf_init(&file, FILE_MAX);
  if (!named || !*named)
    named = getenv("STEMEDB_URL");
  if (named && *named)
    url = span_str(named);
  /* An instance.env that is not there or not for this user names nothing. */
  else if (fileio_join(path, home, "instance.env", &ignored) == 0 &&
           fileio_read_file(path, &file, &found, &ignored) == 0 && found)
    url = find_api_url(buf_span(&file));
  if (!url.len)
    url = span_str(DEFAULT_URL);
  while (url.len && url.data[url.len - 1] == '/')
    url.len--;
  int rc = copy(url, "the address", out, size, err);
  buf_free(&file);
  return rc;
}

int address_find_token(const char *file, char *out, size_t size, struct err *err) {
  const char *named = getenv("STEMEDB_TOKEN");
  struct buf content;
  bool found = true;
  int rc = 0;
  buf_init(&content, FILE_MAX);
  if (file)
    rc = fileio_read_file(file, &content, &found, err);
  if (file && !rc && !found)
    rc = err_set(err, ERR_INVALID, "there is no token file %s", file);
  if (!rc)
    rc = copy(trim(file ? buf_span(&content) : span_str(named ? named : "")), "the token", out, size, err);
  if (!rc && file && !*out)
    rc = err_set(err, ERR_INVALID, "the token file %s is empty", file);
  for (const char *p = out; !rc && *p; p++)
    if (*p <= ' ' || *p > '~')
      rc = err_set(err, ERR_INVALID, "a token consists of visible ASCII characters");
  if (content.data)
    memset(content.data, 0, content.len);
  buf_free(&content);
  return rc;
}
