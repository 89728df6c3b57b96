#include "projection/pack.h"

enum { VARINT_MAX = 10 };

int pack_compare(const struct pack_row *a, const struct pack_row *b) {
  int order = span_compare(a->key, b->key);
  return order ? order : (a->seq < b->seq) - (a->seq > b->seq);
}

/* --- writing --- */

static unsigned char *put_varint(unsigned char *p, uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    *p++ = (unsigned char)(v | 0x80);
  *p++ = (unsigned char)v;
  return p;
}

/* The difference, small both ways. */
static uint64_t zigzag(uint64_t now, uint64_t before) {
  uint64_t d = now - before;
  return d << 1 ^ (0 - (d >> 63));
}

static unsigned char *put_bytes(unsigned char *p, struct span s) {
  if (s.len)
    memcpy(p, s.data, s.len);
  return p + s.len;
}

static unsigned char *put_counted(unsigned char *p, struct span s) {
  return put_bytes(put_varint(p, s.len), s);
}

static size_t shared_bytes(struct span a, struct span b) {
  size_t n = a.len < b.len ? a.len : b.len, i = 0;
  while (i < n && a.data[i] == b.data[i])
    i++;
  return i;
}

/* The path, and what follows its 0. */
static struct span row_path(const struct pack_row *row) {
  return span_of(row->key.data, row->path_len);
}

static struct span row_names(const struct pack_row *row) {
  return span_of(row->key.data + row->path_len + 1, row->key.len - row->path_len - 1);
}

void pack_begin(struct pack_writer *w, unsigned char *out) {
  *w = (struct pack_writer){.out = out};
}

static unsigned char *put_covered(const struct pack_writer *w, unsigned char *p, unsigned char *flags,
                                  const struct pack_row *row) {
  const struct pack_row *before = w->last_covered;
  *flags |= PACK_COVERED;
  p = put_varint(p, zigzag(row->time_us, before ? before->time_us : 0));
  p = put_bytes(p, span_of(row->id, ID_SIZE));
  if (before && span_equal(row->server, before->server))
    *flags |= PACK_SAME_SERVER;
  else
    p = put_counted(p, row->server);
  if (row->spliced) {
    *flags |= PACK_SPLICED;
    if (before && before->spliced && span_equal(row->middle, before->middle))
      *flags |= PACK_SAME_MIDDLE;
    else
      p = put_counted(p, row->middle);
  }
  return put_counted(p, row->end);
}

void pack_add(struct pack_writer *w, const struct pack_row *row) {
  unsigned char *flags = w->out + w->len, *p = flags + 1;
  size_t shared = w->last ? shared_bytes(row_path(w->last), row_path(row)) : 0;
  *flags = 0;
  p = put_varint(p, shared);
  p = put_counted(p, span_of(row->key.data + shared, row->path_len - shared));
  if (w->last && span_equal(row_names(w->last), row_names(row)))
    *flags |= PACK_SAME_NAMES;
  else
    p = put_counted(p, row_names(row));
  p = put_varint(p, zigzag(row->seq, w->last ? w->last->seq : 0));
  if (row->covered) {
    p = put_covered(w, p, flags, row);
    w->last_covered = row;
  }
  w->last = row;
  w->len = (size_t)(p - w->out);
}

size_t pack_row_max(const struct pack_row *row) {
  size_t len = 1 + 4 * VARINT_MAX + row->key.len;
  return row->covered ? len + 4 * VARINT_MAX + ID_SIZE + row->server.len + row->middle.len + row->end.len : len;
}

/* --- reading --- */

void pack_read(struct pack_reader *r, struct span pack) {
  r->rest = pack;
  r->names = (struct span){NULL, 0};
  r->row = (struct pack_row){.key = {r->key, 0}};
}

static bool take_varint(struct span *rest, uint64_t *v) {
  *v = 0;
  for (unsigned i = 0; i < VARINT_MAX && i < rest->len; i++) {
    *v |= (uint64_t)(rest->data[i] & 0x7f) << 7 * i;
    if (rest->data[i] < 0x80) {
      *rest = span_of(rest->data + i + 1, rest->len - i - 1);
      return true;
    }
  }
  return false;
}

static bool take_difference(struct span *rest, uint64_t *value) {
  uint64_t v;
  if (!take_varint(rest, &v))
    return false;
  *value += v >> 1 ^ (0 - (v & 1));
  return true;
}

static bool take_bytes(struct span *rest, uint64_t len, struct span *out) {
  if (len > rest->len)
    return false;
  *out = span_of(rest->data, (size_t)len);
  *rest = span_of(rest->data + len, rest->len - (size_t)len);
  return true;
}

static bool take_counted(struct span *rest, struct span *out) {
  uint64_t len;
  return take_varint(rest, &len) && take_bytes(rest, len, out);
}

static bool take_key(struct pack_reader *r, unsigned flags) {
  uint64_t shared;
  struct span suffix;
  if (!take_varint(&r->rest, &shared) || !take_counted(&r->rest, &suffix) || shared > r->row.path_len ||
      (!(flags & PACK_SAME_NAMES) && !take_counted(&r->rest, &r->names)) || suffix.len > PACK_KEY_MAX ||
      shared + suffix.len + 1 + r->names.len > PACK_KEY_MAX)
    return false;
  if (suffix.len)
    memcpy(r->key + shared, suffix.data, suffix.len);
  r->row.path_len = (size_t)shared + suffix.len;
  r->key[r->row.path_len] = 0;
  if (r->names.len)
    memcpy(r->key + r->row.path_len + 1, r->names.data, r->names.len);
  r->row.key.len = r->row.path_len + 1 + r->names.len;
  return take_difference(&r->rest, &r->row.seq);
}

static bool take_covered(struct pack_reader *r, unsigned flags) {
  struct pack_row *row = &r->row;
  struct span id;
  if (!take_difference(&r->rest, &row->time_us) || !take_bytes(&r->rest, ID_SIZE, &id) ||
      (!(flags & PACK_SAME_SERVER) && !take_counted(&r->rest, &row->server)))
    return false;
  row->id = id.data;
  row->spliced = flags & PACK_SPLICED;
  if (row->spliced && !(flags & PACK_SAME_MIDDLE) && !take_counted(&r->rest, &row->middle))
    return false;
  return take_counted(&r->rest, &row->end);
}

bool pack_next(struct pack_reader *r, bool *sound) {
  *sound = true;
  if (r->rest.len == 0)
    return false;
  unsigned flags = r->rest.data[0];
  r->rest = span_of(r->rest.data + 1, r->rest.len - 1);
  r->row.covered = flags & PACK_COVERED;
  *sound = take_key(r, flags) && (!r->row.covered || take_covered(r, flags));
  return *sound;
}
