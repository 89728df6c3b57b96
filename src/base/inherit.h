/* What a child process of the supervisor is given: descriptors, named in its environment. */
#ifndef BASE_INHERIT_H
#define BASE_INHERIT_H

/* The descriptor whose number is the value of the environment variable, made close-on-exec; -1 if there is none. */
int inherit_fd(const char *variable);

#endif
