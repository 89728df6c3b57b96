/*
 * A worker's connection to the committer: bytes received, split into frames that wait for their turn, and bytes of
 * replies to send. Never blocks. A peer that breaks the protocol, or goes away, is `gone`: what waited is dropped,
 * since nobody is left to be told, and the loop frees it at the end of its turn.
 */
#ifndef COMMITTER_CONNECTION_H
#define COMMITTER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/span.h"

/* A frame that was received whole. */
struct waiting_frame {
  size_t offset, size; /* in connection->in */
  uint64_t tag;
  bool cancelled;
};

struct connection {
  int fd;
  bool gone;
  bool wants_out; /* EPOLLOUT is asked for */
  struct buf in, out;
  size_t split; /* bytes of `in` that were split into frames */
  size_t taken; /* bytes of `in` that belong to frames taken by a batch */
  struct waiting_frame *frames;
  size_t frame_first, frame_count, frame_capacity; /* waiting: frames[frame_first .. frame_count-1] */
  struct connection *next, *prev;
};

/* Takes over the descriptor; REPLY_READY is put first. NULL without memory (the descriptor is then closed). */
struct connection *connection_create(int fd);
/* Closes it. Takes NULL. */
void connection_free(struct connection *connection);

/* Reads what is there, within bounds, and splits it into frames; a CANCEL drops the waiting frame it names. */
void connection_receive(struct connection *connection, const struct log *log);
/* Whether frames wait for their turn, and their replies have room. */
bool connection_waits(const struct connection *connection);
/* Takes the next frame; good until connection_compact(). False if none waits (cancelled ones are skipped). */
bool connection_take(struct connection *connection, struct span *frame);
/* Forgets the bytes of taken frames. */
void connection_compact(struct connection *connection);
/* Sends what it can of `out`; true if some is left. */
bool connection_send(struct connection *connection);
/* Marks it as gone and drops what waits. */
void connection_drop(struct connection *connection);

#endif
