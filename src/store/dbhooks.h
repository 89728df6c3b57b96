/*
 * The system calls of Berkeley DB that StemeDB replaces, for the whole process: there is no context in these functions
 * of Berkeley DB, so this file alone in the program has state of its own.
 *
 * The sync. Berkeley DB repeats an fdatasync(2) that failed with EIO up to a hundred times; but Linux reports an error
 * of writing back once and then forgets it, so the second call succeeds although the data is lost. Here the first
 * failure is final: every later sync of the process fails too, whoever asks for it, until the node has recovered.
 *
 * The writing. A log file is made with its full size, but as a hole, so a sync of what was written into it syncs the
 * allocation of blocks too: on ext4 a commit of 16 entries took 1.9 flushes of the disk and 2.9 writes, one of a single
 * entry 1.15 and 2.15. So the log of the history is filled with zeros a MiB ahead of its end: 1.0 flushes, 2.0 writes.
 * Whoever reads the file sees the same with and without. And where recovery zeroes the last log file from the log's end
 * on (up to 64 MiB at each start), it writes only where there are no zeros already.
 *
 * The opening. A new log file's name is made durable too, by a sync of its folder.
 */
#ifndef STORE_DBHOOKS_H
#define STORE_DBHOOKS_H

#include "base/metrics.h"

/* Replaces the functions; env_open() calls it before every environment. The first metrics that are not NULL get the
 * durations of the syncs of log files in folders called "wal", and the bytes written to them; they must stay mapped. */
void dbhooks_install(struct metrics *metrics);

#endif
