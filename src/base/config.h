/*
 * Configuration: HOME/stemedb.conf, `name = value` a line, `#` starts a comment line. Every option is one line of the
 * table in config.c (name, type, default, least, greatest, help).
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/fileio.h"

enum { CONFIG_NAMES_MAX = 1024 };

/* In the order of the option's words. */
enum config_archive_mode { ARCHIVE_ASYNC, ARCHIVE_SYNC };
enum config_audit { AUDIT_AUTO, AUDIT_OFF, AUDIT_CHANGES, AUDIT_ALL };

struct config {
  char home[FILEIO_PATH_MAX];     /* absolute */
  char data_dir[FILEIO_PATH_MAX]; /* HOME/data unless named; absolute */
  char run_dir[FILEIO_PATH_MAX];  /* HOME/run: sockets, pid files */
  char log_dir[FILEIO_PATH_MAX];  /* HOME/log */
  char backup_dir[FILEIO_PATH_MAX];
  char tokens_file[FILEIO_PATH_MAX];
  char archive_target[FILEIO_PATH_MAX]; /* a folder, or rclone:REMOTE:PATH; "": no archive */
  char rclone_config[FILEIO_PATH_MAX];  /* of rclone; if there is no such file, rclone's own */
  uint64_t archive_interval;            /* seconds */
  uint64_t archive_mode;                /* enum config_archive_mode */
  uint64_t audit;                       /* enum config_audit */
  uint64_t read_only;                   /* 1: calls that write are refused */
  uint64_t rate_limit;                  /* calls a second of one client; 0: any number */
  uint64_t workers;                     /* 0 in the file: one a core */
  uint64_t api_port, dashboard_port;
  char host_names[CONFIG_NAMES_MAX];     /* that nginx answers to besides localhost; separated by spaces */
  char listen_address[CONFIG_NAMES_MAX]; /* IP addresses besides loopback; separated by spaces */
  char tls_certificate[FILEIO_PATH_MAX]; /* absolute; empty: no TLS */
  char tls_key[FILEIO_PATH_MAX];
  uint64_t listen_unprotected;     /* bool: beyond loopback, even without TLS and tokens */
  uint64_t history_cache_bytes;    /* Berkeley DB cache of the history environment */
  uint64_t projection_cache_bytes; /* of the projection environment; 0 in the file: an eighth of memory, 64 MiB to 1 GiB
                                    */
  uint64_t wal_file_bytes;         /* size of a log file */
  uint64_t checkpoint_bytes;       /* checkpoint after this much log */
  uint64_t min_free_bytes;         /* writes are refused below; resumed at 1.25 times as much */
  uint64_t ballast_bytes;          /* size of the file that is given back when the disk is full; 0: none */
  uint64_t recovery_timeout_s;     /* recovery that takes longer is given up */
  uint64_t batch_commands;         /* most commands in one commit */
  uint64_t import_chunk_lines;     /* most lines of an import in one commit */
};

/* Defaults for a home (made absolute). */
NODISCARD int config_defaults(struct config *config, const char *home, struct err *err);
/* Defaults, then HOME/stemedb.conf if there is one. ERR_INVALID names file, line and option. */
NODISCARD int config_load(struct config *config, const char *home, struct err *err);
/* Whether archive_target is not a folder. */
bool config_archives_remotely(const struct config *config);
/* Writes every option with its help and the default commented out: the example configuration file. */
void config_print_example(FILE *out);

#endif
