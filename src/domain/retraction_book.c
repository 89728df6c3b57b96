#include "domain/retraction_book.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/segment.h"
#include "model/json.h"
#include "model/name.h"
#include "model/timestamp.h"

/* An answer shows at most 1,000 assertions, each with one retraction; a note holds a reason and three names. */
enum { BOOK_BUCKETS = 64, BOOK_MAX = 16 << 20, BOOK_PARSE_MAX = 8 << 20 };

struct retraction_book {
  const struct reader *reader;
  struct arena *arena, *parse;
  struct buf record;
  struct retraction_note *buckets[BOOK_BUCKETS];
};

int retraction_book_create(const struct reader *reader, struct retraction_book **out, struct err *err) {
  struct retraction_book *book = calloc(1, sizeof(*book));
  if (!book)
    return err_set(err, ERR_NOMEM, "no memory for retractions");
  book->reader = reader;
  buf_init(&book->record, ENTRY_MAX_SIZE);
  *out = book;
  return 0;
}

void retraction_book_free(struct retraction_book *book) {
  if (!book)
    return;
  arena_free(book->arena);
  arena_free(book->parse);
  buf_free(&book->record);
  free(book);
}

static bool copy(struct arena *arena, struct span *span) {
  if (span->len > 0)
    *span = arena_copy(arena, *span);
  return span->data != NULL || span->len == 0;
}

/* Most answers meet no retraction, and need none of this. */
static int open_arenas(struct retraction_book *book, struct err *err) {
  if (!book->arena)
    book->arena = arena_create(BOOK_MAX);
  if (!book->parse)
    book->parse = arena_create(BOOK_PARSE_MAX);
  return book->arena && book->parse ? 0 : err_set(err, ERR_NOMEM, "no memory for retractions");
}

/* Reads the entry into a new note. */
static int load(struct retraction_book *book, uint64_t seq, struct retraction_note **out, struct err *err) {
  struct entry entry;
  bool found = false;
  int code = open_arenas(book, err);
  if (!code)
    code = history_get(book->reader->store, seq, &book->record, &entry, &found, err);
  if (code)
    return code;
  if (!found || entry.kind != ENTRY_RETRACTION)
    return err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is no retraction", seq);
  struct retraction_note *note = arena_calloc(book->arena, 1, sizeof(*note));
  struct retraction selection;
  if (!note)
    return err_set(err, ERR_NOMEM, "no memory for retractions");
  arena_reset(book->parse);
  if ((code = retraction_read(book->parse, entry.body, &selection, err)))
    return err_context(err, "entry %" PRIu64, seq);
  retraction_note_init(note, &selection);
  note->seq = seq;
  note->time_us = entry.time_us;
  memcpy(note->id, entry.id, ID_SIZE);
  struct retraction *s = &note->selection;
  if (!copy(book->arena, &s->concept_path) || !copy(book->arena, &s->predicate) || !copy(book->arena, &s->source) ||
      !copy(book->arena, &s->reason))
    return err_set(err, ERR_NOMEM, "no memory for retractions");
  *out = note;
  return 0;
}

int retraction_book_get(struct retraction_book *book, uint64_t seq, const struct retraction_note **out,
                        struct err *err) {
  struct retraction_note **bucket = &book->buckets[seq % BOOK_BUCKETS], *note = *bucket;
  while (note && note->seq != seq)
    note = note->next;
  if (!note) {
    int code = load(book, seq, &note, err);
    if (code)
      return code;
    note->next = *bucket;
    *bucket = note;
  }
  *out = note;
  return 0;
}

int retraction_book_find(struct retraction_book *book, uint64_t seq, uint64_t snapshot,
                         const struct retraction_note **out, struct err *err) {
  const struct watermark *mark = book->reader->mark;
  uint64_t retraction = 0;
  *out = NULL;
  if (mark && (mark->first_retraction_seq == 0 || mark->first_retraction_seq > snapshot))
    return 0;
  int code = retracted_by(book->reader, seq, snapshot, &retraction, err);
  return code || retraction == 0 ? code : retraction_book_get(book, retraction, out, err);
}

void retraction_note_init(struct retraction_note *note, const struct retraction *retraction) {
  *note = (struct retraction_note){
      .seq = UINT64_MAX, .selection = *retraction, .by_name = retraction_is_by_name(retraction)};
  note->selection.ids = NULL;
  note->selection.id_count = 0;
  note->selection.batch = (struct span){NULL, 0};
}

bool retraction_covers_run(const struct retraction_note *note, struct span path, struct span predicate,
                           struct span source, uint64_t seq, uint64_t *least) {
  const struct retraction *s = &note->selection;
  const bool reserved = name_is_reserved(predicate);
  *least = 1;
  if (s->cascade && s->concept_path.len > 0 && !reserved && span_equal(source, s->concept_path))
    return true;
  if (!note->by_name || (s->concept_path.len > 0 && !span_equal(path, s->concept_path)))
    return false;
  if (s->predicate.len > 0 ? !span_equal(predicate, s->predicate) : reserved)
    return false;
  if (s->has_source && !span_equal(source, s->source))
    return false;
  *least = s->from_seq;
  return seq >= s->from_seq && seq <= s->to_seq;
}

void retraction_note_render(const struct retraction_note *note, struct buf *out) {
  char time[TIMESTAMP_SIZE];
  timestamp_format((int64_t)note->time_us, time);
  buf_add_str(out, "{\"id\":\"");
  buf_add_hex(out, note->id, ID_SIZE);
  buf_add_str(out, "\",\"reason\":");
  json_quote(out, note->selection.reason);
  buf_add_str(out, ",\"timestamp\":\"");
  buf_add_str(out, time);
  buf_add_str(out, "\"}");
}
