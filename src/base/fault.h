/*
 * Named places where a test can make the program fail. They exist only when configured with --enable-faults; otherwise
 * they are nothing. A place acts when STEMEDB_FAULTS in the environment says so:
 *   STEMEDB_FAULTS="store.history.before_commit=kill@3,committer.before_ack=sleep:200"
 * name=ACTION[@N]: at the N-th passage of this process (default 1) and, for kill, exit:CODE and stop, only then;
 * sleep:MS from there on. Actions: kill (SIGKILL itself), stop (SIGSTOP itself), exit:CODE (_exit), sleep:MS.
 * FAULT_FAILS(name) is true at the N-th passage (fail@N) and, with `fail+@N`, from there on: the caller then takes its
 * error path.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef STEMEDB_FAULTS_ENABLED
#include <stdbool.h>
/* Carries out what STEMEDB_FAULTS asks for at `name`; returns whether the caller must fail. */
bool fault_point(const char *name);
#define FAULT(name) ((void)fault_point(name))
#define FAULT_FAILS(name) fault_point(name)
enum { FAULTS_ENABLED = 1 };
#else
#define FAULT(name) ((void)0)
#define FAULT_FAILS(name) 0
enum { FAULTS_ENABLED = 0 };
#endif

#endif
