#include "committer/retract.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "committer/committer.h"

enum { ARENA_MAX = 64 << 20 /* of a retraction of 10,000 ids, parsed */ };

/* --- the queue --- */

static void job_free(struct retract_job *job) {
  if (!job)
    return;
  arena_free(job->arena);
  free(job->bytes);
  free(job);
}

static int job_create(struct span frame, struct connection *connection, struct retract_job **out, struct err *err) {
  struct retract_job *job = calloc(1, sizeof(*job));
  *out = job;
  if (job) {
    job->connection = connection;
    job->arena = arena_create(ARENA_MAX);
    job->bytes = malloc(frame.len);
  }
  if (!job || !job->arena || !job->bytes)
    return err_set(err, ERR_NOMEM, "no memory for a retraction");
  memcpy(job->bytes, frame.data, frame.len);
  return 0;
}

/* Takes the command apart; a body that is malformed is the worker's fault, not the history's. */
static int job_parse(struct retract_job *job, size_t size, struct err *err) {
  if (command_parse(span_of(job->bytes, size), &job->command, err))
    return err->code;
  struct span rest = job->command.entries;
  bool retracts = job->command.type == COMMAND_RETRACT;
  if (job->command.count != 1 || command_next_entry(&rest, &job->entry, err) || rest.len ||
      job->entry.kind != (retracts ? ENTRY_RETRACTION : ENTRY_REINSTATEMENT))
    return err_set(err, ERR_INVALID, "a command that holds not what it says");
  int rc = retracts ? retraction_read(job->arena, job->entry.body, &job->retraction, err)
                    : reinstatement_read(job->arena, job->entry.body, &job->reinstatement, err);
  if (rc == ERR_CORRUPT)
    err->code = ERR_INVALID;
  return rc ? (int)err->code : 0;
}

/* Removes the first one, whose turn is over. */
static void pop(struct retract *r) {
  struct retract_job *job = r->first;
  r->first = job->next;
  if (!r->first)
    r->last = NULL;
  r->count--;
  cover_free(r->cover);
  r->cover = NULL;
  job_free(job);
  r->rounds = 0;
  r->stage = RETRACT_IDLE;
}

static int refuse(struct decision *decision, uint8_t refusal) {
  decision->reply = REPLY_REFUSED;
  decision->refusal = refusal;
  decision->count = 0;
  return 0;
}

static int refuse_command(struct committer *c, const struct command *command, struct connection *connection,
                          struct err *err) {
  struct decision *decision = batch_add_decision(&c->batch, connection, command->tag);
  return decision ? refuse(decision, REFUSAL_BUSY) : err_set(err, ERR_NOMEM, "no memory to refuse a retraction");
}

int retract_add(struct committer *c, const struct command *command, struct span frame, struct connection *connection,
                struct err *err) {
  struct retract *r = &c->retract;
  struct retract_job *job = NULL;
  if (r->count >= RETRACT_WAITING_MAX)
    return refuse_command(c, command, connection, err);
  if (job_create(frame, connection, &job, err) || job_parse(job, frame.len, err)) {
    job_free(job);
    return err->code;
  }
  if (r->last)
    r->last->next = job;
  else
    r->first = job;
  r->last = job;
  r->count++;
  return 0;
}

void retract_forget(struct committer *c, const struct connection *connection) {
  for (struct retract_job *job = c->retract.first; job; job = job->next)
    if (job->connection == connection)
      job->connection = NULL;
}

bool retract_any(const struct committer *c) {
  return c->retract.first != NULL;
}

bool retract_can_go_on(const struct committer *c) {
  return c->retract.first && c->retract.stage != RETRACT_COMPUTING;
}

/* --- the thread --- */

static int compute(struct retract *r) {
  if (r->cover)
    return cover_extend_to(r->cover, r->snapshot, &r->err);
  return cover_compute(&r->reader, &r->first->retraction, r->snapshot, &r->cover, &r->err);
}

static void *run(void *argument) {
  struct retract *r = argument;
  static const uint64_t one = 1;
  FAULT("committer.retract.compute");
  r->code = compute(r);
  FAULT("committer.retract.computed");
  while (write(r->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
    ;
  return NULL;
}

/* Computes, or extends, the cover as of what is projected now. */
static void start(struct committer *c) {
  struct retract *r = &c->retract;
  r->reader = c->reader;
  r->snapshot = c->mark.seq;
  r->rounds++;
  r->code = pthread_create(&r->thread, NULL, run, r) == 0 ? 0 : ERR_BUSY;
  r->stage = r->code ? RETRACT_COMPUTED : RETRACT_COMPUTING;
}

void retract_event(struct committer *c) {
  struct retract *r = &c->retract;
  uint64_t count;
  if (read(r->event_fd, &count, sizeof(count)) != (ssize_t)sizeof(count) || r->stage != RETRACT_COMPUTING)
    return;
  pthread_join(r->thread, NULL);
  r->stage = RETRACT_COMPUTED;
}

/* --- decisions --- */

/* What is answered for a retraction (or reinstatement), from the indexes and its entry. */
static int describe(struct committer *c, uint64_t seq, struct decision *decision, struct err *err) {
  struct retraction_record record = {0};
  struct arena *arena = arena_create(ARENA_MAX);
  struct reinstatement reinstatement;
  struct buf bytes;
  struct entry entry;
  bool found = false;
  buf_init(&bytes, ENTRY_MAX_SIZE);
  int rc = arena ? history_get(c->store, seq, &bytes, &entry, &found, err)
                 : err_set(err, ERR_NOMEM, "no memory to look at a retraction");
  if (rc == 0 && found && entry.kind == ENTRY_RETRACTION) {
    rc = retraction_get(&c->reader, seq, c->mark.seq, &record, &found, err);
    decision->direct = record.direct;
    decision->cascaded = record.cascaded;
  } else if (rc == 0 && found) {
    rc = reinstatement_read(arena, entry.body, &reinstatement, err);
    if (rc == 0)
      rc = retraction_find(&c->reader, reinstatement.retraction_id, c->mark.seq, &record, &found, err);
    decision->direct = record.reactivated;
  }
  if (rc == 0 && !found)
    rc = err_set(err, ERR_CORRUPT, "the retraction %llu is not in the indexes", (unsigned long long)seq);
  if (rc == 0) {
    decision->receipt = (struct commit_receipt){.seq = seq, .time_us = entry.time_us};
    memcpy(decision->receipt.id, entry.id, ID_SIZE);
  }
  buf_free(&bytes);
  arena_free(arena);
  return rc;
}

/* What can be told before anything is computed. *over: it is decided. */
static int decide_early(struct committer *c, const struct retract_job *job, struct decision *decision, bool *over,
                        struct err *err) {
  *over = true;
  if (decide_known(c, &job->command, decision, over, err))
    return err->code;
  if (*over && decision->reply == REPLY_COMMITTED) {
    decision->reply = REPLY_RETRACTED;
    return describe(c, decision->first_seq, decision, err);
  }
  if (*over)
    return 0;
  *over = true;
  if (segment_disk_full(c->segment))
    return refuse(decision, REFUSAL_DISK_FULL);
  if (!batch_entry_fits(&job->entry))
    return refuse(decision, REFUSAL_TOO_LARGE);
  *over = false;
  return 0;
}

static int store_entry(struct committer *c, struct decision *decision, struct err *err) {
  decision->reply = REPLY_RETRACTED;
  decision->count = 1;
  return batch_add_entry(&c->batch, &c->retract.first->entry, err);
}

static int decide_reinstate(struct committer *c, struct decision *decision, struct err *err) {
  struct retraction_record record;
  bool found;
  if (retraction_find(&c->reader, c->retract.first->reinstatement.retraction_id, c->mark.seq, &record, &found, err))
    return err->code;
  if (!found)
    return refuse(decision, REFUSAL_NOT_FOUND);
  return record.reinstated_seq ? refuse(decision, REFUSAL_REINSTATED) : store_entry(c, decision, err);
}

/* A retraction whose cover is computed, up to all that is committed. */
static int decide_retract(struct committer *c, struct decision *decision, struct err *err) {
  struct cover_counts counts;
  cover_counts(c->retract.cover, &counts);
  if (counts.covers_direct + counts.covers_cascaded == 0)
    return refuse(decision, REFUSAL_NO_MATCH);
  if (!cover_fits(c->retract.cover))
    return refuse(decision, REFUSAL_TOO_LARGE);
  return store_entry(c, decision, err);
}

/* --- turns --- */

/* Puts the decision about the first one into the batch; if it stored nothing, the turn is over. */
static int conclude(struct committer *c, const struct decision *made, struct err *err) {
  struct decision *decision = batch_add_decision(&c->batch, made->connection, made->tag);
  if (!decision)
    return err_set(err, ERR_NOMEM, "no memory for a decision");
  size_t first_item = decision->first_item, stored = c->batch.entry_count;
  *decision = *made;
  decision->first_item = first_item;
  decision->first_receipt = 0;
  c->retract.stage = RETRACT_COMPUTED;
  if (stored == 0)
    pop(&c->retract);
  return 0;
}

/* The first one's turn, before it is computed. */
static int begin(struct committer *c, struct err *err) {
  const struct retract_job *job = c->retract.first;
  struct decision decision = {.connection = job->connection, .tag = job->command.tag};
  bool over;
  if (decide_early(c, job, &decision, &over, err))
    return err->code;
  if (!over && job->command.type == COMMAND_RETRACT) {
    start(c);
    return 0;
  }
  if (!over && decide_reinstate(c, &decision, err))
    return err->code;
  return conclude(c, &decision, err);
}

/* The first one's turn, when it is computed. If that took more memory than there is, it alone fails. */
static int finish(struct committer *c, struct err *err) {
  struct retract *r = &c->retract;
  struct decision decision = {.connection = r->first->connection, .tag = r->first->command.tag};
  if (r->code == ERR_NOMEM || r->code == ERR_BUSY) {
    refuse(&decision, REFUSAL_BUSY);
    return conclude(c, &decision, err);
  }
  if (r->code) {
    *err = r->err;
    return err->code;
  }
  if (c->mark.seq - cover_snapshot(r->cover) > RETRACT_TAIL_MAX && r->rounds < RETRACT_ROUNDS) {
    start(c);
    return 0;
  }
  if (cover_extend_to(r->cover, c->mark.seq, err) || decide_retract(c, &decision, err))
    return err->code;
  return conclude(c, &decision, err);
}

int retract_turn(struct committer *c, struct err *err) {
  struct retract *r = &c->retract;
  while (retract_can_go_on(c) && c->batch.entry_count == 0 && c->batch.decision_count < c->config->batch_commands) {
    if (!r->first->connection) {
      pop(r);
      continue;
    }
    if (r->stage == RETRACT_IDLE ? begin(c, err) : finish(c, err))
      return err->code;
  }
  return 0;
}

int retract_stored(struct committer *c, struct err *err) {
  struct batch *b = &c->batch;
  /* The first decision that stored something; one that was refused after all, for want of space, is no such. */
  for (size_t i = 0; i < b->decision_count; i++) {
    struct decision *d = &b->decisions[i];
    if (d->reply == REPLY_RETRACTED && !d->replayed && describe(c, b->receipts[d->first_receipt].seq, d, err))
      return err->code;
  }
  if (c->retract.stage == RETRACT_COMPUTED)
    pop(&c->retract);
  return 0;
}
