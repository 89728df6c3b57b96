#include "ops/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/sha256.h"
#include "ops/tree.h"

enum { HASH_BLOCK = 1 << 18, MANIFEST_MAX = 64 << 20, HEX_SIZE = 2 * DIGEST_SIZE, GAP = 2, PROBLEM_SIZE = 512 };

int manifest_hash_file(const char *path, unsigned char out[DIGEST_SIZE], struct err *err) {
  struct sha256 hash;
  uint64_t at = 0;
  size_t got = HASH_BLOCK;
  int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return err_sys(err, errno, "opening %s", path);
  unsigned char *block = malloc(HASH_BLOCK);
  if (!block)
    rc = err_set(err, ERR_NOMEM, "no memory to read %s", path);
  sha256_begin(&hash);
  while (!rc && got == HASH_BLOCK) {
    if ((rc = fileio_pread(fd, block, HASH_BLOCK, at, &got, err)))
      break;
    sha256_add(&hash, block, got);
    at += got;
  }
  if (rc)
    err_context(err, "hashing %s", path);
  sha256_end(&hash, out);
  free(block);
  close(fd);
  return rc;
}

static int add_item(struct manifest *m, const char *name, size_t len, struct manifest_item **item, struct err *err) {
  struct manifest_item *grown = reallocarray(m->items, m->count + 1, sizeof(*grown));
  if (grown)
    m->items = grown;
  char *copy = grown ? strndup(name, len) : NULL;
  if (!copy)
    return err_set(err, ERR_NOMEM, "no memory for a manifest");
  *item = &m->items[m->count++];
  **item = (struct manifest_item){.name = copy};
  return 0;
}

int manifest_make(const char *dir, struct manifest *out, struct err *err) {
  struct manifest m = {0};
  struct tree tree;
  char path[FILEIO_PATH_MAX];
  int rc = tree_list(dir, &tree, err);
  if (rc)
    return rc;
  for (size_t i = 0; i < tree.count && !rc; i++) {
    struct manifest_item *item;
    const char *name = tree.files[i].name;
    if (strcmp(name, MANIFEST_FILE) == 0)
      continue;
    if ((rc = fileio_join(path, dir, name, err)) == 0 && (rc = add_item(&m, name, strlen(name), &item, err)) == 0)
      rc = manifest_hash_file(path, item->digest, err);
  }
  tree_free(&tree);
  if (rc)
    manifest_free(&m);
  else
    *out = m;
  return rc;
}

int manifest_write(const char *dir, const struct manifest *manifest, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct buf text;
  int rc = fileio_join(path, dir, MANIFEST_FILE, err);
  if (rc)
    return rc;
  buf_init(&text, MANIFEST_MAX);
  for (size_t i = 0; i < manifest->count; i++) {
    buf_add_hex(&text, manifest->items[i].digest, DIGEST_SIZE);
    buf_addf(&text, "  %s\n", manifest->items[i].name);
  }
  rc = buf_check(&text, MANIFEST_FILE, err);
  if (!rc)
    rc = fileio_replace(path, text.data, text.len, 0440, err);
  buf_free(&text);
  return rc;
}

/* One line without its end: 64 lower-case hex digits, two blanks, a name. */
static int read_line(struct manifest *m, const char *line, size_t len, struct err *err) {
  struct manifest_item *item;
  unsigned char digest[DIGEST_SIZE];
  const char *name = line + HEX_SIZE + GAP;
  if (len <= HEX_SIZE + GAP || digest_from_hex(digest, span_of(line, HEX_SIZE)) != 0 ||
      memcmp(line + HEX_SIZE, "  ", GAP) != 0)
    return err_set(err, ERR_CORRUPT, "line %zu is malformed", m->count + 1);
  size_t name_len = len - HEX_SIZE - GAP;
  for (size_t i = 0; i < name_len; i++)
    if (name[i] != '/' && !tree_plain_byte(name[i]))
      return err_set(err, ERR_CORRUPT, "line %zu has a strange name", m->count + 1);
  if (add_item(m, name, name_len, &item, err))
    return err->code;
  memcpy(item->digest, digest, DIGEST_SIZE);
  if (m->count > 1 && strcmp(m->items[m->count - 2].name, item->name) >= 0)
    return err_set(err, ERR_CORRUPT, "line %zu is out of order", m->count);
  return 0;
}

int manifest_read(const char *dir, struct manifest *out, struct err *err) {
  char path[FILEIO_PATH_MAX];
  struct manifest m = {0};
  struct buf text;
  bool found = false;
  int rc = fileio_join(path, dir, MANIFEST_FILE, err);
  if (rc)
    return rc;
  buf_init(&text, MANIFEST_MAX);
  rc = fileio_read_file(path, &text, &found, err);
  if (!rc && !found)
    rc = err_set(err, ERR_NOTFOUND, "there is no %s", path);
  const char *at = (const char *)text.data;
  for (size_t left = text.len; !rc && left > 0;) {
    const char *end = memchr(at, '\n', left);
    if (!end) {
      rc = err_set(err, ERR_CORRUPT, "%s: the last line is cut", path);
      break;
    }
    if ((rc = read_line(&m, at, (size_t)(end - at), err)) != 0)
      err_context(err, "%s", path);
    left -= (size_t)(end + 1 - at);
    at = end + 1;
  }
  buf_free(&text);
  if (rc)
    manifest_free(&m);
  else
    *out = m;
  return rc;
}

void manifest_free(struct manifest *manifest) {
  for (size_t i = 0; i < manifest->count; i++)
    free(manifest->items[i].name);
  free(manifest->items);
  *manifest = (struct manifest){0};
}

static int compare_item(const void *name, const void *item) {
  return strcmp(name, ((const struct manifest_item *)item)->name);
}

const struct manifest_item *manifest_find(const struct manifest *manifest, const char *name) {
  return manifest->count == 0 ? NULL
                              : bsearch(name, manifest->items, manifest->count, sizeof(*manifest->items), compare_item);
}

/* The differences found so far. */
struct findings {
  manifest_reporter *report;
  void *ctx;
  uint64_t count;
  char first[PROBLEM_SIZE];
};

static void PRINTF_LIKE(2, 3) find(struct findings *f, const char *fmt, ...) {
  char problem[PROBLEM_SIZE];
  va_list list;
  va_start(list, fmt);
  vsnprintf(problem, sizeof(problem), fmt, list);
  va_end(list);
  if (f->count++ == 0)
    memcpy(f->first, problem, sizeof(problem));
  if (f->report)
    f->report(f->ctx, problem);
}

/* Both lists are ordered by name. */
static void compare_names(const struct tree *tree, const struct manifest *m, struct findings *f) {
  size_t i = 0, j = 0;
  while (i < tree->count || j < m->count) {
    const char *there = i < tree->count ? tree->files[i].name : NULL;
    const char *named = j < m->count ? m->items[j].name : NULL;
    if (there && strcmp(there, MANIFEST_FILE) == 0) {
      i++;
      continue;
    }
    int order = !there ? 1 : !named ? -1 : strcmp(there, named);
    if (order < 0)
      find(f, "%s is not in the manifest", there);
    else if (order > 0)
      find(f, "%s is missing", named);
    i += order <= 0;
    j += order >= 0;
  }
}

static int compare_digests(const char *dir, const struct tree *tree, const struct manifest *m, struct findings *f,
                           struct err *err) {
  for (size_t i = 0; i < tree->count; i++) {
    char path[FILEIO_PATH_MAX];
    unsigned char digest[DIGEST_SIZE];
    const struct manifest_item *item = manifest_find(m, tree->files[i].name);
    if (!item)
      continue;
    if (fileio_join(path, dir, item->name, err))
      return err->code;
    if (manifest_hash_file(path, digest, err) == ERR_NOMEM)
      return err->code;
    else if (err->code)
      find(f, "%s", err->text);
    else if (memcmp(digest, item->digest, DIGEST_SIZE) != 0)
      find(f, "%s is not what was written: its SHA-256 differs", item->name);
  }
  return 0;
}

int manifest_check(const char *dir, manifest_reporter *report, void *ctx, uint64_t *bytes, struct err *err) {
  struct findings findings = {.report = report, .ctx = ctx};
  struct manifest m;
  struct tree tree;
  int rc = manifest_read(dir, &m, err);
  if (rc)
    return rc;
  rc = tree_list(dir, &tree, err);
  if (rc) {
    manifest_free(&m);
    return rc;
  }
  compare_names(&tree, &m, &findings);
  err->code = ERR_OK;
  rc = compare_digests(dir, &tree, &m, &findings, err);
  if (!rc && findings.count > 0)
    rc = err_set(err, ERR_CORRUPT, "%s: %s%s", dir, findings.first,
                 findings.count > 1 ? ", and more is wrong with it" : "");
  if (bytes)
    *bytes = tree.bytes;
  tree_free(&tree);
  manifest_free(&m);
  return rc;
}
