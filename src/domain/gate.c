#include "domain/gate.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/segment.h"
#include "domain/retraction_book.h"
#include "model/name.h"
#include "projection/cover.h"

enum {
  GATE_BLOCKS = 32, /* blocks kept, by their number modulo this */
  GATE_EAGER = 4,   /* so many rows of a run are stepped over one by one: to look at their block costs as much */
  GATE_TRY = 16,    /* so many are met before a retraction is read from the history, which may be large */
  GATE_MARKS = 8    /* so many retractions of a row are tried for one that covers its run */
};

struct gate_block {
  uint64_t number; /* UINT64_MAX: none */
  struct retracted_block bits;
};

struct active_gate {
  const struct reader *reader;
  uint64_t snapshot;
  bool retractions;                   /* whether there is any up to the snapshot */
  struct retraction_book *book;       /* made when it is first needed */
  struct retraction_note assumed;     /* of reader->assumed, if that is there */
  const struct retraction_note *hint; /* the one that covered a run last; NULL: none did */
  uint32_t run;                       /* checksum of the run that an inactive row was met in last */
  uint64_t met_in_run, met;           /* inactive rows of it; of all runs */
  uint64_t try_at;                    /* at how many of them all the retractions of one are looked at next */
  bool has_scope, below, has_predicate;
  size_t path_len, predicate_len;
  unsigned char path[NAME_PATH_MAX + 1], predicate[NAME_PREDICATE_MAX];
  struct gate_block blocks[GATE_BLOCKS];
};

int gate_open(const struct reader *reader, uint64_t snapshot, struct active_gate **out, struct err *err) {
  uint64_t first = 0;
  *out = NULL;
  if (reader->mark)
    first = reader->mark->first_retraction_seq;
  else if (retracted_first(reader, &first, err))
    return err->code;
  const bool retractions = first > 0 && first <= snapshot;
  if (!retractions && !reader->assumed)
    return 0;
  struct active_gate *gate = calloc(1, sizeof(*gate));
  if (!gate)
    return err_set(err, ERR_NOMEM, "no memory for what is retracted");
  gate->reader = reader;
  gate->snapshot = snapshot;
  gate->retractions = retractions;
  gate->try_at = GATE_TRY;
  if (reader->assumed)
    retraction_note_init(&gate->assumed, reader->assumed->retraction);
  for (int i = 0; i < GATE_BLOCKS; i++)
    gate->blocks[i].number = UINT64_MAX;
  *out = gate;
  return 0;
}

void gate_close(struct active_gate *gate) {
  if (!gate)
    return;
  retraction_book_free(gate->book);
  free(gate);
}

void gate_set_scope(struct active_gate *gate, struct span path, bool below, struct span predicate) {
  gate->has_scope = path.len <= sizeof(gate->path) && predicate.len <= sizeof(gate->predicate);
  if (!gate->has_scope)
    return;
  gate->below = below;
  gate->has_predicate = predicate.data != NULL;
  gate->path_len = path.len;
  gate->predicate_len = predicate.len;
  memmove(gate->path, path.data, path.len);
  if (predicate.len > 0)
    memmove(gate->predicate, predicate.data, predicate.len);
}

bool gate_in_scope(const struct active_gate *gate, const struct concept_row *row) {
  if (!gate->has_scope)
    return true;
  const size_t len = gate->below && row->path.len > gate->path_len ? gate->path_len : row->path.len;
  return span_equal(span_of(row->path.data, len), span_of(gate->path, gate->path_len)) &&
         (!gate->has_predicate || span_equal(row->predicate, span_of(gate->predicate, gate->predicate_len)));
}

/* Adds what the assumed retraction covers. */
static void assume(const struct cover *cover, struct gate_block *block) {
  const uint64_t first = block->number * RETRACTED_BLOCK, last = first + RETRACTED_BLOCK - 1;
  uint64_t seq = first > 0 ? first - 1 : 0;
  bool direct;
  while (cover_next(cover, seq, &seq, &direct) && seq <= last)
    block->bits.bits[seq % RETRACTED_BLOCK / 64] |= UINT64_C(1) << seq % 64;
}

static int load_block(struct active_gate *gate, uint64_t number, struct gate_block **out, struct err *err) {
  struct gate_block *block = &gate->blocks[number % GATE_BLOCKS];
  *out = block;
  if (block->number == number)
    return 0;
  block->number = UINT64_MAX;
  block->bits = (struct retracted_block){.count = 0};
  if (gate->retractions && retracted_read(gate->reader, number, gate->snapshot, &block->bits, err))
    return err->code;
  block->number = number;
  if (gate->reader->assumed)
    assume(gate->reader->assumed->cover, block);
  return 0;
}

int gate_look(struct active_gate *gate, uint64_t seq, bool *inactive, struct err *err) {
  struct gate_block *block = NULL;
  int code = load_block(gate, seq / RETRACTED_BLOCK, &block, err);
  *inactive = !code && retracted_has(&block->bits, seq);
  return code;
}

static bool covers(const struct retraction_note *note, const struct concept_row *row, uint64_t *least) {
  return retraction_covers_run(note, row->path, row->predicate, row->source, row->seq, least);
}

/* Whether one of the retractions of this row covers its run down to *least. */
static int find_cover(struct active_gate *gate, const struct concept_row *row, uint64_t *least, bool *found,
                      struct err *err) {
  struct retraction_mark marks[GATE_MARKS];
  size_t count = 0;
  *found = false;
  if (gate->reader->assumed && covers(&gate->assumed, row, least)) {
    gate->hint = &gate->assumed;
    *found = true;
    return 0;
  }
  int code = 0;
  if (gate->retractions)
    code = retracted_marks(gate->reader, row->seq, gate->snapshot, 0, marks, GATE_MARKS, &count, err);
  if (!code && count > 0 && !gate->book)
    code = retraction_book_create(gate->reader, &gate->book, err);
  for (size_t i = 0; !code && !*found && i < count; i++) {
    const struct retraction_note *note = NULL;
    if (marks[i].reinstated_seq > 0)
      continue;
    code = retraction_book_get(gate->book, marks[i].seq, &note, err);
    if (!code && covers(note, row, least)) {
      gate->hint = note;
      *found = true;
    }
  }
  return code;
}

/* The greatest seq below `seq` that is active, as far as the block tells; what is below the block may be. */
static uint64_t block_next_below(const struct gate_block *block, uint64_t seq) {
  const uint64_t first = block->number * RETRACTED_BLOCK;
  for (uint64_t at = seq; at > first;) {
    at--;
    const uint64_t word = block->bits.bits[at % RETRACTED_BLOCK / 64];
    if (word == UINT64_MAX) {
      at -= at % 64;
      continue;
    }
    if (!(word >> at % 64 & 1))
      return at;
  }
  return first > 0 ? first - 1 : 0;
}

static uint32_t checksum(const struct concept_row *row) {
  uint32_t sum = crc32c(0, row->path.data, row->path.len);
  sum = crc32c(sum, row->predicate.data, row->predicate.len);
  return crc32c(sum, row->source.data, row->source.len);
}

int gate_next_below(struct active_gate *gate, const struct concept_row *row, uint64_t *below, struct err *err) {
  const uint32_t run = checksum(row);
  uint64_t least = 0;
  *below = row->seq - 1;
  gate->met_in_run = run == gate->run ? gate->met_in_run + 1 : 1;
  gate->run = run;
  gate->met++;
  if (gate->met_in_run == 1) /* most runs are short */
    return 0;
  bool found = gate->hint && row->seq <= gate->hint->seq && covers(gate->hint, row, &least);
  if (!found && gate->met >= gate->try_at) {
    int code = find_cover(gate, row, &least, &found, err);
    if (code)
      return code;
    gate->try_at = found ? gate->met + GATE_TRY : gate->met * 2;
  }
  if (found) {
    *below = least - 1;
    return 0;
  }
  struct gate_block *block = NULL;
  int code = load_block(gate, row->seq / RETRACTED_BLOCK, &block, err);
  if (!code && gate->met_in_run >= GATE_EAGER)
    *below = block_next_below(block, row->seq);
  return code;
}
