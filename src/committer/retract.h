/*
 * Retractions and reinstatements on their way into a batch. What a retraction covers may take long to compute, so it is
 * done in a thread of its own, as of a snapshot, while batches go on; what these have added is looked at when the
 * retraction's turn comes, as the first entry of a batch. They are decided one after another, in the order received, at
 * most one a batch: so each finds in the indexes all that the ones before it have done.
 */
#ifndef COMMITTER_RETRACT_H
#define COMMITTER_RETRACT_H

#include <pthread.h>

#include "base/arena.h"
#include "committer/connection.h"
#include "model/command.h"
#include "model/retraction.h"
#include "projection/cover.h"

/* More that wait are refused: they are as large as 1 MiB each. */
enum { RETRACT_WAITING_MAX = 64 };
/* So many entries are looked at while writes wait (some 20 ms); more get another round in the thread, if it has not had
 * all its rounds. It is more than a few batches, so that a stream of writes cannot put a retraction off for ever. */
enum { RETRACT_TAIL_MAX = 10000, RETRACT_ROUNDS = 5 };

/* A command that waits. */
struct retract_job {
  struct connection *connection; /* NULL: it went away, and nothing will be stored */
  unsigned char *bytes;          /* of the frame, owned; what follows borrows from them */
  struct arena *arena;           /* owned; or from here */
  struct command command;
  struct command_entry entry;
  struct retraction retraction;       /* RETRACT */
  struct reinstatement reinstatement; /* REINSTATE */
  struct retract_job *next;
};

enum retract_stage { RETRACT_IDLE, RETRACT_COMPUTING, RETRACT_COMPUTED };

/* The queue; its first one is under way unless the stage is idle. All zero, but for the descriptor, is an empty one. */
struct retract {
  int event_fd; /* the loop's: readable when a computation has ended */
  struct retract_job *first, *last;
  size_t count;
  enum retract_stage stage;
  /* Belongs to the thread while the stage is computing. */
  pthread_t thread;
  struct reader reader;
  uint64_t snapshot; /* to look at */
  struct cover *cover;
  unsigned rounds; /* of computing */
  int code;
  struct err err;
};

struct committer;

/* Takes a command over, or refuses it: then a decision is in the batch. ERR_INVALID: it is malformed. */
NODISCARD int retract_add(struct committer *committer, const struct command *command, struct span frame,
                          struct connection *connection, struct err *err);
/* Begins the next one, or if its turn has come decides it: then its entry is the batch's first, and its decision in the
 * batch. Goes on until one is computed, or an entry was added, or nothing is left. */
NODISCARD int retract_turn(struct committer *committer, struct err *err);
/* The batch is projected: what was decided is over. Completes its decision. */
NODISCARD int retract_stored(struct committer *committer, struct err *err);
/* Notes that the event descriptor was readable. */
void retract_event(struct committer *committer);
/* Whether a turn would do something; whether there is any at all. */
bool retract_can_go_on(const struct committer *committer);
bool retract_any(const struct committer *committer);
/* A connection goes away: its commands do, too. */
void retract_forget(struct committer *committer, const struct connection *connection);

#endif
