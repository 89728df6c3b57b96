#include "tools/import_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "tools/feed_line.h"

enum { BLOCK = 128 << 10, LINE_MAX_BYTES = 1 << 20, LINE_ARENA_MAX = 64 << 20, OUT_MAX = 8 << 20 };

struct import_source {
  const char *path;
  int fd;
  gzFile file;
  bool regular, ended;
  uint64_t size, skip, lines;
  uint64_t events, looked_at; /* the former of the lines up to the latter */
  bool in_long_line;          /* it was too long to be kept, and its rest is passed on as it comes */
  struct buf in, out;         /* a line that is not whole yet; what was not given yet */
  size_t out_given;
  struct arena *arena;
};

/* A gzFile on a descriptor of its own, so that closing it leaves `fd` open. */
static int open_file(struct import_source *source, struct err *err) {
  int fd = dup(source->fd);
  if (fd < 0)
    return err_sys(err, errno, "%s", source->path);
  source->file = gzdopen(fd, "rb");
  if (!source->file) {
    close(fd);
    return err_set(err, ERR_NOMEM, "no memory for reading %s", source->path);
  }
  gzbuffer(source->file, BLOCK);
  return 0;
}

int import_source_open(const char *path, struct import_source **out, struct err *err) {
  struct stat status;
  bool standard_input = strcmp(path, "-") == 0;
  struct import_source *source = calloc(1, sizeof(*source));
  if (!source)
    return err_set(err, ERR_NOMEM, "no memory for an import");
  source->path = standard_input ? "standard input" : path;
  buf_init(&source->in, LINE_MAX_BYTES + BLOCK);
  buf_init(&source->out, OUT_MAX);
  source->fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  source->arena = arena_create(LINE_ARENA_MAX);
  int rc = 0;
  if (!source->arena)
    rc = err_set(err, ERR_NOMEM, "no memory for an import");
  else if (source->fd < 0 || fstat(source->fd, &status))
    rc = err_sys(err, errno, "%s", path);
  else if (S_ISDIR(status.st_mode))
    rc = err_sys(err, EISDIR, "%s", path);
  if (!rc)
    rc = open_file(source, err);
  if (rc) {
    import_source_close(source);
    return rc;
  }
  /* A standard input that somebody has read from already cannot be taken from its beginning. */
  source->regular = S_ISREG(status.st_mode) && !standard_input;
  source->size = source->regular ? (uint64_t)status.st_size : 0;
  *out = source;
  return 0;
}

void import_source_close(struct import_source *source) {
  if (!source)
    return;
  if (source->file)
    gzclose_r(source->file);
  if (source->fd > STDIN_FILENO)
    close(source->fd);
  buf_free(&source->in);
  buf_free(&source->out);
  arena_free(source->arena);
  free(source);
}

bool import_source_repeats(const struct import_source *source) {
  return source->regular;
}

int import_source_rewind(struct import_source *source, uint64_t skip, struct err *err) {
  source->skip = skip;
  source->lines = 0;
  source->ended = source->in_long_line = false;
  source->out_given = 0;
  buf_reset(&source->in);
  buf_reset(&source->out);
  if (!source->regular)
    return 0;
  gzclose_r(source->file);
  source->file = NULL;
  if (lseek(source->fd, 0, SEEK_SET) < 0)
    return err_sys(err, errno, "%s", source->path);
  return open_file(source, err);
}

/* Unpacked bytes; *got is 0 at the end of the file. */
static int read_block(struct import_source *source, unsigned char *data, size_t size, size_t *got, struct err *err) {
  errno = 0;
  int count = gzread(source->file, data, (unsigned)size);
  int wrong = Z_OK;
  *got = count > 0 ? (size_t)count : 0;
  const char *text = gzerror(source->file, &wrong);
  if (count < 0 || wrong == Z_BUF_ERROR) /* the latter: the packed data end too early */
    return wrong == Z_ERRNO && errno ? err_sys(err, errno, "%s", source->path)
                                     : err_set(err, ERR_IO, "%s: damaged gzip data: %s", source->path, text);
  return 0;
}

int import_source_key(struct import_source *source, char *key, size_t size, struct err *err) {
  static const unsigned char domain[] = "stemedb-import-1";
  unsigned char digest[16], block[16 << 10];
  char hex[sizeof(digest) * 2 + 1];
  crypto_generichash_state state;
  size_t got = 1;
  int rc = 0;
  crypto_generichash_init(&state, domain, sizeof(domain) - 1, sizeof(digest));
  while (!rc && got > 0) {
    rc = read_block(source, block, sizeof(block), &got, err);
    if (!rc && got)
      crypto_generichash_update(&state, block, got);
  }
  crypto_generichash_final(&state, digest, sizeof(digest));
  sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
  snprintf(key, size, "file-%s", hex);
  return rc ? rc : import_source_rewind(source, 0, err);
}

/* --- lines --- */

/* Gives a line without its end. */
static void give_line(struct import_source *source, struct span line) {
  source->lines++;
  if (source->lines <= source->skip)
    return;
  arena_reset(source->arena);
  switch (feed_line_read(source->arena, line, &source->out)) {
  case FEED_NONE: buf_add_span(&source->out, line); break;
  case FEED_ASSERTION: break;
  case FEED_EVENT: source->events += source->lines > source->looked_at; break;
  }
  if (source->lines > source->looked_at)
    source->looked_at = source->lines;
}

/* Takes the next block apart: whole lines go to `out`, the rest stays in `in`. */
static void take_block(struct import_source *source, struct span block) {
  while (block.len > 0) {
    const unsigned char *newline = memchr(block.data, '\n', block.len);
    struct span part = span_of(block.data, newline ? (size_t)(newline - block.data) : block.len);
    if (source->in_long_line) {
      if (source->lines > source->skip)
        buf_add_span(&source->out, part);
    } else if (newline && source->in.len == 0) {
      give_line(source, part);
    } else {
      buf_add_span(&source->in, part);
      if (newline) {
        give_line(source, buf_span(&source->in));
        buf_reset(&source->in);
      } else if (source->in.len > LINE_MAX_BYTES) {
        /* Far longer than any line that a node takes: it shall say so. */
        source->lines++;
        source->in_long_line = true;
        if (source->lines > source->skip)
          buf_add_span(&source->out, buf_span(&source->in));
        buf_reset(&source->in);
      }
    }
    if (newline) {
      buf_add_byte(&source->out, '\n');
      source->in_long_line = false;
      part.len++;
    }
    block.data += part.len;
    block.len -= part.len;
  }
}

static int fill(struct import_source *source, struct err *err) {
  unsigned char block[32 << 10];
  size_t got;
  buf_reset(&source->out);
  source->out_given = 0;
  while (source->out.len == 0 && !source->ended) {
    int rc = read_block(source, block, sizeof(block), &got, err);
    if (rc)
      return rc;
    if (got > 0) {
      take_block(source, span_of(block, got));
      continue;
    }
    source->ended = true;
    if (source->in.len > 0)
      give_line(source, buf_span(&source->in));
  }
  return buf_check(&source->out, "a block of lines", err);
}

int import_source_read(void *context, void *data, size_t size, size_t *got, struct err *err) {
  struct import_source *source = context;
  if (source->out_given == source->out.len) {
    int rc = fill(source, err);
    if (rc)
      return rc;
  }
  size_t left = source->out.len - source->out_given;
  *got = left < size ? left : size;
  if (*got)
    memcpy(data, source->out.data + source->out_given, *got);
  source->out_given += *got;
  return 0;
}

uint64_t import_source_lines(const struct import_source *source) {
  return source->lines;
}

uint64_t import_source_events(const struct import_source *source) {
  return source->events;
}

uint64_t import_source_done(const struct import_source *source) {
  z_off_t offset = gzoffset(source->file);
  return offset > 0 ? (uint64_t)offset : 0;
}

uint64_t import_source_size(const struct import_source *source) {
  return source->size;
}
