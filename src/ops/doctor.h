/*
 * What ails a home that does not start, or does not add up: everything that verify looks at, and what a start needs
 * besides; each finding with what a start will make of it and the section of the runbook to follow. Changes nothing.
 */
#ifndef OPS_DOCTOR_H
#define OPS_DOCTOR_H

#include "ops/report.h"

enum doctor_grade {
  DOCTOR_WELL,   /* nothing was found */
  DOCTOR_MINDED, /* a start goes on all the same, or cures it */
  DOCTOR_STOPS   /* a start stops here, or serves what is damaged */
};

/* One finding. `advice` is what to do, constant text that names a runbook and its section. */
typedef void doctor_teller(void *ctx, enum doctor_grade grade, const char *finding, const char *advice);

/* Examines `home`; *worst is the greatest grade told. Errors are findings too; what is returned is ERR_BUSY (a node
 * runs on it) or ERR_NOMEM. */
NODISCARD int doctor_run(const char *home, doctor_teller *tell, void *ctx, enum doctor_grade *worst, struct err *err);

#endif
