/* replay_stop.c: see replay_stop.h. */
#include "coordinator/replay/replay_stop.h"

#include <stddef.h>

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};

enum { STOPS = sizeof stops / sizeof *stops };

sigset_t replay_stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < STOPS; i++)
        sigaddset(&signals, stops[i]);
    return signals;
}

int replay_stop_waiting(void)
{
    sigset_t waiting;
    if (sigpending(&waiting) != 0)
        return 0;
    for (size_t i = 0; i < STOPS; i++) {
        if (sigismember(&waiting, stops[i]) == 1)
            return stops[i];
    }
    return 0;
}
