/* A stream whose client is a text and whose committer accepts what it is sent, except where a test says otherwise. */
#ifndef TESTS_API_FAKE_STREAM_H
#define TESTS_API_FAKE_STREAM_H

#include "tests/api/call.h"

enum { FAKE_FRAMES_MAX = 64 };

struct fake_stream {
  struct http_stream face; /* first */
  /* The client. */
  struct span body;
  size_t piece;        /* bytes a read, 0: as many as fit */
  bool cut;            /* the body breaks off at its end */
  bool gone;           /* nothing can be written */
  size_t stop_at_read; /* the process is told to stop before this read; 0: never */
  size_t reads;
  /* The committer: a function (live_execute), or, with NULL, what follows. */
  void (*execute)(void *context, struct span frame, struct buf *reply);
  void *context;
  const unsigned char *derived; /* the one id that exists, for derived_from */
  uint64_t last_seq;
  uint8_t refusal;         /* of chunk number refuse_chunk */
  size_t refuse_chunk;     /* from 1; 0: none */
  size_t lose_send;        /* the committer dies when it is sent this frame … */
  size_t lose_reply;       /* … or before it answers it */
  size_t frames, answered; /* received, answered */
  uint32_t counts[FAKE_FRAMES_MAX];
  uint32_t last_lines[FAKE_FRAMES_MAX]; /* position of the last entry of each frame */
  size_t most_in_flight;
  size_t largest_frame;
  struct buf frame, reply;
  /* The answer. */
  struct http_response begun;
  size_t begins;
  struct buf out, headers;
};

/* A stream over this body; frames get seqs after `last_seq`. */
void fake_open(struct fake_stream *fake, struct span body, uint64_t last_seq);
void fake_close(struct fake_stream *fake);
/* Runs the streaming call that call_begin() began, and parses its answer into call->answer. Returns the status. */
int fake_run(struct fake_stream *fake, struct call *call);

#endif
