#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/text.h"
#include "tools/tool.h"

#define DEFAULT_HOME "/var/lib/stemedb"

struct subcommand {
  const char *name, *arguments, *does; /* no arguments: it prints a help of its own */
  tool_run *run;
};

/* They work on a home. */
static const struct subcommand subcommands[] = {
    {"init", "", "make an empty history in the home", tool_init},
    {"config", "", "print every option of stemedb.conf with its default", tool_config},
    {"backup", "[--incremental] [--no-indexes] [--verify] [--retain-days N]",
     "make a backup (scripts/backup-stemedb.sh)", tool_backup},
    {"restore", "check|files [--to-seq N|--to-time T] [--from-archive TARGET] [--timeline N] BACKUP, undo|done",
     "the steps of scripts/restore-stemedb.sh", tool_restore},
    {"restorable", "[--backups DIR] [--archive TARGET] [--json]", "which moments can be restored, and why not further",
     tool_restorable},
    {"new-timeline", "[HOME]", "for a copy that was made by hand: a timeline of its own", tool_new_timeline},
    {"archive", "verify [--json] [TARGET] | status", "prove an archive of the log, tell how far it reaches",
     tool_archive},
    {"accept-loss", "--to-seq N", "go on without the acknowledged entries after N, which are lost", tool_accept_loss},
    {"token", "add NAME --role ROLE [--source PATH]... | list | revoke NAME", "who may call, and what", tool_token},
    {"doctor", "[HOME]", "what ails a home, and which section of which runbook applies", tool_doctor},
    {"drill", "[--backups DIR] [--archive TARGET] [--keep] [--deadline SECONDS]",
     "restore the latest backup into a scratch home, prove it, and measure how long that takes", tool_drill},
    {"dump", "[--output FILE] [HOME|BACKUP]", "a whole history as text, one entry a line", tool_dump},
    {"load", "[--partial] FILE", "make the history of a new home from a dump", tool_load},
    {"salvage", "--output FILE [SOURCE]...", "last resort: every entry that is whole anywhere, as a dump",
     tool_salvage},
    {"serve", NULL, "a node that only answers questions, over a copy", tool_serve},
    {"wal", "prune [--keep N] [--dry-run] [--force]", "remove log files that nothing needs any more", tool_wal},
    {"verify", "[--json] [--against URL|HOME|BACKUP|DUMP|METADATA] [HOME|BACKUP|ARCHIVE]",
     "prove that a copy of a history is whole", tool_verify},
};

/* They call a node, and print a help of their own. */
static const struct subcommand calls[] = {
    {"assert", "", "store what a source says about a concept", tool_assert},
    {"import", "", "store a file of assertions, one a line", tool_import},
    {"query", "", "what is asserted about a concept, and what a lens believes", tool_query},
    {"concepts", "", "the tree of concepts, a level at a time", tool_concepts},
    {"sources", "", "who says something, how much, how trusted", tool_sources},
    {"conflicts", "", "what sources disagree about", tool_conflicts},
    {"diff", "", "what is believed otherwise than at another moment", tool_diff},
    {"retract", "", "take assertions back, all that rests on them too if wanted", tool_retract},
    {"reinstate", "", "undo a retraction", tool_reinstate},
    {"retractions", "", "what was retracted, when and why", tool_retractions},
    {"why", "", "what an assertion rests on, and what rests on it", tool_why},
    {"export", "", "the history, one entry a line", tool_export},
    {"status", "", "health, counts and watermarks of a node", tool_status},
};

enum {
  SUBCOMMAND_COUNT = sizeof(subcommands) / sizeof(subcommands[0]),
  CALL_COUNT = sizeof(calls) / sizeof(calls[0]),
};

static const struct subcommand *find_in(const struct subcommand *table, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(table[i].name, name) == 0)
      return &table[i];
  return NULL;
}

static const struct subcommand *find(const char *name) {
  const struct subcommand *found = find_in(subcommands, SUBCOMMAND_COUNT, name);
  return found ? found : find_in(calls, CALL_COUNT, name);
}

static void print_table(FILE *out, const char *title, const struct subcommand *table, size_t count) {
  fprintf(out, "\n%s:\n", title);
  for (size_t i = 0; i < count; i++)
    fprintf(out, "  %-14s%s\n", table[i].name, table[i].does);
}

static void print_help(FILE *out) {
  fputs("Usage: stemedb SUBCOMMAND [--home DIR] [ARGUMENTS]\n"
        "\n"
        "  --home DIR   the home (else $STEMEDB_HOME, else " DEFAULT_HOME ")\n"
        "  --help, --version\n",
        out);
  print_table(out, "Calls to a running node", calls, CALL_COUNT);
  print_table(out, "On a home", subcommands, SUBCOMMAND_COUNT);
  fputs("\nstemedb SUBCOMMAND --help tells its arguments.\n"
        "Exit status: 0 done, 1 refused or failed, 2 usage, 3 history corrupt, missing or of a later version, or the "
        "node\n"
        "is unavailable, 4 done, and there is something to look at.\n",
        out);
}

int tool_fail(const struct tool *tool, const struct err *err) {
  log_error(&tool->log, "%s", err->text);
  bool hopeless = err->code == ERR_CORRUPT || err->code == ERR_NEWER || err->code == ERR_NOTFOUND;
  return hopeless ? TOOL_CORRUPT : TOOL_FAILED;
}

int tool_usage(const char *name) {
  const struct subcommand *subcommand = find(name);
  fprintf(stderr, "Usage: stemedb %s [--home DIR] %s\n", name, subcommand ? subcommand->arguments : "");
  return TOOL_USAGE;
}

/* Takes --home DIR out of the arguments, wherever it stands before "--"; false if DIR is missing. */
static bool take_home(int *argc, char **argv, const char **home) {
  int kept = 1;
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") == 0) {
      while (i < *argc)
        argv[kept++] = argv[i++];
    } else if (strncmp(argv[i], "--home=", 7) == 0)
      *home = argv[i] + 7;
    else if (strcmp(argv[i], "--home") != 0)
      argv[kept++] = argv[i];
    else if (++i < *argc)
      *home = argv[i];
    else
      return false;
  }
  argv[kept] = NULL;
  *argc = kept;
  return true;
}

int main(int argc, char **argv) {
  struct tool tool = {.home = getenv("STEMEDB_HOME")};
  if (!tool.home || !*tool.home)
    tool.home = DEFAULT_HOME;
  if (!take_home(&argc, argv, &tool.home) || argc < 2) {
    print_help(stderr);
    return TOOL_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0) {
    print_help(stdout);
    return TOOL_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts(PACKAGE_STRING);
    return TOOL_DONE;
  }
  const struct subcommand *subcommand = find(argv[1]);
  if (!subcommand) {
    print_help(stderr);
    return TOOL_USAGE;
  }
  text_locale();
  log_open(&tool.log, STDERR_FILENO, subcommand->name);
  if (sodium_init() < 0) {
    log_error(&tool.log, "libsodium does not initialise");
    return TOOL_FAILED;
  }
  if (argc == 3 && strcmp(argv[2], "--help") == 0 && find_in(subcommands, SUBCOMMAND_COUNT, argv[1]) &&
      subcommand->arguments) {
    printf("Usage: stemedb %s [--home DIR]%s%s\n  %s\n", subcommand->name, *subcommand->arguments ? " " : "",
           subcommand->arguments, subcommand->does);
    return TOOL_DONE;
  }
  return subcommand->run(&tool, argc - 1, argv + 1);
}
