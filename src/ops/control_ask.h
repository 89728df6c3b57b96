/* Asking the running node on its command socket, HOME/run/control.sock (src/supervisor/control.h). */
#ifndef OPS_CONTROL_ASK_H
#define OPS_CONTROL_ASK_H

#include <stdbool.h>

#include "base/config.h"
#include "base/err.h"

enum { CONTROL_ANSWER_MAX = 1024 };

/* Sends one line (with its newline) and waits for all that the node says; `answer` becomes the last line of it. *there
 * is false if no node listens. Changes the current folder. */
NODISCARD int control_ask(const struct config *config, const char *request, char answer[CONTROL_ANSWER_MAX],
                          bool *there, struct err *err);

#endif
